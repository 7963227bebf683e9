"""How much a browser may ask of the reading room, in one place.

Each limit is checked before the work that it spares: bytes before they are kept, pixels by a file's
header before they are decoded, a body's length before it is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes."""

    film_bytes: int = 100_000_000
    """Of one file."""
    films_per_upload: int = 20
    film_pixels: int = 60_000_000
    """Height × width, as the file's header states them."""
    stored_bytes: int = 20_000_000_000
    """Of all films and what was made of them."""
    films_waiting: int = 200
    """In the queue."""
    upload_seconds: float = 600.0
    """From the first byte of an upload to its last."""
    document_seconds: float = 30.0
    """The same of any other body."""
    silent_seconds: float = 20.0
    """Between two pieces of a body."""
    document_bytes: int = 128_000
    """Of any body that is no upload."""
    uploads_per_minute: int = 240
    """Of one client."""
    guesses_per_minute: int = 20
    """Invitations that are none, of one client."""

    @property
    def upload_bytes(self) -> int:
        """Of a whole upload: its films, and a little around each."""
        return self.films_per_upload * (self.film_bytes + 2_000) + 10_000

    def as_dict(self) -> dict[str, int | float]:
        """All of them by name."""
        return asdict(self)
