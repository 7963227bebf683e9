"""Which films and heatmaps a survey has: the paper's errors, and what has to stand beside them."""

from collections import Counter
from dataclasses import replace

import pytest
from drawn_surveys import LABELS, NETWORKS, candidates

from spondyl.errors import SpondylError
from spondyl.review.selecting import Candidate, Choice, Drawn, as_drawn, select

FILMS = candidates(200)
BY_SHA = {film.sha256: film for film in FILMS}


def wrong(film):
    return any(film.predicted[network] != film.truth for network in NETWORKS)


def items_of(**choice):
    return select(FILMS, LABELS, Choice(NETWORKS, 5, **choice)).items


def test_the_papers_selection_is_every_wrong_film_once():
    items = items_of()
    assert {item.film_sha256 for item in items} == {f.sha256 for f in FILMS if wrong(f)}
    assert {item.why for item in items} == {"wrong"}
    assert all(Counter(m.network for m in item.maps) == Counter(NETWORKS) for item in items)


def test_a_second_file_of_equal_bytes_is_not_a_second_film():
    twin = replace(next(f for f in FILMS if wrong(f)), image_id="twin")
    assert len(select((*FILMS, twin), LABELS, Choice(NETWORKS, 5)).items) == len(items_of())


def test_right_films_are_right_by_all_and_as_many_of_each_label():
    items = [item for item in items_of(right=18) if item.why == "right"]
    assert not any(wrong(BY_SHA[item.film_sha256]) for item in items)
    assert set(Counter(item.truth for item in items).values()) == {6}


def test_a_sample_has_the_cohorts_shares_whatever_was_said():
    items = [item for item in items_of(sample=40) if item.why == "sample"]
    groups = {film.group_id: film.truth for film in FILMS}
    got = Counter(item.truth for item in items)
    share = Counter(groups.values())
    assert len(items) == 40
    for label in LABELS:
        assert abs(got[label] - 40 * share[label] / len(groups)) < 1.5
    assert any(wrong(BY_SHA[item.film_sha256]) for item in items)


def test_a_sample_is_the_same_whatever_else_is_chosen():
    alone = {i.film_sha256 for i in items_of(sample=20) if i.why == "sample"}
    among = {i.film_sha256 for i in items_of(sample=20, right=9, wrong=3) if i.why == "sample"}
    assert alone == among


def test_of_a_group_one_film_is_drawn():
    items = items_of(wrong=0, right=20, sample=20)
    groups = [BY_SHA[item.film_sha256].group_id for item in items]
    assert len(set(groups)) == len(groups)


def test_repeats_are_the_same_film_with_the_networks_own_heatmaps():
    selection = select(FILMS, LABELS, Choice(NETWORKS, 5, right=6, decoys=6, repeats=20))
    items = {item.item_id: item for item in selection.items}
    again = [item for item in selection.items if item.repeats is not None]
    assert len(again) == len({item.repeats for item in again}) == 20
    for item in again:
        first = items[item.repeats]
        assert (item.film_sha256, item.film) == (first.film_sha256, first.film)
        assert first.repeats is None
        assert {m.kind for m in item.maps} == {"network"}
        assert {m.network for m in item.maps} == {m.network for m in first.maps}
        for ours, theirs in zip(item.maps, first.maps, strict=True):
            assert (ours.file == theirs.file) == (theirs.kind == "network")


def test_decoys_take_turns_on_right_films_and_change_no_count():
    items = items_of(right=24, decoys=8)
    decoys = [(item, m) for item in items for m in item.maps if m.kind != "network"]
    assert len(decoys) == 8
    assert not any(wrong(BY_SHA[item.film_sha256]) for item, _ in decoys)
    assert Counter((m.network, m.kind) for _, m in decoys) == {
        (network, kind): 2 for network in NETWORKS for kind in ("other label", "randomised network")
    }
    assert {len(item.maps) for item in items} == {len(NETWORKS)}
    assert max(Counter(item.item_id for item, _ in decoys).values()) == 1


def test_decoys_never_outnumber_the_networks_own():
    with pytest.raises(SpondylError, match="decoys: 3 asked for, and there are 2 places"):
        select(FILMS, LABELS, Choice(NETWORKS[:1], 5, wrong=0, right=4, decoys=3))
    with pytest.raises(SpondylError, match="there are 0 places"):
        items_of(decoys=1)


def test_wishes_say_what_has_to_be_drawn():
    selection = select(FILMS, LABELS, Choice(NETWORKS, 5, wrong=2, right=8, decoys=4, repeats=3))
    maps = {m.file: m for item in reversed(selection.items) for m in item.maps}
    assert {wish.file for wish in selection.wishes} == set(maps)
    for wish in selection.wishes:
        film = next(f for f in FILMS if f.image_id == wish.image_id)
        assert wish.label == maps[wish.file].label == film.predicted[wish.network]
        assert (wish.drawn_label != wish.label) == (wish.kind == "other label")
    films = dict(selection.films)
    assert set(films.values()) == {item.film for item in selection.items}


def test_numbers_and_files_tell_nothing_of_the_film_or_of_why():
    items = select(FILMS, LABELS, Choice(NETWORKS, 5, right=30)).items
    assert "Doe" not in repr(items)
    halves = [[item.why for item in half] for half in (items[:25], items[25:])]
    assert all({"wrong", "right"} <= set(half) for half in halves)
    assert len({item.maps[0].network for item in items}) == 2


def test_a_selection_follows_from_the_seed_and_from_nothing_else():
    choice = Choice(NETWORKS, 5, right=9, sample=9, repeats=4, decoys=4)
    again = select(FILMS[::-1], LABELS, choice)
    assert again == select(FILMS, LABELS, choice)
    assert again != select(FILMS, LABELS, replace(choice, seed=6))


def test_what_was_drawn_reaches_a_heatmap_and_its_repeat():
    items = select(FILMS, LABELS, Choice(NETWORKS, 5, repeats=5)).items
    first = next(item for item in items if item.repeats).maps[0]
    drawn = {m.file: Drawn(m.label, "grad-cam") for item in items for m in item.maps}
    drawn[first.file] = Drawn(first.label, "grad-cam", (("road", 0.25),))
    done = as_drawn(items, drawn)
    have = [m for item in done for m in item.maps if m.scores]
    assert [m.scores for m in have] == [(("road", 0.25),)] * 2
    assert {(m.drawn_label == m.label, m.method) for i in done for m in i.maps} == {
        (True, "grad-cam")
    }
    with pytest.raises(KeyError):
        as_drawn(items, {})


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice((), 1), "one or more"),
        (Choice((NETWORKS[0],) * 2, 1), "one or more"),
        (Choice(("alexnet",), 1), "alexnet said nothing"),
        (Choice(NETWORKS, 1, right=-1), "less than none"),
        (Choice(NETWORKS, 1, wrong=500), "wrong films: 500 asked for"),
        (Choice(NETWORKS, 1, right=500), "right films: 500 asked for"),
        (Choice(NETWORKS, 1, sample=500), "a sample: 500 asked for"),
        (Choice(NETWORKS, 1, repeats=500), "repeats: 500 asked for"),
        (Choice(NETWORKS, 1, wrong=0), "no film was chosen"),
    ],
)
def test_more_than_there_is_is_refused(choice, said):
    with pytest.raises(SpondylError, match=said):
        select(FILMS, LABELS, choice)


def test_a_label_that_nobody_knows_is_refused():
    strange = Candidate("a", "0", "a", "fracture", dict.fromkeys(NETWORKS, "normal"))
    with pytest.raises(SpondylError, match="'fracture' is none of"):
        select((*FILMS, strange), LABELS, Choice(NETWORKS, 1))
