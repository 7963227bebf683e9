"""Strangeness: each score against its definition, and the rate of false alarms as stated."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.covariance import LedoitWolf

from spondyl.errors import SpondylError
from spondyl.trust.asking.outliers import Familiar, OutlierDetector, energy

N_LABELS = 3


def films(n, n_channels, seed, off=0.0):
    """Features round a mean for each label, more spread along some channels; labels; logits."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % N_LABELS
    means = np.random.default_rng(99).normal(0, 2, (N_LABELS, n_channels))
    spread = np.linspace(2, 0.2, n_channels)
    features = means[labels] + draws.normal(size=(n, n_channels)) * spread + off
    logits = 3 * np.eye(N_LABELS)[labels] + draws.normal(size=(n, N_LABELS))
    return features.astype(np.float32), labels, logits


def detector(m=60, n_channels=12, false_alarms=0.1, seed=0):
    features, labels, _ = films(90, n_channels, seed)
    aside, _, logits = films(m, n_channels, seed + 1000)
    return Familiar.fit(features, labels).conformed(aside, logits, false_alarms)


def test_energy_is_minus_the_logarithm_of_the_sum_of_exponentials():
    logits = np.array([[0.0, 1.0, -2.0], [5.0, 5.0, 5.0]])
    slow = [-math.log(sum(math.exp(value) for value in row)) for row in logits]
    assert energy(logits) == pytest.approx(slow)
    assert energy(np.array([[1000.0, 0.0]])) == pytest.approx([-1000.0])


@pytest.mark.parametrize("n_channels", [4, 30, 200])
def test_distance_is_mahalanobis_by_the_inverse_of_the_shrunk_covariance(n_channels):
    features, labels, _ = films(60, n_channels, seed=3)
    familiar = Familiar.fit(features, labels)
    means = [features[labels == label].astype(np.float64).mean(axis=0) for label in range(3)]
    within = np.concatenate([features[labels == label] - means[label] for label in range(3)])
    inverse = np.linalg.inv(LedoitWolf(assume_centered=True).fit(within).covariance_)
    others, _, _ = films(7, n_channels, seed=4, off=1.0)
    slow = [min((film - m) @ inverse @ (film - m) for m in means) for film in others]
    assert familiar.distances(others) == pytest.approx(slow, rel=1e-3)


def test_a_p_value_counts_the_films_kept_aside_that_are_as_strange_and_the_film_itself():
    found = detector(m=25)
    aside, _, logits = films(25, 12, seed=1000)
    features, _, asked = films(40, 12, seed=5, off=0.3)
    scored = found.score(features, asked)
    of_aside = found.familiar.distances(aside)
    for row in range(40):
        stranger = sum(other >= scored.distance[row] for other in of_aside)
        assert scored.distance_p[row] == pytest.approx((1 + stranger) / 26)
        stranger = sum(other >= scored.energy[row] for other in energy(logits))
        assert scored.energy_p[row] == pytest.approx((1 + stranger) / 26)
    assert len(scored) == 40


def test_a_film_that_equals_one_kept_aside_is_no_stranger_than_it():
    found = detector(m=25)
    aside, _, logits = films(25, 12, seed=1000)
    scored = found.score(aside, logits)
    ranks = np.sort(scored.energy_p * 26)
    assert ranks == pytest.approx(np.arange(2, 27))


def test_familiar_films_are_refused_as_often_as_stated_over_many_studies():
    """One new film for each study, so that trials are independent; each score alone keeps the rate
    to the letter, both together at most."""
    n, m, rate = 1500, 39, 0.1
    by_energy = by_distance = by_either = 0
    for seed in range(n):
        features, labels, _ = films(30, 4, 3 * seed)
        draws = np.random.default_rng(3 * seed + 1)
        new, _, logits = films(3 * (m + 1), 4, 3 * seed + 2)
        chosen = draws.permutation(len(new))[: m + 1]  # of any label, as films kept aside are
        found = Familiar.fit(features, labels).conformed(new[chosen[1:]], logits[chosen[1:]], rate)
        scored = found.score(new[chosen[:1]], logits[chosen[:1]])
        by_energy += bool(scored.energy_p[0] <= rate)
        by_distance += bool(scored.distance_p[0] <= rate)
        by_either += bool(scored.refused[0])
    for alarms in (by_energy, by_distance):
        assert stats.binomtest(alarms, n, rate).pvalue > 0.001
    assert stats.binomtest(by_either, n, rate, "greater").pvalue > 0.001
    assert by_either > n * rate / 2  # Bonferroni gives away less than half


def test_films_from_far_off_are_refused_whatever_the_network_says_of_them():
    features, _, logits = films(50, 12, seed=7, off=20.0)
    sure = 10 * logits
    scored = detector().score(features, sure)
    assert (scored.energy_p > 0.5).all()
    assert scored.refused.all()


@pytest.mark.parametrize(("m", "can"), [(1, False), (38, False), (39, True), (120, True)])
def test_with_fewer_than_39_films_aside_nothing_is_refused_at_five_percent(m, can):
    found = detector(m=m, false_alarms=0.05)
    features, _, logits = films(10, 12, seed=8, off=1000.0)
    assert found.can_refuse == can
    assert (found.score(features, -1000 + 0 * logits).refused == can).all()


def test_what_was_written_down_scores_every_film_the_same():
    found = detector()
    arrays = {name: array.copy() for name, array in found.arrays.items()}
    again = OutlierDetector.of(arrays, json.loads(json.dumps(found.facts)))
    features, _, logits = films(50, 12, seed=9, off=0.5)
    before, after = found.score(features, logits), again.score(features, logits)
    for field in ("energy", "distance", "energy_p", "distance_p", "refused"):
        assert (getattr(before, field) == getattr(after, field)).all()
    assert again.facts == found.facts


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays, facts: arrays.pop("means"),
        lambda arrays, facts: facts.pop("elsewhere"),
        lambda arrays, facts: facts.update(elsewhere="a lot"),
        lambda arrays, facts: facts.update(elsewhere=-1.0),
        lambda arrays, facts: facts.update(false_alarms=1.5),
        lambda arrays, facts: arrays.update(variances=arrays["variances"][:-1]),
        lambda arrays, facts: arrays.update(variances=0 * arrays["variances"]),
        lambda arrays, facts: arrays.update(means=arrays["means"][:, :-1]),
        lambda arrays, facts: arrays.update(means=arrays["means"][:0]),
        lambda arrays, facts: arrays.update(means=np.nan * arrays["means"]),
        lambda arrays, facts: arrays.update(aside_energies=arrays["aside_energies"][::-1]),
        lambda arrays, facts: arrays.update(aside_distances=arrays["aside_distances"][1:]),
        lambda arrays, facts: arrays.update(
            aside_energies=np.empty(0), aside_distances=np.empty(0)
        ),
    ],
)
def test_a_damaged_detector_is_refused(damage):
    found = detector()
    arrays, facts = dict(found.arrays), dict(found.facts)
    damage(arrays, facts)
    with pytest.raises(SpondylError, match="outlier detector: "):
        OutlierDetector.of(arrays, facts)


def test_a_detector_of_another_schema_is_refused():
    found = detector()
    with pytest.raises(SpondylError, match="schema 2, this is 1"):
        OutlierDetector.of(found.arrays, found.facts | {"schema_version": 2})


def test_a_detector_is_as_small_as_its_films_are_many():
    features, labels, _ = films(30, 500, seed=11)
    familiar = Familiar.fit(features, labels)
    assert familiar.directions.shape == (27, 500)  # 30 films less the means of 3 labels
    assert familiar.elsewhere > 0


@pytest.mark.parametrize("n_each", [1, 4])
def test_films_that_do_not_vary_within_their_labels_teach_nothing(n_each):
    labels = np.repeat(np.arange(3), n_each)
    features = np.random.default_rng(0).normal(size=(3, 8))[labels]
    with pytest.raises(SpondylError, match="vary too little"):
        Familiar.fit(features, labels)


def test_features_of_another_network_are_no_films_to_score():
    features, _, logits = films(5, 11, seed=0)
    with pytest.raises(ValueError, match="12 wide"):
        detector().score(features, logits)


@pytest.mark.parametrize(("m", "rate"), [(0, 0.1), (5, 0.0), (5, 1.0)])
def test_no_film_aside_and_a_rate_that_is_none_are_refused(m, rate):
    with pytest.raises(ValueError, match="kept aside"):
        detector(m=m, false_alarms=rate)


def test_labels_that_nobody_has_are_no_place_to_be_near():
    features, labels, _ = films(40, 6, seed=12)
    some = labels != 1
    familiar = Familiar.fit(features[some], labels[some])
    assert familiar.means.shape == (2, 6)
