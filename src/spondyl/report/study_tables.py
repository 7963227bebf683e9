"""Tables of what a study was made of: its films, its strategies and settings, and what others did.

Settings are listed from the resolved spec, every key of it, so that none can be forgotten here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spondyl.report.contents import CohortFacts, DuplicateGroup, SplitFacts
from spondyl.report.published import Published
from spondyl.report.tables import NONE, Table

STRATEGIES: dict[str, tuple[str, str, str]] = {
    "probe": ("pretrained", "the whole body", "a linear layer, solved (L2 logistic regression)"),
    "feature-extraction": ("pretrained", "all convolutions", "the classifier, by gradient descent"),
    "fine-tuning": ("pretrained", "nothing", "everything, by gradient descent"),
    "scratch": ("random", "nothing", "everything, by gradient descent"),
    "random-features": (
        *("random", "the whole body, untrained"),
        "a linear layer, solved (L2 logistic regression)",
    ),
    "two-stage": (
        *("pretrained", "the whole body, then all but its last stages"),
        "a linear layer, solved; then it and these stages, by gradient descent",
    ),
    "pseudo-labels": (
        *("pretrained", "the whole body"),
        "a linear layer, solved; taught by unlabelled films too, under labels of its own",
    ),
    "fixmatch": (
        *("pretrained", "nothing"),
        "everything, by gradient descent, on labelled and unlabelled films",
    ),
}
"""Of each strategy: initial weights, what is frozen, what is trained."""

_SETTINGS: dict[str, str] = {
    "other_labels": "other labels of the cohort, left out",
    "scheme": "scheme",
    "folds": "folds",
    "test_share": "tested share of a hold-out",
    "repeats": "times the films are divided",
    "seed": "seed",
    "size": "input, height × width",
    "fit": "fit of the film to the input",
    "colour": "colour",
    "crop": "crop of the film",
    "crop_margin": "margin of the crop, share of the box's longer side",
    "hide": "hidden",
    "without_mask": "films without a spine mask",
    "find_duplicates": "copies of a film share a group",
    "epochs": "epochs at most",
    "batch_size": "batch",
    "learning_rate": "learning rate (Adam)",
    "plateau_patience": "plateau: patience, epochs",
    "plateau_factor": "plateau: factor",
    "learning_rate_floor": "learning rate, floor",
    "stop_patience": "early stopping: patience, epochs",
    "sampling": "films of an epoch",
    "unfrozen_stages": "two-stage: last stages trained",
    "second_rate": "two-stage: their learning rate, share",
    "second_epochs": "two-stage: their epochs at most",
    "films_seen_before": "films that initial weights were learned from",
    "flip": "horizontal flip, probability",
    "rotate_degrees": "rotation, ± degrees",
    "translate": "translation, ± share of the side",
    "zoom": "zoom",
    "shear_degrees": "shear, ± degrees",
    "brightness": "brightness, ±",
    "contrast": "contrast, ±",
}


def classes(cohort: CohortFacts) -> Table:
    """Films and distinct groups of every class."""
    rows = [(c.label, str(c.n_films), str(c.n_groups)) for c in cohort.classes]
    total = ("all", str(cohort.n_films), str(cohort.n_groups))
    note = "A group is a patient where stated, else a film with its copies."
    return Table("classes", "Films by class", ("class", "films", "groups"), (*rows, total), (note,))


def strategies(used: Sequence[str]) -> Table:
    """What each strategy of the study starts from, freezes and trains."""
    rows = [(name, *STRATEGIES.get(name, (NONE, NONE, NONE))) for name in used]
    columns = ("strategy", "initial weights", "frozen", "trained")
    return Table("strategies", "Training strategies", columns, tuple(rows))


def settings(spec: Mapping[str, Any]) -> Table:
    """Every setting of the resolved spec, the known ones first and in words."""
    idle = "folds" if spec.get("scheme") == "hold-out" else "test_share"
    spec = {key: "" if key == idle else value for key, value in spec.items()}
    named = [(said, _said(key, spec[key])) for key, said in _SETTINGS.items() if key in spec]
    rest = [(key, _said(key, value)) for key, value in spec.items() if key not in _SETTINGS]
    note = "Settings of gradient descent and augmentation concern trained strategies only."
    return Table(
        "settings", "Settings of the study", ("setting", "value"), (*named, *rest), (note,)
    )


def folds(splits: SplitFacts) -> Table:
    """Films in each part of each fold."""
    rows = [
        tuple(map(str, (f.fold, f.n_train, f.n_tune, f.n_test, f.n_test_groups)))
        for f in splits.folds
    ]
    columns = ("fold", "train", "tune", "test", "groups in test")
    note = (
        "Proven when the splits were made: no group is in two parts of a fold."
        if splits.groups_disjoint
        else "Not proven: a group may be in two parts of a fold. Figures may lean upwards."
    )
    title = f"Folds: {splits.scheme}, seed {splits.seed}"
    return Table("folds", title, columns, tuple(rows), (note,))


def duplicates(groups: Sequence[DuplicateGroup]) -> Table:
    """Groups of films taken for one, with the evidence."""
    rows = [
        (
            str(number),
            "; ".join(group.image_ids),
            " / ".join(dict.fromkeys(group.labels)),
            group.evidence,
        )
        for number, group in enumerate(groups, start=1)
    ]
    columns = ("group", "films", "labels", "evidence")
    note = "Two labels in one group mean that the data contradict themselves there."
    return Table("duplicates", "Films taken for one", columns, tuple(rows), (note,))


def published_tables(published: Published) -> tuple[Table, ...]:
    """The publication's costs, contradictions, earlier work, and probes of the same films."""
    cite = published.citation
    costs = Table(
        "published-costs",
        f"Costs, {cite}",
        (
            "network",
            "s per epoch",
            "inference, ms",
            "Grad-CAM, ms",
            "parameters",
            "G multiply-adds",
        ),
        tuple(
            (
                c.network,
                f"{c.seconds_per_epoch:.2f}",
                f"{c.inference_ms:.2f}",
                f"{c.gradcam_ms:.2f}",
                f"{c.parameters:,}",
                f"{c.multiply_adds / 1e9:.2f}",
            )
            for c in published.costs
        ),
        ("On an RTX 2080 Ti. Parameters and multiply-adds (224 × 224, 3 outputs) are computed.",),
    )
    contradictions = Table(
        "published-contradictions",
        f"Where {cite} contradicts itself, and what we follow",
        ("about", "what it says", "what we follow"),
        tuple((c.about, c.said, c.followed) for c in published.contradictions),
    )
    past = Table(
        "published-past-work",
        "Earlier work, as cited there",
        ("work", "task", "model", "explanation", "accuracy"),
        tuple(
            (w.work, w.task, w.model, w.explanation, w.accuracy_said) for w in published.past_work
        ),
        ("Other data, tasks and protocols: not comparable with each other or with ours.",),
    )
    return (_probes(published), costs, contradictions, past)


def _probes(published: Published) -> Table:
    return Table(
        "published-probes",
        f"What models score that see only a part of the films of {published.citation}",
        ("what the model sees", "model", "n", "accuracy %", "macro F1"),
        tuple(
            (p.sees, p.model, str(p.n), f"{p.accuracy_percent:.1f}", f"{p.macro_f1:.2f}")
            for p in published.probes
        ),
        (
            "Measured by us on the published data set, not part of this study; n = 323 counts "
            "copies of a film once. The last two rows show the middle, or all, for comparison.",
            "A thumbnail still shows a curve: its score is what is attainable without vertebral "
            "detail, not proof of cheating. File facts, frame and side strips are shortcuts.",
        ),
    )


def _said(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        between = {"size": " × ", "zoom": " to "}.get(key, ", ")
        return between.join(map(str, value))
    return str(value) if value != "" else NONE
