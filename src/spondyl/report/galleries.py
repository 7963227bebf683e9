"""The galleries of a report: the films that were chosen, drawn with each configuration's heatmap.

A film is drawn once: where several configurations got it wrong, all galleries but the first link to
it, at the price of leafing back. Pictures are shrunk, so that a page stays a few megabytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from spondyl.data import encoded, pixels
from spondyl.data.radiograph import Radiograph
from spondyl.explain import gallery, heatmap, overlay
from spondyl.explain.gallery import Selection
from spondyl.explain.heatmap import Heatmap
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.study import Study
from spondyl.report.contents import Gallery, GalleryCell, GalleryRow

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


def draw(study: Study, outcomes: Sequence[Outcome]) -> tuple[Gallery, ...]:
    """The galleries that the study's spec asks for, from its heatmaps and films as they lie there.

    Correct films first, class by class; then the wrong films of the best configuration and of every
    fine-tuned one.
    """
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
        which = (
            "Most often right in this division of the films. "
            if wrong.configuration == selection.best
            else ""
        )
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
    spine = study.spines.get(film.image_id)
    placement = study.spec.preprocessing.placement(whole.shape, spine)
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
                jpeg=encoded.jpeg(overlay.draw(small, heat, shown.peak)),
                caption=f"{shown.method} at {shown.layer}, peak {shown.peak:.3g} {shown.unit}",
            )
        )
    return GalleryRow(
        film.image_id, str(film.label), encoded.jpeg(overlay.bare(small)), tuple(cells)
    )
