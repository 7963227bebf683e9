"""One turn of a contender in `study`, in a process of its own, so that its start is counted too.

A process that has run one study has its libraries loaded, its memory warm and its threads started;
a user's has not. So each turn is a new Python, which is told what to do as JSON on its standard
input and answers as JSON on its standard output.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

START, REPORT = "start, imports and end", "report"
"""The first is all of a process that is no other phase, its end included."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn took: seconds on the wall and of all cores, by phase, and both in all.

    A process answers without what it cannot know: its start, its end, and so the whole.
    """

    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    whole: float
    """From before the process was started until after it ended."""
    whole_cpu: float


def study_turn(
    spec: Mapping[str, Any], cohort: Path, out: Path, cache: Path, weights: Mapping[str, Path]
) -> Turn:
    """A whole `spondyl study run` of a spec's content."""
    return _in_a_process(
        "study",
        {
            "spec": dict(spec),
            "cohort": str(cohort),
            "out": str(out),
            "cache": str(cache),
            "weights": {name: str(path) for name, path in weights.items()},
        },
    )


def reference_turn(
    network: str,
    train: tuple[Sequence[Path], Sequence[int]],
    judged: tuple[Sequence[Path], Sequence[int]],
    epochs: int,
    n_labels: int,
    size: tuple[int, int],
    batch_size: int,
) -> Turn:
    """The reference loop training the head of a frozen `network`; its phases are "epoch 1" …."""
    return _in_a_process(
        "reference",
        {
            "network": network,
            "train": [[str(path) for path in train[0]], list(train[1])],
            "judged": [[str(path) for path in judged[0]], list(judged[1])],
            "epochs": epochs,
            "n_labels": n_labels,
            "size": list(size),
            "batch_size": batch_size,
        },
    )


def _in_a_process(what: str, asked: Mapping[str, Any]) -> Turn:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import answer; answer()"],
        input=json.dumps({"what": what, "asked": asked}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    whole = time.time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout.splitlines()[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Turn(
        {START: whole - sum(told["seconds"].values())} | told["seconds"],
        {START: cpu - sum(told["cpu_seconds"].values())} | told["cpu_seconds"],
        whole,
        cpu,
    )


def answer() -> None:
    """What a turn's own process does."""
    wanted = json.loads(sys.stdin.read())
    turn = {"study": _study, "reference": _reference}[wanted["what"]](wanted)
    sys.stdout.write("\n" + json.dumps(asdict(turn)) + "\n")


def _study(wanted: Mapping[str, Any]) -> Turn:
    from spondyl.bench.phases import Phases
    from spondyl.learn.spec import parse_spec
    from spondyl.learn.study import Study
    from spondyl.report import whole

    asked = wanted["asked"]
    phases = Phases("weights")

    def before_the_report(study: Study) -> tuple[str, ...]:
        del study
        phases.enter(REPORT)
        return ()

    whole.study_and_report(
        parse_spec(asked["spec"], "the benchmark's spec"),
        Path(asked["cohort"]),
        Path(asked["out"]),
        {name: Path(path) for name, path in asked["weights"].items()},
        cache=Path(asked["cache"]),
        device="cpu",
        command="spondyl bench study",
        remarks=before_the_report,
        track=phases,
    )
    phases.enter(REPORT)
    return Turn(phases.seconds, phases.cpu_seconds, 0.0, 0.0)


def _reference(wanted: Mapping[str, Any]) -> Turn:
    from spondyl.bench.reference_loop import train_as_the_paper

    asked = wanted["asked"]
    train, judged = (
        ([Path(path) for path in paths], labels)
        for paths, labels in (asked["train"], asked["judged"])
    )
    done = train_as_the_paper(
        asked["network"],
        *train,
        asked["epochs"],
        asked["batch_size"],
        "feature-extraction",
        judged=judged,
        n_labels=asked["n_labels"],
        size=tuple(asked["size"]),
    )
    epochs = {f"epoch {number}": taken for number, taken in enumerate(done.seconds, start=1)}
    return Turn(epochs, {}, 0.0, 0.0)
