"""What films without a label did in a study: how many were given, left out, and believed.

A count of pseudo-labels is no score: nobody knows whether they are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spondyl.learn.outcome import FoldOutcome, Outcome
from spondyl.learn.study import Study
from spondyl.learn.unlabelled import Unlabelled
from spondyl.report.tables import NONE, Table


def tables(study: Study, outcomes: Sequence[Outcome]) -> tuple[Table, ...]:
    """One table, a row for each fold that unlabelled films could teach; none where none were
    given."""
    if not study.unlabelled.films:
        return ()
    rows = tuple(
        (str(outcome.configuration), *_row(dict(fold.chosen), fold, study.cohort.labels.names))
        for outcome in outcomes
        for fold in outcome.folds
        if study.unlabelled.sha256_for(outcome.configuration)
    )
    labels = [f"as {name}" for name in study.cohort.labels.names]
    columns = ("configuration", "fold", "sure from", "weight", "bear a pseudo-label", *labels)
    return (
        Table(
            "unlabelled",
            "Films without a label, and the labels they were given by the networks",
            columns,
            rows,
            (*_films(study.unlabelled, study.spec.find_duplicates), *_notes(study)),
        ),
    )


def _row(chosen: Mapping[str, float], fold: FoldOutcome, labels: Sequence[str]) -> tuple[str, ...]:
    threshold, weight = chosen.get("pseudo_threshold"), chosen.get("pseudo_weight")
    n_labelled, n_films = chosen.get("pseudo_labelled", 0), chosen.get("unlabelled", 0)
    return (
        str(fold.fold),
        NONE if threshold is None else f"{threshold:g}",
        NONE if weight is None else f"{weight:g}" if weight else "0: none helped",
        f"{n_labelled:.0f} of {n_films:.0f}",
        *(f"{chosen.get(f'pseudo_labelled_{column}', 0):.0f}" for column in range(len(labels))),
    )


def _films(films: Unlabelled, searched: bool) -> tuple[str, ...]:
    how = "by their pictures" if searched else "by their bytes alone, as the spec wants no search"
    return (
        f"{films.n_given} films without a label were given. Left out: {len(films.copies)} copies "
        f"of films of the cohort (looked for {how}), {len(films.same_patient)} of its patients, "
        f"{films.n_repeated} whose bytes were given already. {len(films.films)} may teach.",
    )


def _notes(study: Study) -> tuple[str, ...]:
    told = []
    if "pseudo-labels" in study.spec.strategies:
        told.append(
            "“pseudo-labels”: which probability is sure and what the films weigh, by all labelled "
            "ones together, was chosen by the tune part; a weight of 0 is the probe."
        )
    if "fixmatch" in study.spec.strategies:
        told.append(
            "“fixmatch”: counted are films that the network kept is sure of as they are "
            f"({study.spec.fixmatch_threshold:g} or more), not those that taught in each step."
        )
    return tuple(told)
