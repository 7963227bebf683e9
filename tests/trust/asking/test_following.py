"""Who follows what is put on a film: drawn to two labels by choice, or merely disturbed."""

import numpy as np
import pytest
import torch
from striped_films import HOW, LABELS, SIZE, before, network, save
from torch import nn

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.asking import following, reliance
from spondyl.trust.asking.changes import CHANGES, INSERTED
from spondyl.trust.asking.following import FOLLOWED
from spondyl.trust.asking.pairing import Pair
from spondyl.trust.asking.questioning import Answers, Shown

N = 40
TRUTH = np.arange(N) % 2
RIGHT, LEFT, BELOW = "marker-upper-right", "marker-upper-left", "marker-lower-right"


def table(said, sure=0.9, rows=range(N), labels=LABELS, groups=None):
    """Answers `said` (n,) of the films `rows`, each with probability `sure`."""
    rest = (1 - sure) / (len(labels) - 1)
    shares = np.where(np.eye(len(labels), dtype=bool)[np.asarray(said)], sure, rest)
    ids = tuple(f"{row:03}" for row in rows)
    groups = ids if groups is None else tuple(groups)
    truth = TRUTH[list(rows)]
    return PredictionTable(labels, ids, groups, truth * 0, truth, np.log(shares))


def families(whole, **changed):
    """The effects of families, of tables by the name of their change with _ for -."""
    answers = {name.replace("_", "-"): one for name, one in changed.items()}
    pairs = {n: Pair.of(whole, Answers(n, one, ()), 0, 400) for n, one in answers.items()}
    return following.families(pairs, CHANGES, 0, 400)


def markers(whole, right, left, below=None):
    changed = {"marker_upper_right": right, "marker_upper_left": left}
    if below is not None:
        changed["marker_lower_right"] = below
    (found,) = families(whole, **changed)
    return found


def test_a_network_that_gives_each_letter_a_meaning_is_drawn_to_two_labels_on_every_film():
    found = markers(table(TRUTH), table(TRUTH * 0), table(TRUTH * 0 + 1), table(TRUTH))
    assert found.family == "marker"
    assert {one.label: (one.by, one.away) for one in found.drawn} == {
        "normal": (RIGHT, LEFT),
        "scoliosis": (LEFT, RIGHT),
    }
    assert [one.share.value for one in found.drawn] == [1, 1]
    assert found.steered.share.interval.low == 1
    assert found.flipped_by_any.value == 1
    assert found.followed
    pulls = {one.change: one for one in found.pulls}
    assert pulls[RIGHT].label == "normal"
    assert pulls[RIGHT].rise.value == pytest.approx(0.8)
    assert pulls[RIGHT].called.value == pytest.approx(0.5)
    assert pulls[LEFT].label == "scoliosis"
    assert pulls[BELOW].rise.value == pytest.approx(0, abs=1e-12)


def test_a_network_that_some_letter_disturbs_is_drawn_to_one_label_and_follows_none():
    found = markers(table(TRUTH), table(TRUTH), table(TRUTH), table(TRUTH * 0))
    assert [(one.label, one.share.value) for one in found.drawn] == [
        ("normal", 1),
        ("scoliosis", 0),
    ]
    assert found.drawn[0].by == BELOW
    assert found.disturbs
    assert found.followed is False


def test_a_network_that_every_letter_disturbs_alike_is_drawn_nowhere():
    disturbed = table(TRUTH * (np.arange(N) < N // 2))
    found = markers(table(TRUTH), disturbed, disturbed, disturbed)
    assert found.flipped_by_any.value == pytest.approx(0.25)
    assert all(one.label == "normal" for one in found.pulls)
    assert [one.share.value for one in found.drawn] == [0, 0]
    assert found.followed is False
    assert found.disturbs is False


def test_a_network_that_is_wrong_on_every_film_whatever_is_put_on_follows_nothing():
    wrong = table(1 - TRUTH)
    assert markers(wrong, wrong, wrong, wrong).followed is False


def test_films_are_drawn_as_far_as_shares_of_others_called_so_differ_between_two_variants():
    draws = np.random.default_rng(3)
    said = draws.integers(0, 3, (3, N))
    whole = table(TRUTH, labels=SPINE_LABELS)
    found = markers(whole, *(table(one, labels=SPINE_LABELS) for one in said))
    largest = {}
    for label in range(3):
        rows = [row for row in range(N) if TRUTH[row] != label]
        shares = [sum(one[row] == label for row in rows) / len(rows) for one in said]
        largest[SPINE_LABELS.names[label]] = max(shares) - min(shares)
    assert {one.label: one.share.value for one in found.drawn} == pytest.approx(largest)
    assert found.steered.share.value == pytest.approx(sorted(largest.values())[1])
    interval = found.steered.share.interval
    assert interval.low < found.steered.share.value < interval.high


def test_a_pull_is_the_largest_mean_rise_over_the_films_that_are_not_of_the_label():
    draws = np.random.default_rng(4)
    whole = table(draws.integers(0, 3, N), 0.7, labels=SPINE_LABELS)
    after = table(draws.integers(0, 3, N), 0.8, labels=SPINE_LABELS)
    pull = markers(whole, after, after).pulls[0]
    rises = {}
    for label in range(3):
        gains = [
            after.probabilities[row, label] - whole.probabilities[row, label]
            for row in range(N)
            if TRUTH[row] != label
        ]
        rises[SPINE_LABELS.names[label]] = np.mean(gains)
    assert pull.label == max(rises, key=rises.get)
    assert pull.rise.value == pytest.approx(rises[pull.label])
    column = SPINE_LABELS.column(pull.label)
    more = np.mean(after.predicted == column) - np.mean(whole.predicted == column)
    assert pull.called.value == pytest.approx(more)


def test_a_film_as_it_is_counts_as_a_variant_of_its_shape_and_of_no_other_family():
    (aspect,) = families(table(TRUTH), aspect_narrower=table(TRUTH * 0 + 1))
    assert aspect.drawn[0].share.value == 1
    assert (aspect.drawn[0].by, aspect.drawn[0].away) == ("aspect-narrower", reliance.UNCHANGED)
    (marker,) = families(table(TRUTH), marker_upper_left=table(TRUTH * 0 + 1))
    assert marker.flipped_by_any.value == 0.5
    assert marker.drawn == ()
    assert marker.steered is marker.followed is marker.disturbs is None


def test_variants_are_compared_on_the_films_that_all_of_them_have():
    some = range(0, N, 4)  # of one label: nothing can be said of films that are not of the other
    found = markers(table(TRUTH), table(TRUTH * 0), table([1] * 10, rows=some))
    assert found.n_films == 10
    assert [(one.label, one.share.value) for one in found.drawn] == [("scoliosis", 1)]
    assert found.followed is None
    assert found.disturbs
    assert found.pulls[1].label == "scoliosis"
    assert found.pulls[1].rise.value == pytest.approx(0.8)


def test_films_of_one_patient_are_one_piece_of_evidence():
    said = [np.where(np.arange(N) < 20, k, TRUTH) for k in (0, 1)]
    widths = []
    for groups in ([str(i) for i in range(N)], [str(i // 20) for i in range(N)]):
        share = markers(*(table(one, groups=groups) for one in (TRUTH, *said))).steered.share
        assert share.value == 0.5
        widths.append(share.interval.high - share.interval.low)
    assert widths[1] > 2 * widths[0]
    assert widths[1] == 1


@pytest.mark.parametrize(("n_moved", "followed"), [(40, True), (20, True), (2, False), (0, False)])
def test_a_family_is_followed_where_the_whole_interval_lies_above_a_tenth(n_moved, followed):
    right, left = (np.where(np.arange(N) < n_moved, k, TRUTH) for k in (0, 1))
    found = markers(table(TRUTH), table(right), table(left))
    assert found.steered.share.value == pytest.approx(n_moved / N)
    assert found.followed is followed
    assert found.followed == (found.steered.share.interval.low > FOLLOWED)


class Corners(nn.Module):
    """(n, 1, 1, 1) how much brighter the brightest of the upper left is than of the upper right."""

    def forward(self, images):
        left, right = images[:, :1, 2:12, 1:12], images[:, :1, 2:12, -12:-1]
        return left.amax(dim=(2, 3), keepdim=True) - right.amax(dim=(2, 3), keepdim=True)


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    return save(tmp_path_factory.mktemp("striped"))[0]


def asked(cohort, one):
    changes = {name: each for name, each in CHANGES.items() if each.family in INSERTED}
    found = before(cohort, one)
    return reliance.measured(found, Shown.of(found), changes)


def test_a_network_that_reads_letters_follows_markers_and_one_that_reads_the_spine_none(striped):
    head = PooledLinear(1, 2)
    with torch.no_grad():  # a letter outweighs the patch that tells the label
        head.linear.weight.copy_(torch.tensor([[-90.0], [90.0]]))
        head.linear.bias.copy_(torch.tensor([36.0, -36.0]))
    reader = Network("letters", nn.Sequential(Corners()), head, 1).eval()
    marker = asked(striped, reader).family("marker")
    drawn = {one.label: one for one in marker.drawn}
    assert (drawn["normal"].by, drawn["scoliosis"].by) == (RIGHT, LEFT)
    assert {one.change: one.label for one in marker.pulls}[LEFT] == "scoliosis"
    assert marker.followed
    spine = asked(striped, network(np.s_[20:44, 20:26]))
    assert not any(one.followed for one in spine.families)
    assert all(one.flipped_by_any.value == 0 for one in spine.families if one.family != "aspect")


def test_families_stand_in_their_order_and_what_has_no_meaning_is_not_among_them(striped):
    found = asked(striped, network(np.s_[0 : SIZE[0], 20:26]))
    assert HOW.colour == "grey"
    assert [one.family for one in found.families] == [f for f in INSERTED if f != "tint"]
    assert found.family("tint") is None
    assert set(found.not_applicable) == {"tint-none", "tint-cool", "tint-warm"}
    for one in found.families:
        assert one.changes == tuple(n for n, c in CHANGES.items() if c.family == one.family)
        assert [pull.change for pull in one.pulls] == list(one.changes)
        assert one.n_films == 16
