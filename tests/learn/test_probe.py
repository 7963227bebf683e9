import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from spondyl.errors import SpondylError
from spondyl.learn import probe


@pytest.fixture
def films():
    draws = np.random.default_rng(0)
    labels = draws.integers(0, 3, 90)
    features = draws.normal(size=(90, 12)) * draws.uniform(0.1, 30, 12) + draws.normal(size=12)
    features[:, :3] += 25 * np.eye(3)[labels]
    return features.astype(np.float32), labels


def by_definition(features, labels, strength):
    """Slow: minimise C · Σ cross-entropy + ½‖W‖² over standardised features with a general
    solver."""
    n, d = features.shape
    x = (features - features.mean(0)) / features.std(0)

    def loss(flat):
        w, b = flat[: 3 * d].reshape(3, d), flat[3 * d :]
        fit = -log_softmax(x @ w.T + b, axis=1)[np.arange(n), labels].sum()
        return strength * fit + 0.5 * (w**2).sum()

    found = minimize(loss, np.zeros(3 * d + 3), method="L-BFGS-B", options={"maxiter": 5000})
    w, b = found.x[: 3 * d].reshape(3, d), found.x[3 * d :]
    return x @ w.T + b


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_solution_is_that_of_the_definition(films, strength):
    features, labels = films
    (head,) = probe.solve(features, labels, 3, (strength,))
    ours, theirs = head.logits(features), by_definition(features.astype(float), labels, strength)
    centred = [one - one.mean(axis=1, keepdims=True) for one in (ours, theirs)]
    assert np.abs(centred[0] - centred[1]).max() < 2e-2


def test_more_channels_than_films_are_solved_exactly_too():
    draws = np.random.default_rng(1)
    labels = np.arange(30) % 3
    features = draws.normal(size=(30, 400)).astype(np.float32)
    (head,) = probe.solve(features, labels, 3, (0.1,))
    x = (features - features.mean(0)) / features.std(0)
    # At the optimum the gradient of the penalised loss vanishes: W = C · Σ (onehot − p) x.
    logits = head.logits(features)
    p = np.exp(log_softmax(logits, axis=1))
    weight = head.weight * features.astype(float).std(0)
    assert np.allclose(weight, 0.1 * (np.eye(3)[labels] - p).T @ x, atol=1e-4)


def test_the_strength_is_the_one_with_the_lowest_tune_loss(films):
    features, labels = films
    solved = probe.fit(features[:60], labels[:60], features[60:], labels[60:])
    losses = [
        probe.cross_entropy(head.logits(features[60:]), labels[60:])
        for head in probe.solve(features[:60], labels[:60], 3, probe.STRENGTHS)
    ]
    assert solved.tune_loss == min(losses)
    assert solved.inverse_strength == probe.STRENGTHS[int(np.argmin(losses))]


def test_a_constant_channel_changes_nothing(films):
    features, labels = films
    with_constant = np.column_stack([features, np.full(len(features), 7, np.float32)])
    (plain,) = probe.solve(features, labels, 3, (1.0,))
    (more,) = probe.solve(with_constant, labels, 3, (1.0,))
    assert np.allclose(plain.logits(features), more.logits(with_constant), atol=1e-3)


def test_permuting_labels_permutes_logits_and_nothing_else(films):
    features, labels = films
    order = np.array([2, 0, 1])
    (plain,) = probe.solve(features, labels, 3, (1.0,))
    (moved,) = probe.solve(features, order[labels], 3, (1.0,))
    assert np.allclose(plain.logits(features), moved.logits(features)[:, order], atol=1e-3)


def test_two_classes_get_two_logits():
    features = np.array([[-2.0], [-1.0], [1.0], [2.0]], np.float32)
    (head,) = probe.solve(features, np.array([0, 0, 1, 1]), 2, (1.0,))
    assert head.weight.shape == (2, 1)
    assert (head.logits(features).argmax(1) == [0, 0, 1, 1]).all()


def test_a_class_that_is_absent_from_training_is_refused(films):
    features, _ = films
    with pytest.raises(SpondylError, match="absent"):
        probe.solve(features, np.zeros(len(features), int), 3, (1.0,))


def test_where_the_first_solver_does_not_arrive_the_second_one_does(films, monkeypatch):
    features, labels = films
    (expected,) = probe.solve(features, labels, 3, (1.0,))
    plain = probe._solver

    def hurried(name, strength, balanced, max_iter):
        return plain(name, strength, balanced, 3 if name == "lbfgs" else max_iter)

    monkeypatch.setattr(probe, "_solver", hurried)
    (head,) = probe.solve(features, labels, 3, (1.0,))
    assert head.logits(features) == pytest.approx(expected.logits(features), abs=1e-3)


def test_where_neither_solver_arrives_it_is_refused(films, monkeypatch):
    plain = probe._solver
    monkeypatch.setattr(probe, "_solver", lambda name, c, b, max_iter: plain(name, c, b, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(SpondylError, match="did not reach its tolerance"):
            probe.solve(*films, 3, (1.0,))
