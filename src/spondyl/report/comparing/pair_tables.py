"""The tables of paired tests, of the set of the best, and of what others published."""

from __future__ import annotations

from spondyl.report.comparing.compared import Compared
from spondyl.report.ensembles.tables import interval
from spondyl.report.published import Published
from spondyl.report.published_references import Reference
from spondyl.report.result_tables import ALPHA
from spondyl.report.tables import NONE, Table
from spondyl.trust.answers.best_set import SOURCE
from spondyl.trust.answers.many_pairs import Pair
from spondyl.trust.answers.paired_tests import DeLong
from spondyl.trust.intervals import NotRun

NO_DIFFERENCE = "no difference shown"


def pairs(compared: Compared) -> Table:
    """Accuracy and macro F1 of every pair."""
    rows = tuple(
        (
            _named(compared, pair),
            interval(pair.comparison.accuracy.difference, 100, 1),
            interval(pair.comparison.macro_f1.difference, 100, 1),
            f"{pair.comparison.mcnemar.first_only} : {pair.comparison.mcnemar.second_only}",
            p_value(pair.comparison.mcnemar.p_value),
            p_value(pair.mcnemar_holm),
            verdict(pair),
        )
        for pair in compared.pairs.pairs
    )
    return Table(
        "pairs",
        f"Paired tests of accuracy: {_asked(compared)}",
        (
            *("rows", "accuracy, points", "macro F1, points", "right alone"),
            *("McNemar p", "p, Holm", "in words"),
        ),
        rows,
        (
            family(compared),
            "Differences are of all films in common, with 95 % intervals over resampled groups, "
            "each by itself and not corrected. Right alone: distinct films that only the first : "
            "only the second gets right; exact two-sided McNemar test on these.",
            "“No difference shown” is not “equal”: it says that these films cannot tell.",
        ),
    )


def areas(compared: Compared) -> Table:
    """DeLong's test of every pair and label."""
    tested = [label.label for label in compared.pairs.pairs[0].comparison.labels]
    rows = tuple(
        (
            _named(compared, pair),
            *(
                cell
                for label, p_holm in zip(pair.comparison.labels, pair.auc_holm, strict=True)
                for cell in _area(label.test, p_holm)
            ),
        )
        for pair in compared.pairs.pairs
    )
    columns = [name for label in tested for name in (f"AUC {label}", "DeLong p", "p, Holm")]
    why = dict.fromkeys(
        f"{label.label}: not run, {label.test.why}."
        for pair in compared.pairs.pairs
        for label in pair.comparison.labels
        if isinstance(label.test, NotRun)
    )
    return Table(
        "pairs-auc",
        f"Paired tests of the AUC, each label against the rest: {_asked(compared)}",
        ("rows", *columns),
        rows,
        (
            family(compared),
            "Difference of the AUC with its 95 % interval by DeLong's formula, on distinct films; "
            "pooled probabilities of as many networks as there are folds are ranked together.",
            *why,
        ),
    )


def _area(test: DeLong | NotRun, p_holm: float) -> tuple[str, ...]:
    if isinstance(test, NotRun):
        return ("not run", NONE, NONE)
    said = f"{test.difference:.3f}"
    if test.low == test.low:
        said += f" ({test.low:.3f} to {test.high:.3f})"
    return (said, p_value(test.p_value), p_value(p_holm))


def _asked(compared: Compared) -> str:
    reference = compared.pairs.reference
    return f"each row minus {reference}" if reference else "first row minus second, by number"


def _named(compared: Compared, pair: Pair) -> str:
    """The first row where all are held against one; of every two their numbers, as two names would
    leave no room for figures."""
    if compared.pairs.reference:
        return pair.comparison.first
    return f"{_number(pair.comparison.first)} − {_number(pair.comparison.second)}"


def _number(name: str) -> str:
    """The number with which a row's name begins."""
    return name.partition(".")[0]


def best(compared: Compared) -> Table | None:
    """Which rows cannot be told from the best, and what speaks most against each."""
    found = compared.best
    if found is None:
        return None
    rows = tuple(
        (
            one.name,
            f"{one.n_right} / {found.n_films}",
            "yes" if one.in_set else "no",
            _number(one.strongest.name),
            f"{one.strongest.rival_only} : {one.strongest.own_only}",
            p_value(one.strongest.p_value),
            p_value(one.strongest.p_holm),
        )
        for one in sorted(found.contenders, key=lambda one: -one.n_right)
    )
    return Table(
        "best",
        "Which rows cannot be told from the best",
        (
            *("row", "distinct films right", "in the set", "strongest rival, row"),
            *("right alone, rival : row", "p, one-sided", "p, Holm"),
        ),
        rows,
        (
            f"The best of these rows is in the set with {100 * (1 - found.alpha):g} % confidence "
            "or more, given these trained networks. A row leaves it only where some other row is "
            f"shown to be right on more films, p corrected for its {len(found.contenders) - 1} "
            f"rivals; {found.n_tests} tests in all. {SOURCE}.",
        ),
    )


def published(paper: Published) -> Table:
    """The article's own figures."""
    rows = tuple(
        (
            f"{one.network} · {one.strategy}",
            f"{one.accuracy_percent:.2f}",
            NONE if one.sd_percent is None else f"{one.sd_percent:.2f}",
            str(paper.n),
            paper.protocol,
        )
        for one in paper.configurations
    )
    return Table(
        "published-article",
        f"{paper.citation}: as published",
        ("network · strategy", "accuracy, %, mean of folds", "± SD", "films", "protocol"),
        rows,
        (f"{paper.title}. doi:{paper.doi}. {paper.data}.", *paper.notes),
    )


def references(paper: Published, cited: tuple[Reference, ...]) -> Table:
    """Its references, as far as it states them."""
    rows = tuple(
        (
            f"{one.work} [{one.number}]" if one.number else one.work,
            one.task,
            one.network,
            one.accuracy,
            one.n,
            one.protocol,
        )
        for one in cited
    )
    return Table(
        "published-references",
        f"References of {paper.citation}, as that article states them",
        ("work", "task", "network", "accuracy", "films", "protocol"),
        rows,
        (
            "At second hand: “not stated” is what the text that could be had does not say. Numbers "
            "are those of its list of references.",
            *(f"{one.work}: {one.note}" for one in cited if one.note),
        ),
    )


def family(compared: Compared) -> str:
    """How many tests there are, and what each p value is corrected for."""
    found = compared.pairs
    against = f" against {found.reference}" if found.reference else ""
    return (
        f"{len(found.pairs)} pairs{against}: {found.n_mcnemar} McNemar and {found.n_delong} DeLong "
        f"tests, {found.n_tests} comparisons, for all of which each p is corrected (Holm 1979)."
    )


def verdict(pair: Pair) -> str:
    """McNemar's test in words."""
    test = pair.comparison.mcnemar
    if pair.mcnemar_holm >= ALPHA:
        return NO_DIFFERENCE
    which = "first" if test.first_only > test.second_only else "second"
    return f"{which} more often right"


def p_value(value: float) -> str:
    """A p value with three decimals."""
    if value != value:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
