"""A real server and clients who drip, stop, leave or say nothing."""

import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from reading_rooms import PART, room

from spondyl.errors import SpondylError
from spondyl.web import running
from spondyl.web.limits import Limits


def limited(tmp_path, **limits):
    return room(tmp_path / "room", limits=Limits(**limits))


def kept(tmp_path):
    """Films and drafts on the disk."""
    return [p for d in ("readings", "incoming") for p in (tmp_path / "room" / d).rglob("*")]


@contextmanager
def served(tmp_path, **limits):
    """(host, port) of a server on loopback."""
    import uvicorn

    with limited(tmp_path, **limits) as client, running.listening("127.0.0.1", 0) as sock:
        config = uvicorn.Config(
            client.app, http=running._PatientProtocol, ws="none", lifespan="off", log_level="error"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        try:
            yield sock.getsockname()
        finally:
            server.should_exit = True
            thread.join(10)


def head(length: int) -> bytes:
    return (
        "POST /api/readings HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Spondyl: 1\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def dripped(address, limit_s=10):
    """What a server answers to somebody who sends a byte now and then, and after how long."""
    begun = time.monotonic()
    with socket.create_connection(address, timeout=limit_s) as connection:
        connection.sendall(head(100_000) + PART)
        connection.settimeout(0.1)
        said = b""
        while time.monotonic() - begun < limit_s and b"}" not in said:
            try:
                connection.sendall(b"x")
                got = connection.recv(4000)
            except TimeoutError:
                continue
            except OSError:
                break
            if not got:
                break
            said += got
    return said, time.monotonic() - begun


def test_a_body_that_drips_is_refused_by_its_whole_time(tmp_path):
    with served(tmp_path, upload_seconds=1.0) as address:
        said, seconds = dripped(address)
        assert said.startswith(b"HTTP/1.1 408")
        assert b'"hint"' in said
        assert seconds < 5
        assert kept(tmp_path) == []


def test_a_body_that_stops_is_refused_by_its_silence(tmp_path):
    with served(tmp_path, silent_seconds=0.5) as address:
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head(100_000) + PART)
            said = connection.recv(4000)
        assert said.startswith(b"HTTP/1.1 408")
        assert kept(tmp_path) == []


def test_a_slow_upload_keeps_nobody_waiting(tmp_path):
    with served(tmp_path) as address, socket.create_connection(address, timeout=10) as slow:
        slow.sendall(head(100_000) + PART)
        begun = time.monotonic()
        other = http.client.HTTPConnection(*address, timeout=10)
        other.request("GET", "/api/readings", headers={"Host": "127.0.0.1"})
        assert json.loads(other.getresponse().read()) == {"readings": []}
        assert time.monotonic() - begun < 5


def test_a_client_who_leaves_in_the_middle_leaves_nothing(tmp_path):
    with served(tmp_path) as address:
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head(100_000) + PART + b"x" * 1000)
            time.sleep(0.2)
        ends = time.monotonic() + 10
        while kept(tmp_path) and time.monotonic() < ends:
            time.sleep(0.05)
        assert kept(tmp_path) == []


def test_a_connection_that_says_nothing_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "HEAD_SECONDS", 0.3)
    with served(tmp_path) as address:
        for said in (b"", b"GET / HT", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A"):
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(said)
                assert connection.recv(100) == b""


def test_a_port_that_is_taken_is_refused_in_words():
    with running.listening("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(SpondylError, match=str(port)):
            running.listening("127.0.0.1", port)
