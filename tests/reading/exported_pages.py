"""An exported page on a server of files, open in a browser, and files of drawn films for it."""

from __future__ import annotations

import functools
import io
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

from spondyl.data.phantom import drawing

WAIT_MS = 15_000


class Quiet(SimpleHTTPRequestHandler):
    """What `python -m http.server` answers with, saying nothing."""

    def log_message(self, *_) -> None:
        pass


def served(by) -> tuple[ThreadingHTTPServer, str]:
    """A server of files in a thread, and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), by)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


def wait_until(holds) -> None:
    end = time.monotonic() + WAIT_MS / 1000
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


class Page:
    """The exported page in a tab; `complaints` and `asked` are all that it said and asked for."""

    def __init__(self, tab, folder: Path, address: str) -> None:
        self.tab, self.folder, self.address = tab, folder, address
        self.complaints, self.asked = [], []
        tab.set_default_timeout(WAIT_MS)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("console", lambda said: self.complaints.append(said.text))
        tab.on("request", lambda one: self.asked.append((one.method, one.url)))
        tab.add_init_script(
            "window.violations = []; document.addEventListener('securitypolicyviolation',"
            "(event) => window.violations.push(event.violatedDirective + event.blockedURI))"
        )
        tab.goto(address)
        tab.wait_for_selector("#file:not([disabled])")

    def give(self, file: bytes, name: str = "film.png") -> None:
        self.tab.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": file})

    def read(self, file: bytes, name: str = "film.png") -> dict[str, float]:
        """The probabilities that it shows."""
        self.give(file, name)
        self.tab.wait_for_selector(f"#state:text('{name}: read in')")
        rows = self.tab.locator("#probabilities tr").all()
        return {
            row.locator("th").inner_text(): float(
                row.locator("[data-probability]").get_attribute("data-probability")
            )
            for row in rows
        }

    def refused(self, file: bytes, name: str = "film.png") -> str:
        self.give(file, name)
        self.tab.wait_for_selector("#failed:not([hidden])")
        assert not self.tab.locator("#answer").is_visible()
        return self.tab.locator("#failed").inner_text()

    def decoded(self, file: bytes) -> np.ndarray:
        """(H, W): the greys that its own decoder finds."""
        found = self.tab.evaluate(
            """async (bytes) => {
                const { filmOf } = await import('./film.js');
                const film = await filmOf(new Blob([new Uint8Array(bytes)]));
                return [film.height, film.width, [...film.grey]];
            }""",
            list(file),
        )
        return np.array(found[2], np.float32).reshape(found[0], found[1])

    def canvas(self, id_: str = "film") -> np.ndarray:
        """(H, W, 3) of what is drawn."""
        width, height, data = self.tab.evaluate(
            """(id) => { const it = document.getElementById(id);
                const { data } = it.getContext('2d').getImageData(0, 0, it.width, it.height);
                return [it.width, it.height, [...data]]; }""",
            id_,
        )
        return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


@functools.cache
def whole(kind: str) -> Image.Image:
    film = drawing.draw(3, kind, size=(160, 110), index=1, field="whole").image
    return Image.fromarray(np.asarray(film, np.uint8))


def drawn(size=(160, 110), kind="scoliosis", mode="L") -> Image.Image:
    return whole(kind).resize(size[::-1]).convert(mode)


def bytes_of(image: Image.Image, form: str = "PNG", **how) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **how)
    return stream.getvalue()
