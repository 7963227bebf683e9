"""What is said to a user whose input cannot be used: one line of error, one line of hint.

The library raises `SpondylError` for everything that a user can put right and nothing else; the
command line prints its two lines and exits 2, the page shows the same two. A file with many faults
is read to its end first, so that its user hears of all of them at once (`SpondylError.of`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def known_words(word: str, known: Iterable[str]) -> str:
    """What is said of a `word` that is none of the `known`: the nearest, where one is near, and
    all of them."""
    words = list(known)
    meant = _nearest(word, words)
    return f"{f'{meant} ' if meant else ''}Known: {', '.join(words)}."


def known_keys(key: str, known: Iterable[str]) -> str:
    """What is said of a `key` of a file that is none of the `known`, which are many: the nearest,
    and all of them where none is near."""
    keys = list(known)
    return _nearest(key, keys) or f"Keys: {', '.join(keys)}."


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a user's input: where it is, what it is, what to do about it."""

    where: str
    what: str
    hint: str

    @classmethod
    def at(cls, where: object, error: SpondylError) -> Problem:
        """What `error` says of `where`, which need not stand in it twice."""
        return cls(str(where), error.message.removeprefix(f"{where}: "), error.hint)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class SpondylError(Exception):
    """A refusal: `message` says what was got and what is needed, `hint` what to do next."""

    def __init__(self, message: str, hint: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Sequence[Problem], subject: str) -> SpondylError:
        """One error that speaks of all `problems` (at least one) of `subject`, a file or folder."""
        if len(problems) == 1:
            return cls(str(problems[0]), problems[0].hint, problems)
        listed = "; ".join(str(problem) for problem in problems[:5])
        rest = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        # The hint of a later fault is not lost behind that of the first.
        hint = " ".join(dict.fromkeys(problem.hint for problem in problems[:5]))
        return cls(f"{len(problems)} problems in {subject}: {listed}{rest}", hint, problems)
