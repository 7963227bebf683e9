"""Records become JSON with their names, and what is no number becomes null, never a NaN."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from spondyl.trust.intervals import NotRun, wilson
from spondyl.trust.plain import plain


@dataclass(frozen=True)
class Inner:
    value: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    inner: Inner
    why: Inner | NotRun
    table: np.ndarray
    by_name: dict


def test_records_in_records_keep_their_names_and_lose_what_is_no_number():
    record = Outer(
        Inner(float("nan"), ("a", "b")),
        NotRun("no masks"),
        np.array([[1.0, np.inf], [2.0, 3.0]]),
        {0: np.int64(4), "x": np.float32(0.5), "y": np.bool_(True), "z": None},
    )
    document = plain(record)
    assert json.loads(json.dumps(document, allow_nan=False)) == {
        "inner": {"value": None, "names": ["a", "b"]},
        "why": {"why": "no masks"},
        "table": [[1.0, None], [2.0, 3.0]],
        "by_name": {"0": 4, "x": 0.5, "y": True, "z": None},
    }


def test_an_interval_is_written_whole():
    assert plain(wilson(3, 10))["method"] == "wilson"


def test_what_json_does_not_know_is_refused_and_not_written_as_its_name():
    with pytest.raises(TypeError, match="set is not written to JSON"):
        plain({"a": {1, 2}})
    with pytest.raises(TypeError, match="type is not written"):
        plain(Inner)
