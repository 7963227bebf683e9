"""One trial, the unit of work: a network under a strategy, learned and judged on one fold.

A trial is named by the hash of all that defines it. Its folder appears whole, manifest included, or
not at all, so a folder that is there is a finished trial; what a killed one leaves is a checkpoint,
from which it goes on. A lock that dies with its process keeps two processes off one trial. Where
several processes train one network together the first of them has the lock, judges and writes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from spondyl.data.cohort import Cohort
from spondyl.data.splits import Fold, Splits
from spondyl.errors import SpondylError
from spondyl.files import (
    new_folder,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_json,
    write_text,
)
from spondyl.learn import predictions
from spondyl.learn.learning import learn
from spondyl.learn.materials import (
    Learned,
    Materials,
    Task,
    columns,
    initial_network,
    initial_seed,
)
from spondyl.learn.networks import Network
from spondyl.learn.outcome import Configuration, Epoch, FoldOutcome, WeightsRecord
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.weights import WeightsFile

SCHEMA_VERSION = 1
HISTORY = "history.csv"
MANIFEST, PREDICTIONS, TENSORS = "manifest.json", "predictions.csv", "learned.safetensors"
TUNE = "tune.csv"
"""What was said of the tune part, where that is no test part; older trials have none."""
_Claim = Literal["ours", "finished", "held"]
_AGAIN = "Delete {} and run the study again; the other trials are kept."


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration on one fold. `parts` are those of the protocol, not always of the splits."""

    configuration: Configuration
    fold: int
    parts: Fold
    trial_id: str
    """First 16 hexadecimal digits of the hash of all that defines the trial."""

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        fold: int,
        spec: StudySpec,
        splits: Splits,
        weights_id: str,
        spines_id: str = "",
        unlabelled_id: str = "",
    ) -> Trial:
        """The trial of `configuration` on `fold`; `weights_id` is the hash of its initial weights,
        `spines_id` that of the films' spines where they decide what is seen, `unlabelled_id` that
        of the unlabelled films where they teach."""
        parts = protocol_parts(splits.folds[fold], configuration)
        definition = {
            "schema_version": SCHEMA_VERSION,
            "configuration": asdict(configuration),
            "fold": fold,
            "parts": asdict(parts),
            "learning": spec.learning(),
            "cohort": splits.cohort_sha256,
            "weights": weights_id,
            **({"spines": spines_id} if spines_id else {}),
            **({"unlabelled": unlabelled_id} if unlabelled_id else {}),
        }
        return cls(configuration, fold, parts, sha256_of_json(definition)[:16])

    @property
    def task(self) -> Task:
        """What is to be learned, with the seed of everything that is drawn."""
        return Task(self.configuration, self.parts, int(self.trial_id[:8], 16))


@dataclass(frozen=True, slots=True, eq=False)
class FinishedTrial:
    """A trial read back from its folder."""

    outcome: FoldOutcome
    predictions: PredictionTable
    weights: WeightsRecord
    folder: Path
    tune: PredictionTable | None = None
    """Of the films that chose: for what may be chosen after the trial, such as weights of a vote.
    None for trials that were steered by their test part, and in studies older than this."""


def protocol_parts(fold: Fold, configuration: Configuration) -> Fold:
    """What is learned from, steers, and is judged: in the paper's protocol the last two are one."""
    if configuration.protocol == "nested":
        return fold
    return Fold(tuple(sorted((*fold.train, *fold.tune))), fold.test, fold.test)


def run(trial: Trial, materials: Materials, folder: Path) -> bool:
    """Runs `trial` unless it is finished; False, having done nothing, where another process has it.

    `folder` holds all trials; this one's appears in it under the trial's id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = materials.fabric
    with ExitStack() as until_done:
        claim: _Claim = "held"
        if fabric.is_global_zero:
            claim = _claim(trial, folder, until_done)
        claim = fabric.broadcast(claim)
        if claim == "ours":
            _run_claimed(trial, materials, folder)
    return claim != "held"


def is_held(trial: Trial, folder: Path) -> bool:
    """Whether some process is at `trial` now."""
    with ExitStack() as at_once:
        return _claim(trial, folder, at_once) == "held"


def _claim(trial: Trial, folder: Path, until: ExitStack) -> _Claim:
    """Takes the trial's lock, to be kept by `until`, unless somebody has it."""
    try:
        until.enter_context(FileLock(folder / f".{trial.trial_id}.lock", blocking=False))
    except Timeout:
        return "held"
    return "finished" if (folder / trial.trial_id / MANIFEST).is_file() else "ours"


def read(trial: Trial, folder: Path, cohort: Cohort) -> FinishedTrial | None:
    """The finished trial, or None where it is not finished; `SpondylError` where it was changed."""
    home = folder / trial.trial_id
    if not (home / MANIFEST).is_file():
        return None
    manifest = read_json(home / MANIFEST)
    try:
        return _finished(manifest, home, cohort)
    except (KeyError, TypeError, AttributeError) as error:
        raise SpondylError(
            f"{home / MANIFEST}: not in the form of schema {SCHEMA_VERSION} ({error})",
            _AGAIN.format(home),
        ) from error


def _finished(manifest: dict[str, Any], home: Path, cohort: Cohort) -> FinishedTrial:
    """The trial of a manifest that `_manifest` made; KeyError or the like for any other."""
    for name, sha256 in manifest["sha256"].items():
        if not (home / name).is_file() or sha256_of_file(home / name) != sha256:
            raise SpondylError(
                f"{home / name}: changed since the trial ended",
                _AGAIN.format(home),
            )
    fold = manifest["outcome"]
    history = tuple(Epoch(**epoch) for epoch in fold.pop("history"))
    chosen = tuple((name, value) for name, value in fold.pop("chosen"))
    record = manifest["weights"]
    record["random_parts"] = tuple(record["random_parts"])
    outcome = FoldOutcome(**fold, chosen=chosen, history=history)
    table, tune = (
        predictions.from_csv((home / name).read_text(encoding="utf-8"), cohort.labels)
        if name in manifest["sha256"]
        else None
        for name in (PREDICTIONS, TUNE)
    )
    if table is None:
        raise KeyError(PREDICTIONS)
    return FinishedTrial(outcome, table, WeightsRecord(**record), home, tune)


def restore(
    trial: Trial,
    folder: Path,
    spec: StudySpec,
    files: Mapping[str, WeightsFile],
    of_another_fold: Network | None = None,
) -> Network:
    """The finished trial's network as it judged its fold, in eval mode, on the CPU.

    A network `of_another_fold` of the same configuration is made this one's where only heads were
    learned, which is quicker than building it, and stays on its device.
    """
    configuration = trial.configuration
    network = of_another_fold
    if network is None or STRATEGIES[configuration.strategy].learned != "head":
        network, _ = initial_network(configuration, spec, files, initial_seed(trial.task, spec))
    tensors = safetensors.torch.load_file(folder / trial.trial_id / TENSORS)
    target = network.head if STRATEGIES[configuration.strategy].learned == "head" else network
    target.load_state_dict(tensors)
    return network.eval()


def _run_claimed(trial: Trial, materials: Materials, folder: Path) -> None:
    began = time.perf_counter()
    writes = materials.fabric.is_global_zero
    if writes:
        _sweep(trial, folder)
    checkpoint = folder / f".{trial.trial_id}.checkpoint"
    learned = learn(trial.task, materials, checkpoint)
    if writes:
        _write(trial, materials, learned, folder, time.perf_counter() - began)
        checkpoint.unlink(missing_ok=True)
    materials.fabric.barrier()


def _write(
    trial: Trial, materials: Materials, learned: Learned, folder: Path, seconds: float
) -> None:
    """The trial's folder, whole or not at all."""
    parts = trial.parts
    outcome = FoldOutcome(
        fold=trial.fold,
        trial_id=trial.trial_id,
        n_train=len(parts.train),
        n_tune=len(parts.tune),
        n_test=len(parts.test),
        seconds=seconds,
        chosen=learned.chosen,
        history=learned.history,
        how=learned.how,
    )
    with new_folder(folder / trial.trial_id) as home:
        test, tune = learned.test_logits, learned.tune_logits
        write_text(
            home / PREDICTIONS, predictions.as_csv(_table(trial, materials, parts.test, test))
        )
        if tune is not None:
            write_text(home / TUNE, predictions.as_csv(_table(trial, materials, parts.tune, tune)))
        safetensors.torch.save_file(learned.tensors, home / TENSORS)
        if learned.history:
            write_text(home / HISTORY, _history_csv(learned.history))
        write_json(home / MANIFEST, _manifest(trial, outcome, learned.record, home))


def _history_csv(history: tuple[Epoch, ...]) -> str:
    lines = [[field.name for field in fields(Epoch)]]
    lines += [[str(getattr(epoch, name)) for name in lines[0]] for epoch in history]
    return predictions.csv_text(lines)


def _sweep(trial: Trial, folder: Path) -> None:
    """Removes what is no finished trial: drafts of killed processes, a folder robbed of its
    manifest. Only the holder of the trial's lock may."""
    for leftover in (*folder.glob(f".{trial.trial_id}.*"), folder / trial.trial_id):
        if leftover.is_dir():
            shutil.rmtree(leftover)


def _manifest(
    trial: Trial, outcome: FoldOutcome, record: WeightsRecord, home: Path
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "trial_id": trial.trial_id,
        "configuration": asdict(trial.configuration),
        "outcome": asdict(outcome),
        "weights": asdict(record),
        "sha256": {path.name: sha256_of_file(path) for path in sorted(home.iterdir())},
    }


def _table(
    trial: Trial, materials: Materials, part: tuple[str, ...], logits: NDArray[np.float64]
) -> PredictionTable:
    """What was said of a part of the trial's fold, `logits` (n, labels)."""
    films = {film.image_id: film for film in materials.cohort.radiographs}
    return PredictionTable(
        materials.cohort.labels,
        part,
        tuple(films[image_id].group_id for image_id in part),
        np.full(len(part), trial.fold, dtype=np.int64),
        columns(materials.cohort, part),
        logits,
    )
