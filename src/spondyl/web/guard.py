"""The door of the web application: who may ask, and what every answer carries.

A page of another site can make a browser send requests here, and its name can be made to resolve to
this machine. So a foreign Host is refused, and everything that writes needs a header that no form
can set, and an Origin and Sec-Fetch-Site of our own where a browser states them. Programs state
neither and are let in with the header alone. The answers' own headers let a page load nothing from
anywhere else. An exception that nobody foresaw is logged under a number, and the number is all that
is told of it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spondyl.web.bodies import limited
from spondyl.web.refusals import RefusedError, answer
from spondyl.web.settings import Settings

WRITES = "X-Spondyl"
"""The header that everything that writes needs, with the value 1."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
AUDIT = "/audit"
AUDIT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Of the audit's page, whose style and pictures stand in it: nothing else, and no script."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_WITHOUT_SIGN_ON = ("/health", "/static/", "/review/", "/api/review/")
"""Where no sign-on is asked: what holds no film, and what has a secret of its own."""
_LONGEST_NAME = 200
_USER = "spondyl.user"
_LOG = logging.getLogger("spondyl.web")


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _complete(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            self._refuse(scope)
            await self._app(scope, limited(scope, receive, self._settings.limits), sending)
        except RefusedError as error:
            await self._answered(scope, receive, sending, error)
        except ClientDisconnect:
            _LOG.info("a client left in the middle of its request")
        except Exception:  # noqa: BLE001
            number = secrets.token_hex(4)
            _LOG.exception("unexpected, number %s", number)
            if not begun:
                await self._answered(scope, receive, sending, _unexpected(number))

    async def _answered(
        self, scope: Scope, receive: Receive, sending: Send, error: RefusedError
    ) -> None:
        response = answer(scope, error.status_code, error.message, error.hint, error.headers)
        await response(scope, receive, sending)

    def _refuse(self, scope: Scope) -> None:
        """Raises `RefusedError` unless the request may be looked at; notes who sends it."""
        headers = Headers(scope=scope)
        _refuse_foreign_host(headers.getlist("host"), self._settings.hosts)
        if scope["method"] not in _READS:
            _refuse_foreign_write(headers)
        if self._settings.trust_header is not None and not _is_open(scope["path"]):
            scope[_USER] = _user(headers.getlist(self._settings.trust_header))


def user_of(scope: Scope) -> str | None:
    """Whom the proxy names; None where nobody signs on."""
    user: str | None = scope.get(_USER)
    return user


def client_of(scope: Scope) -> str:
    """Whose rate a request counts towards: the user's, or the address it came from."""
    user = user_of(scope)
    peer = scope.get("client")
    return f"user {user}" if user is not None else f"address {peer[0] if peer else ''}"


def _is_open(path: str) -> bool:
    return any(
        path == place or (place.endswith("/") and path.startswith(place))
        for place in _WITHOUT_SIGN_ON
    )


def _refuse_foreign_host(stated: list[str], hosts: Iterable[str]) -> None:
    if len(stated) != 1 or _without_port(stated[0]) not in hosts:
        raise RefusedError(
            400,
            "this server is not known under that name",
            "Use the address that it printed, or start it with --allow-host and the name.",
        )


def _without_port(host: str) -> str:
    name, colon, port = host.strip().lower().rpartition(":")
    return name if colon and port.isdigit() else host.strip().lower()


def _refuse_foreign_write(headers: Headers) -> None:
    """Raises `RefusedError` (403) unless our own page, or a program, sends it."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    ours = (f"http://{headers['host']}".lower(), f"https://{headers['host']}".lower())
    if origin is not None and origin.lower() not in ours:
        raise RefusedError(403, "another site may not write here", "Use this server's own page.")
    if site is not None and site.lower() not in ("same-origin", "none"):
        raise RefusedError(403, "another site may not write here", "Use this server's own page.")
    if headers.get(WRITES) != "1":
        raise RefusedError(
            403, f"the header {WRITES}: 1 is missing", "Send it with everything that writes."
        )


def _user(stated: list[str]) -> str:
    name = stated[0].strip() if len(stated) == 1 else ""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise RefusedError(401, "nobody is signed on", "Sign on, and come back.")
    return name


def _complete(headers: MutableHeaders, path: str) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    headers["Content-Security-Policy"] = AUDIT_POLICY if path == AUDIT else CONTENT_POLICY
    headers["Cache-Control"] = "no-cache" if path.startswith("/static/") else "no-store"


def _unexpected(number: str) -> RefusedError:
    return RefusedError(
        500,
        f"something went wrong here (number {number})",
        "Try again; if it stays, tell whoever runs this server the number.",
    )
