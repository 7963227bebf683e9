"""Solved heads, kept on disk by all that decides them, so that none is solved twice.

A head follows from features, labels and how it is fitted, and from nothing else; so a second study
of the same films and folds, in another folder, reads what the first one solved. Under another
version of what solves it is solved anew, since its last digits may be others. The price: some 30 kB
for each head.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spondyl.files import canonical_json, replaced
from spondyl.learn.probe import LinearHead, Solved

SOLVER_VERSION = 1
"""To be raised where `probe` or `pseudo_labels` would find another head for the same features."""
_SOLVED_BY = ("numpy", "scipy")


@dataclass(frozen=True, slots=True)
class SolvedHeads:
    """A folder of heads."""

    folder: Path

    @classmethod
    def of(cls, cache: Path) -> SolvedHeads:
        """Those that are kept in the folder `cache`."""
        return cls(cache / "heads")

    def read_or_solved(
        self, how: str, arrays: Sequence[NDArray[Any]], solve: Callable[[], Solved]
    ) -> Solved:
        """The head that is fitted `how` to `arrays`, by `solve` where it is not known; kept.

        `how` and `arrays`, in their order, are all that the outcome of `solve` depends on.
        """
        path = self.folder / f"{_key(how, arrays)}.npz"
        known = _read(path)
        if known is None:
            known = solve()
            _write(path, known)
        return known


def _key(how: str, arrays: Sequence[NDArray[Any]]) -> str:
    by = [SOLVER_VERSION, how, *(version(package) for package in _SOLVED_BY)]
    digest = hashlib.sha256(canonical_json(by).encode())
    for array in arrays:
        digest.update(canonical_json([str(array.dtype), *array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Solved | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            return Solved(
                LinearHead(held["weight"], held["bias"]),
                float(held["inverse_strength"]),
                float(held["tune_loss"]),
                tuple(zip(held["also"].tolist(), held["also_values"].tolist(), strict=True)),
                held.get("tune_logits"),
            )
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # absent or damaged: solved again, which gives the same


def _write(path: Path, solved: Solved) -> None:
    held: dict[str, Any] = {
        "weight": solved.head.weight,
        "bias": solved.head.bias,
        "inverse_strength": solved.inverse_strength,
        "tune_loss": solved.tune_loss,
        "also": np.array([name for name, _ in solved.also], dtype=np.str_),
        "also_values": np.array([value for _, value in solved.also], dtype=np.float64),
    }
    if solved.tune_logits is not None:
        held["tune_logits"] = solved.tune_logits
    with replaced(path) as draft, draft.open("wb") as stream:
        np.savez(stream, **held)
