"""Of several models accuracy decides only where the films can tell; then what they rest on does."""

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.discrimination import discrimination
from spondyl.trust.checks import Check, not_run
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import Answered, ModelAudit
from spondyl.trust.model_audit.several import GROUNDS, compared

TRUTH = np.arange(300) % 3


def said(n_wrong, first=0):
    """A table with its films `first` … wrong."""
    called = TRUTH.copy()
    wrong = np.arange(first, first + n_wrong)
    called[wrong] = (TRUTH[wrong] + 1) % 3
    ids = tuple(f"film {i:03d}" for i in range(300))
    return PredictionTable(SPINE_LABELS, ids, ids, np.arange(300) // 60, TRUTH, np.eye(3)[called])


def audited(title, table, fails=(), warns=()):
    checks = tuple(
        Check(name, "?", "fail" if name in fails else "warn" if name in warns else "pass", "")
        for name in GROUNDS
    )
    answered = Answered(discrimination(table, 0, 50), *[None] * 9)
    facts = (title, "study", True, 300, 0, table, NotRun("not asked"), None, None, answered)
    return ModelAudit(*facts, None, None, None, (*checks, not_run("sets", "?", "why")), 0.0)


def test_between_equals_the_one_that_fails_fewer_checks_is_preferred_though_less_accurate():
    cheat = audited("cheat", said(3), fails=("marker", "spine-hidden"))
    honest = audited("honest", said(5))
    found = compared([cheat, honest])
    assert found.preference.title == "honest"
    assert found.preference.trusted
    assert set(found.preference.not_less_accurate) == {"cheat", "honest"}
    assert "cannot tell apart" in found.preference.why


def test_a_model_that_is_clearly_less_accurate_is_named_with_what_it_costs_and_not_preferred():
    cheat = audited("cheat", said(3), fails=("marker",))
    weak = audited("weak", said(80))
    found = compared([weak, cheat])
    assert found.preference.title == "cheat"
    assert not found.preference.trusted
    assert "weak fails fewer of these checks (none) and is 25.7 points less" in found.preference.why
    assert "least bad" in found.preference.why


def test_warnings_decide_where_failures_are_equal_and_accuracy_only_then():
    found = compared(
        [
            audited("warned", said(2), fails=("border",), warns=("text", "tint")),
            audited("calm", said(4, 100), fails=("border",), warns=("text",)),
            audited("calm too", said(6, 200), fails=("border",), warns=("text",)),
        ]
    )
    assert found.preference.title == "calm"
    assert [row[0] for row in found.preference.table.rows] == ["calm", "calm too", "warned"]


def test_the_most_accurate_is_compared_with_every_other_on_the_same_films():
    found = compared([audited("a", said(9)), audited("b", said(1)), audited("c", said(4))])
    assert [(one.first, one.second) for one in found.comparisons] == [("b", "c"), ("b", "a")]
    assert found.comparisons[0].n_films == 300
    document = found.as_dict()["preference"]
    assert document["title"] == "b"


def test_checks_that_are_not_of_what_a_model_rests_on_do_not_decide():
    unlucky = audited("unlucky", said(3))
    checks = (*unlucky.checks, Check("calibration", "?", "fail", ""))
    object.__setattr__(unlucky, "checks", checks)
    found = compared([unlucky, audited("other", said(4, 100))])
    assert found.preference.title == "unlucky"


def test_one_audit_alone_has_nothing_to_be_preferred_to():
    with pytest.raises(ValueError, match="nothing to compare"):
        compared([audited("a", said(1))])
