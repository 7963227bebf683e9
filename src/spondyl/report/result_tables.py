"""Tables of what was measured: scores, classes, comparisons, weights, and published figures beside.

Every configuration has a row in every table of scores; one that was not run says so in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spondyl.learn.outcome import Outcome
from spondyl.report.published import Published, PublishedConfiguration
from spondyl.report.summary import Compared, Scored
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range, spread
from spondyl.trust.intervals import Interval

ALPHA = 0.05
"""Below this a corrected p is called a difference."""
NOT_RUN = "not run"


def pooled(outcomes: Sequence[Outcome], scored: Sequence[Scored]) -> Table:
    """Scores over all out-of-fold predictions, with intervals."""
    columns = (
        *("configuration", "films", "groups", "right", "accuracy %", "95 % by groups"),
        *("95 % Wilson", "macro F1 %", "95 % by groups", "macro AUC"),
    )
    return Table(
        "scores-pooled",
        "Scores pooled over folds",
        columns,
        _rows(outcomes, scored, _pooled_row, len(columns)),
        (
            "Each film once, predicted by the network that had not seen it.",
            "“By groups”: percentile bootstrap that draws groups of films, 2,000 times. Wilson "
            "takes films as independent. Both are conditional on these trained networks.",
            "Where every film is right the bootstrap has no width; there read Wilson.",
            "Pooled AUC ranks probabilities of different networks, one per fold, against each "
            "other; the table by fold does not.",
        ),
    )


def by_fold(outcomes: Sequence[Outcome], scored: Sequence[Scored]) -> Table:
    """Mean and standard deviation of the scores of single folds."""
    columns = (
        *("configuration", "folds", "accuracy %", "sensitivity %", "specificity %", "precision %"),
        *("F1 %", "AUC", "Brier", "log loss"),
    )
    return Table(
        "scores-by-fold",
        "Mean ± standard deviation over folds (macro)",
        columns,
        _rows(outcomes, scored, _fold_row, len(columns)),
        (
            "Standard deviation with n − 1; it is the spread of folds and no confidence interval, "
            "because the folds' training parts overlap.",
            "A class that was never predicted has precision 0; a class that a fold does not hold "
            "is left out of that fold's macro means.",
            "Brier score 0 to 2, log loss in nats; lower is better for both.",
        ),
    )


def per_class(scored: Sequence[Scored]) -> Table:
    """Sensitivity, specificity, precision, F1 and AUC of every class, pooled."""
    rows = [
        (
            one.name,
            c.label,
            str(c.n),
            percent(c.sensitivity),
            _range(one.sensitivity_wilson[column]),
            *(percent(value) for value in (c.specificity, c.precision, c.f1)),
            decimal(c.auc),
            f"{one.auc_groups[column].low:.3f}–{one.auc_groups[column].high:.3f}",
        )
        for one in scored
        for column, c in enumerate(one.pooled.classes)
    ]
    columns = (
        *("configuration", "class", "films", "sensitivity %", "95 % Wilson", "specificity %"),
        *("precision %", "F1 %", "AUC", "95 % by groups"),
    )
    return Table("scores-by-class", "Scores by class, pooled over folds", columns, tuple(rows))


def comparisons(compared: Sequence[Compared]) -> Table:
    """Which configurations differ on the same films, and by how many films that is decided."""
    rows = [
        (
            f"{c.pair.first} against {c.pair.second}",
            str(c.pair.n_films),
            str(c.pair.first_only),
            str(c.pair.second_only),
            str(c.pair.decided_by),
            _p(c.pair.p_value),
            _p(c.p_holm),
            verdict(c),
        )
        for c in compared
    ]
    columns = (
        *("first against second", "films", "only first right", "only second right"),
        *("decided by", "p", "p corrected", "in words"),
    )
    notes = (
        "Exact McNemar test, two-sided, on one film per group (the one whose id sorts first); "
        "corrected for the number of comparisons by Holm's method.",
        "“No difference shown” is not “equal”: it says that these films cannot tell.",
    )
    return Table("comparisons", "Paired comparisons on the same films", columns, tuple(rows), notes)


def verdict(compared: Compared) -> str:
    """A comparison in words."""
    if compared.p_holm >= ALPHA:
        return "no difference shown"
    pair = compared.pair
    return (
        "first more often right"
        if pair.first_only > pair.second_only
        else ("second more often right")
    )


def weights(outcomes: Sequence[Outcome]) -> Table:
    """Where each network's tensors came from before training."""
    rows = [
        (
            str(outcome.configuration),
            "run" if outcome.predictions else NOT_RUN,
            record.source if record else NONE,
            (record.file if record else "") or NONE,
            (record.sha256[:16] if record else "") or NONE,
            str(record.n_loaded) if record else NONE,
            str(record.n_random) if record else NONE,
            (", ".join(record.random_parts) if record else "") or NONE,
        )
        for outcome in outcomes
        for record in [outcome.weights]
    ]
    columns = (
        *("configuration", "state", "source", "file", "sha256 (16 of 64)", "tensors from file"),
        *("tensors at random", "random parts"),
    )
    notes = tuple(f"{o.configuration}: not run. {o.not_run}" for o in outcomes if o.not_run)
    return Table("weights", "Initial weights of each network", columns, tuple(rows), notes)


def beside_published(
    outcomes: Sequence[Outcome], scored: Sequence[Scored], published: Published
) -> Table:
    """Ours and theirs in neighbouring rows, each with its own protocol and number of films."""
    ours = {id(s.outcome): s for s in scored}
    rows: list[tuple[str, ...]] = []
    for theirs in published.configurations:
        rows.append(_published_row(theirs, published))
        rows += [
            _our_row(outcome, ours.get(id(outcome)))
            for outcome in outcomes
            if _same(outcome, theirs)
        ]
    rows += [
        _our_row(outcome, ours.get(id(outcome)))
        for outcome in outcomes
        if not any(_same(outcome, theirs) for theirs in published.configurations)
    ]
    columns = (
        *("network · strategy", "whose", "protocol", "n", "accuracy %", "± SD of folds"),
        *("wrong", "AUC by class"),
    )
    notes = (
        f"{published.citation}: {published.title}. doi:{published.doi}. {published.data}.",
        *published.notes,
        "Ours: films of a group share a fold; the protocols are described under Methods.",
    )
    return Table("published", "Published figures beside ours", columns, tuple(rows), notes)


def _rows(
    outcomes: Sequence[Outcome],
    scored: Sequence[Scored],
    row: Callable[[Scored], tuple[str, ...]],
    n_columns: int,
) -> tuple[tuple[str, ...], ...]:
    """A row per configuration, in order; one that was not run keeps its place."""
    found = {id(one.outcome): row(one) for one in scored}
    return tuple(
        found.get(id(o), (str(o.configuration), NOT_RUN, *(NONE,) * (n_columns - 2)))
        for o in outcomes
    )


def _range(interval: Interval) -> str:
    return percent_range(interval.low, interval.high)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _pooled_row(one: Scored) -> tuple[str, ...]:
    scores = one.pooled
    return (
        one.name,
        str(scores.n),
        str(one.n_groups),
        str(scores.n_correct),
        percent(scores.accuracy),
        _range(one.accuracy_groups),
        _range(one.accuracy_wilson),
        percent(scores.macro_f1),
        _range(one.macro_f1_groups),
        decimal(scores.macro_auc),
    )


def _fold_row(one: Scored) -> tuple[str, ...]:
    mean, sd = one.folds.mean, one.folds.sd
    shares = (
        "accuracy",
        *(f"macro_{s}" for s in ("sensitivity", "specificity", "precision", "f1")),
    )
    return (
        one.name,
        str(len(one.folds.folds)),
        *(spread(mean[name], sd[name], scale=100, digits=1) for name in shares),
        spread(mean["macro_auc"], sd["macro_auc"]),
        *(spread(mean[name], sd[name], digits=2) for name in ("brier", "log_loss")),
    )


def _same(outcome: Outcome, theirs: PublishedConfiguration) -> bool:
    ours = outcome.configuration
    return (ours.network, ours.strategy) == (theirs.network, theirs.strategy)


def _published_row(theirs: PublishedConfiguration, published: Published) -> tuple[str, ...]:
    return (
        f"{theirs.network} · {theirs.strategy}",
        published.citation,
        published.protocol,
        str(published.n),
        f"{theirs.accuracy_percent:.2f}",
        f"{theirs.sd_percent:.2f}" if theirs.sd_percent is not None else NONE,
        str(theirs.errors),
        ", ".join(f"{a.label} {a.said}" for a in theirs.auc) or NONE,
    )


def _our_row(outcome: Outcome, one: Scored | None) -> tuple[str, ...]:
    ours = outcome.configuration
    head = (f"{ours.network} · {ours.strategy}", "ours", ours.protocol)
    if one is None:
        return (*head, NONE, NOT_RUN, NONE, NONE, NONE)
    scores, sd = one.pooled, one.folds.sd["accuracy"]
    return (
        *head,
        str(scores.n),
        f"{100 * scores.accuracy:.2f}",
        NONE if sd != sd else f"{100 * sd:.2f}",
        str(scores.n - scores.n_correct),
        ", ".join(f"{c.label} {decimal(c.auc)}" for c in scores.classes),
    )
