"""Several draws of the folds: what is averaged, how sure the mean is, who differs."""

import numpy as np
import pytest
from scipy import stats

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.outcome import Configuration, FoldOutcome, Outcome, Repeat
from spondyl.learn.predictions import PredictionTable
from spondyl.trust import metrics
from spondyl.trust.answers import repeated
from spondyl.trust.intervals import NotRun

N, FOLDS = 60, 4
TRUTH = np.arange(N) % 3


def draw(number: int, skill: float, seed: int, tested=range(N)) -> Repeat:
    """The `number`th draw: who is tested where is the same whatever the seed."""
    rows = np.array(tested)
    logits = np.random.default_rng(seed).normal(size=(len(rows), 3))
    logits[np.arange(len(rows)), TRUTH[rows]] += skill
    folds = np.random.default_rng(number).permutation(np.arange(len(rows)) % FOLDS)
    table = PredictionTable(
        SPINE_LABELS,
        tuple(f"{row:03}" for row in rows),
        tuple(f"g{row}" for row in rows),
        number * FOLDS + folds,
        TRUTH[rows],
        logits,
    )
    trials = tuple(
        FoldOutcome(number * FOLDS + fold, f"{number}-{fold}", 36, 9, N // FOLDS, 1.0, ())
        for fold in range(FOLDS)
    )
    return Repeat(trials, table)


def outcome(n_draws=3, skill=1.5, seed=0, protocol="nested") -> Outcome:
    first, *further = (draw(number, skill, seed * 100 + number) for number in range(n_draws))
    which = Configuration(f"network{seed}", "probe", protocol)
    return Outcome(which, None, first.folds, first.predictions, further=tuple(further))


def test_one_draw_is_not_several():
    assert repeated.repeated(outcome(1)) is None
    assert repeated.repeated(Outcome(outcome(1).configuration, None, not_run="no weights")) is None
    assert repeated.difference(outcome(1), outcome(3)) is None


@pytest.mark.parametrize("name", metrics.SUMMARY)
def test_every_score_over_draws_by_its_definition(name):
    """Written from Nadeau & Bengio's formula, fold by fold, without the functions under test."""
    made = outcome()
    found = repeated.repeated(made).scores[name]
    of_draws = [getattr(metrics.score(one.predictions), name) for one in made.repeats]
    assert found.of_draws == pytest.approx(of_draws)
    assert found.mean == pytest.approx(np.mean(of_draws))
    assert found.sd == pytest.approx(np.std(of_draws, ddof=1))
    of_folds = [
        getattr(metrics.score(one.predictions.rows_of_fold(fold)), name)
        for one in made.repeats
        for fold in sorted(set(one.predictions.folds.tolist()))
    ]
    n = len(of_folds)
    assert n == 12
    error = np.sqrt((1 / n + 15 / 45) * np.var(of_folds, ddof=1))
    half = stats.t.ppf(0.975, n - 1) * error
    assert found.of_folds.mean == pytest.approx(np.mean(of_folds))
    assert found.of_folds.standard_error == pytest.approx(error)
    assert found.of_folds.low == pytest.approx(np.mean(of_folds) - half)
    assert found.of_folds.high == pytest.approx(np.mean(of_folds) + half)


def test_repeats_are_not_taken_for_independent_films():
    """Forty draws narrow the interval little: films tested over films learned from stay."""
    few, many = (repeated.repeated(outcome(n)).scores["accuracy"].of_folds for n in (3, 40))
    naive = (many.high - many.low) * np.sqrt(1 / (40 * FOLDS) / many.factor)
    assert many.factor == pytest.approx(1 / 160 + 1 / 3)
    assert many.high - many.low > 0.7 * (few.high - few.low)
    assert many.high - many.low > 7 * naive


def test_films_that_steer_and_are_tested_count_as_tested_alone():
    assert repeated.repeated(outcome()).n_learned == 45
    assert repeated.repeated(outcome(protocol="paper")).n_learned == 36


def test_a_score_that_no_fold_has_gives_a_reason_and_not_a_figure():
    """Every film of a fold is of one label, so there is nobody to rank it above."""
    made = outcome(2)
    one_label = tuple(
        Repeat(
            one.folds,
            PredictionTable(
                *(SPINE_LABELS, one.predictions.image_ids, one.predictions.group_ids),
                *(one.predictions.truth + 3 * number, TRUTH, one.predictions.logits),
            ),
        )
        for number, one in enumerate(made.repeats)
    )
    made = Outcome(
        *(made.configuration, None, one_label[0].folds, one_label[0].predictions),
        further=one_label[1:],
    )
    found = repeated.repeated(made).scores["macro_auc"]
    assert found.of_folds == NotRun("defined in 0 of 6 folds")
    assert found.mean == pytest.approx(
        np.mean([metrics.score(one.predictions).macro_auc for one in one_label])
    )


def test_folds_that_do_not_differ_give_no_interval_of_no_width():
    perfect = repeated.repeated(outcome(skill=50)).scores["accuracy"]
    assert (perfect.mean, perfect.sd) == (1, 0)
    assert isinstance(perfect.of_folds, NotRun)
    assert "1.000" in perfect.of_folds.why


def test_a_difference_is_tested_fold_by_fold_over_all_draws():
    first, second = outcome(skill=3.0, seed=1), outcome(skill=0.5, seed=2)
    found = repeated.difference(first, second)
    gains = [
        (a.rows_of_fold(f).predicted == a.rows_of_fold(f).truth).mean()
        - (b.rows_of_fold(f).predicted == b.rows_of_fold(f).truth).mean()
        for a, b in (
            (one.predictions, two.predictions)
            for one, two in zip(first.repeats, second.repeats, strict=True)
        )
        for f in sorted(set(a.folds.tolist()))
    ]
    t = np.mean(gains) / np.sqrt((1 / 12 + 15 / 45) * np.var(gains, ddof=1))
    assert found.test.difference == pytest.approx(np.mean(gains))
    assert found.test.p_value == pytest.approx(2 * stats.t.sf(t, 11))
    swapped = repeated.difference(second, first)
    assert swapped.test.difference == pytest.approx(-found.test.difference)
    assert swapped.test.p_value == pytest.approx(found.test.p_value)


def test_configurations_of_other_folds_are_not_compared():
    first = outcome()
    other = draw(7, 1.0, 3)
    further = (other, other)
    second = Outcome(first.configuration, None, other.folds, other.predictions, further=further)
    with pytest.raises(ValueError, match="not the same films in the same folds"):
        repeated.difference(first, second)
