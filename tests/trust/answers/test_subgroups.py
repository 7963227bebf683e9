"""Subgroups: figures from loops, differences that are there and that are not, and confounding."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.dealing import dealt, p_value
from spondyl.trust.answers.subgroups import age_band, subgroups

FACTS = FileFacts("PNG", 10, 10, "L", 100, None, "0" * 64)
SEXES = ("female", "male")


def table_of(truth, right, groups=None):
    """Films told as their label, or as the next one."""
    truth, n = np.asarray(truth, np.int64), len(truth)
    ids = tuple(f"film {i:04d}" for i in range(n))
    told = np.where(right, truth, (truth + 1) % 3)
    return PredictionTable(
        SPINE_LABELS, ids, tuple(groups or ids), np.arange(n) % 5, truth, 5.0 * np.eye(3)[told]
    )


def films_of(table, **stated):
    """Radiographs of the table's films; each keyword is a field with a value for every film."""
    return [
        Radiograph(
            image_id,
            Path(image_id),
            None,
            table.group_ids[i],
            FACTS,
            **{name: values[i] for name, values in stated.items()},
        )
        for i, image_id in enumerate(table.image_ids)
    ]


def by_name(found):
    return {one.name: one for one in found.all}


def drawn(seed, n=200, worse=0.0):
    """Films of which the males are told rightly less often by `worse`."""
    rng = np.random.default_rng(seed)
    sex, truth = rng.choice(SEXES, n, p=[0.7, 0.3]), rng.integers(0, 3, n)
    right = rng.random(n) < np.where(sex == "male", 0.9 - worse, 0.9)
    table = table_of(truth, right)
    return table, films_of(table, sex=sex.tolist())


def test_figures_are_those_of_a_loop_over_the_films():
    table, films = drawn(0)
    found = by_name(subgroups(table, films, 0, 200))
    right = table.predicted == table.truth
    for name in SEXES:
        rows = [i for i, film in enumerate(films) if film.sex == name]
        rest = [i for i, film in enumerate(films) if film.sex != name]
        one = found[name]
        assert (one.n_films, one.n_groups, one.n_groups_of_rest) == (
            len(rows),
            len(rows),
            len(rest),
        )
        assert one.accuracy.value == pytest.approx(right[rows].mean())
        gap = right[rows].mean() - right[rest].mean()
        assert one.difference.estimate.value == pytest.approx(gap)
        expected = [
            right[[j for j in rest if table.truth[j] == table.truth[i]]].mean() for i in rows
        ]
        beside = right[rows].mean() - np.mean(expected)
        assert one.beside_same_labels.estimate.value == pytest.approx(beside)
        for label in one.labels:
            same = [i for i in rows if SPINE_LABELS.names[table.truth[i]] == label.label]
            assert label.n == len(same)
            assert label.sensitivity.value == pytest.approx(right[same].mean())
        assert one.majority_share == max(label.n for label in one.labels) / len(rows)


def test_resampled_accuracies_and_differences_repeat_the_films_of_drawn_groups():
    table, films = drawn(1, 60)
    table = replace(table, group_ids=tuple(f"g{i % 40:02d}" for i in range(60)))
    one = by_name(subgroups(table, films, 3, 40))["male"]
    names, of = np.unique(np.array(table.group_ids), return_inverse=True)
    counts = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), size=40)
    assert len(names) == 40
    male = np.array([film.sex == "male" for film in films])
    right = (table.predicted == table.truth).astype(float)
    gaps = []
    for row in counts:
        weight = row[of]
        gaps.append(
            np.average(right[male], weights=weight[male])
            - np.average(right[~male], weights=weight[~male])
        )
    assert one.difference.estimate.interval.low == pytest.approx(np.quantile(gaps, 0.025))
    assert one.difference.estimate.interval.high == pytest.approx(np.quantile(gaps, 0.975))
    assert one.difference.estimate.interval.n_units == one.n_groups


def test_the_p_value_of_films_without_copies_is_that_of_the_exact_test():
    table, films = drawn(2, 120, worse=0.15)
    male = np.array([film.sex == "male" for film in films])
    right = table.predicted == table.truth
    law = stats.hypergeom(120, int(right.sum()), int(male.sum()))
    support = np.arange(121)
    off = np.abs(support - law.mean())
    exact = law.pmf(support)[off >= abs(right[male].sum() - law.mean()) - 1e-9].sum()
    found = p_value(int(right[male].sum()), dealt(table, [0] * 120, 0, 20_000)[:, male])
    assert found == pytest.approx(exact, abs=0.012)


def test_a_subgroup_that_is_told_worse_is_found_and_its_interval_is_below_zero():
    table, films = drawn(3, 300, worse=0.35)
    found = subgroups(table, films, 0, 400)
    for same_labels in (False, True):
        assert found.worst(same_labels).name == "male"
    assert by_name(found)["female"].difference.estimate.interval.low > 0


def test_differences_by_chance_are_called_so_in_nearly_all_cohorts():
    alarms = 0
    for seed in range(60):
        table, films = drawn(100 + seed, 90)
        found = subgroups(table, films, 0, 199)
        alarms += found.worst() is not None or found.worst(same_labels=True) is not None
    assert alarms <= 8  # 60 at 5 % for two comparisons, two-sided: fewer than 3 on average


def test_ten_films_all_told_rightly_do_not_make_the_others_a_shortfall():
    sex = ["male"] * 10 + ["female"] * 90
    right = np.r_[np.ones(10, bool), np.arange(90) >= 13]
    table = table_of(np.arange(100) % 3, right)
    found = subgroups(table, films_of(table, sex=sex), 0, 400)
    female = by_name(found)["female"]
    assert female.difference.estimate.interval.high < 0
    assert female.difference.p_corrected > 0.2
    assert found.worst() is None


def test_a_view_that_is_a_label_is_told_from_a_view_that_is_seen_worse():
    truth = np.repeat([0, 1, 2], 60)
    view = np.where(truth == 2, "lateral", "frontal").tolist()
    right = np.where(truth == 2, np.arange(180) % 2 == 0, True)  # one label is told by half
    table = table_of(truth, right)
    lateral = by_name(subgroups(table, films_of(table, view=view), 0, 200))["lateral"]
    assert (lateral.majority, lateral.majority_share) == (SPINE_LABELS.names[2], 1)
    assert lateral.difference.p_corrected < 0.05
    assert math.isnan(lateral.beside_same_labels.estimate.value)
    assert math.isnan(lateral.beside_same_labels.p_value)


def test_a_harder_label_that_is_commoner_in_a_subgroup_explains_its_shortfall():
    rng = np.random.default_rng(4)
    sex = np.array(["male"] * 150 + ["female"] * 150)
    truth = np.where(rng.random(300) < np.where(sex == "male", 0.8, 0.2), 2, 0)
    right = rng.random(300) < np.where(truth == 2, 0.6, 0.98)
    table = table_of(truth, right)
    found = subgroups(table, films_of(table, sex=sex.tolist()), 0, 400)
    assert found.worst().name == "male"
    assert found.worst(same_labels=True) is None
    interval = by_name(found)["male"].beside_same_labels.estimate.interval
    assert interval.low < 0 < interval.high


def test_copies_of_films_do_not_make_a_difference_sure():
    once, films = drawn(5, 60, worse=0.12)
    row = np.repeat(np.arange(60), 5)
    right = (once.predicted == once.truth)[row]
    many = table_of(once.truth[row], right, [f"g{r:02d}" for r in row])
    sex = [films[r].sex for r in row]
    one = by_name(subgroups(once, films, 0, 500))["male"]
    five = by_name(subgroups(many, films_of(many, sex=sex), 0, 500))["male"]
    assert five.n_groups == one.n_groups
    assert five.n_films == 5 * one.n_films
    assert five.difference.p_value == pytest.approx(one.difference.p_value, abs=0.08)
    ours, theirs = five.difference.estimate.interval, one.difference.estimate.interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_answers_are_dealt_among_groups_of_one_size_and_kind_and_stay_together():
    groups = ["a", "a", "b", "b", "c", "d", "e", "e"]
    table = table_of([0, 1, 0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 1, 1], groups)
    sizes = dealt(table, [0] * 8, 0, 300).astype(int)
    assert (sizes.sum(axis=1) == 4).all()
    assert (sizes[:, 4:6].sum(axis=1) == 1).all()
    assert {tuple(row) for row in sizes[:, :2]} == {(1, 0), (0, 0), (1, 1)}
    labels = dealt(table, table.truth.tolist(), 0, 300).astype(int)
    assert {tuple(row) for row in labels[:, :4]} == {(1, 0, 0, 0), (0, 0, 1, 0)}
    assert (labels[:, 6:] == 1).all()


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0.0, "0-10 years"),
        (9.99, "0-10 years"),
        (10.0, "10-18 years"),
        (18.0, "18-40 years"),
        (40.0, "40-60 years"),
        (60.0, "60 years and more"),
        (101.0, "60 years and more"),
        (None, None),
        (math.nan, None),
        (-1.0, None),
    ],
)
def test_age_bands_hold_their_lower_end_and_not_their_upper(age, band):
    assert age_band(age) == band


def test_what_nobody_stated_or_everybody_alike_is_not_run_and_says_why():
    table = table_of(np.arange(30) % 3, np.ones(30, bool))
    films = films_of(table, sex=["female"] * 30, age_years=[15.0] * 10 + [70.0] * 10 + [None] * 10)
    found = subgroups(table, films, 0, 50)
    assert [(one.name, one.why.partition(",")[0]) for one in found.not_run] == [
        ("sex", "sex: 30 films are all female"),
        ("view", "view: no film states it"),
        ("site", "site: no film states it"),
    ]
    (age,) = found.fields
    assert (age.n_stated, age.n_not_stated) == (20, 10)
    assert [one.name for one in age.subgroups] == ["10-18 years", "60 years and more"]


def test_few_groups_are_shown_and_neither_judged_nor_counted_in_the_correction():
    site = ["A"] * 40 + ["B"] * 40 + ["C"] * 9
    right = np.r_[np.ones(80, bool), np.zeros(9, bool)]
    table = table_of(np.arange(89) % 3, right)
    found = subgroups(table, films_of(table, site=site), 0, 200)
    few = by_name(found)["C"]
    assert not few.enough
    assert few.accuracy.value == 0
    assert few.difference.p_value < 0.05
    assert math.isnan(few.difference.p_corrected)
    assert found.n_judged == 2
    assert found.worst() is None


def test_one_film_one_label_and_constant_predictions_do_not_crash():
    table = replace(table_of(np.zeros(24), np.ones(24, bool)), logits=np.zeros((24, 3)))
    sex = ["male"] + ["female"] * 23
    found = by_name(subgroups(table, films_of(table, sex=sex), 0, 50))
    assert found["male"].n_films == 1
    assert found["male"].difference.estimate.value == 0
    assert found["female"].difference.p_value == 1
    assert [one.label for one in found["female"].labels] == [SPINE_LABELS.names[0]]
    only = table_of([0], [True])
    assert subgroups(only, films_of(only, sex=["male"]), 0, 50).fields == ()


def test_films_that_nothing_is_known_of_and_empty_tables_are_refused():
    table, films = drawn(6, 30)
    with pytest.raises(ValueError, match="nothing is known of 2 films"):
        subgroups(table, films[2:], 0, 20)
    with pytest.raises(ValueError, match="no predictions"):
        subgroups(table_of([], []), [], 0)


def test_the_record_is_plain_values():
    def leaves(value):
        inner = value.values() if isinstance(value, dict) else value
        plain = not isinstance(value, dict | tuple)
        return [value] if plain else [leaf for one in inner for leaf in leaves(one)]

    record = asdict(subgroups(*drawn(7, 60), 0, 50))
    assert {type(leaf) for leaf in leaves(record)} <= {int, float, str, bool}
