"""From a study and another centre's films to what its networks are worth on them.

The other cohort is read with the study's labels, of which it may lack some; a label that is none of
these is refused. The films are compared with the study's own once, and every configuration is asked
about the very same films.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from spondyl.data import manifest
from spondyl.data.regions import refuse_unless_folder
from spondyl.errors import SpondylError
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration, Outcome, WeightsRecord
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.reading import auditing
from spondyl.reading.auditing import Wanted
from spondyl.trust.asking import subject
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.external import asking, bands, shift
from spondyl.trust.external import figures as worth
from spondyl.trust.external.asking import Said
from spondyl.trust.external.beside import Beside, beside
from spondyl.trust.external.figures import Figures
from spondyl.trust.external.label_shift import LabelShift, label_shift
from spondyl.trust.external.shift import BodyShift, CohortShift
from spondyl.trust.intervals import NotRun
from spondyl.trust.metrics import Floats


@dataclass(frozen=True, slots=True)
class Banded:
    """A column of the other cohort's manifest by which films are shown in bands."""

    column: str
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What one configuration is worth outside, and how it sees the shift."""

    configuration: Configuration
    weights: WeightsRecord | None
    said: Said
    figures: Figures
    body: BodyShift | NotRun
    labels: LabelShift


@dataclass(frozen=True, slots=True, eq=False)
class External:
    """An external test of a study."""

    study: Study
    path: Path
    """Of the other cohort."""
    pair: Beside
    banded: Banded | None
    values: Floats | None
    """(films,) of the column, nan where it is empty."""
    shift: CohortShift
    tested: tuple[Tested, ...]
    unfinished: tuple[Outcome, ...]
    """Configurations of the study that were asked for and are not finished."""
    seed: int


def external(
    run: Path,
    cohort: Path,
    wanted: Wanted | None = None,
    regions: Path | None = None,
    banded: Banded | None = None,
    cache: Path | None = None,
    seed: int = 0,
    device: torch.device | None = None,
    track: Track = silently,
) -> External:
    """The test of the finished configurations of the study in `run` on the films at `cohort`.

    Raises `SpondylError` where none is finished, for labels that are not the study's, for a cohort
    that is the study's own, for spines that are needed and not given, and for a column that is not
    there or holds no numbers.
    """
    if regions is not None:
        refuse_unless_folder(regions)
    study, wanted = studies.load(run), wanted or Wanted()
    outcomes = study.outcomes()
    done = auditing.finished(run, outcomes, wanted)
    column = _column(cohort, banded)
    stated = auditing.labelled(cohort, study.cohort.labels, track)
    known = auditing.spines_for(study.spec.preprocessing, stated, regions, track)
    pair = beside(study.cohort, stated, cache, track)
    ids = [film.image_id for film in pair.outside.radiographs]
    values = None if banded is None else bands.numbers(column, ids, banded.column)
    there = [subject.of_study(study, outcome, pair.outside, known) for outcome in done]
    home = [subject.of_study(study, outcome) for outcome in done]
    # All configurations of a study are shown the same, so films are prepared once.
    shown = Shown.of(there[0], track=track)
    shares = any(one.shares_body for one in there)
    own = Shown.of(home[0], track=track) if shares else None
    tested = []
    for outcome, other, ours in zip(done, there, home, strict=True):
        said = asking.asked(other, ours, shown, own, device, track)
        tested.append(_tested(outcome, said, pair, banded, values, seed, track))
    return External(
        study,
        cohort,
        pair,
        banded,
        values,
        shift.of_cohorts(pair, seed, track),
        tuple(tested),
        tuple(o for o in outcomes if wanted.fits(o.configuration) and o.predictions is None),
        seed,
    )


def _tested(
    outcome: Outcome,
    said: Said,
    pair: Beside,
    banded: Banded | None,
    values: Floats | None,
    seed: int,
    track: Track,
) -> Tested:
    home = outcome.predictions
    if home is None:
        raise ValueError(f"{outcome.configuration}: not finished")
    edges = () if banded is None else banded.edges
    found = worth.figures(said, home, values, edges, seed)
    return Tested(
        outcome.configuration,
        outcome.weights,
        said,
        found,
        shift.of_body(pair, said, seed, track),
        label_shift(home, found.table, seed),
    )


def _column(cohort: Path, banded: Banded | None) -> dict[str, str]:
    """image_id → cell of the column that is asked for."""
    if banded is None:
        return {}
    if cohort.is_dir():
        raise SpondylError(
            f"--by {banded.column}: {cohort} is a folder, and has no columns",
            "Name a CSV manifest of the films with --cohort.",
        )
    return manifest.column(cohort, banded.column)
