"""From a study in its folder to the contents of its report: the only place that knows both.

Everything is read back from the folder and the films, so a report can be made again at any time,
with the same figures, without a network or a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from spondyl.data import pixels
from spondyl.data.radiograph import Radiograph
from spondyl.explain import gallery, heatmap, overlay
from spondyl.explain.cost import Cost
from spondyl.explain.gallery import Selection
from spondyl.explain.heatmap import Heatmap
from spondyl.files import read_json, replaced, write_json
from spondyl.learn import predictions
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.study import Study
from spondyl.report import cost_table, pages, published, summary
from spondyl.report.contents import (
    CohortFacts,
    DuplicateGroup,
    FoldCounts,
    Gallery,
    GalleryCell,
    GalleryRow,
    ReportContents,
    SplitFacts,
)
from spondyl.report.published import Published
from spondyl.report.tables import Table

COSTS = "costs.json"
LONGEST_SIDE = 420
"""Pixels of the longer side of a drawn film in the report."""
MOST_COLUMNS = 6
"""Heatmaps side by side in a table: as many as can be made out on a printed page."""
COLOURS = (
    "Grad-CAM for the predicted label, on the network tested on the film. Red to yellow: weak to "
    "strong; full yellow stands for the map's own peak, which is written below it."
)

Maps = Mapping[tuple[Configuration, str, str], Heatmap]
"""Heatmaps by configuration, image id and label asked about."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What a caller adds to a study's report."""

    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()


def write(study: Study, outcomes: Sequence[Outcome], more: Additions) -> Path:
    """Writes metrics.json, predictions.csv and the report into the study's folder; the page's
    path."""
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
        ),
        splits=_splits(study),
        spec=study.spec.model_dump(mode="json"),
        outcomes=tuple(outcomes),
        published=quoted,
        duplicates=_duplicates(study),
        galleries=_galleries(study, outcomes),
        extra_tables=(*_cost_table(study, outcomes, quoted), *more.tables),
        remarks=(*more.remarks, *_truncation(study)),
    )
    return pages.write(contents, study.folder)


def _cost_table(
    study: Study, outcomes: Sequence[Outcome], quoted: Published | None
) -> tuple[Table, ...]:
    path = study.folder / COSTS
    if not path.is_file():
        return ()
    content = read_json(path)
    measured = [Cost(**{**row, "size": tuple(row["size"])}) for row in content["costs"]]
    return (cost_table.costs(measured, outcomes, content["hardware"], quoted),)


def _truncation(study: Study) -> tuple[str, ...]:
    """What a reader must know of a study of which only some folds were run."""
    run, n_folds = study.spec.folds_run, study.spec.folds
    if len(run) == n_folds:
        return ()
    n_films = sum(len(study.splits.folds[fold].test) for fold in run)
    return (
        f"Truncated: only {len(run)} of {n_folds} folds were run, so the figures are of {n_films} "
        f"of {len(study.cohort.radiographs)} films.",
    )


def _all_predictions(outcomes: Sequence[Outcome]) -> str:
    """One CSV of all configurations: the configuration's columns before those of its table."""
    tables = [(o.configuration, o.predictions) for o in outcomes if o.predictions is not None]
    lines: list[list[str]] = []
    for configuration, table in tables:
        if not lines:
            lines.append(["network", "strategy", "protocol", *predictions.header(table.labels)])
        about = [configuration.network, configuration.strategy, configuration.protocol]
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


def _galleries(study: Study, outcomes: Sequence[Outcome]) -> tuple[Gallery, ...]:
    if study.spec.heatmaps == "none":
        return ()
    selection = gallery.choose_for(study, outcomes)
    ran = _by_network([one for one in outcomes if one.predictions is not None])
    rows = _gallery_rows(study, ran, selection.image_ids, _maps(study, ran))
    galleries = (_correct(study, selection, ran, rows), *_wrong(selection, rows))
    return tuple(one for one in galleries if one.rows or one.elsewhere)


def _correct(
    study: Study,
    selection: Selection,
    ran: Sequence[Outcome],
    rows: Mapping[str, GalleryRow],
) -> Gallery:
    """Label by label, with a column for each configuration."""
    spec = study.spec
    none_of = ", ".join(label for label, films in selection.correct if not films)
    return Gallery(
        "Heatmaps of correct films, class by class",
        f"{spec.gallery_films} films of each class that every configuration got right, or failing "
        f"these the best one, drawn with seed {spec.seed}."
        + (f" No film of {none_of} was got right." if none_of and spec.gallery_films else ""),
        COLOURS,
        tuple(rows[image_id] for _, films in selection.correct for image_id in films),
        bands=bands([one.configuration.network for one in ran]),
    )


def _wrong(selection: Selection, rows: Mapping[str, GalleryRow]) -> list[Gallery]:
    """One gallery for each configuration whose wrong films are shown; a film that several got
    wrong is drawn in the first of them, so that it is read once, and linked to from the others."""
    galleries = []
    drawn: set[str] = set()
    for wrong in selection.wrong:
        which = "Most often right of all. " if wrong.configuration == selection.best else ""
        galleries.append(
            Gallery(
                f"Films that {wrong.configuration} got wrong",
                f"{which}{len(wrong.shown)} of {wrong.n_wrong} wrong films are shown; every one is "
                "in predictions.csv.",
                COLOURS,
                tuple(rows[image_id] for image_id in wrong.shown if image_id not in drawn),
                expert_column=True,
                elsewhere=tuple(rows[image_id] for image_id in wrong.shown if image_id in drawn),
            )
        )
        drawn.update(wrong.shown)
    return galleries


def bands(networks: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Numbers of columns, given the network of each, in bands of at most `MOST_COLUMNS`.

    Columns of one network stand next to each other, and in one band where they fit into one.
    """
    done: list[tuple[int, ...]] = []
    for _, same in groupby(range(len(networks)), key=lambda column: networks[column]):
        columns = tuple(same)
        for start in range(0, len(columns), MOST_COLUMNS):
            part = columns[start : start + MOST_COLUMNS]
            if done and len(done[-1]) + len(part) <= MOST_COLUMNS:
                done[-1] += part
            else:
                done.append(part)
    return tuple(done)


def _by_network(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of a network next to each other, so that its strategies can be compared."""
    networks = list(dict.fromkeys(one.configuration.network for one in outcomes))
    return sorted(outcomes, key=lambda one: networks.index(one.configuration.network))


def _maps(study: Study, outcomes: Sequence[Outcome]) -> Maps:
    return {
        (outcome.configuration, one.image_id, one.label): one
        for outcome in outcomes
        for one in heatmap.load(gallery.path(study.folder, outcome.configuration))
    }


def _gallery_rows(
    study: Study, outcomes: Sequence[Outcome], image_ids: Sequence[str], maps: Maps
) -> dict[str, GalleryRow]:
    films = {film.image_id: film for film in study.cohort.radiographs}
    return {
        image_id: _gallery_row(study, outcomes, films[image_id], maps) for image_id in image_ids
    }


def _gallery_row(
    study: Study, outcomes: Sequence[Outcome], film: Radiograph, maps: Maps
) -> GalleryRow:
    whole = pixels.read(film.path).grey
    placement = study.spec.preprocessing.placement(whole.shape)
    small = overlay.shrunk(whole, LONGEST_SIDE)
    cells = []
    for outcome in outcomes:
        table = outcome.predictions
        assert table is not None
        row = table.image_ids.index(film.image_id)
        column = int(table.predicted[row])
        label = table.labels.names[column]
        shown = maps[outcome.configuration, film.image_id, label]
        heat = placement.on_image(shown.values, small.shape)
        cells.append(
            GalleryCell(
                configuration=str(outcome.configuration),
                predicted=label,
                probability=float(table.probabilities[row, column]),
                correct=column == int(table.truth[row]),
                jpeg=overlay.jpeg(overlay.draw(small, heat, shown.peak)),
                caption=f"{shown.method} at {shown.layer}, peak {shown.peak:.3g} {shown.unit}",
            )
        )
    return GalleryRow(
        film.image_id, str(film.label), overlay.jpeg(overlay.bare(small)), tuple(cells)
    )
