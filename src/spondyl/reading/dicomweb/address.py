"""What a user may name: the root of a DICOMweb server, and the identifiers that enter its paths.

Films are patients' data, so plain http reaches no further than this machine unless the user insists
on it. What an address may hold is written down instead of what it may not: programs that read
addresses differ in corners, and a request must go to the host that was judged here. The price is
that an address with a query, a fragment or letters beyond ASCII has to be written another way.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from spondyl.errors import SpondylError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_LONGEST_UID = 64
_EXAMPLE = "For example https://pacs.example.org/dicom-web."
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """The root of a DICOMweb server, to whose `url` "/studies" is added."""

    scheme: str
    """http or https."""
    host: str
    """In small letters; an IPv6 address without its brackets."""
    port: int
    path: str
    """Empty, or beginning with "/" and not ending in one."""

    @property
    def url(self) -> str:
        """How it is written; nothing in it is secret."""
        return f"{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what credentials are for."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself, so that nothing travels."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def address(text: str, option: str, insecure_http: bool = False) -> Address:
    """The server that a user named with `option`.

    Raises `SpondylError` for what is no http or https address, for one with a password in it, and
    for plain http to another machine unless `insecure_http`. A password is never repeated.
    """
    parts = _split(text, option)
    if "@" in parts.netloc:
        raise SpondylError(
            f"{option}: the address holds a user or a password",
            "Others can read command lines: put them into ~/.netrc, or into the environment "
            "variables SPONDYL_DICOMWEB_USER and SPONDYL_DICOMWEB_PASSWORD.",
        )
    scheme, host, port = parts.scheme.lower(), parts.hostname, _port(parts)
    if scheme not in _PORTS or not host or not _is_host(host) or port == 0:
        raise SpondylError(f"{option}: is not an http or https address", _EXAMPLE)
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise SpondylError(
            f"{option}: an address with a query, or with signs that an address cannot hold",
            f"Give the root of the server's DICOMweb services. {_EXAMPLE}",
        )
    found = Address(scheme, host.lower(), port or _PORTS[scheme], parts.path.rstrip("/"))
    if scheme == "http" and not found.is_loopback and not insecure_http:
        raise SpondylError(
            f"{found.url}: plain http, where everybody on the way can read films and passwords",
            "Use https. In a network that you trust as you trust this machine, add "
            "--insecure-http.",
        )
    return found


def same_origin(url: str, server: Address) -> bool:
    """Whether an absolute `url` leads to scheme, host and port of `server`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return False
    there = (parts.scheme, (parts.hostname or "").lower(), port)
    return "@" not in parts.netloc and there == (server.scheme, server.host, server.port)


def uid(text: str, option: str) -> str:
    """A unique identifier as PS3.5 9.1 has it: numbers with points between them, 64 signs at most,
    no number beginning with a zero that it does not need. Raises `SpondylError` otherwise."""
    if len(text) > _LONGEST_UID or not _UID.fullmatch(text):
        raise SpondylError(
            f"{option}: is not a DICOM unique identifier (PS3.5 9.1)",
            "It is made of digits and points, 64 at most, for example "
            "1.2.826.0.1.3680043.8.498.1; no part begins with a zero.",
        )
    return text


def is_uid(text: object) -> bool:
    """Whether `text` is a unique identifier by PS3.5 9.1."""
    return isinstance(text, str) and len(text) <= _LONGEST_UID and bool(_UID.fullmatch(text))


def _split(text: str, option: str) -> SplitResult:
    try:
        if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
            raise ValueError(text)
        return urlsplit(text)
    except ValueError:
        raise SpondylError(f"{option}: is not an http or https address", _EXAMPLE) from None


def _port(parts: SplitResult) -> int | None:
    """The port that is written, None where none is, 0 where it is no port."""
    try:
        return parts.port
    except ValueError:
        return 0


def _is_host(host: str) -> bool:
    if ":" not in host:
        return bool(_NAME.fullmatch(host))
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
