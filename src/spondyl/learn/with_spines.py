"""Which films a study shows where their spine masks decide it, and what it says of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spondyl.data import cohort as cohorts
from spondyl.data import spines
from spondyl.data.cohort import Cohort
from spondyl.data.spines import Spines
from spondyl.errors import Problem, SpondylError
from spondyl.learn import tasks
from spondyl.learn.spec import StudySpec


def refuse_unless_asked_for(spec: StudySpec, regions: Path | None) -> None:
    """Raises `SpondylError` where masks are wanted and not given, or given and not wanted."""
    if spec.needs_regions and regions is None:
        raise SpondylError(
            "the study asks for the films' spine masks, and none are given",
            "Give their folder with --regions, or leave crop, hide and without_mask out of the "
            "spec.",
        )
    if regions is not None and not spec.needs_regions:
        raise SpondylError(
            f"{regions}: spine masks are given, and the study asks for none",
            'Set crop = "spine", hide = "spine" or without_mask = "leave out", or give no regions.',
        )


def shown(stated: Cohort, marked: Spines, spec: StudySpec, regions: Path) -> Cohort:
    """The films that have a spine mask: all of them, unless the spec says to leave some out.

    Raises `SpondylError` that names every film without one, or, where these are left out, every
    label of which too few groups of films remain.
    """
    if spec.without_mask == "leave out":
        kept = stated.only(marked)
        needed = tasks.fewest_groups(spec) or 0
        problems = cohorts.too_few_groups(
            kept.radiographs, stated.labels, needed, spec.other_labels
        )
        if problems:
            raise SpondylError.of(problems, f"the films that have a spine mask in {regions}")
        return kept
    hint = 'Mark them, or set without_mask = "leave out" in the spec.'
    unmarked = [
        Problem(film.image_id, "no spine mask", hint)
        for film in stated.radiographs
        if film.image_id not in marked
    ]
    if unmarked:
        raise SpondylError.of(unmarked, str(regions))
    return stated


def facts(stated: Cohort, films: Cohort, marked: Spines) -> dict[str, Any]:
    """What a study says of its spine masks."""
    n_shown = films.counts
    return {
        "sha256": spines.sha256_of(marked),
        "made_by": sorted({spine.made_by for spine in marked.values()}),
        "left_out": {label: n - n_shown[label] for label, n in stated.counts.items()},
    }
