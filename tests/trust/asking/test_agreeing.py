"""Whether networks say the same: kappa against its definition and a table that was published."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from spondyl.trust.asking import agreeing

FLEISS = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]
"""14 raters, 10 subjects, 5 categories: a worked example that is handed on since; 0.210."""


def ids(n):
    return tuple(f"{row}.png" for row in range(n))


def subject_of(n, answers_for):
    """As much of a subject as agreement asks about: films of pairs of one patient, and members."""
    groups = {image_id: f"patient {row // 2}" for row, image_id in enumerate(ids(n))}
    members = tuple(SimpleNamespace(answers_for=those) for those in answers_for)
    return SimpleNamespace(cohort=SimpleNamespace(group_ids=groups), members=members)


def logits_of(called, n_labels=3):
    """(networks, n, labels) of the labels (networks, n) called."""
    return np.eye(n_labels)[np.asarray(called)]


def agreement(called, answers_for=None):
    k, n = np.shape(called)
    subject = subject_of(n, answers_for or [ids(n)] * k)
    return agreeing.of(subject, ids(n), logits_of(called), seed=0)


def slow_kappa(called):
    k, n = called.shape
    pairs = list(combinations(range(k), 2))
    alike = np.mean([called[a, i] == called[b, i] for a, b in pairs for i in range(n)])
    by_chance = sum(np.mean(called == label) ** 2 for label in np.unique(called))
    return (alike - by_chance) / (1 - by_chance)


def test_kappa_is_that_of_a_published_table():
    assert float(agreeing.fleiss_kappa(np.array(FLEISS, float))) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("k", [2, 5])
def test_agreement_is_counted_over_all_pairs_of_networks_and_all_films(k):
    called = np.random.default_rng(k).choice(3, (k, 40), p=[0.6, 0.3, 0.1])
    found = agreement(called)
    assert found.kappa.value == pytest.approx(slow_kappa(called))
    pairs = [np.mean(called[a] == called[b]) for a, b in combinations(range(k), 2)]
    assert found.pairwise.value == pytest.approx(np.mean(pairs))
    every = [len(set(called[:, film])) == 1 for film in range(40)]
    assert found.all_agree.value == pytest.approx(np.mean(every))
    assert (found.n_networks, found.n_films) == (k, 40)


def test_intervals_resample_patients():
    found = agreement(np.random.default_rng(0).integers(0, 3, (4, 40)))
    for one in (found.kappa, found.pairwise, found.all_agree):
        assert one.interval.n_units == 20
        assert one.interval.low <= one.value <= one.interval.high


def test_networks_that_guess_agree_no_more_than_by_chance_whatever_is_frequent():
    called = np.random.default_rng(1).choice(3, (5, 300), p=[0.8, 0.1, 0.1])
    found = agreement(called)
    assert found.pairwise.value > 0.6
    assert found.kappa.interval.low < 0 < found.kappa.interval.high


def test_networks_that_say_the_same_have_kappa_one_and_of_one_label_none():
    same = np.tile(np.arange(30) % 3, (4, 1))
    assert agreement(same).kappa.value == pytest.approx(1)
    one_label = agreement(0 * same)
    assert one_label.all_agree.value == one_label.pairwise.value == 1
    assert np.isnan(one_label.kappa.value)
    assert np.isnan(one_label.kappa.interval.low)


def test_a_film_drawn_twice_counts_as_two_films():
    counts = np.array([[3, 0, 0], [1, 2, 0], [0, 1, 2]], float)
    weighted = agreeing.fleiss_kappa(counts, np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    assert weighted[0] == pytest.approx(float(agreeing.fleiss_kappa(counts[[0, 0, 2]])))
    assert weighted[1] == pytest.approx(float(agreeing.fleiss_kappa(counts)))


def test_the_names_of_labels_and_the_order_of_networks_do_not_matter():
    called = np.random.default_rng(2).integers(0, 3, (4, 25))
    renamed = np.array([2, 0, 1])[called][::-1]
    assert agreement(renamed).kappa == agreement(called).kappa


def test_answers_about_films_that_a_network_met_make_an_upper_bound():
    called = np.zeros((5, 20), int)
    folds = [ids(20)[fold::5] for fold in range(5)]
    within, strangers = agreement(called, folds), agreement(called)
    assert within.met == pytest.approx(0.8)
    assert within.is_upper_bound
    assert strangers.met == 0
    assert not strangers.is_upper_bound


@pytest.mark.parametrize("shape", [(1, 10, 3), (3, 0, 3)])
def test_one_network_or_no_film_is_nothing_to_agree_on(shape):
    k, n, _ = shape
    with pytest.raises(ValueError, match="nothing to agree on"):
        agreeing.of(subject_of(n, [ids(n)] * k), ids(n), np.zeros(shape))
