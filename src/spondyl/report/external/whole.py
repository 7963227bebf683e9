"""From a study's folder and another centre's films to an external test's folder."""

from __future__ import annotations

from pathlib import Path

from spondyl.files import new_folder, refuse_unless_free
from spondyl.learn.fabrics import device_on
from spondyl.progress import Track, silently
from spondyl.reading import external as reading
from spondyl.reading.auditing import Wanted
from spondyl.reading.external import Banded
from spondyl.report.external import page, words


def external(
    run: Path,
    cohort: Path,
    out: Path,
    wanted: Wanted | None = None,
    *,
    regions: Path | None = None,
    banded: Banded | None = None,
    cache: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    command: str = "",
    track: Track = silently,
) -> tuple[str, ...]:
    """Makes the folder `out` of the test of the study in `run` on the films at `cohort`; what it
    found. Raises as `reading.external.external`, and where `out` is taken; nothing is left then."""
    refuse_unless_free(out)
    on = device_on(device)
    found = reading.external(run, cohort, wanted, regions, banded, cache, seed, on, track)
    with new_folder(out) as draft:
        page.write(found, draft, command)
    return (*words.remarks(found), *words.headline(found), f"report: {out / page.PAGE}")
