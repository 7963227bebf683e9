"""From a finished study to a bundle: one configuration, the networks of all its folds.

Every network is restored as it judged its fold and stored whole, so the files of initial weights
have to be where the study found them this once; the bundle never needs them again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import safetensors.torch

from spondyl.errors import SpondylError
from spondyl.files import new_folder, refuse_unless_free, replaced, sha256_of_file, write_json
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.outcome import Configuration
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.learn.trial import FinishedTrial, Trial
from spondyl.progress import Track, silently
from spondyl.reading import bundle as bundles
from spondyl.reading.bundle import BUNDLE, Bundle, Member


def choose(
    study_folder: Path, network: str = "", strategy: str = "", protocol: str = ""
) -> Configuration:
    """The one configuration of a study that fits what is named; "" leaves it open.

    Raises `SpondylError`, with the list, where there are several or none.
    """
    study = studies.load(study_folder)
    there = [one for one in study.spec.configurations if one not in study.not_run]
    wanted = {"network": network, "strategy": strategy, "protocol": protocol}
    fitting = [
        one
        for one in there
        if all(getattr(one, name) == value for name, value in wanted.items() if value)
    ]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(map(str, fitting or there)) or "none that was run"
    how_many = f"{len(fitting)} configurations" if fitting else "no configuration"
    raise SpondylError(
        f"{study_folder}: {how_many} to make a bundle of; the study has {listed}",
        "Name one with --network, --strategy and --protocol.",
    )


def assemble(
    study_folder: Path, configuration: Configuration, out: Path, track: Track = silently
) -> Bundle:
    """Makes the folder `out` from a study's finished configuration; the bundle, read back from it.

    Written whole or not at all. The same study gives the same bundle id. Raises `SpondylError`
    where folds are unfinished, a file of initial weights is gone or changed, or `out` is taken.
    """
    refuse_unless_free(out)
    study = studies.load(study_folder)
    finished = _all_finished(study, configuration)
    _refuse_changed_weights(study, configuration)
    with new_folder(out) as draft:
        pairs = list(zip(study.trials(configuration), finished, strict=True))
        members = tuple(
            _stored(study, trial, done, draft) for trial, done in track(pairs, "networks")
        )
        bundle = Bundle(
            folder=out,
            bundle_id="",
            configuration=configuration,
            labels=study.cohort.labels,
            preprocessing=study.spec.preprocessing,
            spec=study.spec,
            cohort_sha256=study.cohort.sha256,
            members=members,
            versions=study.facts["versions"],
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_json(draft / BUNDLE, bundle.document() | {"bundle_id": bundle.content_sha256()})
    return bundles.load(out)


def _all_finished(study: Study, configuration: Configuration) -> list[FinishedTrial]:
    if configuration in study.not_run:
        raise SpondylError(
            f"{configuration}: not run ({study.not_run[configuration]})",
            "Run the study again with its weights.",
        )
    finished = study.finished(configuration)
    if len(finished) < len(study.spec.folds_run):
        raise SpondylError(
            f"{configuration}: {len(finished)} of {len(study.spec.folds_run)} folds finished",
            "Run `spondyl study run` again with the same spec, cohort and folder.",
        )
    return finished


def _refuse_changed_weights(study: Study, configuration: Configuration) -> None:
    """Raises `SpondylError` unless the initial weights lie where the study found them."""
    if STRATEGIES[configuration.strategy].initial == "random":
        return
    file = study.files[configuration.network]
    if not file.path.is_file() or sha256_of_file(file.path) != file.sha256:
        found = "changed" if file.path.is_file() else "gone"
        raise SpondylError(
            f"{file.path}: the initial weights of {configuration.network} are {found}",
            f"Put the file with the SHA-256 {file.sha256[:12]}… back there.",
        )


def _stored(study: Study, trial: Trial, done: FinishedTrial, folder: Path) -> Member:
    """The network of a trial, written to `folder` whole."""
    network = trials.restore(trial, study.trials_folder, study.spec, study.files)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    path = folder / bundles.weights_name(trial.fold)
    with replaced(path) as draft:
        safetensors.torch.save_file(tensors, draft)
    parts = study.splits.folds[trial.fold]
    return Member(
        fold=trial.fold,
        trial_id=trial.trial_id,
        sha256=sha256_of_file(path),
        weights=done.weights,
        learned_from=_hashes(study, (*parts.train, *parts.tune)),
        tested_on=_hashes(study, parts.test),
    )


def _hashes(study: Study, image_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The files of the given films, each hash once, sorted."""
    wanted = set(image_ids)
    films = (film for film in study.cohort.radiographs if film.image_id in wanted)
    return tuple(sorted({film.file.sha256 for film in films}))
