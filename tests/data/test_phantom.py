"""Drawn films: the truth is in the picture, and nothing else tells the class."""

import csv
import math
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spondyl.data import regions
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.levels import VERTEBRAE
from spondyl.data.phantom import drawing, output
from spondyl.data.phantom.anatomy import Anatomy, Curvature, Slip
from spondyl.data.phantom.shortcuts import SHORTCUTS
from spondyl.errors import SpondylError

SMALL = (96, 64)
labels = st.sampled_from(SPINE_LABELS.names)
views = st.sampled_from(["frontal", "lateral"])


def columns_of(films):
    return np.array([SPINE_LABELS.column(film.truth.label) for film in films])


def accuracy(facts, classes):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(cross_val_score(model, facts, classes, cv=5).mean())


@pytest.fixture(scope="module")
def clean():
    return drawing.cohort(360, seed=2, view="mixed", size=SMALL, size_jitter=0.3)


@given(seed=st.integers(0, 999), label=labels, view=views)
@settings(max_examples=25, deadline=None)
def test_the_same_seed_draws_the_same_film(seed, label, view):
    one, two = (drawing.draw(seed, label, view, SMALL) for _ in range(2))
    assert one.image.tobytes() == two.image.tobytes()
    assert one.truth == two.truth
    np.testing.assert_array_equal(one.regions.landmarks, two.regions.landmarks)


def test_a_film_is_the_same_in_a_cohort_of_any_size():
    few, many = (drawing.cohort(n, seed=4, view="mixed", size=SMALL) for n in (8, 20))
    for one, two in zip(few, many, strict=False):
        assert one.image_id == two.image_id
        assert one.image.tobytes() == two.image.tobytes()
    assert len({film.image.tobytes() for film in many}) == 20


def test_one_person_can_be_drawn_with_each_diagnosis():
    films = [drawing.draw(5, label) for label in SPINE_LABELS.names]
    assert len({film.truth.spacing_mm for film in films}) == 1
    assert len({(film.truth.sex, film.truth.age_years) for film in films}) == 1


@given(seed=st.integers(0, 999), label=labels, view=views)
@settings(max_examples=25, deadline=None)
def test_the_mask_covers_every_vertebral_body(seed, label, view):
    film = drawing.draw(seed, label, view, SMALL)
    corners = film.regions.landmarks.reshape(-1, 4, 2)
    assert len(corners) == len(film.truth.vertebrae) >= 4
    pixels = np.argwhere(np.ones(SMALL, bool))
    for body in corners[:, (0, 1, 3, 2)]:
        edges = np.roll(body, -1, axis=0) - body
        inward = np.stack((edges[:, 1], -edges[:, 0]), axis=1)
        inward /= np.linalg.norm(edges, axis=1, keepdims=True)
        depth = ((pixels[:, None] - body) * inward).sum(axis=2)
        within = pixels[(depth > 0.25).all(axis=1)]  # cv2 rounds corners to sixteenths
        assert film.regions.spine_mask[within[:, 0], within[:, 1]].all()


@given(seed=st.integers(0, 999), label=labels)
@settings(max_examples=25, deadline=None)
def test_a_film_of_the_whole_spine_has_sixty_eight_landmarks(seed, label):
    film = drawing.draw(seed, label, size=(160, 48), field="whole")
    assert film.regions.landmarks.shape == (68, 2)
    assert film.truth.vertebrae == VERTEBRAE


@given(seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_the_requested_cobb_angle_is_the_one_measured_from_the_landmarks(seed):
    cobb = 15.0 + seed % 40
    spine = Anatomy(Curvature(("T5", "T12"), (cobb,), "right"))
    film = drawing.draw(seed, "scoliosis", size=(900, 400), field="whole", spine=spine)
    lines = [
        (tr + br) / 2 - (tl + bl) / 2
        for tl, tr, bl, br in film.regions.landmarks.reshape(-1, 4, 2).astype(float)
    ]
    measured = max(
        math.degrees(math.acos(min(1.0, a @ b / math.sqrt((a @ a) * (b @ b)))))
        for a, b in combinations(lines, 2)
    )
    assert measured == pytest.approx(cobb, abs=0.05)
    assert film.truth.largest_angle_degrees == pytest.approx(cobb, abs=0.05)


def test_the_target_of_a_scoliosis_is_its_apex():
    spine = Anatomy(Curvature(("T5", "T12"), (40.0,), "left"))
    film = drawing.draw(1, "scoliosis", field="whole", spine=spine)
    (curve,) = film.truth.curves
    apex = film.regions.landmarks.reshape(-1, 4, 2)[film.truth.vertebrae.index(curve.apex)]
    assert film.regions.targets == (pytest.approx(tuple(apex.mean(axis=0)), abs=0.01),)
    assert (curve.side, curve.region) == ("left", "thoracic")


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_the_target_of_a_slip_lies_between_the_two_vertebrae(view):
    spine = Anatomy(Curvature(("T5", "T12"), (0.0,), "left"), Slip("L4-5", 0.3))
    film = drawing.draw(1, "spondylolisthesis", view, spine=spine)
    corners = film.regions.landmarks.reshape(-1, 4, 2)
    l4, l5 = (corners[film.truth.vertebrae.index(name)] for name in ("L4", "L5"))
    (target,) = film.regions.targets
    assert target == pytest.approx(tuple((l4[2:].mean(axis=0) + l5[:2].mean(axis=0)) / 2), abs=0.01)
    assert drawing.draw(1, "normal", view).regions.targets == ()


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_the_further_a_vertebra_slips_the_more_the_film_changes(view):
    def film(fraction):
        spine = Anatomy(Curvature(("T5", "T12"), (0.0,), "left"), Slip("L4-5", fraction))
        drawn = drawing.draw(3, "spondylolisthesis", view, spine=spine, field="lumbar")
        return cv2.GaussianBlur(drawn.image.astype(np.float32), (0, 0), 2.0)

    nothing = film(0.0)
    changes = [float(np.abs(film(fraction) - nothing).mean()) for fraction in (0.1, 0.3, 0.6)]
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_bones_that_overlap_are_brighter_than_either():
    straight = Curvature(("T5", "T12"), (0.0,), "left")
    slipped = Anatomy(straight, Slip("L4-5", 0.6))
    film = drawing.draw(3, "spondylolisthesis", spine=slipped, field="lumbar")
    healthy = drawing.draw(3, "normal", spine=Anatomy(straight), field="lumbar")
    row, col = (round(place) for place in film.regions.targets[0])
    around = (slice(row - 2, row + 3), slice(col - 4, col + 5))
    assert film.image[around].mean() > healthy.image[healthy.regions.spine_mask].mean() + 15


def test_size_view_and_exposure_do_not_tell_the_class(clean):
    classes = columns_of(clean)
    facts = np.array(
        [
            (
                *film.image.shape,
                film.image.shape[0] / film.image.shape[1],
                film.image.mean(),
                film.image.std(),
                film.truth.view == "lateral",
                film.truth.spacing_mm,
                film.truth.age_years,
                film.truth.sex == "female",
                len(film.regions.boxes),
            )
            for film in clean
        ],
        dtype=float,
    )
    majority = np.bincount(classes).max() / len(classes)
    assert accuracy(facts, classes) < majority + 0.07
    for fact in facts.T:
        between = sum(fact[classes == k].mean() ** 2 for k in range(3)) / 3 - fact.mean() ** 2
        assert between < 0.05 * fact.var()


def test_a_thumbnail_is_far_from_telling_the_class(clean):
    thumbnails = np.array(
        [cv2.resize(film.image, (8, 8), interpolation=cv2.INTER_AREA).ravel() for film in clean]
    )
    assert accuracy(thumbnails, columns_of(clean)) < 0.6


def test_no_place_in_a_cohort_belongs_to_a_class(clean):
    classes = columns_of(clean)
    assert np.bincount(classes).tolist() == [120, 120, 120]
    for period in (2, 3, 4, 6):
        for start in range(period):
            assert len(set(classes[start::period])) == 3


def test_proportions_are_kept():
    films = drawing.cohort(
        60, seed=1, size=(48, 48), proportions={"normal": 1, "scoliosis": 3, "spondylolisthesis": 2}
    )
    assert np.bincount(columns_of(films)).tolist() == [10, 30, 20]


@pytest.mark.parametrize("name", sorted(SHORTCUTS))
def test_a_planted_shortcut_at_full_strength_tells_the_class(name):
    films = drawing.cohort(18, seed=3, size=SMALL, shortcut=name)
    for film in films:
        assert film.truth.shortcut == f"{name} {SPINE_LABELS.column(film.truth.label)}"
        assert (film.image.ndim == 3) == (name == "tint")
        assert film.image.shape[:2] == film.regions.image_size
    if name == "aspect":
        assert len({(film.truth.label, film.image.shape) for film in films}) == 3


@pytest.mark.parametrize("strength", [0.0, 0.6])
def test_strength_is_how_often_a_class_has_its_own_variant(strength):
    films = drawing.cohort(300, seed=3, size=(48, 48), shortcut="border", strength=strength)
    own = [
        film.truth.shortcut.endswith(str(c))
        for film, c in zip(films, columns_of(films), strict=True)
    ]
    assert np.mean(own) == pytest.approx(strength + (1 - strength) / 3, abs=0.08)


@pytest.mark.parametrize("name", ["marker", "text", "border"])
def test_a_planted_shortcut_changes_the_film_in_its_boxes_and_nowhere_else(name):
    clean = next(
        film
        for film in (drawing.draw(8, "scoliosis", index=i) for i in range(50))
        if not film.regions.boxes and film.image[:, 0].max() > 6
    )
    with_it = drawing.draw(8, "scoliosis", index=clean.truth.index, shortcut=name)
    boxes = [box for box in with_it.regions.boxes if box.name == name]
    inside = np.zeros(clean.image.shape, bool)
    for box in boxes:
        inside[int(box.top) : math.ceil(box.bottom), int(box.left) : math.ceil(box.right)] = True
    changed = clean.image != with_it.image
    assert boxes
    assert changed[inside].any()
    assert not changed[~inside].any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shortcut": "watermark"}, "watermark"),
        ({"shortcut": "tint", "strength": 1.5}, "1.5"),
        ({"seed": -1}, "-1"),
        ({"size": (20, 200)}, "20 × 200"),
        ({"label": "fracture"}, "fracture"),
        ({"view": "oblique"}, "oblique"),
        ({"spine": Anatomy(Curvature(("T5", "T12"), (40.0,), "left"))}, "scoliosis"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, said):
    with pytest.raises(SpondylError, match=said):
        drawing.draw(**{"seed": 0, "label": "normal"} | wrong)


def test_shares_of_unknown_labels_are_refused():
    with pytest.raises(SpondylError, match="fracture"):
        drawing.cohort(3, 0, proportions={"fracture": 1.0})


def test_a_saved_cohort_reads_back(tmp_path):
    films = drawing.cohort(6, seed=7, size=SMALL, shortcut="tint")
    folder = output.save(tmp_path / "cohort", films)
    with (folder / "manifest.csv").open() as stream:
        manifest = list(csv.DictReader(stream))
    with (folder / "truth.csv").open() as stream:
        truth = list(csv.DictReader(stream))
    assert len({row["group"] for row in manifest}) == 6
    for film, stated, known in zip(films, manifest, truth, strict=True):
        with Image.open(folder / stated["path"]) as image:
            np.testing.assert_array_equal(np.asarray(image), film.image)
        assert (stated["label"], stated["view"]) == (film.truth.label, film.truth.view)
        assert known["image_id"] == film.image_id
        found = regions.load(folder / "regions", film.image_id)
        np.testing.assert_array_equal(found.spine_mask, film.regions.spine_mask)
        np.testing.assert_array_equal(found.landmarks, film.regions.landmarks)
        assert found.boxes == film.regions.boxes


def test_two_films_of_one_name_leave_no_folder(tmp_path):
    film = drawing.draw(1, "normal", size=SMALL)
    with pytest.raises(SpondylError, match="two films"):
        output.save(tmp_path / "cohort", [film, film])
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_shows_every_film():
    films = drawing.cohort(5, seed=7, size=SMALL)
    page = output.sheet(films, columns=2)
    assert page.dtype == np.uint8
    assert page.ndim == 3
    height, width = page.shape[0] // 3, page.shape[1] // 2
    tiles = [page[r * height :, c * width :][:height, :width] for r in range(3) for c in range(2)]
    assert [bool(tile.max() > 60) for tile in tiles] == [True] * 5 + [False]
