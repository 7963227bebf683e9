"""Orders: each reader's own, repeats far from their films, letters that betray nothing."""

from collections import Counter

import pytest
from drawn_surveys import tiny_item, tiny_survey
from hypothesis import given
from hypothesis import strategies as st

from spondyl.review import orders


def drawn(films, repeats, maps=0, seed=1):
    items = [tiny_item(f"i{n}", maps) for n in range(films)]
    again = [tiny_item(f"r{n}", maps, f"i{n}") for n in range(repeats)]
    return tiny_survey([*items, *again], seed=seed)


@given(st.integers(2, 30), st.integers(0, 30), st.integers(0, 10**6), st.text(max_size=5))
def test_a_repeat_comes_later_and_never_next(films, repeats, seed, reader):
    survey = drawn(films, min(films, repeats), seed=seed)
    order = orders.items(survey, reader)
    place = {item.item_id: at for at, item in enumerate(order)}
    assert sorted(place) == sorted(item.item_id for item in survey.items)
    for item in order:
        if item.repeats is not None:
            apart = place[item.item_id] - place[item.repeats]
            assert apart >= orders.distance(survey.items) >= 2


def test_a_long_survey_keeps_repeats_ten_places_away():
    assert orders.distance(drawn(95, 5).items) == orders.FURTHEST == 10


def test_the_only_film_may_be_repeated_at_once():
    assert [item.item_id for item in orders.items(drawn(1, 1), "a")] == ["i0", "r0"]


def test_an_order_is_the_readers_own_and_always_the_same():
    survey = drawn(20, 5)
    assert orders.items(survey, "a") == orders.items(survey, "a")
    assert orders.items(survey, "a") != orders.items(survey, "b")
    assert orders.items(survey, "a") != orders.items(drawn(20, 5, seed=2), "a")


def test_an_order_does_not_change_with_versions():
    survey = drawn(6, 2)
    assert [item.item_id for item in orders.items(survey, "reader-1")] == (
        ["i0", "i2", "i1", "i3", "i4", "r1", "r0", "i5"]
    )


def test_every_film_is_met_at_every_place():
    survey = drawn(5, 0)
    seen = Counter(
        (at, item.item_id)
        for reader in range(1000)
        for at, item in enumerate(orders.items(survey, f"r{reader}"))
    )
    assert len(seen) == 25
    assert all(140 < times < 260 for times in seen.values())  # 200 ± 5 standard deviations


@pytest.mark.parametrize("per", ["reader", "item"])
def test_a_letter_says_nothing_of_the_network(per):
    survey = drawn(300, 0, maps=2)
    pairs = (
        [(f"r{n}", survey.items[0]) for n in range(300)]
        if per == "reader"
        else [("a", item) for item in survey.items]
    )
    first = Counter(orders.maps(survey, r, item)[0].map.network for r, item in pairs)
    assert all(105 < times < 195 for times in first.values())  # 150 ± 5 standard deviations
    assert all([m.letter for m in orders.maps(survey, r, i)] == ["A", "B"] for r, i in pairs)
