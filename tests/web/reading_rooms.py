"""A reading room whose reader is quick: it knows no network, and says what it is told to."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from spondyl.data import pixels
from spondyl.web.app import create_app
from spondyl.web.limits import Limits
from spondyl.web.reading_files import making
from spondyl.web.readings_store import open_readings
from spondyl.web.room_reading import RoomMap, RoomReading
from spondyl.web.settings import BundleFacts, Settings

LABELS = ("normal", "scoliosis", "a/b ü.png")
"""The last one is as bad as a name of a label can be."""
NETWORKS = ("mean", "fold-0")
FACTS = BundleFacts(
    "b" * 64, "tiny, frozen", LABELS, NETWORKS, ("Grad-CAM",), "For research.", 0.05, "# A card"
)
WRITE = {"X-Spondyl": "1"}
PART = b'--b\r\nContent-Disposition: form-data; name="films"; filename="a"\r\n\r\n'
"""How a film begins in an upload whose boundary is "b"."""


def film(size=(40, 30), seed=0) -> bytes:
    """A PNG of noise, 8-bit grey."""
    grey = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    return stream.getvalue()


@dataclass
class QuickReader:
    """Reads by decoding; waits at `gate` where that is not open."""

    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    methods: tuple[str, ...] = ("Grad-CAM",)

    def __call__(self, path: Path) -> RoomReading:
        grey = (255 * pixels.read(path).grey).astype(np.uint8)
        self.begun.set()
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return RoomReading({"answer": "normal"}, grey, (0.5, 0.25), tuple(self._maps(grey)))

    def _maps(self, grey):
        for method in self.methods:
            for n, network in enumerate(NETWORKS):
                for k, label in enumerate(LABELS):
                    signed = np.full((2, 3), n - k, np.float32)
                    heat = np.full(grey.shape, 10 * n + k, np.uint8)
                    yield RoomMap(network, label, method, "logit", signed, float(n - k), heat)


@contextmanager
def room(folder: Path, reader=None, database=None, survey=None, **settings):
    """A client of a room that keeps its readings in `folder`."""
    if reader is None:
        reader = QuickReader()
        reader.gate.set()
    made = Settings(bundle=FACTS, **({"limits": Limits()} | settings))
    store = open_readings(folder, database)
    try:
        app = create_app(made, making(reader), store, survey)
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            yield client
    finally:
        if isinstance(reader, QuickReader):
            reader.gate.set()
        store.close()


def send(client, *films: bytes, names=None, headers=None):
    """The answer to an upload of `films`."""
    names = names or [f"{n}.png" for n in range(len(films))]
    files = [("films", (name, one)) for name, one in zip(names, films, strict=True)]
    return client.post("/api/readings", files=files, headers=WRITE | (headers or {}))


def read(client, *films: bytes) -> list[dict]:
    """The readings of `films`, when all are over."""
    sent = send(client, *films)
    assert sent.status_code == 202, sent.text
    return [over(client, one["id"]) for one in sent.json()["readings"]]


def over(client, reading_id: str) -> dict:
    """The reading, when it is done or failed."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        found = client.get(f"/api/readings/{reading_id}").json()
        if found["state"] in ("done", "failed"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"never over: {found}")


def is_refusal(answer, status: int) -> bool:
    """Whether an answer has the status, and the two keys of every error and no other."""
    said = answer.json()
    whole = set(said) == {"error", "hint"} and all(said.values())
    assert answer.status_code == status, answer.text
    return whole and "Traceback" not in answer.text
