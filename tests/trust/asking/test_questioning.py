"""Films asked about again: as they are the study's own answers, changed what the change says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from striped_films import BRIGHT, CORNER, HOW, SIZE, SPINE, before, network, save

from spondyl.data import regions
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.preprocess import Preprocessing
from spondyl.learn.spec import parse_spec
from spondyl.trust.asking import questioning, subject
from spondyl.trust.asking.changes import mirrored, unchanged
from spondyl.trust.asking.questioning import BATCH, Shown

CONTENT = {
    "networks": ["test_resnet:layer2"],
    "strategies": ["random-features", "scratch"],
    **{"folds": 2, "epochs": 1, "size": [48, 32], "batch_size": 8, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    return output.save(folder / "drawn", drawing.cohort(30, 0, size=(72, 48)))


@pytest.fixture(scope="module")
def study(drawn):
    study = conduct.begin(
        parse_spec(CONTENT, "a test's spec"), drawn / "films", drawn.parent / "run", {}
    )
    conduct.run(study, drawn.parent / "cache", fabric_on("cpu"))
    return study


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    return save(tmp_path_factory.mktemp("striped"))


def test_a_film_as_it_is_gets_the_answer_that_the_study_gave(study):
    for outcome in study.outcomes():
        found = subject.of_study(study, outcome)
        answers = questioning.asked(found, {"as is": unchanged}, Shown.of(found))["as is"]
        said, own = answers.predictions, outcome.predictions
        assert answers.left_out == ()
        assert said.image_ids == own.image_ids
        assert (said.folds == own.folds).all()
        assert (said.truth == own.truth).all()
        assert said.group_ids == own.group_ids
        assert said.logits == pytest.approx(own.logits, abs=2e-4)


def test_a_changed_film_gets_the_answer_to_the_changed_film(study):
    found = subject.of_study(study, study.outcomes()[-1])
    shown = Shown.of(found)
    said = questioning.asked(found, {"mirror": mirrored}, shown)["mirror"].predictions
    for member in found.members:
        one = member.load()
        for image_id in member.answers_for[:3]:
            row = shown.prepared.image_ids.index(image_id)
            image = shown.prepared.images[row : row + 1].float().flip(3).expand(1, 3, -1, -1)
            with torch.no_grad():
                logits = one(shown.preprocessing.normalised(image))[0].double().numpy()
            assert said.logits[said.image_ids.index(image_id)] == pytest.approx(logits, abs=1e-4)


def test_strangers_get_the_mean_of_all_networks_probabilities(striped):
    cohort, _ = striped
    networks = network(SPINE, slope=3.0), network(CORNER, threshold=0.9, slope=2.0)
    found = before(cohort, *networks)
    said = questioning.asked(found, {"as is": unchanged}, Shown.of(found))["as is"].predictions
    for image_id, shares in zip(said.image_ids, said.probabilities, strict=True):
        grey = (BRIGHT if image_id.startswith("scol") else 120) / 255
        up = [1 / (1 + np.exp(-2 * 3.0 * (grey - 160 / 255))), 1 / (1 + np.exp(-4 * (grey - 0.9)))]
        assert shares[1] == pytest.approx(np.mean(up), abs=2e-3)


def test_a_film_for_which_a_change_means_nothing_is_named_and_not_answered_for(striped):
    cohort, masks = striped
    found = before(cohort, network(SPINE))
    marks = Shown.of(found, masks)
    some = replace(marks, spines={i: m for i, m in marks.spines.items() if i.endswith("1.png")})

    def where_marked(picture):
        return None if picture.spine is None else picture.image

    answers = questioning.asked(found, {"marked": where_marked, "as is": unchanged}, some)
    assert set(answers["marked"].predictions.image_ids) == set(some.spines)
    assert len(some.spines) == 2
    every = {film.image_id for film in cohort.radiographs}
    assert set(answers["marked"].left_out) == every - set(some.spines)
    assert len(answers["as is"].predictions) == len(every)


@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_change_that_means_nothing_for_any_film_is_answered_for_none(striped, n_networks):
    cohort, _ = striped
    found = before(cohort, *[network(SPINE)] * n_networks)
    answers = questioning.asked(found, {"never": lambda picture: None}, Shown.of(found))["never"]
    assert len(answers.predictions) == 0
    assert answers.predictions.logits.shape == (0, 2)
    assert answers.left_out == found.answered


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda picture: picture.image[:, 1:], "a change made"),
        (lambda picture: picture.image[0], "a change made"),
        (lambda picture: picture.image + 1, "range of 0 to 1"),
        (lambda picture: picture.image * np.float32(np.nan), "range of 0 to 1"),
    ],
)
def test_a_change_that_makes_no_film_of_it_is_an_error(striped, change, said):
    found = before(striped[0], network(SPINE))
    with pytest.raises(ValueError, match=said):
        questioning.asked(found, {"wrong": change}, Shown.of(found))


def test_what_a_network_is_never_shown_no_change_shows_it(striped):
    hidden = replace(HOW, hide="inside")
    found = before(striped[0], network(SPINE), how=hidden)
    answers = questioning.asked(
        found,
        {"white": lambda picture: np.ones_like(picture.image), "as is": unchanged},
        Shown.of(found),
    )
    inside = ~hidden.shown_cells
    share = 1 - inside[SPINE].mean()
    expected = 40 * (share - 160 / 255)
    assert answers["white"].predictions.logits[:, 1] == pytest.approx(expected, abs=1e-3)
    assert (answers["as is"].predictions.logits[:, 1] < expected).all()


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_spine_lies_on_network_pixels_of_which_it_covers_half(drawn, fit):
    how = Preprocessing(size=(24, 24), fit=fit)
    marked = regions.load(drawn / "regions", "scoliosis/0000.png")
    if marked is None:
        marked = regions.load(
            drawn / "regions",
            sorted(str(p.relative_to(drawn / "films")) for p in (drawn / "films").rglob("*.png"))[
                0
            ],
        )
    place = how.placement(marked.image_size)
    mask = questioning._spine(marked, place)
    fine = np.kron(marked.spine_mask, np.ones((8, 8)))  # no network pixel cuts one of these
    height, width = place.content_size
    rows = np.linspace(0, fine.shape[0], height + 1)
    columns = np.linspace(0, fine.shape[1], width + 1)
    outside = mask.copy()
    (top, left) = place.offset
    outside[top : top + height, left : left + width] = False
    assert not outside.any()
    for row in range(height):
        for column in range(width):
            cell = fine[
                round(rows[row]) : round(rows[row + 1]),
                round(columns[column]) : round(columns[column + 1]),
            ]
            if abs(cell.mean() - 0.5) > 0.03:
                assert mask[top + row, left + column] == (cell.mean() > 0.5)


def test_pictures_come_as_they_are_asked_for_with_their_own_spines(striped):
    cohort, masks = striped
    found = before(cohort, network(SPINE))
    shown = Shown.of(found, masks)
    expected = np.zeros(SIZE, bool)
    expected[SPINE] = True
    ids = [cohort.radiographs[row].image_id for row in (12, 3)]
    bright, dim = shown.pictures(ids)
    assert bright.image[0][SPINE].mean() > dim.image[0][SPINE].mean()
    assert (bright.spine == expected).all()
    assert bright.fit == "stretch"
    with pytest.raises(KeyError):
        list(shown.pictures(["normal/unknown.png"]))


def test_regions_of_none_of_the_films_are_refused(striped, tmp_path):
    with pytest.raises(SpondylError, match="regions of none of the 16 films"):
        Shown.of(before(striped[0], network(SPINE)), tmp_path)


def test_images_are_seen_in_their_order_whatever_the_batch():
    draws = np.random.default_rng(1)
    images = [draws.random((1, *SIZE), np.float32) for _ in range(BATCH + 3)]
    one = network(SPINE)
    found = questioning.seen(one, images, HOW)
    assert found.features[:, 0] == pytest.approx([i[0][SPINE].mean() for i in images], abs=1e-6)
    assert found.logits.shape == (BATCH + 3, 2)
    none = questioning.seen(one, [], HOW)
    assert none.features.shape == (0, 1)
    assert len(none.logits) == 0
