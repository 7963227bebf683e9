"""Audits of several models on one page: which to prefer, and why; each has a page of its own."""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.audits.page import AuditContents
from spondyl.report.cards.facts import exclusive
from spondyl.report.sections import Section
from spondyl.report.tables import Table
from spondyl.trust.answers.comparing import Comparison
from spondyl.trust.checks import Check
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.several import Several
from spondyl.trust.model_audit.verdict.words import points

TITLE = "Audit of several models"
QUESTION = "Which of these models may be preferred, and is any to be trusted?"


def contents(together: Several, pages: Sequence[str]) -> AuditContents:
    """What the page shows; `pages` are the paths of the audits' own pages, in their order."""
    preference = together.preference
    first = together.audits[0]
    return AuditContents(
        title=TITLE,
        subject=f"{len(together.audits)} models of {first.source}, on {first.n_films} films",
        question=QUESTION,
        intro=(
            "Accuracy is asked first, and only of models that these films can tell apart; among "
            "the others the one is preferred that fails the fewest checks of what it rests on and "
            "where it looks.",
        ),
        checks=(_preferred(together),),
        sections=(
            Section(
                "models",
                "The models side by side",
                ("The page of each: " + ", ".join(pages) + ".",),
                tables=(
                    Table("models", preference.table.title, *_cells(together)),
                    _every_check(together),
                ),
            ),
            Section(
                "comparisons",
                "Which of them these films can tell apart",
                (_conditional(together.comparisons),),
                tables=tuple(_comparisons(together.comparisons)),
            ),
        ),
        limits=(
            "Research use only, not for diagnosis: nothing here was tried on patients' care.",
            exclusive(together.audits[0].predictions.labels.names),
            "A model that is preferred here is so among these, on these films; the page of each "
            "says what was not run and what it does not prove.",
        ),
        reproduce={"models": "; ".join(one.title for one in together.audits)},
    )


def _preferred(together: Several) -> Check:
    preference = together.preference
    return Check(
        "preference",
        "Which model is to be preferred?",
        "pass" if preference.trusted else "warn",
        f"{preference.title}. {preference.why}",
        source="checks count alike; accuracy decides only between models that these films tell "
        "apart (exact McNemar, Holm-corrected)",
    )


def _cells(together: Several) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    table = together.preference.table
    return table.columns, table.rows


def _every_check(together: Several) -> Table:
    """The status of every check of every model."""
    names = [check.name for check in together.audits[0].checks]
    columns = ("check", *(one.title for one in together.audits))
    status = [{check.name: check.status for check in one.checks} for one in together.audits]
    rows = tuple((name, *(of.get(name, "not run") for of in status)) for name in names)
    return Table("every-check", "Every check", columns, rows)


def _conditional(comparisons: Sequence[Comparison | NotRun]) -> str:
    made = [one for one in comparisons if isinstance(one, Comparison)]
    return made[0].conditional if made else "No two models could be compared on the same films."


def _comparisons(comparisons: Sequence[Comparison | NotRun]) -> list[Table]:
    made = [one for one in comparisons if isinstance(one, Comparison)]
    if not made:
        return []
    rows = tuple(
        (
            f"{one.first} minus {one.second}",
            points(one.accuracy.difference),
            points(one.macro_f1.difference),
            f"{one.mcnemar.first_only} : {one.mcnemar.second_only}",
            f"{one.mcnemar.p_value:.3f}",
            one.folds.why if isinstance(one.folds, NotRun) else f"{one.folds.p_value:.3f}",
        )
        for one in made
    )
    columns = (
        *("models", "accuracy, points", "macro F1, points", "right alone"),
        *("McNemar p", "corrected t p"),
    )
    areas = tuple(
        (
            f"{one.first} minus {one.second}",
            label.label,
            label.test.why
            if isinstance(label.test, NotRun)
            else f"{label.test.difference:+.3f} [{label.test.low:+.3f}, {label.test.high:+.3f}]",
            "" if isinstance(label.test, NotRun) else f"{label.p_holm:.3f}",
        )
        for one in made
        for label in one.labels
    )
    notes = tuple(f"{name}: {null}." for name, null in made[0].nulls)
    return [
        Table("pairs", "The most accurate beside each other, 95 % intervals", columns, rows, notes),
        Table(
            "pairs-auc",
            "Differences of AUC, each label against the rest (DeLong)",
            ("models", "label", "difference", "p, Holm"),
            areas,
        ),
    ]
