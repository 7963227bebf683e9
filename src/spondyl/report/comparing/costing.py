"""What rows cost: the size of a network, as computed, and times, as they were measured.

Decision: parameters and multiply-adds are the network's, so what one run counted holds for every
row with that network at that size; milliseconds are taken only from a row's own run, with the
machine's name, since times of two machines say nothing about each other. A soft vote asks all of
its members, and costs what they do together; where not all of them are rows here, it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from spondyl.errors import SpondylError
from spondyl.files import read_json
from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.report.assembly import COSTS
from spondyl.report.comparing.sources import Row, Source


@dataclass(frozen=True, slots=True)
class RowCost:
    """The cost of one row; None for what is not known."""

    parameters: int | None = None
    multiply_adds: int | None = None
    """Of one film."""
    training_seconds: float | None = None
    """Of a fold, on the mean, by the clock of whatever machine; what came from a cache is not in
    it."""
    inference_ms: float | None = None
    """Of one film in a batch, on `hardware`."""
    hardware: str = ""


_Key = tuple[str, tuple[int, ...]]
"""Network and size."""
_Number = TypeVar("_Number", int, float)


def costs(rows: Sequence[Row]) -> Mapping[int, RowCost]:
    """Row number → its cost. Raises `SpondylError` for a costs.json of another form."""
    sources = dict.fromkeys(source for row in rows for source in row.sources)
    measured = {id(source): _measured(source) for source in sources}
    anywhere: dict[_Key, dict[str, Any]] = {}
    for of_source, _ in measured.values():
        anywhere |= of_source
    found = {
        row.number: _of_configuration(row, measured, anywhere) for row in rows if not row.is_vote
    }
    together = {row.number: _of_ensemble(row, rows, found) for row in rows if row.is_vote}
    return {**found, **together}


def _measured(source: Source) -> tuple[dict[_Key, dict[str, Any]], str]:
    """What a run measured, by network and size, and on which hardware."""
    path = source.folder / COSTS
    if not isinstance(source.of, Study) or not path.is_file():
        return {}, ""
    content = read_json(path)
    try:
        rows = {(one["network"], tuple(one["size"])): one for one in content["costs"]}
        for one in rows.values():
            _ = one["parameters"], one["multiply_adds"], one["inference_ms"]
        return rows, str(content["hardware"])
    except (KeyError, TypeError) as error:
        raise SpondylError(
            f"{path}: not in the form of costs ({error})",
            "Remove it and run `spondyl study report` to measure again.",
        ) from error


def _of_configuration(
    row: Row,
    measured: Mapping[int, tuple[dict[_Key, dict[str, Any]], str]],
    anywhere: Mapping[_Key, Mapping[str, Any]],
) -> RowCost:
    study, outcome = row.sources[0].of, row.of
    if not isinstance(study, Study) or not isinstance(outcome, Outcome) or not outcome.folds:
        return RowCost()
    key: _Key = (outcome.configuration.network, tuple(study.spec.size))
    counted = anywhere.get(key, {})
    seconds = sum(fold.seconds for fold in outcome.folds) / len(outcome.folds)
    own, hardware = next(
        (
            (of_source[key], machine)
            for of_source, machine in (measured[id(source)] for source in row.sources)
            if key in of_source
        ),
        ({}, ""),
    )
    return RowCost(
        counted.get("parameters"),
        counted.get("multiply_adds"),
        seconds,
        own.get("inference_ms"),
        hardware,
    )


def _of_ensemble(row: Row, rows: Sequence[Row], found: Mapping[int, RowCost]) -> RowCost:
    """The sum over the members, where all of them are rows here."""
    if isinstance(row.of, Outcome):
        return found[row.number]
    owner = {trial: one.number for one in rows for trial in one.trials if one.number in found}
    members = {owner.get(trial) for trial in row.trials}
    parts = [found[number] for number in members if number is not None]
    if None in members or not parts:
        return RowCost()
    machines = {part.hardware for part in parts}
    return RowCost(
        _sum([part.parameters for part in parts]),
        _sum([part.multiply_adds for part in parts]),
        _sum([part.training_seconds for part in parts]),
        _sum([part.inference_ms for part in parts]) if len(machines) == 1 else None,
        machines.pop() if len(machines) == 1 else "",
    )


def _sum(values: Sequence[_Number | None]) -> _Number | None:
    """None where a part is not known."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(values) else None
