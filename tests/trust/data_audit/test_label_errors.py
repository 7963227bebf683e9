"""Whom confident learning suspects: planted errors, a slow definition, and what says nothing."""

from dataclasses import asdict

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.data_audit.label_errors import suspected


def table_of(truth, logits):
    """Films that carry the labels `truth`, each in a group of its own."""
    ids = tuple(f"film {i:04d}" for i in range(len(truth)))
    return PredictionTable(
        SPINE_LABELS,
        ids,
        tuple(f"group of {i}" for i in ids),
        np.arange(len(truth)) % 5,
        np.asarray(truth, np.int64),
        np.asarray(logits, np.float64).reshape(-1, 3),
    )


def planted(seed, share, n=400, sharpness=6.0, noise=0.5):
    """A good network, and labels of which a `share` was changed: the table, and which they are."""
    rng = np.random.default_rng(seed)
    true = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    wrong = rng.choice(n, round(share * n), replace=False)
    given = true.copy()
    given[wrong] = (true[wrong] + rng.integers(1, 3, len(wrong))) % 3
    table = table_of(given, sharpness * np.eye(3)[true] + rng.normal(0, noise, (n, 3)))
    return table, true, {table.image_ids[i] for i in wrong}


def n_estimated(found):
    """Labels estimated to be wrong: what lies off the diagonal."""
    return np.sum(found.joint) - np.trace(found.joint)


def slow(table):
    """Suspects and confident joint, film by film, from the definition in the paper."""
    p, k = table.probabilities, len(table.labels)
    mean = [p[table.truth == j, j].mean() if (table.truth == j).any() else 2.0 for j in range(k)]
    joint, names = np.zeros((k, k), int), {}
    for i, given in enumerate(table.truth):
        above = [j for j in range(k) if p[i, j] >= mean[j]]
        if above:
            best = max(above, key=lambda j, i=i: p[i, j])
            joint[given, best] += 1
            if best != given:
                names[table.image_ids[i]] = table.labels.names[best]
    return names, joint


@pytest.mark.parametrize(("seed", "share"), [(0, 0.05), (1, 0.1), (2, 0.1)])
def test_planted_errors_of_well_separated_films_are_suspected_and_rightly_corrected(seed, share):
    table, true, wrong = planted(seed, share)
    found = suspected(table)
    named = {one.image_id: one for one in found.suspects}
    assert len(wrong & named.keys()) >= 0.9 * len(wrong)
    assert len(named.keys() - wrong) <= 0.02 * len(table)
    truly = dict(zip(table.image_ids, true, strict=True))
    caught = wrong & named.keys()
    right = [named[i].suggested == SPINE_LABELS.names[truly[i]] for i in caught]
    assert np.mean(right) >= 0.95
    assert n_estimated(found) == pytest.approx(len(wrong), rel=0.25)


@pytest.mark.parametrize("seed", range(6))
def test_suspects_and_counts_are_those_of_the_definition(seed):
    table, _, _ = planted(seed, 0.1, n=90, sharpness=1.5)
    names, joint = slow(table)
    found = suspected(table)
    assert names
    assert {one.image_id: one.suggested for one in found.suspects} == names
    assert np.array_equal(found.confident, joint)
    carried = np.bincount(table.truth, minlength=3)
    assert np.allclose(found.joint, joint / joint.sum(axis=1, keepdims=True) * carried[:, None])
    assert found.n_disagree == (table.predicted != table.truth).sum()


def test_the_most_suspect_comes_first_and_carries_both_probabilities():
    table, _, _ = planted(3, 0.1)
    found = suspected(table).suspects
    margins = [one.margin for one in found]
    assert margins == sorted(margins)
    row = table.image_ids.index(found[0].image_id)
    shares = dict(zip(SPINE_LABELS.names, table.probabilities[row], strict=True))
    assert found[0].p_given == shares[found[0].given]
    assert found[0].p_suggested == shares[found[0].suggested] == max(shares.values())
    assert found[0].margin == pytest.approx(found[0].p_given - found[0].p_suggested)
    assert found[0].group_id == f"group of {found[0].image_id}"


def test_perfect_predictions_suspect_nobody():
    truth = np.arange(60) % 3
    found = suspected(table_of(truth, 50 * np.eye(3)[truth]))
    assert found.suspects == ()
    assert found.why_not == ""
    assert n_estimated(found) == 0
    assert np.array_equal(found.confident, 20 * np.eye(3))


def test_a_label_that_no_film_carries_is_never_suggested():
    table, _, _ = planted(4, 0.1)
    found = suspected(table_of(np.where(table.truth == 2, 0, table.truth), table.logits))
    assert np.isnan(found.thresholds[2])
    assert found.suspects
    assert {one.suggested for one in found.suspects} <= set(SPINE_LABELS.names[:2])
    assert found.joint[2] == (0, 0, 0)


def test_films_of_an_unsure_label_can_be_suspects_of_it():
    # Label 1 is never likelier than 0.4, yet a film labelled 0 that is as likely 1 as its films
    # are, and less likely 0 than those of 0, is one of it.
    shares = np.array([[0.9, 0.05, 0.05]] * 5 + [[0.35, 0.4, 0.25]] * 5 + [[0.42, 0.41, 0.17]])
    found = suspected(table_of([0] * 5 + [1] * 5 + [0], np.log(shares)))
    (one,) = found.suspects
    assert (one.image_id, one.given, one.suggested) == ("film 0010", *SPINE_LABELS.names[:2])
    assert one.margin == pytest.approx(0.01)


def test_relabelling_all_columns_renames_and_changes_nothing_else():
    table, _, _ = planted(5, 0.1, n=120, sharpness=2.0)
    turned = np.array([2, 0, 1])  # the new column of each label
    moved = np.empty_like(table.logits)
    moved[:, turned] = table.logits
    one, other = suspected(table), suspected(table_of(turned[table.truth], moved))
    names = dict(zip(SPINE_LABELS.names, np.array(SPINE_LABELS.names)[turned], strict=True))
    assert [(s.image_id, names[s.given], names[s.suggested]) for s in one.suspects] == [
        (s.image_id, s.given, s.suggested) for s in other.suspects
    ]
    assert np.allclose(np.array(other.joint)[np.ix_(turned, turned)], one.joint)


@pytest.mark.parametrize(
    ("truth", "logits", "why"),
    [
        (np.arange(30) % 3, np.tile([2.0, 1.0, 0.0], (30, 1)), "same probabilities"),
        (np.arange(30) % 3, np.zeros((30, 3)), "same probabilities"),
        (np.ones(30), np.random.default_rng(0).normal(size=(30, 3)), "one label"),
        ([0], [[0.0, 1.0, 0.0]], "one label"),
    ],
)
def test_what_says_nothing_neither_suspects_nor_clears(truth, logits, why):
    found = suspected(table_of(truth, logits))
    assert why in found.why_not
    assert found.suspects == ()


def test_the_record_is_plain_values_and_an_empty_table_is_refused():
    table, _, _ = planted(6, 0.1, n=60)
    plain = asdict(suspected(table))
    assert {type(cell) for row in plain["joint"] for cell in row} == {float}
    assert {type(value) for value in plain["suspects"][0].values()} == {str, float}
    with pytest.raises(ValueError, match="no predictions"):
        suspected(table_of([], []))
