"""Hold-outs, draws that are repeated, and tasks of fewer labels than their cohort has."""

import itertools
from collections import Counter
from dataclasses import asdict, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_splits import NAMES, alone, cohort_of, cohorts

from spondyl.data import splits
from spondyl.data.cohort import Cohort
from spondyl.data.labels import LabelSet
from spondyl.data.splits import Fold, Splits
from spondyl.errors import SpondylError
from spondyl.files import sha256_of_json

UNEVEN = alone(71, 188, 79)


def without(cohort: Cohort, name: str) -> Cohort:
    """The task of the other labels."""
    labels = LabelSet.of(one for one in NAMES if one != name)
    films = tuple(film for film in cohort.radiographs if film.label != name)
    return Cohort(cohort.root, labels, films)


def groups_of(cohort: Cohort, part) -> set[str]:
    return {cohort.group_ids[image_id] for image_id in part}


@settings(max_examples=30)
@given(cohorts(), st.sampled_from([0.2, 0.3, 0.5]), st.integers(0, 10_000))
def test_a_hold_out_tests_no_label_beyond_its_share_and_parts_no_group(cohort, share, seed):
    """Every film has one part, counted film by film."""
    try:
        drawn = splits.draw_hold_out(cohort, share, seed, repeats=2)
    except SpondylError:
        assume(False)
    label = {film.image_id: film.label for film in cohort.radiographs}
    for fold in drawn.folds:
        assert sorted((*fold.train, *fold.tune, *fold.test)) == sorted(label)
        for name in NAMES:
            n = sum(one == name for one in label.values())
            assert 0 < sum(label[one] == name for one in fold.test) <= share * n + 1e-6
        for one, other in itertools.combinations((fold.train, fold.tune, fold.test), 2):
            assert groups_of(cohort, one).isdisjoint(groups_of(cohort, other))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_of_films_that_stand_alone_the_whole_share_is_tested(share):
    (fold,) = splits.draw_hold_out(UNEVEN, share, 0).folds
    tested = Counter(image_id.partition("/")[0] for image_id in fold.test)
    assert tested == {name: int(share * n + 1e-9) for name, n in UNEVEN.counts.items()}


def test_hold_outs_are_drawn_anew_and_the_same_seed_draws_the_same():
    three = splits.draw_hold_out(UNEVEN, 0.3, 5, repeats=3)
    assert three == splits.draw_hold_out(UNEVEN, 0.3, 5, repeats=3)
    assert len({fold.test for fold in three.folds}) == 3
    assert three.folds_per_repeat == 1
    assert three.folds[0] == splits.draw_hold_out(UNEVEN, 0.3, 5).folds[0]


def test_over_many_hold_outs_every_film_is_tested_about_as_often_as_its_share():
    """Of a hundred draws of 30 %, six standard deviations each way."""
    drawn = splits.draw_hold_out(alone(20, 20, 20), 0.3, 1, repeats=100)
    tested = Counter(image_id for fold in drawn.folds for image_id in fold.test)
    far = 6 * (100 * 0.3 * 0.7) ** 0.5
    assert len(tested) == 60
    assert all(abs(n - 30) < far for n in tested.values())


def test_a_label_of_which_no_whole_group_can_be_held_out_is_refused_by_name():
    patients = [(name, f"{name}{i}") for name in NAMES[:2] for i in range(20)]
    one_patient = [(NAMES[2], "one") for _ in range(9)]
    with pytest.raises(SpondylError, match=f"{NAMES[2]}: none of its 9 films can be held out"):
        splits.draw_hold_out(cohort_of(*patients, *one_patient), 0.3, 0)


def test_every_repeat_tests_every_film_once_and_the_first_is_the_one_drawn_alone():
    once, thrice = splits.draw(UNEVEN, 4, 7), splits.draw(UNEVEN, 4, 7, repeats=3)
    assert thrice.folds[:4] == once.folds
    assert thrice.folds_per_repeat == 4
    ids = sorted(UNEVEN.group_ids)
    for start in (0, 4, 8):
        folds = thrice.folds[start : start + 4]
        assert sorted(image_id for fold in folds for image_id in fold.test) == ids
    assert len({fold.test for fold in thrice.folds}) == 12


def test_splits_of_one_draw_have_the_hash_that_they_had_before_there_were_more():
    drawn = splits.draw(UNEVEN, 5, 0)
    plain = {name: asdict(drawn)[name] for name in ("scheme", "seed", "cohort_sha256", "folds")}
    assert drawn.sha256 == sha256_of_json(plain)
    assert not {"repeats", "test_share"} & set(drawn.as_dict())


@pytest.mark.parametrize(
    "drawn",
    [splits.draw(UNEVEN, 3, 1, repeats=2), splits.draw_hold_out(UNEVEN, 0.3, 1, repeats=2)],
    ids=["folds", "hold-outs"],
)
def test_every_scheme_comes_back_from_its_document_and_is_proven_again(drawn):
    back = Splits.from_dict(drawn.as_dict())
    assert back == drawn
    splits.prove(back, UNEVEN)
    with pytest.raises(SpondylError, match="changed since"):
        Splits.from_dict(drawn.as_dict() | {"repeats": 1})


def moved(fold: Fold, source: str, target: str, image_id: str) -> Fold:
    """The fold with a film of one part in another."""
    return replace(
        fold,
        **{
            source: tuple(one for one in getattr(fold, source) if one != image_id),
            target: (*getattr(fold, target), image_id),
        },
    )


def test_a_hold_out_that_tests_more_than_its_share_is_refused():
    drawn = splits.draw_hold_out(UNEVEN, 0.3, 0, repeats=2)
    first, last = drawn.folds
    more = moved(last, "train", "test", last.train[0])
    with pytest.raises(SpondylError, match="fold 1 tests 22 of 71 films of normal"):
        splits.prove(replace(drawn, folds=(first, more)), UNEVEN)


def test_a_hold_out_that_forgets_a_film_is_refused():
    drawn = splits.draw_hold_out(UNEVEN, 0.3, 0)
    (fold,) = drawn.folds
    with pytest.raises(SpondylError, match="not every film has one part"):
        splits.prove(replace(drawn, folds=(replace(fold, train=fold.train[1:]),)), UNEVEN)


def test_a_film_tested_twice_in_the_last_repeat_is_refused():
    drawn = splits.draw(UNEVEN, 3, 0, repeats=2)
    *others, last = drawn.folds
    wrong = replace(last, test=(*last.test[1:], others[-1].test[0]))
    with pytest.raises(SpondylError, match="exactly once"):
        splits.prove(replace(drawn, folds=(*others, wrong)), UNEVEN)


@settings(max_examples=30)
@given(cohorts(), st.integers(0, 10_000), st.sampled_from(NAMES), st.booleans())
def test_a_pairwise_task_stands_on_the_whole_task_s_parts_film_by_film(cohort, seed, name, hold):
    """The oracle: part by part of the whole task, the films that are of the other label struck."""
    try:
        if hold:
            whole = splits.draw_hold_out(cohort, 0.3, seed, 2)
            pair = splits.draw_hold_out(cohort, 0.3, seed, 2, others=(name,))
        else:
            whole = splits.draw(cohort, 3, seed, 2)
            pair = splits.draw(cohort, 3, seed, 2, others=(name,))
    except SpondylError:
        assume(False)
    assert pair == whole
    label = {film.image_id: film.label for film in cohort.radiographs}
    found = splits.restricted(pair, without(cohort, name))
    assert found.cohort_sha256 == without(cohort, name).sha256
    for ours, theirs in zip(found.folds, whole.folds, strict=True):
        for part in ("train", "tune", "test"):
            struck = [one for one in getattr(theirs, part) if label[one] != name]
            assert list(getattr(ours, part)) == struck


@pytest.mark.parametrize("names", list(itertools.permutations(NAMES)))
def test_the_order_in_which_labels_are_named_changes_no_fold(names):
    cohort = cohort_of(*((name, f"{name}{min(i, 26)}") for name in NAMES for i in range(30)))
    other = replace(cohort, labels=LabelSet.of(names))
    assert splits.draw(other, 5, 3).folds == splits.draw(cohort, 5, 3).folds
    assert splits.draw_hold_out(other, 0.3, 3).folds == splits.draw_hold_out(cohort, 0.3, 3).folds


def test_labels_that_will_be_left_out_may_be_of_any_number_of_groups():
    cohort = alone(20, 20, 2)
    with pytest.raises(SpondylError, match="fewer than 5 folds"):
        splits.draw(cohort, 5, 0)
    drawn = splits.draw(cohort, 5, 0, others=(NAMES[2],))
    assert len(splits.restricted(drawn, without(cohort, NAMES[2])).folds) == 5
    held = splits.draw_hold_out(cohort, 0.3, 0, others=(NAMES[2],))
    assert Counter(one.partition("/")[0] for one in held.folds[0].test) == {
        NAMES[0]: 6,
        NAMES[1]: 6,
    }
