"""From a spec and a folder of films to the report: begin, run, explain, write, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import torch

from spondyl.engines.engine import HERE, Engine, Here
from spondyl.errors import SpondylError
from spondyl.explain import gallery
from spondyl.explain.map_sizes import refuse_mapless
from spondyl.files import refuse_unless_fillable
from spondyl.learn import conduct, spreading, tensorboard
from spondyl.learn import study as studies
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Outcome
from spondyl.learn.spec import StudySpec
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.report import assembly, costs, published, summary


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """A study that is done, and its page."""

    study: Study
    outcomes: tuple[Outcome, ...]
    page: Path

    @property
    def lines(self) -> Iterator[str]:
        """One line for each configuration and one for the page."""
        for outcome in self.outcomes:
            scored = summary.score_outcome(outcome)
            if scored is None:
                yield f"{outcome.configuration}: not run ({outcome.not_run})"
                continue
            if scored.repeated is not None:
                over = scored.repeated.scores["accuracy"]
                yield (
                    f"{outcome.configuration}: accuracy {over.mean:.3f} ± {over.sd:.3f} over "
                    f"{scored.repeated.n_draws} draws of the folds; the first of them:"
                )
            low, high = scored.accuracy_wilson.low, scored.accuracy_wilson.high
            yield (
                f"{outcome.configuration}: accuracy {scored.pooled.accuracy:.3f} "
                f"[{low:.3f}, {high:.3f}], macro F1 {scored.pooled.macro_f1:.3f}, "
                f"{len(scored.table)} films in {scored.n_groups} groups"
            )
        yield f"report: {self.page}"


Remarks = Callable[[Study], tuple[str, ...]]
"""What a caller has done with a finished study before its report, in sentences for it."""


def no_remarks(study: Study) -> tuple[str, ...]:
    """Nothing beyond what every report has."""
    del study
    return ()


def study_and_report(
    spec: StudySpec,
    cohort: Path,
    out: Path,
    weights: Mapping[str, Path],
    *,
    regions: Path | None = None,
    unlabelled: Path | None = None,
    cache: Path | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    engine: Engine = HERE,
    command: str = "",
    skip_missing_weights: bool = False,
    curves: Path | None = None,
    remarks: Remarks = no_remarks,
    track: Track = silently,
) -> Reported:
    """The whole of `spondyl study run`. `cache` None means the user's cache folder; `regions` is a
    folder of spine masks, `unlabelled` films without a label, each where the spec asks for them.

    Into the folder `curves`, where one is named, every epoch is written for TensorBoard. `remarks`
    is asked, once heatmaps are made, for what else the report shall show. `engine` runs the trials;
    with more than one device, `devices` on each of `nodes`, each is trained by all of them, and
    every process but the first ends here when the trials have. Raises `TrialsFailedError` where
    trials failed, when all others are finished.
    """
    refuse_mapless(spec)
    if spec.published:
        published.load(spec.published)  # an unknown name is refused before any work
    cache = cache or default_cache()
    refuse_unless_fillable(cache)
    # Whoever hands out trials to other machines need not have the GPU that they are for.
    here = device if engine.is_here else device.replace("cuda", "auto")
    fabric = fabric_on(here, spec.precision, devices, nodes)
    if not fabric.is_global_zero:
        fabric.barrier()  # the first process begins the study, the others go on with it
    with tensorboard.curves(curves) if curves else nullcontext(conduct.unwatched) as watch:
        study = conduct.begin(
            spec,
            cohort,
            out,
            weights,
            regions=regions,
            unlabelled=unlabelled,
            skip_missing_weights=skip_missing_weights,
            command=command,
            cache=cache,
            track=track,
        )
        if fabric.is_global_zero:
            fabric.barrier()
        if isinstance(engine, Here):
            conduct.run(study, cache, fabric, track, watch)
        else:
            spreading.run(study, cache, device, engine, track, watch)
    if not fabric.is_global_zero:
        raise SystemExit(0)
    return _reported(study, fabric.device, remarks, cache, track)


def report_again(folder: Path, device: str = "auto", track: Track = silently) -> Reported:
    """The whole of `spondyl study report`: metrics, heatmaps and page of a finished study anew."""
    fabric = fabric_on(device)
    study = studies.load(folder)
    unfinished = [row for row in studies.status(study) if not row.not_run and row.n_left]
    if unfinished:
        raise SpondylError(
            f"{folder}: {sum(row.n_left for row in unfinished)} trials are not finished",
            "Run `spondyl study run` again with the same spec, cohort and folder.",
        )
    return _reported(study, fabric.device, no_remarks, None, track)


def default_cache() -> Path:
    """The user's cache folder, in which is kept what is computed once: prepared films, features,
    duplicates, costs."""
    return Path(platformdirs.user_cache_dir("spondyl"))


def _reported(
    study: Study, device: torch.device, remarks: Remarks, cache: Path | None, track: Track
) -> Reported:
    outcomes = study.outcomes()
    gallery.explain_study(study, outcomes, device, track, cache)
    costs.measure(study, outcomes, device, cache, track)
    page = assembly.write(study, outcomes, remarks(study))
    return Reported(study, outcomes, page)
