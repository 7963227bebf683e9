"""Pictures of a survey: the film as it is, and heat from the network that never learned from it."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from study_to_review import made_in

from spondyl.data import encoded, pixels
from spondyl.errors import SpondylError
from spondyl.explain import overlay
from spondyl.explain.explaining import explain
from spondyl.explain.study import record
from spondyl.explain.study_explaining import explain_run
from spondyl.learn import trial as trials
from spondyl.learn.preprocess import prepare
from spondyl.reading import survey_pictures
from spondyl.reading.survey_pictures import DRAWS, MapAsked

LABELS = ("normal", "scoliosis", "spondylolisthesis")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("reviewed")


@pytest.fixture(scope="module")
def study(place):
    return made_in(place)


@pytest.fixture(scope="module")
def heads(study):
    """The configuration whose bodies never learned; its heads find no heat in some films."""
    return study.spec.configurations[0]


@pytest.fixture(scope="module")
def films(study):
    return study.cohort.radiographs


def drawn(study, *asked, **changes):
    return survey_pictures.maps(study, asked, **{"device": "cpu"} | changes)


def by_definition(study, configuration, film, label):
    """(fold, map on the layer's grid, placement) of the one trial that was tested on the film."""
    (trial,) = (t for t in study.trials(configuration) if film.image_id in t.parts.test)
    assert film.image_id not in trial.parts.train + trial.parts.tune
    network = trials.restore(trial, study.trials_folder, study.spec, study.files)
    prepared = prepare([film], study.spec.preprocessing)
    image = study.spec.preprocessing.normalised(prepared.images)
    made = explain(network, image, torch.tensor([LABELS.index(label)]))
    return trial.fold, made.maps[0].numpy(), prepared.placements[0]


def has_heat(study, configuration, film, label):
    return by_definition(study, configuration, film, label)[1].max() > 0


def test_a_film_is_its_own_pixels_in_eight_bits_of_grey_and_nothing_else(study, films):
    made = survey_pictures.films(study, [film.image_id for film in films[:3]])
    assert list(made) == [film.image_id for film in films[:3]]
    for film in films[:3]:
        with Image.open(io.BytesIO(made[film.image_id])) as picture:
            assert (picture.format, picture.mode, picture.info) == ("PNG", "L", {})
            stored = pixels.read(film.path).grey
            assert np.array_equal(np.asarray(picture), np.rint(255 * stored))


def test_a_large_film_is_made_smaller_and_its_heatmap_stays_on_its_grid(study, films, monkeypatch):
    monkeypatch.setattr(survey_pictures, "LONGEST", 45)
    film = films[0].image_id
    alone = survey_pictures.films(study, [film])[film]
    (heated,) = drawn(study, MapAsked(film, study.spec.configurations[1], ("normal",)))
    sizes = [Image.open(io.BytesIO(content)).size for content in (alone, heated.jpeg)]
    assert sizes == [(30, 45), (30, 45)]


@pytest.mark.parametrize("row", [0, 7, 20])
@pytest.mark.parametrize("label", LABELS)
def test_heat_is_that_of_the_network_tested_on_the_film_on_the_maps_own_scale(
    study, films, row, label
):
    film, configuration = films[row], study.spec.configurations[1]
    (made,) = drawn(study, MapAsked(film.image_id, configuration, (label,)))
    fold, values, placement = by_definition(study, configuration, film, label)
    grey = pixels.read(film.path).grey
    heat = placement.on_image(values, grey.shape)
    expected = overlay.draw_with_lines(grey, heat, float(values.max()))
    assert (made.fold, made.label, made.has_heat) == (fold, label, True)
    assert made.jpeg == encoded.jpeg(expected)


def test_what_is_drawn_does_not_hang_on_what_else_is_asked_for_or_in_which_order(study, films):
    asked = [
        MapAsked(film.image_id, configuration, ("scoliosis",), kind)
        for film in films[:6]
        for configuration in study.spec.configurations
        for kind in ("network", "randomised network")
    ]
    together = drawn(study, *asked)
    assert drawn(study, *reversed(asked)) == together[::-1]
    assert drawn(study, asked[5]) == (together[5],)
    assert drawn(study) == ()


def test_a_randomised_network_is_drawn_for_each_map_alone_from_the_seed(study, films):
    tuned = study.spec.configurations[1]
    film = films[0].image_id
    own, decoy, other = (
        MapAsked(film, tuned, ("normal",)),
        MapAsked(film, tuned, ("normal",), "randomised network"),
        MapAsked(films[1].image_id, tuned, ("normal",), "randomised network"),
    )
    first, second, third = drawn(study, own, decoy, other, seed=3)
    assert drawn(study, decoy, seed=3) == (second,)
    others = {drawn(study, decoy, seed=seed)[0].jpeg for seed in (4, 5)}
    assert len({first.jpeg, second.jpeg, third.jpeg} | others) == 5


def test_a_decoy_without_heat_is_asked_about_the_next_label(study, films, heads):
    tried = 0
    for film in films:
        warm = [label for label in LABELS if has_heat(study, heads, film, label)]
        cold = [label for label in LABELS if label not in warm]
        if cold and warm:
            labels = (cold[0], warm[0])
            (made,) = drawn(study, MapAsked(film.image_id, heads, labels, "other label"))
            assert (made.label, made.has_heat) == (warm[0], True)
            tried += 1
        if tried == 2:
            break
    assert tried == 2


def test_a_map_without_heat_is_the_film_alone_and_says_so(study, films, heads):
    film, label = next(
        (film, label)
        for film in films
        for label in LABELS
        if not has_heat(study, heads, film, label)
    )
    (made,) = drawn(study, MapAsked(film.image_id, heads, (label,)))
    assert (made.label, made.has_heat) == (label, False)
    assert made.jpeg == encoded.jpeg(overlay.bare(pixels.read(film.path).grey))


def test_random_weights_are_drawn_again_until_there_is_heat(study, films, heads, monkeypatch):
    asked = MapAsked(films[0].image_id, heads, ("normal",), "randomised network")
    seeds = []
    untrained = survey_pictures.untrained

    def cold_at_first(network, seed):
        seeds.append(seed)
        fresh = untrained(network, seed)
        if len(seeds) < warm_from:
            torch.nn.init.zeros_(fresh.head.linear.weight)
        return fresh

    monkeypatch.setattr(survey_pictures, "untrained", cold_at_first)
    warm_from = 4
    assert drawn(study, asked)[0].has_heat
    assert len(set(seeds)) == len(seeds) >= 4
    warm_from = len(seeds) + DRAWS + 1
    assert not drawn(study, asked)[0].has_heat
    assert len(seeds) == warm_from - 1


def test_a_map_has_the_scores_that_the_study_gave_it_and_a_decoy_has_none(study, films, place):
    tuned = study.spec.configurations[1]
    table = study.outcomes()[1].predictions
    said = {image: LABELS[c] for image, c in zip(table.image_ids, table.predicted, strict=True)}
    own = [MapAsked(film.image_id, tuned, (said[film.image_id],)) for film in films[:12]]
    assert all(made.scores == () for made in drawn(study, *own))
    masks = place / "drawn" / "regions"
    explain_run(study.folder, ("layercam", "grad-cam"), 20, 1, masks, "place", "cpu")
    kept = record.load(study.folder, tuned).table
    n_scored = 0
    for one, made in zip(own, drawn(study, *own, method="grad-cam"), strict=True):
        expected = {
            row.score: row.value
            for row in kept.rows
            if (row.image_id, row.maker) == (one.image_id, "grad-cam") and "chance" not in row.score
        }
        assert dict(made.scores) == expected
        n_scored += bool(expected)
    assert 0 < n_scored < 12
    assert "energy" in dict(max(drawn(study, *own), key=lambda made: len(made.scores)).scores)
    decoys = [replace(one, kind="randomised network") for one in own]
    wrong = [replace(one, labels=(LABELS[LABELS.index(one.labels[0]) - 1],)) for one in own]
    assert [made.scores for made in drawn(study, *decoys, *wrong)] == [()] * 24


def test_a_film_that_was_changed_since_is_refused(study, films, tmp_path):
    moved = replace(study, cohort=study.cohort.moved_to(tmp_path))
    film = films[0]
    there = tmp_path / film.image_id
    there.parent.mkdir(parents=True)
    there.write_bytes(films[1].path.read_bytes())
    with pytest.raises(SpondylError, match="not the film that the study judged"):
        survey_pictures.films(moved, [film.image_id])
    with pytest.raises(SpondylError, match=r"not the film that the study judged|was changed since"):
        drawn(moved, MapAsked(film.image_id, study.spec.configurations[0], ("normal",)))


@pytest.mark.parametrize(
    ("changes", "method", "said"),
    [
        ({"image_id": "nobody.png"}, "grad-cam", "no network of .* was tested on it"),
        ({"labels": ("fracture",)}, "grad-cam", "label fracture is none of the study's"),
        ({"labels": ()}, "grad-cam", "label \\(none\\)"),
        ({}, "grad-kam", "not known"),
    ],
)
def test_what_the_study_cannot_answer_is_refused(study, films, changes, method, said):
    asked = MapAsked(films[0].image_id, study.spec.configurations[0], ("normal",))
    with pytest.raises(SpondylError, match=said):
        drawn(study, replace(asked, **changes), method=method)


def test_a_film_that_the_study_does_not_have_is_refused(study):
    with pytest.raises(SpondylError, match=r"nobody\.png: no film of the study"):
        survey_pictures.films(study, ["nobody.png"])
