"""Readers that another process can open: each does to every film what its name says."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spondyl.errors import SpondylError
from spondyl.web.room_reading import RoomMap, RoomReading
from spondyl.web.settings import BundleFacts

FACTS = BundleFacts(
    "b" * 64, "tiny", ("normal",), ("mean",), ("Grad-CAM",), "For research.", 0.1, ""
)
DEADLY, SLOW, STRANGE, BROKEN = b"deadly", b"slow", b"strange", b"broken"


@dataclass(frozen=True)
class Opener:
    """Opens a reader of files that say what is to become of them."""

    refuses: bool = False
    dies: bool = False

    def __call__(self) -> Reader:
        if self.refuses:
            raise SpondylError("no bundle there", "Name another.")
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return Reader()


class Reader:
    facts = FACTS

    def __call__(self, path: Path) -> RoomReading:
        said = path.read_bytes()
        if said == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        if said == SLOW:
            time.sleep(60)
        if said == STRANGE:
            raise SpondylError(f"{path}: is no film", "Send a film.")
        if said == BROKEN:
            raise ZeroDivisionError("by a film")
        return reading(len(said))


def reading(grey: int) -> RoomReading:
    """Of a film of one grey."""
    heat = np.full((4, 3), grey, np.uint8)
    signed = np.full((2, 2), -1.5, np.float32)
    made = RoomMap("mean", "normal", "Grad-CAM", "logit", signed, 2.5, heat)
    return RoomReading({"answer": "normal", "grey": grey}, heat, (0.5, 0.5), (made,))
