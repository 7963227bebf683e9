"""What a few numbers tell of the label: against slow second writings and shuffled labels."""

import numpy as np
import pytest
from scipy.stats import kruskal

from spondyl.data.labels import SPINE_LABELS
from spondyl.trust.data_audit import probing
from spondyl.trust.data_audit.probing import Films, Folding, Probe, associations, probe


def films_of(truth, groups=None):
    ids = tuple(f"{row}.png" for row in range(len(truth)))
    return Films(SPINE_LABELS, ids, tuple(groups or ids), np.asarray(truth, np.int64))


def asked(values, name="numbers"):
    columns = tuple(f"column {place}" for place in range(values.shape[1]))
    return Probe(name, "context", "Do these numbers tell the label?", columns, values)


@pytest.fixture
def draws():
    return np.random.default_rng(5)


def test_numbers_that_are_the_label_tell_it_and_shuffled_labels_never_do_as_well(draws):
    truth = np.arange(90) % 3
    values = np.eye(3)[truth] + 0.1 * draws.normal(size=(90, 3))
    found = probe(asked(values), Folding.draw(films_of(truth), "plain", 5, 0, 199))
    assert found.accuracy == 1
    assert found.explained > 0.9
    assert found.null.p_value == 1 / 200
    assert found.null.accuracy_high < 0.6
    assert found.majority == pytest.approx(1 / 3)


def test_a_ring_round_its_rest_is_told_though_no_line_parts_them(draws):
    truth = np.arange(120) % 2
    angle = draws.uniform(0, 2 * np.pi, 120)
    values = np.column_stack((np.cos(angle), np.sin(angle))) * (0.3 + truth)[:, None]
    assert probe(asked(values), Folding.draw(films_of(truth), "plain", 5, 0, 19)).accuracy > 0.95


def test_the_p_value_of_numbers_that_know_nothing_is_as_often_low_as_its_name_says(draws):
    low = 0
    for seed in range(200):
        truth = draws.permutation(np.arange(30) % 3)
        folding = Folding.draw(films_of(truth), "plain", 3, seed, 19)
        low += probe(asked(draws.normal(size=(30, 2))), folding).null.p_value <= 0.05
    assert low <= 20  # 10 expected; more than 20 once in a thousand


def test_predictions_are_those_of_ridge_regression_written_slowly(draws):
    truth = draws.permutation(np.arange(40) % 3)
    values = draws.normal(size=(40, 4)) + truth[:, None]
    folding = Folding.draw(films_of(truth), "plain", 4, 1, 5)
    found = probe(asked(values), folding)
    for fold in range(4):
        tested = folding.fold_of == fold
        expected = slowly(values, truth, tested)
        said = np.maximum(expected, probing._FLOOR)
        np.testing.assert_allclose(np.exp(found.predictions.logits[tested]), said, atol=2e-4)


def slowly(values, truth, tested):
    """Shares by the width and strength whose leave-one-out error, film after film, is least."""
    mean, spread = values[~tested].mean(0), values[~tested].std(0)
    learned, judged = (values[~tested] - mean) / spread, (values[tested] - mean) / spread
    targets = np.eye(3)[truth[~tested]]
    base = targets.mean(0)
    n = len(learned)
    squared = ((learned[:, None] - learned[None]) ** 2).sum(2)
    scale = np.median(squared[np.triu_indices(n, 1)])
    best = (np.inf, None)
    for width in probing.WIDTHS:
        kernel = np.exp(-width * squared / scale)
        across = np.exp(-width * ((judged[:, None] - learned[None]) ** 2).sum(2) / scale)
        for strength in probing.STRENGTHS:
            error = 0.0
            for out in range(n):
                rest = np.arange(n) != out
                inner = kernel[np.ix_(rest, rest)] + strength * np.eye(n - 1)
                weights = np.linalg.solve(inner, targets[rest] - base)
                error += ((targets[out] - base - kernel[out, rest] @ weights) ** 2).sum()
            if error < best[0]:
                whole = np.linalg.solve(kernel + strength * np.eye(n), targets - base)
                best = error, across @ whole + base
    return best[1]


def test_copies_are_dealt_together_and_labels_stay_in_their_fold(draws):
    groups = [f"g{row // 2}" if row < 20 else f"g{row}" for row in range(60)]
    truth = np.array([int(group[1:]) % 3 for group in groups])
    folding = Folding.draw(films_of(truth, groups), "grouped", 3, 2, 50)
    assert (folding.shuffled[0] == truth).all()
    assert (folding.shuffled[1:] != truth).any()
    for dealt in folding.shuffled:
        assert all(dealt[row] == dealt[row + 1] for row in range(0, 20, 2))
        for fold in range(3):
            there = folding.fold_of == fold
            assert sorted(dealt[there]) == sorted(truth[there])
    assert all(
        len({folding.fold_of[row], folding.fold_of[row + 1]}) == 1 for row in range(0, 20, 2)
    )


def test_the_share_between_labels_is_that_of_kruskal_and_wallis(draws):
    truth = draws.permutation(np.arange(45) % 3)
    values = np.column_stack((draws.normal(size=45) + truth, draws.integers(0, 4, 45)))
    folding = Folding.draw(films_of(truth), "plain", 3, 0, 99)
    found = {name: (eta, p) for name, eta, p in associations(asked(values.astype(float)), folding)}
    for place, column in enumerate(values.T):
        statistic = kruskal(*(column[truth == label] for label in range(3))).statistic
        assert found[f"column {place}"][0] == pytest.approx(statistic / 44)
    assert found["column 0"][1] == 0.01


@pytest.mark.parametrize("values", [np.ones((30, 2)), np.full((30, 1), np.nan)])
def test_numbers_that_are_all_alike_or_missing_tell_nothing(values):
    truth = np.arange(30) % 3
    found = probe(asked(values), Folding.draw(films_of(truth), "plain", 3, 0, 19))
    assert found.explained == pytest.approx(0, abs=1e-6)
    assert found.null.p_value == 1


def test_that_a_number_is_missing_may_tell_the_label():
    truth = np.arange(30) % 3
    values = np.where(truth == 0, np.nan, 1.0)[:, None]
    found = probe(asked(values), Folding.draw(films_of(truth), "plain", 3, 0, 99))
    assert found.null.p_value == 0.01


def test_of_many_films_whole_groups_are_sampled(monkeypatch):
    monkeypatch.setattr(probing, "LARGEST", 20)
    groups = [f"g{row // 3}" for row in range(60)]
    rows = probing.sampled(films_of(np.arange(60) % 3, groups), 0)
    taken = {groups[row] for row in rows}
    assert 15 <= len(rows) <= 20
    assert len(rows) == 3 * len(taken)


@pytest.mark.parametrize("seed", range(8))
def test_a_rare_value_that_only_one_label_has_is_used_and_confuses_nothing_else(seed):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], [70, 190, 80])
    rare = np.where((truth == 2) & (rng.random(340) < 0.3), 1.0, 0.0)
    films = Films(
        SPINE_LABELS,
        tuple(f"film {i}" for i in range(340)),
        tuple(f"g{i // 2 if i < 40 else i}" for i in range(340)),
        truth,
    )
    asked = Probe("view", "not-anatomy", "?", ("rare", "usual"), np.stack((rare, 1 - rare), axis=1))
    found = probe(asked, Folding.draw(films, "grouped", 5, seed, 99))
    assert (found.predictions.predicted == np.where(rare == 1, 2, 1)).all()
    assert found.null.p_value == 0.01
