"""Checks of where a network's answers end: strangers, other hospitals, few cases."""

from __future__ import annotations

from collections.abc import Collection

from spondyl.trust.asking.refusals import KindRefused, Refusals
from spondyl.trust.checks import Check, Evidence, Status, not_run
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict.words import OURS, share

REFUSES = 0.8
"""Share of a kind of stranger that has to be refused."""
NEAR = ("turned", "upside-down", "inverted")
"""Kinds that are films: the harder ones, of which a miss only warns."""


def of_refusals(found: Refusals | NotRun) -> Check:
    """Whether pictures that are no such film are refused, and films are not."""
    question = "Would it refuse a picture that is no film of the kind it learned from?"
    if isinstance(found, NotRun):
        return not_run("strangers", question, found.why)
    if not found.can_refuse:
        fewest = min(found.n_aside)
        return not_run(
            "strangers",
            question,
            f"{fewest} films kept aside in a fold are too few to refuse any at "
            f"{found.false_alarms:.0%} false alarms",
        )
    missed = [one for one in found.kinds if one.refused.either.value < REFUSES]
    far = [one.kind for one in missed if one.kind not in NEAR]
    alarms = found.films.either
    too_many = alarms.interval.low > found.false_alarms
    status: Status = "fail" if far else "warn" if missed or too_many else "pass"
    worst = min(found.kinds, key=lambda one: one.refused.either.value)
    said = (
        f"It refuses {alarms.value:.1%} of its own test films ({found.false_alarms:.0%} stated) "
        f"and, of strangers, at least {worst.refused.either.value:.0%} ({worst.what})."
    )
    if missed:
        said += f" Refused too rarely: {', '.join(one.kind for one in missed)}."
    return Check(
        "strangers",
        question,
        status,
        said,
        worst.refused.either.value,
        worst.refused.either.interval,
        REFUSES,
        f"share of each kind; a kind that is films itself only warns ({OURS})",
        evidence=(_kinds(found),),
    )


def of_place(n: int, tested_within: bool, sites: Collection[str]) -> Check:
    """Whether it was tested on films from elsewhere, `n` of them."""
    question = "Was it tested on films of another hospital?"
    if not tested_within:
        said = (
            f"{n} films that it did not meet in training; whether they come from elsewhere is for "
            f"the authors to say (sites stated: {', '.join(sorted(sites))})."
        )
        return Check("other-hospital", question, "pass", said)
    said = (
        f"No: its {n} films are of the cohort that it was trained on. How right it is elsewhere "
        "cannot be told from them, and is usually less."
    )
    return Check("other-hospital", question, "warn", said, source=OURS)


def _kinds(found: Refusals) -> Evidence:
    def row(one: KindRefused) -> tuple[str, ...]:
        return (
            one.what,
            str(one.n),
            share(one.refused.either),
            share(one.refused.by_energy),
            share(one.refused.by_distance),
            f"{one.auroc_energy.value:.2f}",
            f"{one.auroc_distance.value:.2f}",
        )

    columns = (
        *("pictures", "n", "refused", "by energy", "by distance"),
        *("AUROC energy", "AUROC distance"),
    )
    own = found.films
    films = (
        "its own test films",
        str(found.n_films),
        *(share(one) for one in (own.either, own.by_energy, own.by_distance)),
        *("", ""),
    )
    title = f"Refused at {found.false_alarms:.0%} false alarms, 95 % intervals"
    return Evidence(title, columns, (films, *(row(one) for one in found.kinds)))
