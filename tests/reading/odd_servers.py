"""Servers for tests that answer whatever a test wants, on loopback, as long as a block lasts."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import dicom_films
import numpy as np
from dicom_films import ROOT

MULTIPART = 'multipart/related; type="application/dicom"; boundary=B'
JSON = "application/dicom+json"


@contextlib.contextmanager
def serving(answer, tls=None):
    """A server whose `answer(handler, body)` writes what it says; yields its url and what it
    saw."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(SimpleNamespace(method=self.command, path=self.path, headers=self.headers))
            with contextlib.suppress(OSError):
                answer(self, body)

        do_GET = do_POST = _any  # noqa: N815

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        scheme = "https" if tls else "http"
        yield SimpleNamespace(url=f"{scheme}://127.0.0.1:{server.server_port}/web", seen=seen)
    finally:
        server.shutdown()
        server.server_close()


def says(status, kind="text/plain", body=b"", **headers):
    """An answer that is the same for every request."""

    def answer(handler, _):
        handler.send_response(status)
        given = {"Content_Type": kind, "Content_Length": len(body), **headers}
        for name, value in given.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drips(kind, chunks, pause=0.0):
    """An answer of no stated length, whose end is the end of the connection."""

    def answer(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        for chunk in chunks() if callable(chunks) else chunks:
            handler.wfile.write(chunk)
            time.sleep(pause)

    return answer


def film_bytes(number=1, study=f"{ROOT}1"):
    levels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    uids = {"SOPInstanceUID": f"{ROOT}1.1.{number}", "StudyInstanceUID": study}
    return dicom_films.bytes_of(dicom_films.film(levels, **uids))


def part(content, kind="application/dicom"):
    return b"\r\n--B\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + content


def whole(*contents):
    return b"".join(map(part, contents)) + b"\r\n--B--\r\n"
