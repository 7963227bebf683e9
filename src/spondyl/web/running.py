"""An application on a socket: bound before anything is promised, and patient with nobody.

Uvicorn waits for the head of a request without end, so a client that opens connections and says
nothing would hold them; here it has some seconds. The access log is off, because addresses hold
invitations. What a proxy claims of a client is not believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from spondyl.errors import SpondylError

HEAD_SECONDS = 15.0
_GRACEFUL_SECONDS = 5
_BACKLOG = 256


def listening(host: str, port: int) -> socket.socket:
    """A socket at `host` and `port` (0: a free one) on which somebody may knock already.

    Raises `SpondylError` where that cannot be.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(_BACKLOG)
        except BaseException:
            sock.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpondylError(
            f"{host}:{port}: cannot be listened at ({reason})",
            "Is another server there? Name another --port, or --host.",
        ) from error
    return sock


def address_of(sock: socket.socket, host: str) -> str:
    """What to type into a browser on this machine."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{sock.getsockname()[1]}/"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_everywhere(host: str) -> bool:
    """Whether `host` means all addresses of this machine, none of them by name."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def run(app: FastAPI, sock: socket.socket) -> None:
    """Serves until it is interrupted."""
    config = uvicorn.Config(
        app,
        http=_PatientProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[sock])


class _PatientProtocol(H11Protocol):
    """HTTP/1.1, with a limit to how long the head of a request may take."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()
