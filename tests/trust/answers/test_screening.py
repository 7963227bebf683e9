"""A sieve at a stated specificity: thresholds from other folds, shares with both intervals."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import intervals
from spondyl.trust.answers import screening
from spondyl.trust.intervals import NotRun


def table_of(score, truth, folds, groups=None, labels=SPINE_LABELS):
    """Films of a stated probability of abnormal, the rest of the labels sharing it."""
    n, k = len(score), len(labels)
    score = np.asarray(score, dtype=np.float64)
    shares = np.repeat(score[:, None] / (k - 1), k, axis=1)
    shares[:, 0] = 1 - score
    ids = tuple(f"film {row:03d}" for row in range(n))
    return PredictionTable(
        labels,
        ids,
        tuple(groups or ids),
        np.asarray(folds),
        np.asarray(truth, dtype=np.int64),
        np.log(shares),
    )


def drawn(seed=0, n=150, n_folds=5, gain=1.5, n_groups=None):
    draws = np.random.default_rng(seed)
    truth = draws.integers(0, 3, n)
    score = 1 / (1 + np.exp(-draws.normal(size=n) - gain * (truth > 0) + gain / 2))
    groups = np.arange(n) % (n_groups or n)
    return table_of(score, truth, groups % n_folds, [f"g{group:03d}" for group in groups])


@pytest.mark.parametrize("specificity", [0.5, 0.8, 0.9, 0.95])
def test_the_threshold_is_the_most_sensitive_of_scikit_learns_curve_that_keeps_to_it(specificity):
    table = drawn()
    films = screening.screened(table, 0, n_resamples=10)
    score = np.round(films.score, 2)  # with ties
    false, true, thresholds = roc_curve(films.abnormal, score, drop_intermediate=False)
    kept = false <= 1 - specificity + 1e-9
    value = screening.threshold_for(score, films.abnormal, specificity)
    assert value == thresholds[kept][-1]
    assert (score >= value)[films.abnormal].mean() == pytest.approx(true[kept].max())


def test_where_normal_films_score_highest_there_is_no_threshold():
    abnormal = np.arange(10) < 5
    assert screening.threshold_for(np.where(abnormal, 0.1, 0.9), abnormal, 0.9) is None


def test_the_score_is_what_is_not_normal_whatever_it_is_called():
    table = drawn()
    films = screening.screened(table, 0, n_resamples=10)
    assert films.score == pytest.approx(1 - table.probabilities[:, 0])
    point = screening.operating_point(table, 0, n_resamples=100)
    assert point.auc.value == pytest.approx(roc_auc_score(films.abnormal, films.score))


def test_no_film_has_a_part_in_its_own_threshold():
    table = drawn()
    inside = table.folds == 0
    swapped = replace(table, logits=np.where(inside[:, None], table.logits[:, ::-1], table.logits))
    one, other = (screening.operating_point(t, 0, n_resamples=20) for t in (table, swapped))
    assert one.cuts[0] == other.cuts[0]
    assert one.cuts[1:] != other.cuts[1:]
    assert all(cut.specificity >= 0.9 for cut in one.cuts)


def test_shares_are_counted_film_by_film_with_the_fold_s_own_threshold():
    table = drawn()
    films = screening.screened(table, 0, n_resamples=10)
    n_hit = n_passed = 0
    for fold in range(5):
        outside = table.folds != fold
        normal = np.sort(films.score[outside & ~films.abnormal])
        candidates = np.sort(films.score[outside])
        cut = next(c for c in candidates if (normal >= c).sum() <= 0.1 * len(normal) + 1e-9)
        n_hit += int((films.score[~outside & films.abnormal] >= cut).sum())
        n_passed += int((films.score[~outside & ~films.abnormal] < cut).sum())
    point = screening.operating_point(table, 0, n_resamples=50)
    assert (point.n_hit, point.n_passed) == (n_hit, n_passed)
    assert point.n_abnormal == films.abnormal.sum()
    assert point.sensitivity.value == pytest.approx(n_hit / point.n_abnormal)
    low, high = proportion_confint(n_passed, point.n_normal, 0.05, "wilson")
    assert point.specificity_wilson.low == pytest.approx(low)
    assert point.specificity_wilson.high == pytest.approx(high)


def test_group_intervals_repeat_the_films_of_drawn_groups():
    table = drawn(n_groups=100)
    point = screening.operating_point(table, 3, n_resamples=60)
    films = screening.screened(table, 3, n_resamples=60)
    cut_of = {cut.fold: cut.value for cut in point.cuts}
    called = films.score >= [cut_of[fold] for fold in table.folds]
    bootstrap = intervals.GroupBootstrap.draw(table, 3, 60)
    slow = []
    for counts in bootstrap.counts:
        rows = np.repeat(np.arange(150), counts[bootstrap.film_group].astype(int))
        slow.append((called[rows] & films.abnormal[rows]).sum() / films.abnormal[rows].sum())
    assert point.sensitivity.interval.low == pytest.approx(np.quantile(slow, 0.025))
    assert point.sensitivity.interval.n_units == 100


def test_at_the_cohort_s_own_prevalence_predictive_values_are_counted_shares():
    point = screening.operating_point(drawn(), 0, n_resamples=50)
    own = point.predictive[-1]
    assert own.of_cohort
    assert own.prevalence == pytest.approx(point.n_abnormal / 150)
    n_false = point.n_normal - point.n_passed
    assert own.ppv.value == pytest.approx(point.n_hit / (point.n_hit + n_false))
    n_missed = point.n_abnormal - point.n_hit
    assert own.npv.value == pytest.approx(point.n_passed / (point.n_passed + n_missed))
    assert [one.prevalence for one in point.predictive[:-1]] == [0.02, 0.10]
    assert point.predictive[0].ppv.value < point.predictive[1].ppv.value < own.ppv.value


def test_where_the_other_folds_keep_to_it_at_no_score_nothing_is_called():
    truth = np.arange(60) % 2
    folds = np.arange(60) // 2 % 2
    point = screening.operating_point(
        table_of(np.where(truth == 1, 0.1, 0.9), truth, folds), 0, n_resamples=50
    )
    assert [cut.value for cut in point.cuts] == [None, None]
    assert (point.n_hit, point.specificity.value) == (0, 1)
    assert np.isnan(point.predictive[0].ppv.value)
    assert np.isnan(point.positive_ratio.ratio.value)
    assert point.negative_ratio.ratio.value == 1
    assert asdict(point)["cuts"][0]["specificity"] == 1


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (drawn(n_folds=1), "no other fold"),
        (drawn(n=12, n_folds=2), "films outside a fold"),
        (table_of(np.full(60, 0.5), np.ones(60), np.arange(60) % 3), "0 normal and 60 abnormal"),
        (table_of(np.full(60, 0.5), np.zeros(60), np.arange(60) % 3), "60 normal and 0 abnormal"),
        (table_of(np.full(60, 0.5), np.arange(60) > 8, np.arange(60) % 3), "10 are needed"),
        (
            table_of([0.5, 0.5], [0, 1], [0, 1], labels=LabelSet.of(("straight", "curved"))),
            "'normal'",
        ),
    ],
)
def test_what_cannot_be_chosen_or_counted_is_not_run(table, why):
    point = screening.operating_point(table, 0, n_resamples=20)
    assert isinstance(point, NotRun)
    assert why in point.why


def test_another_label_may_stand_for_normal():
    labels = LabelSet.of(("straight", "curved"))
    table = drawn()
    renamed = table_of(1 - table.probabilities[:, 0], table.truth > 0, table.folds, labels=labels)
    point = screening.operating_point(renamed, 0, negative="straight", n_resamples=20)
    assert point.n_hit == screening.operating_point(table, 0, n_resamples=20).n_hit


def test_constant_predictions_call_nobody():
    table = table_of(np.full(90, 0.5), np.arange(90) % 3, np.arange(90) // 3 % 3)
    point = screening.operating_point(table, 0, n_resamples=20)
    assert (point.sensitivity.value, point.specificity.value, point.auc.value) == (0, 1, 0.5)


@pytest.mark.parametrize(("specificity", "prevalences"), [(1.0, (0.1,)), (0.9, (0.0,))])
def test_a_specificity_or_prevalence_that_is_no_share_is_refused(specificity, prevalences):
    with pytest.raises(ValueError, match="prevalences"):
        screening.operating_point(drawn(), 0, specificity, prevalences)
