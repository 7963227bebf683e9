"""Agreement against published worked examples, two libraries, and loops from the definitions."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import krippendorff as reference
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from spondyl.review import kappa
from spondyl.review.agreement import (
    Agreement,
    Ratings,
    Resampling,
    expanded_level,
    percent_agreement,
)
from spondyl.review.krippendorff import alpha
from spondyl.trust.intervals import NotRun

FEW = Resampling(seed=3, n_resamples=300)

COHEN_1960 = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
"""Table 2 of Cohen 1960: 200 cases, kappa .492."""

FLEISS_1971 = np.array(
    [
        *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0]),
        *([2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6]),
        *([1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1]),
        *([0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3]),
        *([0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1]),
        *([0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
    ]
)
"""Table 1 of Fleiss 1971: 30 patients, 6 psychiatrists each, 5 diagnoses, kappa .430."""

KRIPPENDORFF_2011 = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
"""Example C of Krippendorff 2011: four observers, twelve units, values missing."""


def ratings_of(values, categories=None, films=None) -> Ratings:
    """(rows, readers) of numbers, -1 for nothing said."""
    values = np.asarray(values, dtype=np.int64)
    k = categories or int(values.max()) + 1
    return Ratings(
        tuple(f"c{i}" for i in range(k)),
        tuple(f"r{i}" for i in range(values.shape[1])),
        tuple(films or (f"film {i}" for i in range(len(values)))),
        values,
    )


def of_table(table) -> Ratings:
    pairs = [(i, j) for (i, j), n in np.ndenumerate(np.asarray(table)) for _ in range(int(n))]
    return ratings_of(pairs, categories=len(table))


def of_counts(counts) -> Ratings:
    return ratings_of([np.repeat(np.arange(len(row)), row) for row in counts], len(counts[0]))


def drawn(seed: int, rows=40, readers=4, k=4, missing=0.0) -> Ratings:
    rng = np.random.default_rng(seed)
    state = rng.integers(0, k, rows)
    noisy = rng.random((rows, readers)) < 0.45
    values = np.where(noisy, rng.integers(0, k, (rows, readers)), state[:, None])
    values[rng.random((rows, readers)) < missing] = -1
    return ratings_of(values, k)


def test_cohen_s_own_example_has_his_kappa():
    made = kappa.cohen(of_table(COHEN_1960), 0, 1, FEW)
    assert isinstance(made, Agreement)
    assert made.value == pytest.approx(0.492, abs=5e-4)
    assert made.n_rows == 200


def test_fleiss_own_example_has_his_kappa():
    made = kappa.fleiss(of_counts(FLEISS_1971), FEW)
    assert isinstance(made, Agreement)
    assert made.value == pytest.approx(0.430, abs=5e-4)
    assert made.value == pytest.approx(fleiss_kappa(FLEISS_1971))


@pytest.mark.parametrize(("metric", "expected"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_krippendorff_s_own_example_with_missing_values_has_his_alpha(metric, expected):
    said = np.array([[-1 if v is None else v - 1 for v in row] for row in KRIPPENDORFF_2011]).T
    made = alpha(ratings_of(said), metric, FEW)
    assert isinstance(made, Agreement)
    assert made.value == pytest.approx(expected, abs=1e-3)
    assert made.n_rows == 11, "the unit that one observer saw pairs with nothing"
    assert made.n_left_out == 1


def test_krippendorff_s_own_example_of_two_observers_has_his_alpha():
    meg, owen = "aabbdcccedda", "babbbccceddd"
    said = [["abcde".index(one) for one in pair] for pair in zip(meg, owen, strict=True)]
    made = alpha(ratings_of(said, 5), "nominal", FEW)
    assert isinstance(made, Agreement)
    assert made.value == pytest.approx(0.692, abs=1e-3)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(3))
def test_cohen_and_its_large_sample_interval_agree_with_two_libraries(weights, seed):
    ratings = drawn(seed, rows=70)
    made = kappa.cohen(ratings, 0, 2, FEW, weights)
    first, second = ratings.values[:, 0], ratings.values[:, 2]
    named = None if weights == "none" else weights
    assert made.value == pytest.approx(cohen_kappa_score(first, second, weights=named))
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    power = {"none": None, "linear": np.arange(4), "quadratic": np.arange(4)}[weights]
    theirs = cohens_kappa(table, power, wt=None if weights == "none" else weights)
    assert made.value == pytest.approx(theirs.kappa)
    assert made.analytic.standard_error == pytest.approx(theirs.std_kappa)
    assert made.analytic.low == pytest.approx(theirs.kappa_low)


@pytest.mark.parametrize("seed", range(3))
def test_fleiss_agrees_with_statsmodels_and_leaves_out_rows_that_a_reader_left_out(seed):
    ratings = drawn(seed, missing=0.1)
    whole = ratings.values[(ratings.values >= 0).all(axis=1)]
    made = kappa.fleiss(ratings, FEW)
    assert made.value == pytest.approx(fleiss_kappa(aggregate_raters(whole)[0]))
    assert (made.n_rows, made.n_left_out) == (len(whole), 40 - len(whole))


def test_the_variance_of_fleiss_kappa_is_that_of_its_first_order_change_with_each_row():
    counts = of_counts(FLEISS_1971).counts
    n, step = len(counts), 1e-6
    ones = np.ones(n)
    changes = np.array(
        [
            (
                kappa.fleiss_of_counts(counts, ones + step * np.eye(n)[row])
                - kappa.fleiss_of_counts(counts, ones - step * np.eye(n)[row])
            )
            / (2 * step)
            for row in range(n)
        ]
    )
    made = kappa.fleiss(of_counts(FLEISS_1971), FEW)
    expected = math.sqrt((changes**2).sum() * n / (n - 1))
    assert made.analytic.standard_error == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_agrees_with_the_reference_package_whoever_is_missing(metric, seed):
    ratings = drawn(seed, missing=0.35)
    data = ratings.values.T.astype(float)
    data[data < 0] = np.nan
    expected = reference.alpha(
        reliability_data=data, level_of_measurement=metric, value_domain=[0, 1, 2, 3]
    )
    assert alpha(ratings, metric, FEW).value == pytest.approx(expected)


def test_percent_agreement_is_the_share_of_agreeing_pairs_of_answers():
    ratings = drawn(5, missing=0.3)
    pairs = [a == b for row in ratings.values for a, b in itertools.combinations(row[row >= 0], 2)]
    assert percent_agreement(ratings, FEW).value == pytest.approx(np.mean(pairs))


def test_the_bootstrap_is_what_repeating_the_drawn_films_rows_would_give():
    films = [f"film {i // 2}" for i in range(40)]
    ratings = drawn(8)
    ratings = ratings_of(ratings.values, 4, films)
    rng = np.random.default_rng(FEW.seed)
    values = []
    names = sorted(set(films))
    counts = rng.multinomial(20, np.full(20, 1 / 20), size=FEW.n_resamples)
    for drawn_films in counts:
        often = dict(zip(names, drawn_films, strict=True))
        rows = [row for row, film in enumerate(films) for _ in range(often[film])]
        values.append(
            reference.alpha(reliability_data=ratings.values[rows].T, level_of_measurement="ordinal")
        )
    made = alpha(ratings, "ordinal", FEW).interval
    # with 20 films as far out as Student's t with 19 degrees of freedom, 2.093, times √(20/19)
    out = NormalDist().cdf(-2.0930240544 * math.sqrt(20 / 19))
    assert (made.low, made.high) == pytest.approx(tuple(np.quantile(values, [out, 1 - out])))
    assert (made.n_units, made.level) == (20, 0.95)


def test_an_interval_over_many_films_is_of_plain_percentiles_and_over_few_farther_out():
    levels = [expanded_level(0.95, n) for n in (5, 12, 30, 10_000)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == pytest.approx(0.95, abs=1e-4)


def test_two_maps_of_one_film_are_one_piece_of_evidence():
    one = drawn(2, rows=30)
    twice = ratings_of(np.repeat(one.values, 2, axis=0), 4, np.repeat(one.films, 2).tolist())
    for statistic in (kappa.fleiss, percent_agreement, lambda r, d: kappa.cohen(r, 0, 1, d)):
        once, doubled = statistic(one, FEW), statistic(twice, FEW)
        assert once.value == pytest.approx(doubled.value)
        assert once.interval.low == pytest.approx(doubled.interval.low)
        assert isinstance(doubled.analytic, NotRun), "the formulas take rows as independent"


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
def test_who_is_called_first_reader_changes_nothing(metric):
    ratings = drawn(4, missing=0.2)
    turned = ratings_of(ratings.values[:, ::-1], 4)
    assert alpha(ratings, metric, FEW).value == pytest.approx(alpha(turned, metric, FEW).value)
    assert kappa.cohen(ratings, 0, 3, FEW, "linear").value == pytest.approx(
        kappa.cohen(ratings, 3, 0, FEW, "linear").value
    )


def test_with_two_readers_ordered_disagreement_by_one_step_costs_less_than_by_three():
    near = of_table(np.diag([10, 10, 10, 10]) + np.diag([4, 4, 4], 1))
    far = np.diag([10, 10, 10, 10])
    far[0, 3] = 12
    far = of_table(far)
    for weights in ("linear", "quadratic"):
        assert (
            kappa.cohen(near, 0, 1, FEW, weights).value > kappa.cohen(far, 0, 1, FEW, weights).value
        )
    assert alpha(near, "ordinal", FEW).value > alpha(far, "ordinal", FEW).value


def test_what_the_data_do_not_allow_says_why_and_is_never_nan():
    alike = ratings_of(np.zeros((9, 2)), 3)
    for made in (
        kappa.cohen(alike, 0, 1, FEW),
        kappa.fleiss(alike, FEW),
        alpha(alike, "nominal", FEW),
        alpha(alike, "ordinal", FEW),
    ):
        assert isinstance(made, NotRun)
        assert "chance alone" in made.why
    assert percent_agreement(alike, FEW).value == 1
    alone = ratings_of(np.zeros((9, 1)), 3)
    assert "one reader" in percent_agreement(alone, FEW).why
    unheard = ratings_of([[0, -1], [-1, 1]], 2)
    assert "no film" in alpha(unheard, "nominal", FEW).why


def test_full_agreement_has_no_interval_rather_than_one_of_no_width():
    made = kappa.cohen(ratings_of([[i % 3, i % 3] for i in range(12)]), 0, 1, FEW)
    assert made.value == 1
    assert "no certainty" in made.interval.why
    assert isinstance(made.analytic, NotRun)


def test_four_films_are_not_resampled():
    made = kappa.cohen(ratings_of([[0, 0], [1, 1], [0, 1], [1, 1]]), 0, 1, FEW)
    assert "4 films" in made.interval.why
    assert made.value == pytest.approx(0.5)


def test_a_word_that_is_no_category_is_refused():
    with pytest.raises(ValueError, match="perhaps"):
        Ratings.of(["yes", "no"], ["r"], ["f"], [["perhaps"]])


def test_a_figure_of_agreement_is_written_with_its_interval():
    written = kappa.cohen(drawn(1), 0, 1, FEW).as_dict()
    assert written["interval"]["method"] == "group bootstrap"
    assert written["analytic"]["source"].startswith("Fleiss")
