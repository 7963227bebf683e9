"""From a finished study to a bundle: one configuration, the networks of all its folds.

Every network is restored as it judged its fold and stored whole, so the files of initial weights
have to be where the study found them this once; the bundle never needs them again. So do the films:
what is familiar to each network is measured on them. Temperature and thresholds come from the
out-of-fold predictions, which every film has from a network that did not know it.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.errors import SpondylError
from spondyl.files import new_folder, refuse_unless_free
from spondyl.learn import study as studies
from spondyl.learn import weights
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.learn.trial import FinishedTrial
from spondyl.progress import Track, silently
from spondyl.reading import opening
from spondyl.reading.bundle import Bundle
from spondyl.reading.storing import DEFAULT_TERMS, CardOf, Content, Origin, Terms, store
from spondyl.trust.asking import subject


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
    study_folder: Path,
    configuration: Configuration,
    out: Path,
    card_of: CardOf,
    terms: Terms = DEFAULT_TERMS,
    track: Track = silently,
) -> Bundle:
    """Makes the folder `out` from a study's finished configuration; the bundle, read back from it.

    Written whole or not at all. The same study gives the same bundle id. Raises `SpondylError`
    where folds are unfinished, a file of initial weights or a film is gone or changed, or `out` is
    taken.
    """
    refuse_unless_free(out)
    study = studies.load(study_folder)
    finished = all_finished(study, configuration)
    refuse_changed_weights(study, configuration)
    outcome = outcome_of(study, configuration)
    assert outcome.predictions is not None
    asked = subject.of_study(study, outcome)
    trials = study.trials(configuration)
    origins = tuple(
        Origin(
            trial.fold,
            trial.trial_id,
            done.weights,
            study.splits.folds[trial.fold].test,
            (*study.splits.folds[trial.fold].train, *study.splits.folds[trial.fold].tune),
            study.taught_besides(configuration),
        )
        for trial, done in zip(trials, finished, strict=True)
    )
    content = Content(
        *(study, configuration, "the networks of all folds", asked, origins),
        outcome.predictions,
    )
    with new_folder(out) as draft:
        store(draft, content, terms, card_of, track)
    return opening.load(out)


def outcome_of(study: Study, configuration: Configuration) -> Outcome:
    """What came of a configuration that the study has."""
    return next(one for one in study.outcomes() if one.configuration == configuration)


def all_finished(study: Study, configuration: Configuration) -> list[FinishedTrial]:
    """The trials of a configuration on the first draw of folds; `SpondylError` where any of any
    draw is not finished."""
    if configuration in study.not_run:
        raise SpondylError(
            f"{configuration}: not run ({study.not_run[configuration]})",
            "Run the study again with its weights.",
        )
    finished, n_run = study.every_finished(configuration), len(study.spec.every_fold_run)
    if len(finished) < n_run:
        raise SpondylError(
            f"{configuration}: {len(finished)} of {n_run} folds finished",
            "Run `spondyl study run` again with the same spec, cohort and folder.",
        )
    return finished[: len(study.spec.folds_run)]


def refuse_changed_weights(study: Study, configuration: Configuration) -> None:
    """Raises `SpondylError` unless the initial weights lie where the study found them."""
    if STRATEGIES[configuration.strategy].initial == "random":
        return
    file = study.files[configuration.network]
    if not weights.is_unchanged(configuration.network, file):
        found = "changed" if file.path.exists() else "gone"
        raise SpondylError(
            f"{file.path}: the initial weights of {configuration.network} are {found}",
            f"Put the file with the SHA-256 {file.sha256[:12]}… back there.",
        )
