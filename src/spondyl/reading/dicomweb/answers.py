"""What a server's answer, or its silence, means to a user: one line of error, one of hint.

What the server itself says of an error is not repeated: it may name patients, or hold signs that a
terminal obeys. Its status and the kind of its answer say enough.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from requests import Response

from spondyl.errors import SpondylError
from spondyl.reading.dicomweb.address import Address
from spondyl.reading.dicomweb.credentials import HOW

_ROOT = "Is it the root of the DICOMweb services? Orthanc's is http://localhost:8042/dicom-web."
_LATER = "Try again later, or ask whoever runs the server what its log says."
_WORDS = {
    400: ("does not understand the request", "It may lack this service of DICOMweb."),
    404: ("has nothing there", f"Is the identifier right? {_ROOT}"),
    406: ("has it in no form that was asked for", "It may be too old for DICOMweb as it is now."),
    409: ("refuses, since it conflicts with what it has", "Its log says why."),
    410: ("had it and has it no longer", "Ask whoever runs the server."),
    413: ("finds the request too large", "Ask whoever runs the server to raise its limit."),
    415: ("takes no objects of this kind", "Its log says why."),
    429: ("has too many requests", _LATER),
    500: ("failed", "Its log says why."),
    501: ("does not know this service", "It may lack this service of DICOMweb."),
    503: ("is busy or down for a while", _LATER),
    507: ("is full", "Ask whoever runs the server."),
}


class ServerError(SpondylError):
    """A refusal that is the server's as a whole: what is asked next will go no better."""


def refuse_unless_success(response: Response, server: Address) -> None:
    """Raises `SpondylError` for every status but 200, 204 and 206 of an answer to a GET.

    206 is said by servers that leave out what they cannot hand over: it is refused as well.
    """
    status = response.status_code
    if status in (200, 204):
        return
    refuse_unless_allowed(response, server)
    if status == 206:
        raise SpondylError(
            f"{server.url}: has handed over only a part of it (status 206)",
            "Ask for single series or instances, or ask whoever runs the server.",
        )
    raise of_status(status, server)


def refuse_unless_allowed(response: Response, server: Address) -> None:
    """Raises `ServerError` for statuses that no other request will change: 401, 403, 404, 405."""
    status = response.status_code
    if status == 401:
        raise ServerError(f"{server.url}: does not know who asks (status 401)", HOW)
    if status == 403:
        raise ServerError(
            f"{server.url}: does not allow this (status 403)",
            "Ask whoever runs the server for the right to it.",
        )
    if status == 407:
        raise ServerError(
            f"{server.url}: the proxy on the way asks who you are (status 407)",
            "Put user and password into the address of the proxy, in the environment.",
        )
    if response.request.method == "POST" and status in (404, 405):
        raise ServerError(f"{server.url}: takes no objects there (status {status})", _ROOT)


def of_status(status: int, server: Address) -> SpondylError:
    """What a status other than success says."""
    group = (status // 100) * 100
    said, hint = _WORDS.get(status) or _WORDS.get(group) or ("answers oddly", _ROOT)
    return SpondylError(f"{server.url}: {said} (status {status})", hint)


def absent(server: Address) -> ServerError:
    """Nobody there."""
    return ServerError(
        f"{server.url}: cannot be reached, or broke the connection off",
        "Is the address right, does the server run, and is there a network?",
    )


def broken_off(server: Address, how: str = "it breaks off") -> ServerError:
    """An answer that began well."""
    return ServerError(
        f"{server.url}: its answer cannot be read to its end ({how})",
        "Try again; if it stays so, ask whoever runs the server what its log says.",
    )


def slow(server: Address) -> ServerError:
    """Somebody there, who does not answer or takes for ever."""
    return ServerError(f"{server.url}: does not answer in time, or too slowly", _LATER)


def untrusted(server: Address) -> ServerError:
    """A certificate that nobody known vouches for, or no TLS at all."""
    return ServerError(
        f"{server.url}: its certificate is not trusted, or it does not speak TLS",
        "Where a hospital has certificates of its own, name their file with --ca-bundle.",
    )


def redirected(response: Response, server: Address) -> ServerError:
    """A redirect that is not followed, since films and passwords would go with it."""
    try:
        there = urlsplit(response.headers.get("location", ""))
        where = f"{there.scheme}://{there.hostname}" if there.hostname else "another path"
        if there.port:
            where += f":{there.port}"
    except ValueError:
        where = "no sound address"
    return ServerError(
        f"{server.url}: wants to redirect to {_plain(where)}, which is not followed",
        "If you trust that server, give its DICOMweb root instead.",
    )


def cut_short(server: Address) -> SpondylError:
    """A search of which the server keeps some results back, as a warning of number 299 says
    (PS3.18 8.3.4): what is there would pass for all."""
    return SpondylError(
        f"{server.url}: finds more than it hands out at once, so some would be missing",
        "Ask for less (one patient, fewer days, one modality), or raise --limit.",
    )


def odd(server: Address, does: str) -> ServerError:
    """A server that does what it must not."""
    return ServerError(f"{server.url}: {does}", f"It may be no DICOMweb server. {_ROOT}")


def other_kind(response: Response, server: Address, wanted: str) -> ServerError:
    """An answer of success that is something else, as the login page of a portal."""
    kind = _plain(response.headers.get("Content-Type", "").partition(";")[0]) or "no stated type"
    return odd(server, f"answers with {kind} where {wanted} is needed")


def _plain(text: str) -> str:
    """What a terminal can be shown of a text that the server chose."""
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable())[:80]
