"""The films of an ensemble's page, each with every member's heatmap and the ensemble's.

Wrong films come first, then those on which the vote was right against a member, then some right
ones of each label. Every map is drawn on a scale of its own, so that a weak one can be seen; how
strong it was stands below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spondyl.data import encoded, pixels
from spondyl.explain import overlay
from spondyl.explain.ensemble import maps as ensemble_maps
from spondyl.explain.explaining import named
from spondyl.report.contents import Gallery, GalleryCell, GalleryRow
from spondyl.report.ensembles.made import MOST_SAVED, Looked, Made, own_words
from spondyl.report.galleries import LONGEST_SIDE, bands

MOST_WRONG = 40
"""Wrong films that are drawn."""
OF_EACH_LABEL = 3
"""Right films that are drawn."""


def galleries(made: Made, looked: Looked) -> tuple[Gallery, ...]:
    """Wrong films, saved films, right films; those that there are."""
    whole = made.vote.table
    all_right = whole.predicted == whole.truth
    some_wrong = np.any([one.predicted != one.truth for one in made.vote.members], axis=0)
    all_saved = all_right & some_wrong
    rows = list(looked.rows)
    right, saved, truth = all_right[rows], all_saved[rows], whole.truth[rows]
    shown = {
        "wrong": np.flatnonzero(~right).tolist()[:MOST_WRONG],
        "saved": np.flatnonzero(saved).tolist()[:MOST_SAVED],
        "right": [
            int(row)
            for column in range(len(whole.labels))
            for row in np.flatnonzero(right & ~saved & (truth == column))[:OF_EACH_LABEL]
        ],
    }
    drawn = {kind: _rows(made, looked, rows) for kind, rows in shown.items()}
    every = "; all are in predictions.csv."
    return _captioned(
        Gallery(
            "Films that the ensemble got wrong",
            f"{len(drawn['wrong'])} of {int((~all_right).sum())}{every}",
            _caption(looked),
            drawn["wrong"],
            expert_column=True,
        ),
        Gallery(
            "Films that the ensemble got right and some member wrong",
            f"{len(drawn['saved'])} of {int(all_saved.sum())}{every}",
            _caption(looked),
            drawn["saved"],
        ),
        Gallery(
            "Films that all got right",
            f"{OF_EACH_LABEL} of each label, drawn with seed {made.seed}.",
            _caption(looked),
            drawn["right"],
            bands=bands([*made.vote.names, made.name]),
        ),
    )


def _captioned(*galleries: Gallery) -> tuple[Gallery, ...]:
    """Those that have films; what all captions say stands under the first alone."""
    there = [one for one in galleries if one.rows]
    return (*there[:1], *(replace(one, caption="Drawn as above.") for one in there[1:]))


def _caption(looked: Looked) -> str:
    method = named(looked.method)
    return (
        f"{method.title} for the label that the ensemble says, whatever the member says itself, by "
        "the network that was tested on the film. Red to yellow: weak to strong; full yellow "
        "stands for the map's own peak, so strengths cannot be compared between pictures. The "
        "ensemble's map is the mean of the members' maps before the ReLU, each divided by its own "
        "peak of absolute value and weighted as in the vote: a picture of the members, no "
        "explanation of their vote, which averages probabilities. (For linear heads over one body "
        "it is exactly the map of the logits averaged with weights vote weight / peak.)"
    )


def _rows(made: Made, looked: Looked, rows: Sequence[int]) -> tuple[GalleryRow, ...]:
    return tuple(_row(made, looked, row) for row in rows)


def _row(made: Made, looked: Looked, row: int) -> GalleryRow:
    film, at = looked.radiographs[row], looked.rows[row]
    whole = pixels.read(film.path).grey
    small = overlay.shrunk(whole, LONGEST_SIDE)
    heats, together = ensemble_maps.on_film(looked.maps, row, looked.weights[:, row], small.shape)
    rectified = named(looked.method).rectified
    unit = named(looked.method).unit
    cells = []
    for name, table, maps, heat, weight in zip(
        made.vote.names,
        made.vote.members,
        looked.maps,
        heats,
        looked.weights[:, row],
        strict=True,
    ):
        peak = float(maps.maps[row].max())
        drawn = encoded.jpeg(overlay.draw(small, heat, peak))
        caption = f"weight {weight:.2f}; at {maps.layer}, peak {peak:.3g} {unit}"
        if rectified and peak <= 0:
            caption += ": nothing speaks for the label"
        cells.append(GalleryCell(name, *own_words(table, at), jpeg=drawn, caption=caption))
    highest = float(together.max())
    alike = looked.consistency.members
    cells.append(
        GalleryCell(
            made.name,
            *own_words(made.vote.table, at),
            jpeg=encoded.jpeg(overlay.draw(small, together, highest)),
            caption=f"members’ maps: rank correlation {alike.rank[row]:.2f}, Dice "
            f"{alike.dice[row]:.2f}",
        )
    )
    bare = encoded.jpeg(overlay.bare(small))
    return GalleryRow(film.image_id, str(film.label), bare, tuple(cells))
