"""A detector travels whole: what is read back refuses what the first one refused."""

import numpy as np
import pytest

from spondyl.errors import SpondylError
from spondyl.trust.asking.detecting import NetworkDetector, Seen, Solved

N_CHANNELS, N_LABELS = 12, 3


def seen(n, seed, centre=0.0):
    rng = np.random.default_rng(seed)
    features = rng.normal(centre, 1, (n, N_CHANNELS)).astype(np.float32)
    return Seen(features, rng.normal(size=(n, N_LABELS)))


def made(solved=None):
    labels = np.arange(60) % N_LABELS
    return NetworkDetector.of(seen(60, 0), labels, seen(60, 1), solved)


SOLVED = Solved(1.0, balanced=True)


@pytest.mark.parametrize("solved", [None, SOLVED], ids=["own head", "solved again"])
def test_what_is_stored_scores_every_film_the_same(solved):
    first = made(solved)
    again = NetworkDetector.read(first.arrays, first.facts, N_LABELS)
    films, strangers = seen(20, 2), seen(20, 3, centre=9.0)
    for part in (films, strangers):
        ours, theirs = again.score(part), first.score(part)
        assert np.array_equal(ours.energy_p, theirs.energy_p)
        assert np.array_equal(ours.distance_p, theirs.distance_p)
    assert again.score(strangers).refused.all()
    assert again.score(films).refused.mean() < 0.3
    assert again.n_aside == 60


def test_energies_of_a_solved_network_are_those_of_the_head_without_the_films_aside():
    detector, films = made(SOLVED), seen(5, 4)
    other = Seen(films.features, films.logits + 100)
    assert np.array_equal(detector.score(films).energy, detector.score(other).energy)
    own = made()
    assert not np.array_equal(own.score(films).energy, own.score(other).energy)


def test_without_a_film_aside_there_is_no_detector():
    with pytest.raises(ValueError, match="0 films kept aside"):
        NetworkDetector.of(seen(60, 0), np.arange(60) % N_LABELS, seen(0, 1), None)


@pytest.mark.parametrize(
    "harm",
    [
        lambda held: held.pop("head_bias"),
        lambda held: held.update(head_weight=held["head_weight"][:, 1:]),
        lambda held: held.update(head_bias=np.array([0.0, np.nan, 0.0])),
        lambda held: held.update(means=held["means"][:, 1:]),
    ],
    ids=["half a head", "a head of other channels", "no number", "means of other channels"],
)
def test_a_detector_that_was_tampered_with_is_refused(harm):
    held = dict(made(SOLVED).arrays)
    harm(held)
    with pytest.raises(SpondylError, match="outlier detector"):
        NetworkDetector.read(held, made(SOLVED).facts, N_LABELS)
