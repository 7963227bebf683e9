"""Galleries of a study: strategies side by side class by class, and every wrong film once."""

import html
import re

import pytest
import safetensors.torch
from hypothesis import given
from hypothesis import strategies as st

from spondyl.data.phantom import drawing, output
from spondyl.learn import networks
from spondyl.learn.spec import parse_spec
from spondyl.report import whole
from spondyl.report.galleries import MOST_COLUMNS, bands

CONTENT = {
    "networks": ["test_resnet:layer2", "test_resnet:layer1"],
    "strategies": ["scratch", "fine-tuning"],
    **{"folds": 2, "epochs": 1, "size": [32, 32], "batch_size": 8},
    **{"gallery_films": 1, "gallery_wrong": 4},
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("galleries")
    films = output.save(folder / "drawn", drawing.cohort(30, 0, size=(64, 48))) / "films"
    body = networks.build("test_resnet", 3, seed=1).body.state_dict()
    file = folder / "weights.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in body.items()}, file)
    spec = parse_spec(CONTENT, "a test's spec")
    places = folder / "run", {"test_resnet": file}
    return whole.study_and_report(spec, films, *places, cache=folder / "cache", device="cpu")


@pytest.fixture(scope="module")
def galleries(reported):
    """{title: the gallery's part of the page}."""
    page = reported.page.read_text(encoding="utf-8")
    parts = re.findall(r'<section id="films-\d+">\s*<h2>(.*?)</h2>(.*?)</section>', page, re.S)
    return {html.unescape(title): part for title, part in parts}


def drawn(part):
    """Films that are drawn one after the other in this part of the page."""
    return re.findall(r'<h4><span class="id">(.*?)</span>', part)


def linked(part):
    """Films that this part of the page says are shown above."""
    return re.findall(r'<a href="#film-\w+">(.*?)</a>', part)


def wrong_films(outcome):
    table = outcome.predictions
    return [
        image_id
        for image_id, truth, said in zip(table.image_ids, table.truth, table.predicted, strict=True)
        if truth != said
    ]


def shown_for(reported):
    """Configurations whose wrong films are shown, the best first."""
    ran = reported.outcomes
    best = min(ran, key=lambda one: len(wrong_films(one)))
    tuned = [one for one in ran if one.configuration.strategy == "fine-tuning"]
    return [best, *(one for one in tuned if one is not best)]


def test_there_is_a_gallery_for_the_best_configuration_and_each_fine_tuned_one(reported, galleries):
    _, *wrong = galleries
    assert wrong == [f"Films that {one.configuration} got wrong" for one in shown_for(reported)]


def test_every_wrong_film_that_was_asked_for_is_drawn_or_linked_to(reported, galleries):
    for one in shown_for(reported):
        part = galleries[f"Films that {one.configuration} got wrong"]
        films = wrong_films(one)
        assert sorted((*drawn(part), *linked(part))) == sorted(films[:4])
        assert f"{min(4, len(films))} of {len(films)} wrong films" in part


def test_a_film_is_drawn_once_with_every_configuration_and_room_for_an_expert(reported, galleries):
    _, *wrong = galleries.values()
    films = [image_id for part in wrong for image_id in drawn(part)]
    assert len(set(films)) == len(films)
    for part in wrong:
        for article in part.split("<article ")[1:]:
            assert all(str(one.configuration) in article for one in reported.outcomes)
            assert article.count("data:image/jpeg") == 1 + len(reported.outcomes)
            assert article.count('class="expert"') == 1


def test_correct_films_stand_class_by_class_under_a_network_s_strategies(reported, galleries):
    table = next(iter(galleries.values()))
    heads = re.findall(r'<th scope="col"><span>(.*?)</span><span>(.*?)</span>', table)
    assert heads == [(n, s) for n in CONTENT["networks"] for s in CONTENT["strategies"]]
    labels = re.findall(r'<th scope="rowgroup" .*?>(.*?)</th>', table)
    known = reported.study.spec.labels
    assert labels == [label for label in known if label in labels]
    assert labels


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_bands_hold_every_column_once_and_in_order_and_are_not_too_wide(counts):
    columns = [f"network {i}" for i, n in enumerate(counts) for _ in range(n)]
    found = bands(columns)
    assert [column for band in found for column in band] == list(range(len(columns)))
    assert all(0 < len(band) <= MOST_COLUMNS for band in found)


@given(st.lists(st.integers(1, MOST_COLUMNS), min_size=1, max_size=12))
def test_a_network_that_fits_into_one_band_is_not_parted(counts):
    columns = [f"network {i}" for i, n in enumerate(counts) for _ in range(n)]
    for name in columns:
        mine = {i for i, other in enumerate(columns) if other == name}
        assert sum(bool(mine & set(band)) for band in bands(columns)) == 1


def test_six_columns_stand_in_one_table_and_twelve_in_two():
    assert bands(["a"] * 3 + ["b"] * 3) == ((0, 1, 2, 3, 4, 5),)
    assert [len(band) for band in bands(["a"] * 6 + ["b"] * 6)] == [6, 6]
    assert bands([]) == ()
