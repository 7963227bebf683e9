"""A check that did not run is an answer, never a pass; nothing is averaged."""

import json

import pytest

from spondyl.trust import checks
from spondyl.trust.checks import Check, Evidence, not_run
from spondyl.trust.intervals import wilson


def test_a_check_that_was_not_run_holds_no_value():
    with pytest.raises(ValueError, match="not run, and has a value"):
        Check("frame", "Does the frame tell?", "not run", "no films", value=0.5)


def test_the_most_alarming_come_first_and_the_rest_keep_their_order():
    given = [
        Check("a", "?", "pass", ""),
        not_run("b", "?", "no masks"),
        Check("c", "?", "fail", ""),
        Check("d", "?", "pass", ""),
    ]
    assert [check.name for check in checks.ordered(given)] == ["c", "a", "d", "b"]
    assert checks.counts(given) == {"fail": 1, "warn": 0, "pass": 2, "not run": 1}


def test_a_check_can_be_written_as_json_whatever_its_numbers_are():
    interval = wilson(3, 10)
    evidence = (Evidence("films", ("label", "n"), (("normal", "3"),)),)
    check = Check("a", "?", "warn", "so", float("nan"), interval, 0.5, "a paper", 0.01, evidence)
    document = json.loads(json.dumps(check.as_dict(), allow_nan=False))
    assert document["value"] is None
    assert document["interval"]["low"] == interval.low
    assert document["evidence"][0]["rows"] == [["normal", "3"]]


def test_evidence_with_ragged_rows_is_refused():
    with pytest.raises(ValueError, match="other lengths"):
        Evidence("films", ("label", "n"), (("normal",),))
