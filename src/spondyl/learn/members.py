"""Which configurations of which studies may vote together: those that judged the same films.

A member is a finished configuration. Several may vote only where every film was tested in the same
fold by all of them and learned from by none of these, which the hashes of cohort and splits prove.
The price: a study of another seed draws other folds, so its networks cannot vote here, whatever
they would bring; other networks, strategies, sizes, crops and augmentations of one seed can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spondyl.errors import Problem, SpondylError
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration
from spondyl.learn.predictions import PredictionTable
from spondyl.learn.study import STUDY, Study

MOST = 12
"""Members of one vote: as many as one page can show side by side."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A finished configuration, and what it said of films that it had not learned from."""

    name: str
    """As the configuration is called, with the study's folder before it where there are several;
    no two members of a vote have one name."""
    study: Study
    configuration: Configuration
    test: PredictionTable
    """Every film once, by the network that was tested on it; rows in the order of the cohort."""
    tune: Mapping[int, PredictionTable]
    """Fold → what its network said of the films that chose; empty where some fold has none."""
    why_no_tune: str
    """"" where there is `tune`."""


def read(texts: Sequence[str]) -> tuple[Member, ...]:
    """The members that `texts` name, each RUN or RUN:NETWORK/STRATEGY/PROTOCOL, in this order.

    RUN is a study's folder and means all of its finished configurations; what follows the network
    may be left out. Raises `SpondylError` where nothing fits, where one is named twice, for fewer
    than two or more than `MOST`, and for members that did not judge the same films in the same
    folds.
    """
    named = [_named(text) for text in texts]
    opened = {folder.resolve(): studies.load(folder) for folder, _ in named}
    chosen = [
        (opened[folder.resolve()], one)
        for text, (folder, wanted) in zip(texts, named, strict=True)
        for one in _fitting(opened[folder.resolve()], text, wanted)
    ]
    keys = [(study.folder.resolve(), one) for study, one in chosen]
    if repeated := [one for folder, one in keys if keys.count((folder, one)) > 1]:
        raise SpondylError(
            f"{repeated[0]}: named twice", "A member votes once; weights say how much it counts."
        )
    if not 2 <= len(chosen) <= MOST:
        raise SpondylError(
            f"{len(chosen)} members: a vote is of 2 to {MOST}",
            "Name more configurations, or fewer, as RUN:NETWORK/STRATEGY/PROTOCOL.",
        )
    names = _names(chosen, list(opened.values()))
    members = tuple(
        _member(name, study, one) for name, (study, one) in zip(names, chosen, strict=True)
    )
    prove_alike(members)
    return members


def prove_alike(members: Sequence[Member]) -> None:
    """Raises `SpondylError` that names every member which has another cohort, other splits or other
    folds than the first."""
    first, problems = members[0].study, []
    for other in members[1:]:
        study = other.study
        alike = {
            "films, labels or groups": first.cohort.sha256 == study.cohort.sha256,
            "splits": first.splits.sha256 == study.splits.sha256,
            "folds": first.spec.folds_run == study.spec.folds_run,
        }
        if not all(alike.values()):
            differing = " and other ".join(what for what, same in alike.items() if not same)
            said = f"has other {differing} than {members[0].name}"
            hint = "Only networks that judged the same films in the same folds may vote together."
            problems.append(Problem(other.name, said, hint))
    if problems:
        raise SpondylError.of(problems, "the members of the vote")


def folder_names(folders: Sequence[Path]) -> list[str]:
    """A name for each folder: its own, with its number among them where several are called so."""
    names = [folder.name for folder in folders]
    return [
        name if names.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(names, start=1)
    ]


def _named(text: str) -> tuple[Path, tuple[str, ...]]:
    """A study's folder, and what was said of the configuration: network, strategy, protocol.

    Folders and networks may hold colons; the longest beginning that is a study's folder is it.
    """
    if (Path(text) / STUDY).is_file():
        return Path(text), ()
    at = [i for i, letter in enumerate(text) if letter == ":"]
    for end in reversed(at):
        if (Path(text[:end]) / STUDY).is_file():
            return Path(text[:end]), tuple(text[end + 1 :].split("/"))
    raise SpondylError(
        f"{text}: no study is there",
        "Name the folder that `spondyl study run … --out` made, or FOLDER:NETWORK/STRATEGY.",
    )


def _fitting(study: Study, text: str, wanted: tuple[str, ...]) -> list[Configuration]:
    """The finished configurations that fit; with nothing wanted all of them."""
    finished = [
        standing.configuration
        for standing in studies.status(study)
        if not standing.not_run and not standing.n_left
    ]
    parts = ("network", "strategy", "protocol")
    fitting = [
        one
        for one in finished
        if len(wanted) <= len(parts)
        and all(getattr(one, part) == said for part, said in zip(parts, wanted, strict=False))
    ]
    if not fitting:
        there = "; ".join(map(str, finished)) or "none"
        raise SpondylError(
            f"{text}: no finished configuration fits; finished there: {there}",
            "Write NETWORK/STRATEGY/PROTOCOL, from the left as much as is needed.",
        )
    return fitting


def _names(chosen: Sequence[tuple[Study, Configuration]], of: Sequence[Study]) -> list[str]:
    """A name for each: of several studies with their folders', numbered where these are alike."""
    if len(of) == 1:
        return [str(configuration) for _, configuration in chosen]
    folders = folder_names([study.folder.resolve() for study in of])
    called = {id(study): folder for study, folder in zip(of, folders, strict=True)}
    return [f"{called[id(study)]}: {configuration}" for study, configuration in chosen]


def _member(name: str, study: Study, configuration: Configuration) -> Member:
    finished = study.finished(configuration)
    order = [film.image_id for film in study.cohort.radiographs]
    tune = {one.outcome.fold: one.tune for one in finished if one.tune is not None}
    why = ""
    if configuration.is_steered:
        why = "the judged films steered it (protocol paper): no other part could choose"
    elif len(tune) < len(finished):
        why = "its trials are older than tune.csv, so what it said of the tune part is not kept"
    return Member(
        name,
        study,
        configuration,
        PredictionTable.joined([one.predictions for one in finished], order),
        {} if why else tune,
        why,
    )
