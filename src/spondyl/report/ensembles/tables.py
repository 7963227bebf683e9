"""The tables of an ensemble's page."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.ensembles.made import Made
from spondyl.report.tables import NONE, Table, decimal, percent
from spondyl.trust.answers.comparing import Comparison
from spondyl.trust.answers.ensemble_figures import Figures
from spondyl.trust.answers.ensembling import Scale, Vote
from spondyl.trust.asking.map_consistency import Agreement, MapFigures, Placed
from spondyl.trust.intervals import Estimate, NotRun

_PERCENT = 100.0
_FEW = 3
"""Pairs of members that a sentence can name."""


def interval(estimate: Estimate, scale: float = 1.0, digits: int = 3) -> str:
    """An estimate and its interval: "0.912 (0.870–0.944)"."""
    low, high = estimate.interval.low, estimate.interval.high
    said = decimal(scale * estimate.value, digits)
    if low != low:
        return said
    between = " to " if scale * low < 0 else "–"
    return f"{said} ({decimal(scale * low, digits)}{between}{decimal(scale * high, digits)})"


def figures(made: Made) -> Table:
    """Members, the chosen one, the ensemble: how often right and how sure."""
    worth = made.worth
    chosen = [] if isinstance(worth.chosen, NotRun) else [worth.chosen]
    rows = tuple(_row(one) for one in (*worth.members, *chosen, worth.ensemble))
    notes = [
        "In brackets: 95 % intervals over groups of films. Distinct films: of the films that show "
        "one picture, or one patient where that is stated, the first by name.",
        f"Temperatures were fitted on {made.vote.scaled_on}.",
    ]
    if isinstance(worth.chosen, NotRun):
        notes.append(f"{worth.chosen.why}.")
    return Table(
        "figures",
        "The ensemble beside its members, out of fold",
        (
            *("", "films right", "accuracy, %", "distinct films right", "accuracy of these, %"),
            *("macro F1", "macro AUC", "Brier score", "log loss, nats"),
        ),
        rows,
        tuple(notes),
    )


def _row(one: Figures) -> tuple[str, ...]:
    return (
        one.name,
        f"{one.n_right} / {one.n}",
        interval(one.accuracy, _PERCENT, 1),
        f"{one.n_right_distinct} / {one.n_distinct}",
        percent(one.accuracy_distinct),
        interval(one.macro_f1),
        decimal(one.macro_auc, 4),
        interval(one.brier),
        interval(one.log_loss),
    )


def weights(vote: Vote) -> Table:
    """How much each member counts in each fold, and what its logits are divided by."""
    folds = [one.fold for one in vote.weights]
    rows = []
    for at, name in enumerate(vote.names):
        rows.append((name, "weight", *(decimal(one.values[at]) for one in vote.weights)))
        if vote.scales[at]:
            rows.append((name, "temperature", *map(_scale, vote.scales[at])))
    if vote.tunes:
        rows.append(("vote", "tune loss", *(decimal(one.tune_loss, 4) for one in vote.weights)))
        rows.append(
            ("equal weights", "tune loss", *(decimal(one.equal_loss, 4) for one in vote.weights))
        )
    how = {
        "equal": "Weights are equal; nothing chose them.",
        "tune": "Weights have the least cross-entropy on the fold's tune part, some fifty films on "
        "a small cohort: they are noisy, and jump from fold to fold.",
    }
    chosen = "; ".join(f"fold {fold} {name}" for fold, name in vote.chosen_members)
    return Table(
        "weights",
        "Weights and temperatures, fold by fold",
        ("member", "", *(f"fold {fold}" for fold in folds)),
        tuple(rows),
        (
            how[vote.weighting],
            "A star: no temperature follows from the films to fit it on. It is 1, the member being "
            "taken at its word, where they were told apart without error or all alike; elsewhere "
            "it is the end of what is tried.",
            *([f"Chosen on the tune part: {chosen}."] if chosen else []),
        ),
    )


def _scale(scale: Scale) -> str:
    return f"{scale.value:.3f}{'*' if scale.bound else ''}"


def brought(made: Made) -> Table:
    """What each member brings."""
    rows = tuple(
        (
            one.name,
            decimal(one.weight),
            percent(one.agrees),
            str(one.alone_wrong),
            str(one.alone_right),
            percent(one.accuracy_without),
            decimal(one.log_loss_without),
        )
        for one in made.worth.brought
    )
    ambiguity = made.worth.ambiguity
    shared = made.worth.both_wrong
    both = "; ".join(f"{a} and {b} {n}" for a, b, n in shared)
    if len(shared) > _FEW:
        counts = [n for _, _, n in shared]
        both = f"{min(counts)} to {max(counts)}, pair by pair in ensemble.json"
    return Table(
        "brought",
        "What each member brings to the vote",
        (
            *("member", "mean weight", "says what the vote says, %", "only the vote is right"),
            *("only the member is right", "accuracy without it, %", "log loss without it"),
        ),
        rows,
        (
            f"Brier score of the vote {ambiguity.vote:.4f} = mean of the members "
            f"{ambiguity.members:.4f} − their distance from the vote {ambiguity.distance:.4f} "
            "(Krogh & Vedelsby 1995): only members that disagree bring anything.",
            f"Films that both of two members get wrong: {both}. At least one member is right on "
            f"{percent(made.worth.any_right)} % of films.",
        ),
    )


def comparisons(made: Made) -> Table:
    """The ensemble against the chosen member and against each."""
    rows = [("the member chosen on the tune part", *_against(made.worth.against_chosen, NONE))]
    rows += [
        (name, *_against(one.comparison, decimal(one.p_holm)))
        for name, one in zip(made.vote.names, made.worth.against_members, strict=True)
    ]
    made_of = [one.comparison for one in made.worth.against_members]
    nulls = next((one.nulls for one in made_of if isinstance(one, Comparison)), ())
    return Table(
        "comparisons",
        "The ensemble minus each of them",
        (
            *("", "accuracy, points", "macro F1", "right alone", "McNemar p", "McNemar p, Holm"),
            "corrected t p",
        ),
        tuple(rows),
        (
            "Right alone: distinct films that only the ensemble : only the other gets right.",
            *(f"{name}: {null}." for name, null in nulls if name != "DeLong"),
        ),
    )


def _against(one: Comparison | NotRun, p_holm: str) -> tuple[str, ...]:
    if isinstance(one, NotRun):
        return (f"not run: {one.why}", *[NONE] * 5)
    return (
        interval(one.accuracy.difference, _PERCENT, 1),
        interval(one.macro_f1.difference),
        f"{one.mcnemar.first_only} : {one.mcnemar.second_only}",
        decimal(one.mcnemar.p_value),
        p_holm,
        NONE if isinstance(one.folds, NotRun) else decimal(one.folds.p_value),
    )


def consistency(figures: MapFigures) -> list[Table]:
    """How far maps agree, by right and wrong; all members first, then two by two."""
    head = ("", "films", "n", "rank correlation", "Dice of hottest fifths")
    said = {
        "random": "baseline: two random maps",
        "centre": "baseline: a member's map and a blob in the centre",
        "another fold": "baseline: one configuration, networks of two folds",
    }

    def rows(found: Sequence[Agreement]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (
                said.get(one.of, one.of),
                one.films,
                str(one.n),
                interval(one.rank) if one.n else NONE,
                interval(one.dice) if one.n else NONE,
            )
            for one in found
        )

    notes = (
        f"{figures.n_films} films: all {figures.n_wrong} that the vote got wrong, and right ones "
        "drawn evenly. Maps before the ReLU, on cells that all members share, all asked about the "
        "label that the vote says. 95 % intervals over groups of films.",
        "The network of the other fold learned from the film or was steered by it.",
    )
    title = "How far maps agree"
    tables = [Table("consistency", title, head, rows(figures.agreement), notes)]
    if len(figures.pairs) > len({"right", "wrong"}):
        tables.append(
            Table("consistency-pairs", "Two members at a time", head, rows(figures.pairs))
        )
    return tables


def detection(figures: MapFigures) -> Table:
    """Whether low agreement tells errors, beside what costs no map."""
    rows = tuple(
        (
            one.by,
            one.of,
            str(one.n_wrong),
            str(one.n_right),
            interval(one.auc) if one.auc.value == one.auc.value else "too few errors",
        )
        for one in figures.detection
    )
    return Table(
        "detection",
        "Does it tell errors when it is low?",
        ("what is low", "error", "n wrong", "n right", "AUC"),
        rows,
        (
            "½ is chance; 1 where every wrong film lies below every right one. Right films count "
            "for as many as were not drawn. The last two cost no map: maps that do not beat them "
            "tell nothing that was not known.",
        ),
    )


def spine(placed: Placed) -> Table:
    """Share of heat on the spine."""
    rows = [(name, interval(one)) for name, one in placed.members]
    rows += [
        ("the ensemble's map", interval(placed.ensemble)),
        ("chance: the mask's share of the film", interval(placed.chance)),
        ("ensemble − mean of the members, paired", interval(placed.gain)),
        (f"ensemble − {placed.over_best[0]}, paired", interval(placed.over_best[1])),
    ]
    return Table(
        "spine",
        f"Share of heat on the spine, {placed.n} films with a mask",
        ("map", "share of heat"),
        tuple(rows),
        ("The last row's member is the best on these very films, which flatters it.",),
    )
