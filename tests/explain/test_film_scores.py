"""Scores of place: asked on a smaller grid than the film's, and of what is shown alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spondyl.data.phantom import drawing
from spondyl.data.placement import Placement
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.explain.scores.baselines import random_maps
from spondyl.explain.study import film_scores
from spondyl.explain.study.film_scores import Films

SIZE = (900, 600)


@pytest.fixture(scope="module")
def marked():
    """Regions of three large phantoms, with targets."""
    return tuple(one.regions for one in drawing.cohort(3, 0, size=SIZE))


def films_of(marked, windows):
    def film(row, regions):
        facts = FileFacts("PNG", *regions.image_size, "L", 1, None, "0" * 64)
        return Radiograph(f"{row}.png", Path(f"{row}.png"), "normal", f"{row}", facts)

    return Films(
        tuple(film(row, regions) for row, regions in enumerate(marked)),
        torch.zeros(len(marked), 3, 8, 8),
        *(torch.zeros(len(marked), dtype=torch.int64) for _ in "lo"),
        tuple(
            Placement.fit(regions.image_size, (224, 224), "stretch", window)
            for regions, window in zip(marked, windows, strict=True)
        ),
        marked,
    )


@pytest.mark.parametrize("cropped", [False, True])
def test_a_smaller_grid_gives_the_scores_of_the_films_own(marked, cropped, monkeypatch):
    windows = [one.spine_box.widened(20, SIZE) if cropped else None for one in marked]
    films, maps = films_of(marked, windows), {"grad-cam": random_maps(len(marked), (7, 7), 1)}
    small = film_scores.places_of(films, maps)
    monkeypatch.setattr(film_scores, "PLACE_SIDE", max(SIZE))
    whole = film_scores.places_of(films, maps)
    assert small.keys() == whole.keys()
    assert {"energy", "pointing", "concordance", "peak-distance"} <= {name for _, name in whole}
    for key, values in whole.items():
        np.testing.assert_allclose(small[key], values, atol=0.02, err_msg=str(key))


def test_of_a_cropped_film_chance_is_the_masks_share_of_the_crop(marked):
    box = marked[0].spine_box
    films = films_of(marked[:1], [box])
    found = film_scores.places_of(films, {"flat": torch.ones(1, 7, 7)})
    share = marked[0].spine_mask[box.slices].mean()
    assert found["flat", "energy-chance"][0] == pytest.approx(share, abs=0.01)
    assert found["flat", "energy"] == pytest.approx(found["flat", "energy-chance"])


def test_a_film_of_which_nothing_is_known_has_no_score(marked):
    films = replace(films_of(marked[:1], [None]), regions=(None,))
    assert film_scores.places_of(films, {"flat": torch.ones(1, 7, 7)}) == {}
