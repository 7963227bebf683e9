"""Findings that may stand together in one film, each by itself, from their definitions."""

import itertools

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import findings

NAMES = ("normal", "a", "b", "a + b", "b + c")
LABELS = LabelSet.of(NAMES)
HELD = {"normal": "", "a": "a", "b": "b", "a + b": "ab", "b + c": "bc"}


def table(labels=LABELS, n=80, seed=0, skill=1.0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(labels), n)
    logits = rng.normal(size=(n, len(labels)))
    logits[np.arange(n), truth] += skill
    groups = tuple(f"g{row // 2}" for row in range(n))
    ids = tuple(f"{row:03}" for row in range(n))
    return PredictionTable(labels, ids, groups, np.arange(n) % 4, truth, logits)


def test_without_combinations_there_is_nothing_to_take_apart():
    assert findings.findings(table(SPINE_LABELS), 0) is None


def test_a_finding_s_probability_is_that_of_all_labels_that_hold_it():
    given = table()
    for row, said in enumerate(findings.probabilities(given)):
        for column, finding in enumerate("abc"):
            expected = sum(
                given.probabilities[row, label]
                for label, name in enumerate(NAMES)
                if finding in HELD[name]
            )
            assert said[column] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_of_a_finding_counted_film_by_film(seed):
    given = table(seed=seed)
    found = findings.findings(given, 0, n_resamples=50)
    chances = findings.probabilities(given)
    for column, finding in enumerate("abc"):
        has = [finding in HELD[NAMES[truth]] for truth in given.truth]
        called = [finding in HELD[NAMES[column]] for column in given.predicted]
        one = found.scores[column]
        assert one.finding == finding
        assert one.labels == tuple(name for name in NAMES if finding in HELD[name])
        assert (one.n, one.n_called) == (sum(has), sum(called))
        hits = [c for h, c in zip(has, called, strict=True) if h]
        spared = [not c for h, c in zip(has, called, strict=True) if not h]
        assert one.sensitivity.value == pytest.approx(np.mean(hits))
        assert one.specificity.value == pytest.approx(np.mean(spared))
        pairs = [
            (chances[i, column] > chances[j, column])
            + (chances[i, column] == chances[j, column]) / 2
            for i, j in itertools.product(range(len(given)), repeat=2)
            if has[i] and not has[j]
        ]
        assert one.auc.value == pytest.approx(np.mean(pairs))
        for estimate in (one.sensitivity, one.specificity, one.auc):
            assert estimate.interval.low <= estimate.value <= estimate.interval.high
            assert estimate.interval.method == "group bootstrap"
        assert one.sensitivity_wilson.n_units == sum(has)


def test_hamming_loss_counts_pairs_of_film_and_finding_and_exact_match_films():
    given = table(seed=5)
    found = findings.findings(given, 0, n_resamples=50)
    wrong = [
        (finding in HELD[NAMES[truth]]) != (finding in HELD[NAMES[predicted]])
        for truth, predicted in zip(given.truth, given.predicted, strict=True)
        for finding in "abc"
    ]
    assert found.hamming_loss.value == pytest.approx(np.mean(wrong))
    assert found.exact_match.value == pytest.approx(np.mean(given.truth == given.predicted))
    assert found.hamming_loss.value < 1 - found.exact_match.value


def test_all_findings_right_is_no_loss():
    found = findings.findings(table(skill=50), 0, n_resamples=50)
    assert (found.hamming_loss.value, found.exact_match.value) == (0, 1)
    assert all(one.sensitivity.value == one.specificity.value == 1 for one in found.scores)


def test_the_order_of_labels_changes_no_figure_of_a_finding():
    given = table(seed=2)
    order = [3, 0, 4, 1, 2]
    place = {old: new for new, old in enumerate(order)}
    other = PredictionTable(
        *(LabelSet.of(NAMES[old] for old in order), given.image_ids, given.group_ids),
        *(given.folds, np.array([place[t] for t in given.truth]), given.logits[:, order]),
    )
    ours = {one.finding: one for one in findings.findings(given, 0, 50).scores}
    theirs = {one.finding: one for one in findings.findings(other, 0, 50).scores}
    assert ours.keys() == theirs.keys()
    for name, one in ours.items():
        assert theirs[name].auc.value == pytest.approx(one.auc.value)
        assert theirs[name].sensitivity == one.sensitivity
