"""From a spec and a folder of films to the report: begin, run, explain, write, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import torch

from spondyl.errors import SpondylError
from spondyl.explain import cost, gallery
from spondyl.files import refuse_unless_fillable, write_json
from spondyl.learn import conduct, tensorboard
from spondyl.learn import study as studies
from spondyl.learn.environment import environment
from spondyl.learn.outcome import Outcome
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.report import assembly, published, summary


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
    cache: Path | None = None,
    device: str = "auto",
    command: str = "",
    skip_missing_weights: bool = False,
    curves: Path | None = None,
    remarks: Remarks = no_remarks,
    track: Track = silently,
) -> Reported:
    """The whole of `spondyl study run`. `cache` None means the user's cache folder; `regions` is a
    folder of spine masks, where the spec asks for them.

    Into the folder `curves`, where one is named, every epoch is written for TensorBoard. `remarks`
    is asked, once heatmaps are made, for what else the report shall show.
    """
    if spec.published:
        published.load(spec.published)  # an unknown name is refused before any work
    cache = cache or default_cache()
    if any(STRATEGIES[one.strategy].how == "solved" for one in spec.configurations):
        refuse_unless_fillable(cache)
    fabric = conduct.fabric_on(device, spec.precision)
    with tensorboard.curves(curves) if curves else nullcontext(conduct.unwatched) as watch:
        study = conduct.begin(
            spec,
            cohort,
            out,
            weights,
            regions=regions,
            skip_missing_weights=skip_missing_weights,
            command=command,
            track=track,
        )
        conduct.run(study, cache, fabric, track, watch)
    return _reported(study, fabric.device, remarks, track)


def report_again(folder: Path, device: str = "auto", track: Track = silently) -> Reported:
    """The whole of `spondyl study report`: metrics, heatmaps and page of a finished study anew."""
    fabric = conduct.fabric_on(device)
    study = studies.load(folder)
    unfinished = [row for row in studies.status(study) if not row.not_run and row.n_left]
    if unfinished:
        raise SpondylError(
            f"{folder}: {sum(row.n_left for row in unfinished)} trials are not finished",
            "Run `spondyl study run` again with the same spec, cohort and folder.",
        )
    return _reported(study, fabric.device, no_remarks, track)


def default_cache() -> Path:
    """The user's cache folder, in which features are kept."""
    return Path(platformdirs.user_cache_dir("spondyl")) / "features"


def _measure_costs(
    study: Study, outcomes: Sequence[Outcome], device: torch.device, track: Track
) -> None:
    """Writes RUN/costs.json, once: what each network that was run costs on this machine."""
    path = study.folder / assembly.COSTS
    if path.is_file():
        return
    ran = dict.fromkeys(
        one.configuration.network for one in outcomes if one.predictions is not None
    )
    measured = [
        cost.measure(network, len(study.spec.labels), study.spec.size, device).as_dict()
        for network in track(ran, "measuring costs")
    ]
    hardware = environment()["hardware"]
    said = (
        hardware["gpu"]
        if device.type == "cuda"
        else f"{hardware['cpu']}, {hardware['cores']} cores"
    )
    write_json(path, {"schema_version": 1, "hardware": said, "costs": measured})


def _reported(study: Study, device: torch.device, remarks: Remarks, track: Track) -> Reported:
    outcomes = study.outcomes()
    gallery.explain_study(study, outcomes, device, track)
    _measure_costs(study, outcomes, device, track)
    page = assembly.write(study, outcomes, remarks(study))
    return Reported(study, outcomes, page)
