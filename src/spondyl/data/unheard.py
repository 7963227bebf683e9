"""Decoders that say nothing: a damaged file is spoken of in its refusal and nowhere else.

libtiff, libpng and the like write to the process's standard error from C, where nothing of Python
reaches them, so file descriptor 2 itself is turned away while they work. Any number of threads may
be inside at once; the first turns it away and the last turns it back. Price: what anybody else
writes to standard error in those milliseconds is lost, so only decoders that do speak run inside.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

_LOGGERS = ("PIL", "tifffile", "pydicom")
"""Of libraries that log what they find wrong with a file."""
_STDERR = 2


class Unheard:
    """A context in which something of what decoders say goes nowhere; one for all threads."""

    def __init__(self, silence: Callable[[ExitStack], None]) -> None:
        self._silence = silence
        self._lock = threading.Lock()
        self._inside = 0
        self._undo = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._silence(self._undo)
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._undo.close()


def _silence_python(undo: ExitStack) -> None:
    undo.enter_context(warnings.catch_warnings(action="ignore"))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        undo.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)


def _silence_c(undo: ExitStack) -> None:
    try:
        kept = os.dup(_STDERR)
    except OSError:  # a process without standard error
        return
    undo.callback(os.close, kept)
    undo.callback(os.dup2, kept, _STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)


WARNINGS_UNHEARD = Unheard(_silence_python)
"""For decoders in Python: their warnings and logs."""
PRINTS_UNHEARD = Unheard(_silence_c)
"""For decoders in C: what they print."""
