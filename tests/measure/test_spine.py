"""The finder that comes with the package, on drawn films that no training has seen."""

import numpy as np
import pytest

from spondyl.data.levels import VERTEBRAE
from spondyl.data.phantom.drawing import draw
from spondyl.measure import cobb, finder
from spondyl.measure.examples import Example, without_spine
from spondyl.measure.spine import find
from spondyl.measure.warping import MIRRORED

SEED = 77_001


@pytest.fixture(scope="module")
def by():
    return finder.load(finder.shipped_path())


def film(label="scoliosis", view="frontal", index=0, size=(640, 320), field="whole"):
    drawn = draw(SEED, label, view, size, index=index, field=field)
    return drawn, drawn.image.astype(np.float32) / 255


def known(drawn):
    return drawn.regions.landmarks.reshape(-1, 4, 2).astype(float)


@pytest.mark.parametrize("label", ["normal", "scoliosis", "spondylolisthesis"])
def test_corners_of_drawn_spines_are_found_to_a_pixel_at_the_scale_of_224(by, label):
    for index in range(2):
        drawn, grey = film(label, index=index)
        found = find(grey, by)
        assert found.refusal is None
        assert found.vertebrae == drawn.truth.vertebrae == VERTEBRAE
        error = np.linalg.norm(found.corners - known(drawn), axis=-1).mean()
        assert error * 224 / 640 < 1


def test_the_cobb_angle_of_drawn_spines_is_right_to_two_degrees_on_average(by):
    errors = []
    for index in range(4):
        drawn, grey = film(index=10 + index)
        found = find(grey, by)
        errors.append(
            abs(cobb.three_angles(found.corners, 640)[0] - drawn.truth.largest_angle_degrees)
        )
    assert np.mean(errors) < 2


def test_a_lateral_film_is_refused_and_says_why(by):
    for index in range(3):
        _, grey = film("normal", "lateral", index)
        found = find(grey, by)
        assert found.refusal is not None
        assert "frontal" in found.refusal
        assert found.view != "frontal"
        assert not len(found.corners)
        assert not found.mask.any()


@pytest.mark.parametrize("seed", range(3))
def test_no_spine_is_drawn_on_what_is_none(by, seed):
    rng = np.random.default_rng(seed)
    noise = rng.random((300, 200), np.float32)
    assert find(noise, by).refusal is not None
    nothing = Example(np.zeros((64, 64), np.uint8), "other", np.zeros((0, 4, 2)), np.zeros(0, int))
    shapes = without_spine([nothing], rng)
    assert find(shapes.film.astype(np.float32) / 255, by).refusal is not None


def test_a_film_on_its_side_is_refused(by):
    _, grey = film()
    assert find(np.ascontiguousarray(np.rot90(grey)), by).refusal is not None


def test_the_mirror_image_has_the_mirrored_spine(by):
    _, grey = film(index=3)
    plain = find(grey, by)
    mirrored = find(np.ascontiguousarray(grey[:, ::-1]), by)
    back = mirrored.corners[:, MIRRORED].copy()
    back[..., 1] = grey.shape[1] - 1 - back[..., 1]
    assert mirrored.vertebrae == plain.vertebrae
    assert np.linalg.norm(back - plain.corners, axis=-1).mean() < 3


def test_exposure_does_not_move_a_corner_by_much(by):
    _, grey = film(index=4)
    plain, dim = find(grey, by), find(grey * 0.5 + 0.1, by)
    assert dim.vertebrae == plain.vertebrae
    assert np.linalg.norm(dim.corners - plain.corners, axis=-1).mean() < 2


def test_part_of_a_spine_is_found_where_only_part_is_shown(by):
    drawn, grey = film(index=5, size=(800, 400))
    corners = known(drawn)
    top, bottom = int(corners[6, 0, 0]), int(corners[16, 3, 0]) + 20
    found = find(np.ascontiguousarray(grey[top:bottom]), by)
    assert found.refusal is None
    assert 9 <= len(found.vertebrae) <= 12
    places = [VERTEBRAE.index(name) for name in found.vertebrae]
    assert np.diff(places).tolist() == [1] * (len(places) - 1)
    nearest = np.abs(
        found.corners.mean(axis=1)[:, None] + (top, 0) - corners.mean(axis=1)[None]
    ).sum(axis=-1)
    assert nearest.min(axis=1).max() < 8  # each stands on a true vertebra, whatever it is called


def test_the_mask_holds_the_middles_of_all_bodies_and_discs_in_their_order(by):
    _, grey = film(index=6)
    found = find(grey, by)
    top, bottom = found.corners[:, :2].mean(axis=1), found.corners[:, 2:].mean(axis=1)
    bodies, discs = (top + bottom) / 2, (bottom[:-1] + top[1:]) / 2
    assert len(bodies) == 17
    line = np.insert(bodies, range(1, 17), discs, axis=0)
    assert (np.diff(line[:, 0]) > 0).all()
    rows, columns = np.rint(line).astype(int).T
    assert found.mask[rows, columns].all()


def test_looks_that_agree_are_near_the_mean_and_certainty_is_a_probability(by):
    _, grey = film(index=7)
    found = find(grey, by)
    assert np.nanstd(found.looks, axis=0).mean() < 3
    assert ((found.certainty >= 0) & (found.certainty <= 1)).all()
    assert 0 <= found.confidence <= 1
