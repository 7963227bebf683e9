"""What others published is shown as they published it."""

from __future__ import annotations

import pytest

from spondyl.errors import SpondylError
from spondyl.report import published


@pytest.fixture(scope="module")
def ahmad():
    return published.load("ahmad2026")


def test_the_errors_are_those_of_the_accuracy(ahmad):
    for row in ahmad.configurations:
        # Means over folds of slightly different sizes: a film more or less is possible.
        assert abs(ahmad.n * (1 - row.accuracy_percent / 100) - row.errors) < 1


def test_six_configurations_of_two_networks_are_there(ahmad):
    assert len({(row.network, row.strategy) for row in ahmad.configurations}) == 6
    assert ahmad.find("vgg16", "fine-tuning").accuracy_percent == 99.12
    assert {cost.network for cost in ahmad.costs} == {"resnet50", "vgg16"}


def test_a_cut_network_is_not_the_published_one(ahmad):
    assert ahmad.find("resnet50:layer3", "fine-tuning") is None


def test_bounds_of_an_auc_are_in_order_and_hold_what_was_said(ahmad):
    for auc in (auc for row in ahmad.configurations for auc in row.auc):
        assert 0.5 < auc.low <= auc.high <= 1
        assert f"{auc.low:g}" in auc.said


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(SpondylError, match="ahmed2026") as refusal:
        published.load("ahmed2026")
    assert "ahmad2026" in refusal.value.hint
    with pytest.raises(SpondylError) as refusal:
        published.load("zzz")
    assert "ahmad2026" in refusal.value.hint
