"""From the names of members to an ensemble's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spondyl.errors import SpondylError
from spondyl.explain.explaining import named
from spondyl.files import new_folder, refuse_unless_free
from spondyl.learn import members
from spondyl.learn.fabrics import device_on
from spondyl.progress import Track, silently
from spondyl.report.ensembles import made as makes
from spondyl.report.ensembles import page, record, words
from spondyl.report.ensembles.made import N_FILMS, Made
from spondyl.trust.answers.ensembling import Weighting


def ensemble(
    texts: Sequence[str],
    out: Path,
    weighting: Weighting = "equal",
    *,
    n_films: int = N_FILMS,
    method: str = "grad-cam",
    masks: Path | None = None,
    name: str = "",
    seed: int = 0,
    device: str = "auto",
    command: str = "",
    track: Track = silently,
) -> tuple[str, ...]:
    """Makes the folder `out` of the ensemble of the members that `texts` name; what it found.

    Maps by `method` of `n_films` films that it gets right and of all others; 0 for no maps. Raises
    `SpondylError` where members cannot vote together, weights cannot be chosen, a film cannot be
    read, or `out` is taken; nothing is left then.
    """
    refuse_unless_free(out)
    if n_films < 0:
        raise SpondylError(f"{n_films} films: less than none", "Give 0 or more.")
    if masks is not None and not n_films:
        raise SpondylError("--masks with --films 0: there are no maps to place", "Ask for films.")
    chosen_method = named(method).name
    read = members.read(texts)
    on = device_on(device)
    called = name or f"Soft vote of {len(read)} ({_HOW[weighting]})"
    made = makes.make(called, read, weighting, n_films, chosen_method, masks, seed, on, track)
    with new_folder(out) as draft:
        page.write(made, draft, command)
        record.save(made, draft, command)
    return _lines(made, out)


_HOW = {"equal": "equal weights", "tune": "weights by the tune part"}


def _lines(made: Made, out: Path) -> tuple[str, ...]:
    return (*words.remarks(made), *words.headline(made), f"report: {out / page.PAGE}")
