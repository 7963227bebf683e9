"""A study in its folder: what it is made of, which of its trials are finished, what came of
them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spondyl.data import spines, splits
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates.finding import DuplicateGroup, Link
from spondyl.data.spines import Spine, Spines
from spondyl.data.splits import Splits
from spondyl.errors import SpondylError
from spondyl.files import new_folder, read_json, write_json
from spondyl.learn import in_domain
from spondyl.learn import trial as trials
from spondyl.learn.outcome import Configuration, Outcome, Repeat
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.trial import FinishedTrial, Trial
from spondyl.learn.unlabelled import NO_UNLABELLED, Unlabelled
from spondyl.learn.weights import WeightsFile

SCHEMA_VERSION = 1
STUDY, SPLITS, TRIALS = "study.json", "splits.json", "trials"


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A study in its folder: what it is made of, finished or not."""

    folder: Path
    spec: StudySpec
    cohort: Cohort
    """Groups of films that show one picture already made."""
    duplicates: tuple[DuplicateGroup, ...]
    splits: Splits
    files: Mapping[str, WeightsFile]
    """Initial weights by network name, of the configurations that need any."""
    not_run: Mapping[Configuration, str]
    """Configurations that cannot be run, and why."""
    facts: Mapping[str, Any]
    """When, by which command, on what, with which versions; whose spine masks, and how many films
    of each label were left out for want of one."""
    spines: Spines
    """Of every film of the cohort, where the study was given regions."""
    unlabelled: Unlabelled = NO_UNLABELLED
    """Films without a label, where the study was given any."""

    def trials(self, configuration: Configuration) -> tuple[Trial, ...]:
        """The trials of a configuration on the first draw of folds, in their order: those whose
        networks explain, answer and travel."""
        return self._trials_on(self.spec.folds_run, configuration)

    def every_trial(self, configuration: Configuration) -> tuple[Trial, ...]:
        """The trials of a configuration on the folds of all draws, one draw after the other."""
        return self._trials_on(self.spec.every_fold_run, configuration)

    def _trials_on(self, folds: tuple[int, ...], configuration: Configuration) -> tuple[Trial, ...]:
        initial = STRATEGIES[configuration.strategy].initial
        weights_id = "random" if initial == "random" else self.files[configuration.network].sha256
        spines_id = spines.sha256_of(self.spines) if self.spec.preprocessing.needs_spine else ""
        taught_by = self.unlabelled.sha256_for(configuration)
        return tuple(
            Trial.of(configuration, fold, self.spec, self.splits, weights_id, spines_id, taught_by)
            for fold in folds
        )

    def taught_besides(self, configuration: Configuration) -> tuple[str, ...]:
        """SHA-256 of the films beside the cohort's that had a part in a configuration: unlabelled
        ones, and those that its initial weights were learned from."""
        given = STRATEGIES[configuration.strategy].initial == "given"
        files = [self.files[configuration.network].path] if given else []
        unlabelled = self.unlabelled.hashes_for(configuration)
        return (*unlabelled, *in_domain.taught_before(files))

    @property
    def trials_folder(self) -> Path:
        """Folder in which each finished trial has its own."""
        return self.folder / TRIALS

    def finished(self, configuration: Configuration) -> list[FinishedTrial]:
        """The finished ones of `trials`, of a configuration that can be run."""
        return self._read(self.trials(configuration))

    def every_finished(self, configuration: Configuration) -> list[FinishedTrial]:
        """The finished ones of `every_trial`, of a configuration that can be run."""
        return self._read(self.every_trial(configuration))

    def _read(self, wanted: tuple[Trial, ...]) -> list[FinishedTrial]:
        read = (trials.read(trial, self.trials_folder, self.cohort) for trial in wanted)
        return [finished for finished in read if finished is not None]

    def outcomes(self) -> tuple[Outcome, ...]:
        """What came of each configuration, in the order of the spec; all its trials finished."""
        return tuple(
            Outcome(configuration, None, not_run=self.not_run[configuration])
            if configuration in self.not_run
            else self._outcome(configuration)
            for configuration in self.spec.configurations
        )

    def _outcome(self, configuration: Configuration) -> Outcome:
        finished, wanted = self.every_finished(configuration), self.spec.every_fold_run
        if len(finished) < len(wanted):
            missing = f"{len(finished)} of {len(wanted)} folds finished"
            return Outcome(configuration, None, not_run=missing)
        order = [film.image_id for film in self.cohort.radiographs]
        n_run = len(self.spec.folds_run)
        draws = [finished[start : start + n_run] for start in range(0, len(finished), n_run)]
        first, *further = (
            Repeat(
                tuple(one.outcome for one in draw),
                PredictionTable.joined([one.predictions for one in draw], order),
            )
            for draw in draws
        )
        return Outcome(
            *(configuration, finished[0].weights, first.folds, first.predictions),
            further=tuple(further),
        )


def save(study: Study) -> None:
    """Makes the folder of a new study, whole or not at all."""
    with new_folder(study.folder) as draft:
        write_json(draft / STUDY, _document(study))
        write_json(draft / SPLITS, study.splits.as_dict())
        (draft / TRIALS).mkdir()


def load(folder: Path) -> Study:
    """The study in `folder`; `SpondylError` where there is none or it was changed."""
    if not (folder / STUDY).is_file():
        raise SpondylError(
            f"{folder}: not the folder of a study ({STUDY} is missing)",
            "Give the folder that `spondyl study run … --out` made.",
        )
    document = read_json(folder / STUDY)
    version = document.get("schema_version") if isinstance(document, dict) else SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        raise SpondylError(
            f"{folder / STUDY}: schema {version}, this is {SCHEMA_VERSION}",
            "Use the version of spondyl that made the study.",
        )
    try:
        return _study(folder, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise SpondylError(
            f"{folder / STUDY}: not in the form of schema {SCHEMA_VERSION} ({error})",
            "The file is damaged; start the study in a new folder.",
        ) from error


def _study(folder: Path, document: Mapping[str, Any]) -> Study:
    """The study of a document that `_document` made; KeyError or the like for any other."""
    cohort = Cohort.from_dict(document["cohort"])
    drawn = Splits.from_dict(read_json(folder / SPLITS))
    splits.prove(drawn, cohort)
    files = {
        name: WeightsFile(Path(entry["path"]), entry["sha256"], entry["from_cache"])
        for name, entry in document["weights"].items()
    }
    not_run = {
        Configuration(**entry["configuration"]): entry["reason"] for entry in document["not_run"]
    }
    return Study(
        folder,
        parse_spec(document["spec"], str(folder / STUDY)),
        cohort,
        tuple(
            DuplicateGroup(
                tuple(group["image_ids"]), tuple(Link(**link) for link in group["links"])
            )
            for group in document["duplicates"]
        ),
        drawn,
        files,
        not_run,
        document["facts"],
        {name: Spine.from_dict(entry) for name, entry in document.get("spines", {}).items()},
        Unlabelled.from_dict(document["unlabelled"]) if "unlabelled" in document else NO_UNLABELLED,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a configuration has come."""

    configuration: Configuration
    n_finished: int
    n_left: int
    not_run: str

    def __str__(self) -> str:
        if self.not_run:
            return f"{self.configuration}: not run ({self.not_run})"
        done = self.n_finished + self.n_left
        return f"{self.configuration}: {self.n_finished} of {done} folds finished"

    def as_dict(self) -> dict[str, Any]:
        """The standing as a JSON object."""
        about = {"finished": self.n_finished, "left": self.n_left, "not_run": self.not_run}
        return {**asdict(self.configuration), **about}


def status(study: Study) -> tuple[Standing, ...]:
    """How far each configuration has come, in the order of the spec."""
    rows = []
    for configuration in study.spec.configurations:
        why = study.not_run.get(configuration, "")
        finished = 0 if why else len(study.every_finished(configuration))
        left = 0 if why else len(study.spec.every_fold_run) - finished
        rows.append(Standing(configuration, finished, left, why))
    return tuple(rows)


def _document(study: Study) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "spec": study.spec.model_dump(mode="json"),
        "cohort": study.cohort.as_dict(),
        "duplicates": [asdict(group) for group in study.duplicates],
        "weights": {
            name: {
                "path": str(file.path.absolute()),
                "sha256": file.sha256,
                "from_cache": file.from_cache,
            }
            for name, file in study.files.items()
        },
        "not_run": [
            {"configuration": asdict(configuration), "reason": reason}
            for configuration, reason in study.not_run.items()
        ],
        "facts": dict(study.facts),
        "spines": {image_id: asdict(spine) for image_id, spine in study.spines.items()},
        **({"unlabelled": study.unlabelled.as_dict()} if study.unlabelled.films else {}),
    }
