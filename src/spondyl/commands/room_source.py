"""What the reading room's reader is opened from, in words that can be sent to another process.

The server's own process sends these and never loads a network; imports stand inside, for there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spondyl.errors import SpondylError

if TYPE_CHECKING:
    from spondyl.commands.room_reader import RoomReader


@dataclass(frozen=True, slots=True)
class RoomSource:
    """A bundle, and how it is to read; calling it opens it."""

    bundle: Path
    device: str
    methods: tuple[str, ...]
    """Of the heatmaps."""
    finder: Path | None
    """A spine finder's file; None for the one that comes along."""
    measures: bool
    """Whether a spine finder is asked."""

    def __call__(self) -> RoomReader:
        """The reader; `SpondylError` where it cannot be opened."""
        from spondyl.commands.room_reader import RoomReader
        from spondyl.learn.fabrics import device_on
        from spondyl.measure import finder as finders
        from spondyl.reading import opening
        from spondyl.reading.reading import Reader

        opened = opening.load(self.bundle)
        asked = None
        if self.measures:
            where = device_on(self.device)
            asked = finders.load(self.finder or finders.shipped_path(), where)
        if opened.preprocessing.needs_spine and asked is None:
            raise SpondylError(
                f"{self.bundle}: its networks are shown films by their spine, and no spine finder "
                "is asked",
                "Leave --no-measure out.",
            )
        return RoomReader.of(Reader.of(opened, self.device, self.methods[0], asked), self.methods)
