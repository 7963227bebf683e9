"""From the folders of runs to the folder of their comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spondyl.files import new_folder, refuse_unless_free
from spondyl.progress import Track, silently
from spondyl.report.comparing import compared as comparisons
from spondyl.report.comparing import page, words


def compare(
    runs: Sequence[Path],
    out: Path,
    *,
    audits: Sequence[Path] = (),
    reference: str = "",
    command: str = "",
    track: Track = silently,
) -> tuple[str, ...]:
    """Makes the folder `out` of the comparison of `runs`; what it found, in sentences.

    Raises `SpondylError` where runs cannot be compared, an audit fits no row, or `out` is taken;
    nothing is left then.
    """
    refuse_unless_free(out)
    found = comparisons.compare(runs, audits, reference, track=track)
    with new_folder(out) as draft:
        page.write(found, draft, command)
    return (*words.remarks(found), *words.headline(found), f"page: {out / page.PAGE}")
