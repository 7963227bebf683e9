"""When no answer is given: each doubt by its rule, and none without a reason."""

import numpy as np
import pytest

from spondyl.reading.doubting import doubts
from spondyl.reading.record import LabelSet, NetworkAnswer

LABELS = ("normal", "scoliosis", "slip")
ONLY = LabelSet(("scoliosis",), (0.01, 0.6, 0.02), 0.1)


def network(called="scoliosis", refused=False, p=0.5):
    shares = np.where(np.array(LABELS) == called, 0.9, 0.05)
    known = (None, None) if refused is None else (p, 1.0)
    return NetworkAnswer(0, np.log(shares), shares, shares, *known, refused)


def kinds(networks, label_set=ONLY, likeliest="scoliosis", quorum=0.8):
    return [one.kind for one in doubts(likeliest, LABELS, networks, label_set, quorum)]


def test_a_sure_and_usual_film_on_which_all_agree_has_no_doubt():
    assert kinds([network()] * 5) == []
    assert kinds([network()]) == []


@pytest.mark.parametrize(
    ("refusing", "asked", "doubted"), [(1, 1, True), (1, 2, True), (2, 5, False), (3, 5, True)]
)
def test_half_of_the_networks_make_a_film_strange(refusing, asked, doubted):
    networks = [network(refused=i < refusing, p=0.01) for i in range(asked)]
    assert (kinds(networks) == ["unlike the training films"]) is doubted


def test_networks_without_a_detector_have_no_vote_on_strangeness():
    networks = [network(refused=None)] * 4 + [network(refused=True, p=0.01)]
    assert kinds(networks) == ["unlike the training films"]
    assert kinds([network(refused=None)] * 5) == []


def test_two_labels_that_cannot_be_ruled_out_are_a_doubt_and_both_are_named():
    both = LabelSet(("normal", "scoliosis"), (0.2, 0.6, 0.02), 0.1)
    (doubt,) = doubts("scoliosis", LABELS, [network()], both, 0.8)
    assert doubt.kind == "several labels"
    assert "normal and scoliosis cannot be ruled out" in doubt.why
    assert "10%" in doubt.why


def test_a_film_that_is_unusual_under_every_label_is_a_doubt():
    assert kinds([network()], LabelSet((), (0.01, 0.05, 0.02), 0.1)) == ["no label"]


def test_a_likeliest_label_that_is_ruled_out_is_no_answer():
    other = LabelSet(("slip",), (0.01, 0.05, 0.4), 0.1)
    (doubt,) = doubts("scoliosis", LABELS, [network()], other, 0.8)
    assert doubt.kind == "likeliest label ruled out"
    assert "slip" in doubt.why


@pytest.mark.parametrize(("agreeing", "doubted"), [(5, False), (4, False), (3, True)])
def test_a_quorum_of_the_networks_has_to_call_one_label(agreeing, doubted):
    networks = [network()] * agreeing + [network("slip")] * (5 - agreeing)
    assert (kinds(networks) == ["networks disagree"]) is doubted


def test_without_thresholds_sets_raise_no_doubt():
    assert kinds([network()], None) == []


def test_every_doubt_is_said_and_not_the_first_alone():
    networks = [network(refused=True, p=0.01), network("slip", refused=True, p=0.01)]
    found = kinds(networks, LabelSet((), (0.01, 0.02, 0.03), 0.1))
    assert found == ["unlike the training films", "no label", "networks disagree"]
