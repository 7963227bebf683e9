import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from spondyl.errors import SpondylError
from spondyl.learn import probe


@pytest.fixture
def films():
    draws = np.random.default_rng(0)
    labels = draws.integers(0, 3, 90)
    features = draws.normal(size=(90, 12)) * draws.uniform(0.1, 30, 12) + draws.normal(size=12)
    features[:, :3] += 25 * np.eye(3)[labels]
    return features.astype(np.float32), labels


@pytest.fixture
def parted():
    """Fewer films than channels: the classes can be parted without error, whatever they are."""
    draws = np.random.default_rng(2)
    return draws.normal(size=(40, 60)).astype(np.float32), np.arange(40) % 7 % 3


def standardised(features):
    features = features.astype(float)
    return (features - features.mean(0)) / features.std(0)


def gradient(head, features, labels, strength, weights=1.0):
    """Of C · Σ weight · cross-entropy + ½‖W‖² by W (labels, channels) over standardised features,
    and by the bias (labels,), at the head; and W."""
    x = standardised(features)
    weight = head.weight * features.astype(float).std(0)
    p = np.exp(log_softmax(head.logits(features), axis=1))
    excess = weights * (p - np.eye(p.shape[1])[labels]).T
    return weight + strength * excess @ x, strength * excess.sum(axis=1), weight


def by_definition(features, labels, strength, weights=1.0):
    """Slow: W (3, channels) and logits where C · Σ weight · cross-entropy + ½‖W‖² is least, by a
    general solver on all of the channels."""
    d = features.shape[1]
    x, truth = standardised(features), np.eye(3)[labels]

    def loss(flat):
        w, b = flat[: 3 * d].reshape(3, d), flat[3 * d :]
        logs = log_softmax(x @ w.T + b, axis=1)
        excess = (weights * (np.exp(logs) - truth).T).T
        value = strength * -(weights * (logs * truth).sum(1)).sum() + 0.5 * (w**2).sum()
        return value, np.append(strength * excess.T @ x + w, strength * excess.sum(0))

    # The first solver goes far, the second one to the end.
    options = {"maxiter": 50_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-12, "maxcor": 50}
    found = minimize(loss, np.zeros(3 * d + 3), jac=True, method="L-BFGS-B", options=options)
    found = minimize(loss, found.x, jac=True, method="BFGS", options={"gtol": 1e-12})
    w, b = found.x[: 3 * d].reshape(3, d), found.x[3 * d :]
    return w, x @ w.T + b


@pytest.mark.parametrize("strength", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("drawn", ["films", "parted"])
def test_the_solution_is_that_of_the_definition(drawn, strength, request):
    features, labels = request.getfixturevalue(drawn)
    (head,) = probe.solve(features, labels, 3, (strength,))
    weight, logits = by_definition(features, labels, strength)
    ours = head.weight * features.astype(float).std(0)
    assert np.linalg.norm(ours - weight) < 1e-4 * np.linalg.norm(weight)
    centred = logits - logits.mean(axis=1, keepdims=True)
    assert head.logits(features) == pytest.approx(centred, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("strength", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("drawn", ["films", "parted"])
def test_the_gradient_that_is_left_is_a_small_share_of_the_weights(drawn, strength, request):
    features, labels = request.getfixturevalue(drawn)
    (head,) = probe.solve(features, labels, 3, (strength,))
    by_weight, by_bias, weight = gradient(head, features, labels, strength)
    # The objective curves at least like ½‖W‖²: this bounds the distance from the optimum.
    assert np.linalg.norm(by_weight) < 1e-5 * np.linalg.norm(weight)
    assert np.linalg.norm(by_bias) < 1e-5 * np.linalg.norm(weight)


def test_a_strength_of_many_is_solved_like_one_alone(parted):
    features, labels = parted
    path = probe.solve(features, labels, 3, probe.STRENGTHS)
    for strength, head in list(zip(probe.STRENGTHS, path, strict=True))[::4]:
        (alone,) = probe.solve(features, labels, 3, (strength,))
        apart = np.linalg.norm(head.weight - alone.weight)
        assert apart <= 1e-5 * np.linalg.norm(alone.weight)


def test_balanced_classes_weigh_the_same_together(films):
    features, labels = films
    labels = np.where(np.arange(90) % 3 > 0, 0, labels)
    (head,) = probe.solve(features, labels, 3, (10.0,), balanced=True)
    weights = (90 / (3 * np.bincount(labels)))[labels]
    by_weight, by_bias, weight = gradient(head, features, labels, 10.0, weights)
    assert np.linalg.norm(by_weight) < 1e-5 * np.linalg.norm(weight)
    assert np.linalg.norm(by_bias) < 1e-5 * np.linalg.norm(weight)
    expected, _ = by_definition(features, labels, 10.0, weights)
    assert np.linalg.norm(weight - expected) < 1e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_strengths_mean_what_they_mean_in_scikit_learn(films, n_labels):
    features, labels = films
    labels = labels % n_labels
    (head,) = probe.solve(features, labels, n_labels, (0.3,))
    theirs = LogisticRegression(C=0.3, tol=1e-9, max_iter=10_000)
    likely = theirs.fit(standardised(features), labels).predict_proba(standardised(features))
    assert softmax(head.logits(features), axis=1) == pytest.approx(likely, abs=1e-4)


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


def test_the_end_is_found_where_the_objective_s_digits_run_out(parted, monkeypatch):
    features, labels = parted
    (expected,) = probe.solve(features, labels, 3, (1e4,))
    exact = probe._Problem.objective
    monkeypatch.setattr(probe._Problem, "objective", lambda *asked: float(f"{exact(*asked):.6g}"))
    (head,) = probe.solve(features, labels, 3, (1e4,))
    apart = np.linalg.norm(head.weight - expected.weight)
    assert apart <= 1e-5 * np.linalg.norm(expected.weight)


def test_a_fit_that_does_not_arrive_is_refused(parted, monkeypatch):
    monkeypatch.setattr(probe, "MAX_STEPS", 3)
    with pytest.raises(SpondylError, match="did not reach its tolerance at strength 10000"):
        probe.solve(*parted, 3, (1e4,))
