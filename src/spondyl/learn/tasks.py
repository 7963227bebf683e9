"""Which films of a cohort a study's task is about, and how they are divided.

A task may have fewer labels than its cohort (normal against scoliosis, say). Folds are then drawn
on all films, those of `other_labels` with them, and what is of another label is left out of every
part. So the pairwise tasks of a cohort stand on the very folds of the whole task, and their figures
can be held against each other film by film. The others have to be named: a misspelt folder is never
left out in silence. The price: a film's copies and the films without a mask are looked for among
films that no network will see.
"""

from __future__ import annotations

from typing import Any

from spondyl.data import splits
from spondyl.data.cohort import Cohort
from spondyl.data.labels import LabelSet
from spondyl.data.splits import Splits
from spondyl.learn.spec import StudySpec


def labels_read(spec: StudySpec) -> LabelSet:
    """The labels under which a study's cohort is read: by name where the task has not all of them,
    so that every task of a cohort reads the same cohort."""
    if not spec.other_labels:
        return LabelSet.of(spec.labels)
    return LabelSet.of(sorted((*spec.labels, *spec.other_labels)))


def fewest_groups(spec: StudySpec) -> int | None:
    """Groups that each label of the task must have; None for a hold-out, whose draw decides."""
    return spec.folds if spec.scheme == "k-fold" else None


def draw(spec: StudySpec, cohort: Cohort) -> Splits:
    """The parts of all films of `cohort`; `SpondylError` where the scheme cannot divide them."""
    how = (spec.seed, spec.repeats, spec.other_labels)
    if spec.scheme == "hold-out":
        return splits.draw_hold_out(cohort, spec.test_share, *how)
    return splits.draw(cohort, spec.folds, *how)


def restricted(spec: StudySpec, cohort: Cohort, drawn: Splits) -> tuple[Cohort, Splits]:
    """The films of the task's labels, and the parts that were drawn on all of `cohort`'s."""
    if not spec.other_labels:
        return cohort, drawn
    labels = LabelSet.of(spec.labels)
    films = tuple(film for film in cohort.radiographs if film.label in labels.names)
    task = Cohort(cohort.root, labels, films)
    return task, splits.restricted(drawn, task)


def facts(spec: StudySpec, cohort: Cohort, drawn: Splits) -> dict[str, Any]:
    """What a study says of films that are of other labels; empty where it names none.

    `drawn_sha256` is that of the parts of all films, by which tasks of one cohort are known to
    stand on the same folds.
    """
    if not spec.other_labels:
        return {}
    counts = cohort.counts
    return {
        "other_labels": {
            "left_out": {name: counts[name] for name in spec.other_labels},
            "drawn_on": len(cohort.radiographs),
            "drawn_sha256": drawn.sha256,
        }
    }
