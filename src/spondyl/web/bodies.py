"""A request's body, refused where it is too long or too slow, before anybody waits for its end.

A stated length is judged at once; what comes without one, or more of it than was stated, is counted
as it comes. Time is limited twice: between two pieces, and for the whole.
"""

from __future__ import annotations

import asyncio
import time

from starlette.types import Message, Receive, Scope

from spondyl.web.limits import Limits
from spondyl.web.refusals import RefusedError

UPLOADS = "/api/readings"

_CLOSE = {"Connection": "close"}


def limited(scope: Scope, receive: Receive, limits: Limits) -> Receive:
    """`receive`, which raises `RefusedError` (413, 408) where a body breaks its limits.

    Raises the same at once where the body's stated length does, or is no number (400).
    """
    upload = scope["path"] == UPLOADS and scope["method"] == "POST"
    most = limits.upload_bytes if upload else limits.document_bytes
    seconds = limits.upload_seconds if upload else limits.document_seconds
    if _stated(scope) > most:
        raise _too_long(most)
    count, begun = 0, time.monotonic()
    whole = False

    async def receiving() -> Message:
        nonlocal count, whole
        if whole:  # what comes now is the end of the connection, for which one may wait
            return await receive()
        left = min(limits.silent_seconds, begun + seconds - time.monotonic())
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.001))
        except TimeoutError:
            raise RefusedError(
                408, "the body came too slowly", "Try again over a better connection.", _CLOSE
            ) from None
        count += len(message.get("body", b""))
        if count > most:
            raise _too_long(most)
        whole = not message.get("more_body", False)
        return message

    return receiving


def _stated(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit():
                raise RefusedError(400, "the body's length is no number", "Send it anew.", _CLOSE)
            return int(value)
    return 0


def _too_long(most: int) -> RefusedError:
    return RefusedError(
        413,
        f"the body is longer than {most:,} bytes, which is the most that is taken here",
        "Send fewer or smaller films at a time.",
        _CLOSE,
    )
