"""Who asks: a name and password, or a token, from the environment or from the user's netrc file.

Never from the command line, which others can read and shells keep, and never in anything that is
written or said: their `repr` is empty. `requests` would look into netrc by itself, and prefer what
it finds there to a token; it is told not to, so that the order is the one written here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from netrc import NetrcParseError

from requests.auth import AuthBase, HTTPBasicAuth
from requests.models import PreparedRequest
from requests.utils import get_netrc_auth

from spondyl.errors import SpondylError
from spondyl.reading.dicomweb.address import Address

USER, PASSWORD = "SPONDYL_DICOMWEB_USER", "SPONDYL_DICOMWEB_PASSWORD"
"""Environment variables of basic authentication (RFC 7617)."""
TOKEN = "SPONDYL_DICOMWEB_TOKEN"
"""Environment variable of a bearer token (RFC 6750)."""
HOW = f"Set {USER} and {PASSWORD}, or {TOKEN}, or add the server to ~/.netrc."


@dataclass(frozen=True, slots=True)
class Bearer(AuthBase):
    """A token that is sent with every request."""

    token: str = field(repr=False)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """`request` with the token in its header."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def credentials(server: Address, environment: Mapping[str, str] = os.environ) -> AuthBase | None:
    """What `server` is shown: a token, else name and password of the environment, else those of
    netrc, else nothing.

    Raises `SpondylError` for a token beside a name, a name without a password, signs that a header
    cannot hold, and a netrc file that cannot be read; the message never quotes any of them.
    """
    user, password, token = (environment.get(name, "") for name in (USER, PASSWORD, TOKEN))
    if token and (user or password):
        raise SpondylError(f"{TOKEN} beside {USER}: two ways to say who asks", "Set one of them.")
    if bool(user) != bool(password):
        raise SpondylError(f"{USER} and {PASSWORD}: one is set and the other is not", HOW)
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise SpondylError(f"{TOKEN}: holds signs that no token has", "Copy it again, whole.")
        return Bearer(token)
    name, secret = (user, password) if user else _of_netrc(server)
    if ":" in name:
        raise SpondylError("the user's name holds a colon", "Basic authentication allows none.")
    return HTTPBasicAuth(name.encode(), secret.encode()) if name else None


def _of_netrc(server: Address) -> tuple[str, str]:
    try:
        return get_netrc_auth(server.url, raise_errors=True) or ("", "")
    except (NetrcParseError, OSError, ValueError):
        raise SpondylError(
            "the netrc file cannot be read",
            "Check its lines (machine NAME login USER password SECRET) and its rights.",
        ) from None
