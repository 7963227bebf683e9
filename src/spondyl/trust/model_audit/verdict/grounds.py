"""Checks of what networks rest on: the spine, or what could be had without one.

Hiding the spine has to cost what knowing it brought; showing it alone has to keep that. Both are
shares of what the networks know beyond chance, so a network that knew little has little to lose.
What is left without the spine is told by the mean sensitivity of the labels, which a network cannot
keep by saying one label always. Hiding has its price: a filled mask leaves an outline that may tell
a curve, filled columns leave a film that the network never saw the like of. So both are asked: what
survives both is known without the spine, and what survives one only may be.
"""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.trust.answers.discrimination import ShareReached
from spondyl.trust.asking.changes import INSERTED, Family
from spondyl.trust.asking.following import FOLLOWED, FamilyEffect
from spondyl.trust.asking.reliance import AgainstPrior, Effect, Reliance
from spondyl.trust.checks import Check, Evidence, Status, not_run
from spondyl.trust.data_audit.probing import Probed
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.verdict.words import OURS, points, share, shown

_ASKED: dict[Family, str] = {
    "marker": "Does a lead letter decide its answer?",
    "border": "Does the rim that collimation leaves decide its answer?",
    "text": "Do words burnt into the film decide its answer?",
    "tint": "Does the film's tint decide its answer?",
    "aspect": "Does the film's shape decide its answer?",
}
_HOW = {"spine-hidden": "mask", "columns-hidden": "mask's columns"}
_WHY_NOT_PUT_ON: dict[Family, str] = {"tint": "its networks are shown no colours"}
MUCH, NEARLY_ALL = 0.5, 0.9
"""Shares of what is known beyond the most frequent label: above the first a check warns, above the
second it fails."""


def of_share(found: ShareReached | NotRun, probe: Probed | None) -> Check:
    """How much of the accuracy could be had from what is not anatomy."""
    question = "How much of what it knows could be had without looking at anatomy at all?"
    if isinstance(found, NotRun) or probe is None:
        why = found.why if isinstance(found, NotRun) else "no probe was asked"
        return not_run("shortcut-share", question, why)
    value = found.share
    status: Status = "pass" if value.value < MUCH else "warn"
    if value.value >= NEARLY_ALL:
        status = "fail"
    said = (
        f"It is right on {found.model:.1%}; of what is not anatomy, {probe.name} tells most, "
        f"{found.probe:.1%}, and always saying {found.majority_label} {found.majority:.1%}. That "
        f"is {value.value:.0%} of what it knows beyond that label. It need not be using it; but "
        "on these films its accuracy cannot show that it does not."
    )
    return Check(
        "shortcut-share",
        question,
        status,
        said,
        value.value,
        value.interval,
        MUCH,
        f"warns from {MUCH:.0%}, fails from {NEARLY_ALL:.0%} ({OURS}); the probe was chosen on the "
        "same films, which flatters it",
    )


def of_spine(found: Reliance, masks_given: bool) -> tuple[Check, ...]:
    """What is left without the spine, and with nothing but the spine."""
    return (
        _hidden(found, masks_given),
        _alone(found, masks_given),
        _needed(found, masks_given),
    )


def _hidden(found: Reliance, masks_given: bool) -> Check:
    question = "When the spine is hidden, does it still know the answer?"
    if not found.without_spine:
        return not_run("spine-hidden", question, _why_not(masks_given))
    left = [_left(one) for one in found.without_spine]
    least = found.without_spine[left.index(min(left))]
    known = any(
        one.macro_sensitivity.interval.low > one.macro_by_chance for one in found.without_spine
    )
    status: Status = "pass"
    if known and max(left) > 0:
        status = "fail" if min(left) >= MUCH else "warn"
    said = (
        "Of what it knew beyond chance "
        + " and ".join(
            f"{max(part, 0):.0%} is left with the {_HOW[one.change]} filled from round it"
            for one, part in zip(found.without_spine, left, strict=True)
        )
        + f", on {least.n_films} films. An outline may tell a curve, and a strange film confuse; "
        "what survives both is known without the spine."
    )
    rows = tuple(
        (
            one.change,
            str(one.n_films),
            share(one.accuracy),
            share(one.majority),
            points(one.above),
            shown(one.macro_sensitivity),
            f"{one.macro_unchanged:.3f}",
            f"{one.macro_by_chance:.3f}",
        )
        for one in found.without_spine
    )
    columns = (
        *("", "films", "accuracy", "most frequent label", "points above"),
        *("macro sensitivity", "as they are", "by chance"),
    )
    return Check(
        "spine-hidden",
        question,
        status,
        said,
        least.macro_sensitivity.value,
        least.macro_sensitivity.interval,
        least.macro_by_chance,
        "mean sensitivity of the labels against one in their number; fails where every way of "
        f"hiding leaves {MUCH:.0%} of what was known, warns where any leaves something ({OURS})",
        evidence=(Evidence("Without the spine, 95 % intervals", columns, rows),),
    )


def _alone(found: Reliance, masks_given: bool) -> Check:
    question = "When nothing but the spine is shown, does it still know the answer?"
    effect = found.effect("spine-only")
    if effect is None:
        return not_run("spine-alone", question, _why_not(masks_given))
    majority = next((one.majority.value for one in found.without_spine), float("nan"))
    gained = effect.unchanged.value - majority
    kept = (effect.accuracy.value - majority) / gained if gained > 0 else float("nan")
    status: Status = "pass" if kept >= MUCH else "warn"
    said = (
        f"It is right on {share(effect.accuracy)} of {effect.n_films} films of which only the "
        f"spine is shown, and on {effect.unchanged.value:.1%} of them whole. A picture that it has "
        "never seen the like of may confuse it, so a loss here only warns."
    )
    return Check(
        "spine-alone",
        question,
        status,
        said,
        effect.accuracy.value,
        effect.accuracy.interval,
        majority + MUCH * gained,
        f"half of what is known beyond the most frequent label ({OURS})",
        evidence=(effects("Films changed, 95 % intervals", [effect]),),
    )


def _needed(found: Reliance, masks_given: bool) -> Check:
    question = "Does hiding the spine cost more than hiding as much beside it?"
    one = found.attributed
    if one is None:
        return not_run("spine-needed", question, _why_not(masks_given))
    costs = one.probability.interval.low > 0
    said = (
        f"On {one.n_films} films with room for both, hiding the spine costs "
        f"{points(one.spine_drop)} points of accuracy and hiding as much beside it "
        f"{points(one.control_drop)}; the true label loses {one.probability.value:.3f} more of its "
        "probability with the spine."
    )
    return Check(
        "spine-needed",
        question,
        "pass" if costs else "fail",
        said,
        one.probability.value,
        one.probability.interval,
        0.0,
        "the interval of the difference lies above 0",
    )


def of_families(found: Reliance) -> tuple[Check, ...]:
    """Whether what is put on a film, and is no anatomy, decides the answer."""
    return tuple(_family(found.family(family), family) for family in INSERTED)


def _family(one: FamilyEffect | None, family: Family) -> Check:
    question = _ASKED[family]
    if one is None or one.steered is None:
        return not_run(family, question, _WHY_NOT_PUT_ON.get(family, "it could not be put on"))
    first, second = one.drawn[0], one.steered
    status: Status = "fail" if one.followed else "warn" if one.disturbs else "pass"
    said = (
        f"Choosing {second.by} instead of {second.away} draws {share(second.share)} of the other "
        f"films to {second.label}"
    )
    said += f", and {first.by} instead of {first.away} {share(first.share)} to {first.label}."
    if status == "fail":
        said += " So it has given the variants a meaning, which they do not have."
    elif status == "warn":
        said += " It is disturbed by what it never saw, and drawn to one label, not to two."
    return Check(
        family,
        question,
        status,
        said,
        second.share.value,
        second.share.interval,
        FOLLOWED,
        "share of films drawn to a second label by the choice of variant, lower end of its "
        f"interval; warns where they are drawn to one ({OURS})",
        evidence=(_variants(one),),
    )


def _variants(one: FamilyEffect) -> Evidence:
    rows = tuple(
        (pull.change, pull.label, shown(pull.rise), points(pull.called)) for pull in one.pulls
    )
    columns = ("put on", "pulls to", "rise of its probability", "points more films called so")
    return Evidence("Each variant, 95 % intervals", columns, rows)


def effects(title: str, rows: Sequence[Effect]) -> Evidence:
    """What changes do to the answers, as a table."""
    columns = ("change", "films", "accuracy", "points lost", "other label said")
    return Evidence(
        title,
        columns,
        tuple(
            (
                one.change,
                str(one.n_films),
                share(one.accuracy),
                points(one.drop),
                share(one.flipped),
            )
            for one in rows
        ),
    )


def _left(one: AgainstPrior) -> float:
    """Share of what was known of these films beyond chance that is left; 0 where nothing was."""
    known = one.macro_unchanged - one.macro_by_chance
    return (one.macro_sensitivity.value - one.macro_by_chance) / known if known > 0 else 0.0


def _why_not(masks_given: bool) -> str:
    if masks_given:
        return "no film has a mask that the change could use"
    return "no spine masks were given: make them with `spondyl measure FILMS --out MEASURED`"
