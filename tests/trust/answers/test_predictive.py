"""Bayes' theorem with frequencies, intervals with their true coverage, and rates of 0 and 1."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from spondyl.trust.answers import predictive
from spondyl.trust.intervals import Estimate, percentile_interval


def rates(n_hit, n_abnormal, n_passed, n_normal, resampled=None):
    def estimate(value, values):
        return Estimate(value, percentile_interval(values, n_abnormal + n_normal))

    se, sp = n_hit / n_abnormal, n_passed / n_normal
    if resampled is None:
        draws = np.random.default_rng(0)
        resampled = (
            draws.binomial(n_abnormal, se, 400) / n_abnormal,
            draws.binomial(n_normal, sp, 400) / n_normal,
        )
    return predictive.Rates(
        *(n_hit, n_abnormal, n_passed, n_normal),
        *(estimate(se, resampled[0]), estimate(sp, resampled[1])),
        *(resampled, estimate),
    )


def test_a_good_sieve_for_a_rare_thing_is_mostly_wrong_when_it_calls():
    value = float(predictive.ppv(0.9, 0.9, 0.01))
    assert value == pytest.approx(0.9 * 0.01 / (0.9 * 0.01 + 0.1 * 0.99))
    assert value == pytest.approx(1 / 12)


def test_predictive_values_are_frequencies_among_a_thousand():
    """50 of 1000 are ill; 40 of them are called, and 190 of the 950 others."""
    assert float(predictive.ppv(0.8, 0.8, 0.05)) == pytest.approx(40 / 230)
    assert float(predictive.npv(0.8, 0.8, 0.05)) == pytest.approx(760 / 770)


def test_a_call_that_is_never_made_has_no_value():
    assert np.isnan(predictive.ppv(0.0, 1.0, 0.1))
    assert np.isnan(predictive.npv(1.0, 0.0, 0.1))


@pytest.mark.parametrize("counts", [(40, 50, 10, 100), (30, 50, 45, 100), (12, 30, 11, 30)])
def test_the_interval_of_a_ratio_is_the_published_formula_and_near_the_score_interval(counts):
    x1, n1, x2, n2 = counts
    (l1, u1), (l2, u2) = (proportion_confint(x, n, 0.05, "wilson") for x, n in ((x1, n1), (x2, n2)))
    p1, p2 = x1 / n1, x2 / n2
    a, b = u2 * (2 * p2 - u2), l2 * (2 * p2 - l2)
    low = (p1 * p2 - np.sqrt((p1 * p2) ** 2 - l1 * (2 * p1 - l1) * a)) / a
    high = (p1 * p2 + np.sqrt((p1 * p2) ** 2 - u1 * (2 * p1 - u1) * b)) / b
    ours = predictive.ratio_interval(*counts)
    assert ours == pytest.approx((low, high))
    score = confint_proportions_2indep(*counts, method="score", compare="ratio")
    assert ours == pytest.approx(score, rel=0.05)


def test_shares_of_none_and_all_have_intervals_too():
    """Of 9 of 9 against 0 of 9 the Wilson ends are 1 − u and u = z² / (9 + z²), and the lower end
    of the ratio is √(1 / u² − 1)."""
    least = np.sqrt((1 + 9 / stats.norm.ppf(0.975) ** 2) ** 2 - 1)
    assert predictive.ratio_interval(9, 9, 0, 9) == pytest.approx((least, np.inf))
    assert predictive.ratio_interval(0, 9, 9, 9) == pytest.approx((0, 1 / least))
    assert predictive.ratio_interval(0, 9, 0, 9) == (0, np.inf)


@pytest.mark.parametrize("specificity", [0.8, 0.9, 0.95, 0.98])
def test_over_every_outcome_the_interval_covers_what_it_says(specificity):
    """Sensitivity 0.9, 30 films of each kind: the sum of the chances of all outcomes that hold the
    true ratio. A prevalence moves both ends and the truth alike."""
    n, true = 30, 0.9 / (1 - specificity)
    chance = np.outer(
        stats.binom.pmf(np.arange(n + 1), n, 0.9),
        stats.binom.pmf(np.arange(n + 1), n, 1 - specificity),
    )
    covered = 0.0
    for (hit, false), weight in np.ndenumerate(chance):
        low, high = predictive.ratio_interval(hit, n, false, n)
        covered += weight * (low <= true <= high)
    assert 0.935 < covered < 0.985


def test_the_bootstrap_carries_both_rates_of_a_resample_together():
    resampled = (np.array([0.5, 0.9]), np.array([0.6, 0.95]))
    ppv = rates(40, 50, 90, 100, resampled).at(0.1).ppv
    low, high = 0.05 / (0.05 + 0.36), 0.09 / (0.09 + 0.045)
    assert ppv.value == pytest.approx(0.08 / (0.08 + 0.09))
    ends = np.quantile([low, high], [0.025, 0.975])
    assert (ppv.interval.low, ppv.interval.high) == pytest.approx(ends)


def test_likelihood_ratios_turn_prior_odds_into_those_of_predictive_values():
    sieve = rates(40, 50, 90, 100)
    positive, negative = sieve.ratios()
    assert positive.ratio.value == pytest.approx(0.8 / 0.1)
    assert negative.ratio.value == pytest.approx(0.2 / 0.9)
    at = sieve.at(0.1)
    for ratio, found, ends in (
        (positive, at.ppv.value, at.ppv_films),
        (negative, 1 - at.npv.value, [1 - end for end in at.npv_films[::-1]]),
    ):
        for one, share in zip((ratio.ratio.value, *ratio.films), (found, *ends), strict=True):
            assert one / 9 == pytest.approx(share / (1 - share))
        assert ratio.ratio.interval.low < ratio.ratio.value < ratio.ratio.interval.high


def test_without_a_false_call_resamples_know_no_doubt_and_the_interval_of_films_does():
    sieve = rates(50, 50, 100, 100)
    positive, negative = sieve.ratios()
    assert positive.ratio.value == positive.ratio.interval.high == np.inf
    assert negative.ratio.value == 0
    assert 20 < positive.films[0] < 40
    assert positive.films[1] == np.inf
    assert (negative.films[0], negative.ratio.interval.high) == (0, 0)
    assert negative.films[1] > 0.05
    at = sieve.at(0.02)
    assert (at.ppv.value, at.ppv.interval.low) == (1, 1)
    assert at.ppv_films[0] < 0.5
    assert at.ppv_films[1] == 1


def test_a_resample_without_a_false_call_still_counts():
    some = np.r_[np.full(50, 1.0), np.full(50, 0.9)]
    positive, _ = rates(40, 50, 99, 100, (np.full(100, 0.8), some)).ratios()
    assert positive.ratio.interval.high == np.inf
    assert positive.ratio.interval.low == pytest.approx(8)
