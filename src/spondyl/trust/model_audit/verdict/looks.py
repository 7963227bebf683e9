"""Checks of heatmaps: on the spine or not, made by what was learned or not, steady, and shared.

A heatmap on the spine does not prove that the network uses it, and one off it proves less than a
hidden spine that changes nothing; so these checks stand beside those of reliance, never for them.
"""

from __future__ import annotations

from spondyl.trust.asking.agreeing import Agreement
from spondyl.trust.asking.looking import CHANCE, Looked
from spondyl.trust.asking.map_findings import Places, Sanity, Steadiness
from spondyl.trust.checks import Check, Evidence, Status, not_run
from spondyl.trust.heatmap_scores import Average, Judgement
from spondyl.trust.intervals import Estimate, NotRun
from spondyl.trust.model_audit.verdict.words import OURS, share, shown

SURVIVES = 0.1
"""Share of maps that may outlive the weights."""
KAPPA = 0.6
"""Below this agreement is no more than moderate (Landis and Koch 1977)."""


def of_looks(found: Looked) -> tuple[Check, ...]:
    """All checks of heatmaps."""
    return (
        of_places(found.places, found.method),
        of_sanity(found.sanity),
        of_steadiness(found.steadiness),
        of_agreement(found.agreement),
    )


def of_places(found: Places | NotRun, method: str) -> Check:
    """Whether maps lie on the spine more than maps that know nothing."""
    question = "Do its heatmaps lie on the spine?"
    if isinstance(found, NotRun):
        return not_run("heatmaps-on-spine", question, found.why)
    (judged,) = found.energy.methods
    lost = judged.does_not_beat
    status: Status = "fail" if CHANCE in lost else "warn" if lost else "pass"
    average = judged.average
    said = (
        f"{average.mean:.0%} of their heat ({method}) is on the spine; "
        + ", ".join(f"{one.name} {one.mean:.0%}" for one in found.energy.baselines)
        + f". It {found.energy.sentence(average.name)}."
    )
    return Check(
        "heatmaps-on-spine",
        question,
        status,
        said,
        average.mean,
        average.interval,
        next((one.mean for one in found.energy.baselines if one.name == CHANCE), None),
        "chance is the spine's share of the film; fails where not even that is beaten, warns where "
        f"a map that knows nothing of the network is not ({OURS})",
        evidence=tuple(_judged(one) for one in (found.energy, found.pointing)),
    )


def of_sanity(found: Sanity | NotRun) -> Check:
    """Whether maps vanish with what was learned."""
    question = "Do its heatmaps come from what it learned, and not from the film's own edges?"
    if isinstance(found, NotRun):
        return not_run("heatmaps-of-learning", question, found.why)
    survived = found.unchanged.mean
    if survived != survived:
        why = "no map as learned and with random weights can be ranked: their cells are all alike"
        return not_run("heatmaps-of-learning", question, why)
    status: Status = "pass" if survived <= SURVIVES else "warn" if survived <= 0.5 else "fail"
    (judged,) = found.randomised.methods
    said = (
        f"With random weights {survived:.0%} of {found.n_films} maps stay what they were; their "
        f"rank correlation with the maps as learned is {judged.average.mean:.2f}."
    )
    return Check(
        "heatmaps-of-learning",
        question,
        status,
        said,
        survived,
        found.unchanged.interval,
        SURVIVES,
        f"randomised weights (Adebayo et al. 2018); {OURS}",
        evidence=(_averages(found),),
    )


def of_steadiness(found: Steadiness | NotRun) -> Check:
    """Whether maps stay when films change that mean the same."""
    question = "Do its heatmaps stay where they are when the film is moved or lit a little?"
    if isinstance(found, NotRun):
        return not_run("heatmaps-steady", question, found.why)
    parts = (found.shifted, found.shaded, found.mirrored)
    lost = [one.score for one in parts if one.methods[0].does_not_beat]
    least = min((one.methods[0].average for one in parts), key=lambda one: one.mean)
    said = "Rank correlation with the maps of the unchanged films: " + ", ".join(
        f"{one.score} {one.methods[0].average.mean:.2f}" for one in parts
    )
    return Check(
        "heatmaps-steady",
        question,
        "warn" if lost else "pass",
        said + ".",
        least.mean,
        least.interval,
        None,
        "maps of different films, which they have to beat",
        evidence=tuple(_judged(one) for one in parts),
    )


def of_agreement(found: Agreement | NotRun) -> Check:
    """Whether the folds' networks say the same."""
    question = "Do its networks, each trained on other films, say the same of a film?"
    if isinstance(found, NotRun):
        return not_run("agreement", question, found.why)
    low = found.kappa.interval.low
    status: Status = "pass" if low >= KAPPA else "warn"
    said = (
        f"All {found.n_networks} say one label of {share(found.all_agree)} of {found.n_films} "
        f"films; Fleiss' kappa {shown(found.kappa)}."
    )
    if found.is_upper_bound:
        said += (
            f" {found.met:.0%} of these answers are of films that the network had met, so this is "
            "more than they would agree on new films."
        )
    return Check(
        "agreement",
        question,
        status,
        said,
        found.kappa.value,
        found.kappa.interval,
        KAPPA,
        "lower end of the interval of kappa (Landis and Koch 1977: substantial)",
    )


def _judged(one: Judgement) -> Evidence:
    rows = [_row(judged.average) for judged in one.methods]
    rows += [_row(average) for average in one.baselines]
    return Evidence(one.score, ("", "mean (95 % interval)", "films"), tuple(rows))


def _row(one: Average) -> tuple[str, str, str]:
    return one.name, shown(Estimate(one.mean, one.interval)), str(one.n_defined)


def _averages(found: Sanity) -> Evidence:
    named = {
        "all weights random": found.randomised.methods[0].average,
        "head random": found.randomised_head,
        "never trained": found.untrained,
        "asked about the second label": found.other_label,
    }
    rows = tuple((name, *_row(one)[1:]) for name, one in named.items())
    title = "Rank correlation with the maps as learned"
    return Evidence(title, ("", "mean (95 % interval)", "films"), rows)
