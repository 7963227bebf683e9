"""A reader of damaged films under watch: what came of each file, a crash and a hang included."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from damaged.places import Place
from damaged.recipes import Recipe

PATIENCE = 20.0
"""Seconds for one file; longer is a hang."""
START = 120.0
"""Seconds for the reader to load its decoders."""
MEMORY = 10**9
"""Bytes beyond the idle reader's that one file may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one damaged file."""

    recipe: Recipe
    outcome: str
    """"read", "refused", "raised", "hung" or "died"."""
    words: str = ""
    """Of the refusal, the path left out."""
    faults: tuple[str, ...] = ()
    """What must not be; none where all is well."""
    seconds: float = 0.0
    peak: int = 0
    """Bytes beyond the idle reader's."""

    def __str__(self) -> str:
        return f"{self.recipe}: {self.outcome}: {'; '.join(self.faults)}"


@dataclass(slots=True)
class Watched:
    """A reader that is started when it is needed, and anew where it died."""

    words: tuple[str, ...] = ("-m", "damaged.reader")
    """What Python is asked to run."""
    patience: float = PATIENCE
    process: subprocess.Popen[bytes] | None = None
    idle: int = 0
    unread: bytes = field(default=b"")

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """End the reader; its exit code, negative for the signal that it died of."""
        if self.process is None:
            return 0
        self.process.kill()
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process, self.unread = None, b""
        return code

    def outcome(self, recipe: Recipe, place: Place | None = None) -> Outcome:
        """Make the file, have it read and see what comes of it; `place` instead of its own."""
        place = place or recipe.place()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # else nobody may look into it
            path = place.make(Path(folder))
            self._start()
            self._ask({"path": str(path), "as_nobody": place.as_nobody})
            place.meanwhile(path)
            answer = self._answer(self.patience)
        if isinstance(answer, str):
            return Outcome(recipe, answer, "", (f"the reader {answer}",), self.patience)
        peak = answer["peak"] - self.idle
        faults = list(answer["faults"])
        if peak > MEMORY:
            faults.append(f"takes {peak / 2**20:.0f} MB beyond idle")
        if place.sound and answer["outcome"] != "read":
            faults.append(f"is a sound film and was refused: {answer['words']}")
        return Outcome(
            *(recipe, answer["outcome"], answer["words"], tuple(faults), answer["seconds"], peak)
        )

    def _start(self) -> None:
        """Have a reader that waits for its first or next file."""
        if self.process is not None:
            return
        tests = str(Path(__file__).parents[1])
        paths = os.pathsep.join((tests, os.environ.get("PYTHONPATH", "")))
        self.process = subprocess.Popen(
            [sys.executable, *self.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )
        greeting = self._answer(START)
        assert not isinstance(greeting, str), f"the reader {greeting} before its first file"
        self.idle = greeting["idle"]

    def _ask(self, question: dict[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()

    def _answer(self, seconds: float) -> dict[str, Any] | str:
        """The next line of the reader, or what became of it instead."""
        assert self.process is not None
        assert self.process.stdout is not None
        end = monotonic() + seconds
        while b"\n" not in self.unread:
            pipe = self.process.stdout.fileno()
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - monotonic()))
            if not ready:
                self.stop()
                return f"hung for {seconds:.0f} s"
            read = os.read(pipe, 65_536)
            if not read:
                self.process.wait(5)
                return f"died with exit code {self.stop()}"
            self.unread += read
        line, self.unread = self.unread.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer


def outcomes(recipes: Iterable[Recipe]) -> Iterator[Outcome]:
    """What comes of each, one after another in one reader."""
    with Watched() as reader:
        for recipe in recipes:
            yield reader.outcome(recipe)
