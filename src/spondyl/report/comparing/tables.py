"""The tables of a comparison: rows of ours, and nowhere a published figure among them.

Every row that was given has its line in every table of rows; where something was not run it says
so, so that an empty cell cannot be taken for a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.report.comparing.compared import Compared
from spondyl.report.comparing.looks import OVER_CHANCE, SCORES
from spondyl.report.comparing.sources import Row
from spondyl.report.ensembles.tables import interval
from spondyl.report.heatmap_words import CHANCE
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range
from spondyl.trust.answers.calibration import CalibrationScores
from spondyl.trust.answers.side_by_side import RowFigures

NOT_RUN = "not run"
NO_AUDIT = "of its members only"
"""Of a vote, whose networks are audited one by one."""


def what(compared: Compared) -> Table:
    """Of what each row is made."""
    rows = tuple((row.name, *_made_of(row)) for row in compared.rows)
    return Table(
        "rows",
        "Rows, runs and networks",
        ("row", "run", "films tested", "shown to the network", "initial weights"),
        rows,
        tuple(f"{row.name}: not run. {row.not_run}" for row in compared.rows if row.not_run),
    )


def accuracy(compared: Compared) -> Table:
    """How often right, on distinct films and on all."""

    def cells(row: Row, one: RowFigures) -> tuple[str, ...]:
        all_films, distinct = one.discrimination, one.distinct
        return (
            f"{distinct.n_right} / {distinct.n}",
            _estimate(distinct.accuracy.value, distinct.wilson.low, distinct.wilson.high),
            percent_range(distinct.accuracy.interval.low, distinct.accuracy.interval.high),
            f"{one.n_right} / {all_films.n}",
            interval(all_films.accuracy, 100, 1),
            percent_range(all_films.accuracy_wilson.low, all_films.accuracy_wilson.high),
            _standing(compared, row),
        )

    return _of_rows(
        compared,
        ("accuracy", "Accuracy on the films in common"),
        (
            *("distinct films right", "accuracy of these, % (Wilson)", "groups drawn, %"),
            *("films right", "accuracy of these, % (groups drawn)", "Wilson, %", "best?"),
        ),
        cells,
        (
            "Distinct films: of the films of one group (copies of one picture; one patient, where "
            "that is stated) the one whose name sorts first, whatever was said of it. 95 % "
            "intervals: Wilson's takes films as independent; “groups drawn” is a percentile "
            "bootstrap of groups, which has no width where every film is right.",
            "“Best?”: yes for rows that cannot be told from the best of them, no for rows of which "
            "another is shown to be more often right. Rows marked steered were steered by the very "
            "films that judge them, and are not asked.",
        ),
    )


def labels(compared: Compared) -> Table:
    """Figures in which every label counts alike, and the ranks of probabilities."""

    def cells(row: Row, one: RowFigures) -> tuple[str, ...]:
        del row
        found = one.discrimination
        return (
            interval(found.macro_sensitivity, 100, 1),
            interval(found.macro_f1, 100, 1),
            interval(found.macro_auc_pooled),
            decimal(found.macro_auc_mean_of_folds),
        )

    return _of_rows(
        compared,
        ("labels", "Every label counting alike"),
        ("balanced accuracy, %", "macro F1, %", "macro AUC, pooled", "macro AUC, mean of folds"),
        cells,
        (
            "All films in common, 95 % intervals over groups. Pooled AUC ranks probabilities of as "
            "many networks as there are folds against each other; the mean of folds does not.",
        ),
    )


def calibration(compared: Compared) -> Table:
    """Whether probabilities are true, as they came and after a temperature."""

    def cells(row: Row, one: RowFigures) -> tuple[str, ...]:
        del row
        found = one.calibration
        return (*_calibrated(found.before), *_calibrated(found.after))

    def named(when: str) -> tuple[str, ...]:
        return tuple(f"{name}, {when}" for name in ("ECE", "ECE by chance", "Brier", "log loss"))

    notes = [
        "All films in common. After: logits divided by a temperature that was fitted on the other "
        "folds. ECE by chance: what a network with these confidences would show if each of them "
        "were true; only what lies above it is a fault. Brier 0 to 2, log loss in nats.",
    ]
    notes += [
        f"{row.name}: no temperature, {why}."
        for row in compared.shared.rows
        if (why := compared.figures[row.number].calibration.why_not_after)
    ]
    return _of_rows(
        compared,
        ("calibration", "Are the probabilities true?"),
        (*named("before"), *named("after")),
        cells,
        notes,
    )


def honesty(compared: Compared) -> Table:
    """What model audits say of what rows rest on."""

    def cells(row: Row, figures: RowFigures) -> tuple[str, ...]:
        del figures
        one = compared.audits.get(row.number)
        if one is None:
            return (NO_AUDIT if row.is_vote else NOT_RUN, *[NONE] * 5)
        counted = list(one.checks.values())
        share = f"{NOT_RUN}: {one.why_no_share}" if one.share is None else interval(one.share, 1, 2)
        return (
            share,
            ", ".join(one.of_grounds("fail")) or "none",
            ", ".join(one.of_grounds("warn")) or "none",
            ", ".join(one.of_grounds(NOT_RUN)) or "none",
            f"{counted.count('fail')} of {len(counted)}",
            str(one.n_films),
        )

    return _of_rows(
        compared,
        ("honesty", "Shortcut share and checks of model audits"),
        ("shortcut share", "grounds: fail", "warn", "not run", "all checks: fail", "films"),
        cells,
        (
            "Shortcut share: (accuracy of the best probe that sees no anatomy − always saying the "
            "most frequent label) / (accuracy of the row − the same); 0 nothing, 1 all of what the "
            "row knows. Of the row's own films, 95 % interval over groups. Grounds are checks of "
            "what the row rests on and where it looks.",
            *_commands(
                [row for row in compared.rows if row.number not in compared.audits],
                "`spondyl audit model RUN --regions MASKS --out FOLDER`, then --audit FOLDER",
                "",
            ),
        ),
    )


def heatmaps(compared: Compared) -> Table:
    """What heatmaps scored."""

    def cells(row: Row, figures: RowFigures) -> tuple[str, ...]:
        del figures
        one = compared.looks.get(row.number)
        if one is None:
            return (NOT_RUN, *[NONE] * len(SCORES), NONE)
        means = [
            interval(one.scores[name][0], 1, 2) if name in one.scores else NOT_RUN
            for name in SCORES
        ]
        n = one.scores["energy"][1] if "energy" in one.scores else 0
        return (one.method, *means, f"{n} of {one.n_films}")

    named = {
        "energy": "energy on the spine",
        f"energy{CHANCE}": "by chance",
        OVER_CHANCE: "over chance",
        "pointing": "peak on the spine",
    }
    samples = {one.image_ids for one in compared.looks.values() if one.image_ids}
    notes = [
        "Means over each run's own sample of films, 95 % intervals over groups. Deletion: lower is "
        "better; the others: higher. By chance: the share of what is shown to the network that the "
        "mask covers, which is larger of cropped films; over chance: the one less the other.",
        "Each was asked about the label that it predicted itself: one that is less sure of its "
        "answers has a lower deletion and a lower insertion whatever its maps.",
        *(["The samples are not the same films."] if len(samples) > 1 else []),
        *_commands(
            [row for row in compared.rows if row.number not in compared.looks],
            "`spondyl study explain RUN --masks MASKS`",
            "`spondyl study ensemble RUN … --masks MASKS` into a new folder",
        ),
    ]
    return _of_rows(
        compared,
        ("heatmaps", "Where the heatmaps lie, and whether the answer hangs on them"),
        ("map", *(named.get(name, name) for name in SCORES), "films with a mask"),
        cells,
        notes,
    )


def costs(compared: Compared) -> Table:
    """What rows cost."""

    def cells(row: Row, figures: RowFigures) -> tuple[str, ...]:
        del figures
        one = compared.costs[row.number]
        return (
            _known(one.parameters, lambda n: f"{n:,.0f}"),
            _known(one.multiply_adds, lambda n: f"{n / 1e9:.2f}"),
            _known(one.training_seconds, lambda n: f"{n:.1f}"),
            _known(one.inference_ms, lambda n: f"{n:.2f}"),
        )

    machines = {one.hardware: None for one in compared.costs.values() if one.hardware}
    return _of_rows(
        compared,
        ("costs", "Size and time"),
        ("parameters", "G multiply-adds a film", "training, s a fold", "ms a film"),
        cells,
        (
            "Training by the clock of whatever machine trained; features that came from a cache "
            "are not in it. Milliseconds: in batches of 8"
            + (f", on {'; '.join(machines)}." if machines else ".")
            + " An ensemble costs what its members do together.",
        ),
    )


def own_films(compared: Compared) -> Table | None:
    """Accuracy on all films of each run, where these are more than the films in common."""
    n = compared.shared.n_films
    if all(own == n for own, _ in compared.own_films.values()):
        return None
    rows = tuple(
        (row.name, str(own), str(right), percent(right / own))
        for row in compared.shared.rows
        for own, right in [compared.own_films[row.number]]
    )
    return Table(
        "own-films",
        "Each row on all films that it was tested on",
        ("row", "films", "right", "accuracy, %"),
        rows,
        (f"These figures are of different films; all else is of the {n} films in common.",),
    )


def _of_rows(
    compared: Compared,
    slug_and_title: tuple[str, str],
    columns: Sequence[str],
    cells: Callable[[Row, RowFigures], tuple[str, ...]],
    notes: Sequence[str],
) -> Table:
    """A line for each row; one that was not run says so in it."""
    lines = tuple(
        (row.name, *cells(row, compared.figures[row.number]))
        if row.number in compared.figures
        else (row.name, NOT_RUN, *[NONE] * (len(columns) - 1))
        for row in compared.rows
    )
    return Table(*slug_and_title, ("row", *columns), lines, tuple(notes))


def _commands(lacking: Sequence[Row], of_study: str, of_vote: str) -> tuple[str, ...]:
    """The command that would run what these rows lack, as it is for a configuration and for a vote;
    "" where there is none."""
    votes = [row.name for row in lacking if row.is_vote]
    notes = [f"Not run: {of_study}."] if len(votes) < len(lacking) else []
    if votes and of_vote:
        notes.append(f"Not run of {'; '.join(votes)}: {of_vote}.")
    return tuple(notes)


def _made_of(row: Row) -> tuple[str, ...]:
    runs = ", ".join(source.name for source in row.sources)
    n = str(len(row.table)) if row.table is not None else NOT_RUN
    study = row.sources[0].of
    if not isinstance(row.of, Outcome) or not isinstance(study, Study):
        members = row.of.document["members"] if not isinstance(row.of, Outcome) else []
        return (runs, n, f"a vote of {len(members)}", NONE)
    spec = study.spec
    height, width = spec.size
    hidden = "" if spec.hide == "nothing" else f", hidden: {spec.hide}"
    crop = "whole film" if spec.crop == "none" else f"cropped to the {spec.crop}"
    weights = row.of.weights
    said = (weights.file or weights.source) if weights else NONE
    return (runs, n, f"{crop}, {spec.fit}, {height} × {width}, {spec.colour}{hidden}", said)


def _standing(compared: Compared, row: Row) -> str:
    if row not in compared.eligible:
        return "steered"
    if compared.best is None:
        return NONE
    return "yes" if row.name in compared.best.members else "no"


def _calibrated(scores: CalibrationScores | None) -> tuple[str, ...]:
    if scores is None:
        return (NOT_RUN, *[NONE] * 3)
    return (
        interval(scores.ece),
        decimal(scores.ece_if_calibrated),
        interval(scores.brier),
        interval(scores.log_loss),
    )


def _estimate(value: float, low: float, high: float) -> str:
    return f"{percent(value)} ({percent_range(low, high)})"


def _known(value: float | None, said: Callable[[float], str]) -> str:
    return NOT_RUN if value is None else said(value)
