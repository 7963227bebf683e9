"""Folds: whom they keep together, what they balance, and which of them are believed later."""

import contextlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spondyl.data import splits
from spondyl.data.cohort import Cohort
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.data.splits import Fold, Splits
from spondyl.errors import SpondylError

NAMES = SPINE_LABELS.names


def cohort_of(*stated: tuple[str, str]) -> Cohort:
    """A cohort of films with the given (label, group), none of which has a file."""
    films = [
        Radiograph(
            *(f"{label}/{number:03}.png", Path(f"/nowhere/{number}"), label, group),
            FileFacts("PNG", 64, 48, "L", 999, None, f"{number:064}"),
        )
        for number, (label, group) in enumerate(stated)
    ]
    return Cohort(Path("/nowhere"), SPINE_LABELS, tuple(films))


def alone(*counts: int) -> Cohort:
    """A cohort with so many films of each label, each a group of its own."""
    return cohort_of(
        *((name, f"{name}{i}") for name, n in zip(NAMES, counts, strict=True) for i in range(n))
    )


@pytest.fixture(scope="module")
def cohort():
    """Thirty films of each label, every tenth of them a copy of its neighbour."""
    return cohort_of(*((name, f"{name}{min(i, 26)}") for name in NAMES for i in range(30)))


@st.composite
def cohorts(draw):
    """Films with random labels in random groups, labels mixed within groups too."""
    n_groups = draw(st.integers(12, 40))
    group = st.integers(0, n_groups).map("g{}".format)
    return cohort_of(
        *draw(st.lists(st.tuples(st.sampled_from(NAMES), group), min_size=40, max_size=90))
    )


@settings(max_examples=40, deadline=None)
@given(cohorts(), st.integers(2, 5), st.integers(0, 10_000))
def test_groups_stay_together_and_every_film_is_tested_once_in_any_cohort(cohort, folds, seed):
    smallest = min(
        len({f.group_id for f in cohort.radiographs if f.label == name}) for name in NAMES
    )
    assume(smallest >= 10)  # smaller ones have their own test below
    drawn = splits.draw(cohort, folds, seed)
    assert len(drawn.folds) == folds
    group = cohort.group_ids
    tested = Counter(image_id for fold in drawn.folds for image_id in fold.test)
    assert tested == dict.fromkeys(group, 1)
    for fold in drawn.folds:
        assert sorted((*fold.train, *fold.tune, *fold.test)) == sorted(group)
        for one, other in (
            (fold.train, fold.tune),
            (fold.train, fold.test),
            (fold.tune, fold.test),
        ):
            assert {group[i] for i in one}.isdisjoint(group[i] for i in other)


@pytest.mark.parametrize(("n", "folds"), [(2, 2), (3, 2), (3, 3), (4, 3), (5, 5), (6, 2), (6, 3)])
def test_a_cohort_too_small_for_its_folds_is_refused_in_words(n, folds):
    with contextlib.suppress(SpondylError):  # and by no other error
        splits.draw(alone(n, n, n), folds, seed=0)


@pytest.mark.parametrize("counts", [(71, 188, 79), (10, 50, 25), (12, 12, 12)])
def test_films_that_stand_alone_are_shared_out_evenly_class_by_class(counts):
    cohort = alone(*counts)
    for fold in splits.draw(cohort, 5, seed=3).folds:
        tested = Counter(image_id.partition("/")[0] for image_id in fold.test)
        for name, count in zip(NAMES, counts, strict=True):
            assert abs(tested[name] - count / 5) < 1


def test_every_class_is_learned_from_steers_and_is_judged_in_every_fold(cohort):
    for fold in splits.draw(cohort, 5, seed=0).folds:
        for part in (fold.train, fold.tune, fold.test):
            assert {image_id.partition("/")[0] for image_id in part} == set(NAMES)


def test_a_fifth_of_the_films_not_tested_steers(cohort):
    for fold in splits.draw(cohort, 5, seed=0).folds:
        rest = len(fold.train) + len(fold.tune)
        assert len(fold.tune) == pytest.approx(rest / splits.TUNE_PARTS, rel=0.25)


def test_one_seed_draws_the_same_folds_and_another_others(cohort):
    assert splits.draw(cohort, 5, seed=1) == splits.draw(cohort, 5, seed=1)
    assert splits.draw(cohort, 5, seed=1).folds != splits.draw(cohort, 5, seed=2).folds


def test_films_that_steer_differ_from_fold_to_fold(cohort):
    parts = [set(fold.tune) for fold in splits.draw(cohort, 5, seed=1).folds]
    assert len({frozenset(part) for part in parts}) == len(parts)


def test_what_nobody_split_by_changes_no_fold(cohort):
    older = replace(
        cohort, radiographs=tuple(replace(film, age_years=70.0) for film in cohort.radiographs)
    )
    assert splits.draw(older, 5, seed=1).folds == splits.draw(cohort, 5, seed=1).folds


def test_a_class_with_fewer_groups_than_folds_is_refused_by_name():
    cohort = cohort_of(
        *((name, f"{name}{i}") for name in NAMES[:2] for i in range(20)),
        *((NAMES[2], f"patient{i % 3}") for i in range(20)),
    )
    with pytest.raises(SpondylError, match=r"spondylolisthesis.* 3 groups, fewer than 5 folds"):
        splits.draw(cohort, 5, seed=0)


def test_splits_come_back_from_their_document_as_they_were(cohort):
    drawn = splits.draw(cohort, 4, seed=9)
    back = Splits.from_dict(drawn.as_dict())
    assert back == drawn
    splits.prove(back, cohort)


def changed_seed(document):
    return document | {"seed": 8}


def changed_fold(document):
    first, *others = document["folds"]
    moved = first | {"train": first["train"][1:], "tune": (*first["tune"], first["train"][0])}
    return document | {"folds": [moved, *others]}


@pytest.mark.parametrize("change", [changed_seed, changed_fold])
def test_splits_that_were_changed_by_hand_are_refused(cohort, change):
    with pytest.raises(SpondylError, match="changed since"):
        Splits.from_dict(change(splits.draw(cohort, 4, seed=9).as_dict()))


@pytest.mark.parametrize("change", [{"folds": None}, {"folds": [{"trian": []}]}, {"folds": [1]}])
def test_a_document_that_is_no_splits_is_refused(cohort, change):
    with pytest.raises(SpondylError, match="not in the form"):
        Splits.from_dict(splits.draw(cohort, 4, seed=9).as_dict() | change)


def test_splits_of_other_films_labels_or_groups_are_refused(cohort):
    drawn = splits.draw(cohort, 4, seed=9)
    first = cohort.radiographs[0]
    others = (
        replace(cohort, radiographs=cohort.radiographs[1:]),
        cohort.with_groups({first.image_id: "another patient"}),
        replace(cohort, radiographs=(replace(first, label=NAMES[1]), *cohort.radiographs[1:])),
    )
    for other in others:
        with pytest.raises(SpondylError, match="made for another cohort"):
            splits.prove(drawn, other)


def test_a_film_tested_twice_or_never_is_refused(cohort):
    drawn = splits.draw(cohort, 4, seed=9)
    first, *others = drawn.folds
    for test in (first.test[1:], (*first.test, first.test[0])):
        wrong = replace(drawn, folds=(replace(first, test=test), *others))
        with pytest.raises(SpondylError, match="exactly once"):
            splits.prove(wrong, cohort)


def test_a_group_in_two_parts_of_a_fold_is_refused(cohort):
    drawn = splits.draw(cohort, 4, seed=9)
    first, *others = drawn.folds
    leaking = Fold((*first.train, first.test[0]), first.tune, first.test)
    with pytest.raises(SpondylError, match="a group is in two parts of fold 0"):
        splits.prove(replace(drawn, folds=(leaking, *others)), cohort)
