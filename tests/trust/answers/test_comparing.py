"""Two configurations on the same films: which films are compared, and what each reading says."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import intervals
from spondyl.trust.answers import comparing
from spondyl.trust.answers.paired_tests import CorrectedT, DeLong
from spondyl.trust.intervals import NotRun


def drawn(seed, n=90, gain=1.5, n_groups=None, n_folds=5, labels=SPINE_LABELS):
    """Films whose truth does not depend on `seed`, as a network of some skill sees them."""
    truth = np.random.default_rng(99).integers(0, len(labels), n)
    logits = np.random.default_rng(seed).normal(size=(n, len(labels)))
    logits += gain * np.eye(len(labels))[truth]
    groups = np.arange(n) % (n_groups or n)
    return PredictionTable(
        labels,
        tuple(f"film {row:03d}" for row in range(n)),
        tuple(f"g{group:03d}" for group in groups),
        groups % n_folds,
        truth,
        logits,
    )


def compared(first, second, **given):
    return comparing.compare_tables("one", first, "other", second, 0, 200, **given)


def test_the_shared_films_alone_are_compared_whatever_their_order():
    first, second = drawn(0), drawn(1)
    shuffled = second.taken(np.random.default_rng(0).permutation(90)[:70].tolist())
    here = [row for row in range(90) if first.image_ids[row] in shuffled.image_ids]
    beside = compared(first.taken(here), second.taken(here))
    assert asdict(compared(first, shuffled)) == asdict(beside)
    assert beside.n_films == 70


def test_it_is_the_comparison_that_a_report_makes():
    first, second = drawn(0, n_groups=60), drawn(1, n_groups=60)
    comparison = compared(first, second)
    assert comparison.mcnemar == intervals.compare("one", first, "other", second)
    assert (comparison.n_films, comparison.n_groups, comparison.mcnemar.n_films) == (90, 60, 60)
    pair = comparison.mcnemar
    table = [[pair.both_right, pair.first_only], [pair.second_only, pair.both_wrong]]
    assert pair.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_areas_are_of_one_film_of_each_group_against_the_rest():
    first, second = drawn(0, n_groups=60), drawn(1, n_groups=60)
    rows = first.one_per_group()
    assert rows == list(range(60))
    comparison = compared(first, second)
    for column, one in enumerate(comparison.labels):
        positive = first.truth[rows] == column
        assert (one.n, one.n_rest) == (positive.sum(), (~positive).sum())
        area = roc_auc_score(positive, second.probabilities[rows, column])
        assert one.test.second == pytest.approx(area)
    raw = [one.test.p_value for one in comparison.labels]
    assert [one.p_holm for one in comparison.labels] == pytest.approx(intervals.holm(raw))


def test_differences_are_of_all_films_and_both_are_read_on_the_same_resamples():
    first, second = drawn(0, n_groups=60), drawn(1, n_groups=60, gain=0.7)
    comparison = compared(first, second)
    bootstrap = intervals.GroupBootstrap.draw(first, 0, 200)
    gains = []
    for counts in bootstrap.counts:
        films = np.repeat(np.arange(90), counts[bootstrap.film_group].astype(int))
        gains.append(
            f1_score(first.truth[films], first.predicted[films], average="macro")
            - f1_score(second.truth[films], second.predicted[films], average="macro")
        )
    low, high = np.quantile(gains, [0.025, 0.975])
    interval = comparison.macro_f1.difference.interval
    assert (interval.low, interval.high) == pytest.approx((low, high))
    rates = [float((t.predicted == t.truth).mean()) for t in (first, second)]
    assert [comparison.accuracy.first, comparison.accuracy.second] == pytest.approx(rates)
    assert comparison.accuracy.difference.value == pytest.approx(rates[0] - rates[1])


def test_folds_of_k_weigh_as_one_part_tested_and_the_rest_trained_on():
    first, second = drawn(0), drawn(1)
    test = comparing.fold_test(first, second)
    assert test.factor == pytest.approx(1 / 5 + 1 / 4)
    by_fold = [
        (first.predicted == first.truth)[first.folds == fold].mean()
        - (second.predicted == second.truth)[first.folds == fold].mean()
        for fold in range(5)
    ]
    assert test.differences == pytest.approx(by_fold)
    assert comparing.fold_test(first, second, n_train=36).factor == pytest.approx(1 / 5 + 18 / 36)


def test_a_much_better_network_is_told_apart_by_every_reading():
    comparison = compared(drawn(0, gain=4), drawn(1, gain=0.5))
    assert comparison.mcnemar.p_value < 1e-6
    assert comparison.folds.p_value < 0.01
    assert comparison.accuracy.difference.interval.low > 0
    assert all(one.p_holm < 0.01 and one.test.low > 0 for one in comparison.labels)


def test_a_table_beside_itself_differs_in_nothing_and_claims_no_certainty():
    comparison = compared(drawn(0), drawn(0))
    assert comparison.mcnemar.p_value == 1
    assert comparison.folds.p_value == 1
    assert [one.p_holm for one in comparison.labels] == [1, 1, 1]
    interval = comparison.accuracy.difference.interval
    assert comparison.accuracy.difference.value == 0
    assert np.isnan([interval.low, interval.high]).all()
    assert np.isnan(comparison.folds.low)


def test_of_two_labels_one_is_tested_and_nothing_is_corrected():
    labels = LabelSet.of(("normal", "scoliosis"))
    comparison = compared(drawn(0, labels=labels), drawn(1, labels=labels))
    first, second = comparison.labels
    assert isinstance(first.test, DeLong)
    assert first.p_holm == first.test.p_value
    assert isinstance(second.test, NotRun)
    assert np.isnan(second.p_holm)


def test_with_one_class_accuracy_is_compared_and_areas_are_not():
    first, second = (replace(drawn(seed), truth=np.zeros(90, np.int64)) for seed in (0, 1))
    comparison = compared(first, second)
    assert all(isinstance(one.test, NotRun) for one in comparison.labels)
    assert np.isnan([one.p_holm for one in comparison.labels]).all()
    assert np.isfinite(comparison.accuracy.difference.interval.low)


def test_other_folds_or_one_fold_leave_out_the_test_over_folds_only():
    first, second = drawn(0), drawn(1)
    turned = compared(first, replace(second, folds=(second.folds + 1) % 5))
    assert isinstance(turned.folds, NotRun)
    assert "90 of 90 films" in turned.folds.why
    assert isinstance(turned.mcnemar, intervals.PairedComparison)
    single = compared(drawn(0, n_folds=1), drawn(1, n_folds=1))
    assert single.folds == NotRun("1 fold: no spread over folds")
    assert isinstance(compared(first, second).folds, CorrectedT)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labels": LabelSet.of(("a", "b", "c"))}, "label sets"),
        ({"image_ids": tuple(f"other {row}" for row in range(90))}, "no film"),
        ({"truth": np.zeros(90, np.int64)}, "disagree"),
        ({"group_ids": tuple("g" for _ in range(90))}, "groups"),
    ],
)
def test_tables_that_cannot_stand_beside_each_other_are_not_compared(change, why):
    comparison = compared(drawn(0), replace(drawn(1), **change))
    assert isinstance(comparison, NotRun)
    assert why in comparison.why


def test_one_group_is_not_compared():
    one = drawn(0, n_groups=1)
    assert isinstance(compared(one, one), NotRun)
    assert isinstance(compared(one.taken([]), one), NotRun)


def test_the_record_says_what_it_is_conditional_on_and_what_each_null_is():
    record = asdict(compared(drawn(0), drawn(1)))
    assert "conditional on these trained networks" in record["conditional"]
    assert [name for name, _ in record["nulls"]] == [
        *("McNemar, exact", "DeLong", "corrected resampled t", "group bootstrap"),
    ]
