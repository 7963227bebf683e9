"""Where what goes wrong in pydicom or in a decoder becomes a refusal, and where pydicom is quiet.

pydicom warns of what it mends, in the voice of a program and quoting what it found, on the user's
terminal and in logs. What matters of that is judged here; the rest is not said (`unheard`).
"""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from spondyl.data.unheard import WARNINGS_UNHEARD
from spondyl.errors import SpondylError

DAMAGED = "It is damaged, cut short or of a rare kind: copy it again, or export it as 16-bit PNG."

_FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(EOFError, AssertionError, RuntimeError, ImportError, MemoryError, struct.error, zlib.error),
    *(binascii.Error, InvalidDicomError, BytesLengthException),
)
"""What pydicom and the decoders were seen to raise, or may, for a damaged file."""


@contextmanager
def faults_of(path: str | Path, what: str = "as DICOM") -> Iterator[None]:
    """Turns every fault into a `SpondylError` that says that `what` cannot be decoded."""
    try:
        yield
    except _FAULTS as error:
        raise SpondylError(
            f"{path}: cannot be decoded {what} ({_reason(error)})", DAMAGED
        ) from error


@contextmanager
def quietly() -> Iterator[None]:
    """Keeps pydicom's warnings from the terminal and from logs."""
    with WARNINGS_UNHEARD:
        yield


def _reason(error: BaseException) -> str:
    """The first words of an error, which may quote the file: nothing unprintable, and not much."""
    said = "".join(letter if letter.isprintable() else " " for letter in str(error))
    return " ".join(said.split())[:200] or type(error).__name__
