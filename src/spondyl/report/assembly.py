"""From a study in its folder to the contents of its report: the only place that knows both.

Everything is read back from the folder and the films, so a report can be made again at any time,
with the same figures, without a network or a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spondyl.explain.cost import Cost
from spondyl.explain.study import record
from spondyl.files import read_json, replaced, write_json
from spondyl.learn import predictions
from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.report import (
    claims,
    cost_table,
    galleries,
    heatmap_tables,
    pages,
    published,
    summary,
    unlabelled_table,
)
from spondyl.report.claims_table import claims_table
from spondyl.report.contents import (
    CohortFacts,
    DuplicateGroup,
    FoldCounts,
    ReportContents,
    SplitFacts,
)
from spondyl.report.published import Published
from spondyl.report.tables import Table

COSTS = "costs.json"


def write(study: Study, outcomes: Sequence[Outcome], remarks: Sequence[str] = ()) -> Path:
    """Writes metrics.json, predictions.csv and the report into the study's folder; the page's
    path. `remarks` are a caller's own, above ours."""
    quoted = published.load(study.spec.published) if study.spec.published else None
    facts = {"spec_title": study.spec.title, "cohort_sha256": study.cohort.sha256, **study.facts}
    write_json(study.folder / "metrics.json", summary.metrics_document(outcomes, quoted, facts))
    with replaced(study.folder / "predictions.csv") as draft:
        draft.write_text(_all_predictions(outcomes), encoding="utf-8")
    contents = ReportContents(
        title=study.spec.title,
        when=str(study.facts["began"]),
        command=str(study.facts["command"]),
        environment=_environment(study),
        cohort=CohortFacts.of(
            study.cohort.root.name,
            study.cohort.sha256,
            study.cohort.labels,
            study.cohort.radiographs,
            (*_other_labels(study), *_masks(study)),
        ),
        splits=_splits(study),
        spec=study.spec.model_dump(mode="json"),
        outcomes=tuple(outcomes),
        published=quoted,
        duplicates=_duplicates(study),
        galleries=galleries.draw(study, outcomes),
        heatmap_scores=_heatmap_scores(study, outcomes, quoted),
        extra_tables=(
            *unlabelled_table.tables(study, outcomes),
            *_cost_table(study, outcomes, quoted),
        ),
        remarks=(*remarks, *_truncation(study)),
    )
    return pages.write(contents, study.folder)


def _heatmap_scores(
    study: Study, outcomes: Sequence[Outcome], quoted: Published | None
) -> tuple[Table, ...]:
    explained = {
        outcome.configuration: record.load(study.folder, outcome.configuration)
        for outcome in outcomes
        if outcome.predictions is not None
    }
    tables = heatmap_tables.tables(outcomes, explained, study.spec.seed)
    if quoted is None:
        return tables
    scored = {configuration: one.table for configuration, one in explained.items() if one}
    told = claims.verdicts(claims.load(quoted.name), outcomes, scored)
    return (*tables, claims_table(quoted, told))


def _cost_table(
    study: Study, outcomes: Sequence[Outcome], quoted: Published | None
) -> tuple[Table, ...]:
    path = study.folder / COSTS
    if not path.is_file():
        return ()
    content = read_json(path)
    measured = [Cost(**{**row, "size": tuple(row["size"])}) for row in content["costs"]]
    return (cost_table.costs(measured, outcomes, content["hardware"], quoted),)


def _masks(study: Study) -> tuple[str, ...]:
    """Whose spine masks a study was given, and how many films it left out for want of one."""
    about = study.facts.get("regions")
    if about is None:
        return ()
    made_by, left_out = ", ".join(about["made_by"]), about["left_out"]
    if not any(left_out.values()):
        return (f"Every film has a spine mask, made by {made_by}.",)
    counted = ", ".join(
        f"{label} {left_out[label]} of {left_out[label] + n}"
        for label, n in study.cohort.counts.items()
    )
    return (
        f"Left out for want of a spine mask: {counted}. Figures are of the other films alone, and "
        f"which these are was decided by what made the masks: {made_by}.",
    )


def _other_labels(study: Study) -> tuple[str, ...]:
    """How many films are of labels that the task has not."""
    about = study.facts.get("other_labels")
    if about is None:
        return ()
    counted = ", ".join(f"{label} {n}" for label, n in about["left_out"].items())
    return (
        f"Left out, since the task is about other labels: {counted}. The films were divided with "
        f"these among them, {about['drawn_on']} in all (splits {about['drawn_sha256'][:12]}…), so "
        "that the parts are those of the task that has all these labels.",
    )


def _truncation(study: Study) -> tuple[str, ...]:
    """What a reader must know of a study of which only some folds were run."""
    run, n_folds = study.spec.folds_run, study.spec.folds_per_repeat
    if len(run) == n_folds:
        return ()
    n_films = sum(len(study.splits.folds[fold].test) for fold in run)
    return (
        f"Truncated: only {len(run)} of {n_folds} folds were run, so the figures are of {n_films} "
        f"of {len(study.cohort.radiographs)} films.",
    )


def _all_predictions(outcomes: Sequence[Outcome]) -> str:
    """One CSV of all configurations: the configuration's columns before those of its table, and
    the number of the draw, from 0, where the films were divided more than once."""
    several = any(outcome.further for outcome in outcomes)
    lines: list[list[str]] = []
    for outcome in outcomes:
        which = outcome.configuration
        for draw, repeat in enumerate(outcome.repeats):
            number = {"draw": str(draw)} if several else {}
            table = repeat.predictions
            if not lines:
                names = ("network", "strategy", "protocol", *number)
                lines.append([*names, *predictions.header(table.labels)])
            about = (which.network, which.strategy, which.protocol, *number.values())
            lines.extend([*about, *row] for row in predictions.rows(table))
    return predictions.csv_text(lines)


def _environment(study: Study) -> dict[str, str]:
    hardware: Mapping[str, Any] = study.facts["hardware"]
    versions: Mapping[str, str] = study.facts["versions"]
    return {
        "Hardware": f"{hardware['cpu']}, {hardware['cores']} cores, GPU: {hardware['gpu']}",
        **{f"Version of {name}": said for name, said in versions.items()},
    }


def _splits(study: Study) -> SplitFacts:
    group = {film.image_id: film.group_id for film in study.cohort.radiographs}
    return SplitFacts(
        scheme=study.splits.scheme,
        seed=study.splits.seed,
        sha256=study.splits.sha256,
        folds=tuple(
            FoldCounts(
                number,
                len(fold.train),
                len(fold.tune),
                len(fold.test),
                len({group[image_id] for image_id in fold.test}),
            )
            for number, fold in enumerate(study.splits.folds)
        ),
        groups_disjoint=True,  # a study whose splits are not proven so cannot be loaded
        n_draws=study.splits.repeats,
    )


def _duplicates(study: Study) -> tuple[DuplicateGroup, ...]:
    label = {film.image_id: str(film.label) for film in study.cohort.radiographs}
    return tuple(
        DuplicateGroup(
            group.image_ids,
            tuple(label[image_id] for image_id in group.image_ids),
            "; ".join(str(link) for link in group.links),
        )
        for group in study.duplicates
    )
