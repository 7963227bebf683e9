"""A reading in sentences for people who are no statisticians: terminal, picture and page say these.

No sentence says more than its number: a label "cannot be ruled out", an interval "is meant to
hold", and no share is ever rounded to certainty. Names and labels come from files, so whatever
steers a terminal or turns the direction of writing is taken out of them. The price: a name that
holds such signs is not shown as it is.
"""

from __future__ import annotations

import unicodedata

from spondyl.measure.cobb import Curve, Interval
from spondyl.measure.measurement import Measurement
from spondyl.reading.record import Reading

NO_ANSWER = "No answer"
LINES = "Lines are the vertebrae's mid-lines, moved to the end plates; the angle is between them."
SIDES = "Right and left are the patient's, if the film shows the patient face to face."
_UNSHOWN = "\ufffd"
_TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def lines(reading: Reading) -> tuple[str, ...]:
    """The reading in at most six lines for a terminal, name and answer first."""
    told = (
        " ".join(doubts(reading)),
        " ".join((*label_set(reading), *votes(reading))),
        " ".join(measured(reading.measurement)),
        _listed("Warnings", sentences(reading.warnings)),
        _listed("Not done", sentences(reading.not_run)),
    )
    return f"{shown(reading.film.name)}: {answer(reading)}", *filter(None, told)


def answer(reading: Reading) -> str:
    """Label and probability, such as "scoliosis, 93 %"; "No answer" where there are doubts."""
    if reading.answer is None:
        return NO_ANSWER
    return f"{shown(reading.answer)}, {share(reading.probability)}"


def doubts(reading: Reading) -> tuple[str, ...]:
    """Why there is no answer, a sentence each; none where there is one."""
    return sentences(tuple(doubt.why for doubt in reading.doubts))


def label_set(reading: Reading) -> tuple[str, ...]:
    """Which labels cannot be ruled out, and how often such a list holds the true one; nothing where
    the bundle has no thresholds."""
    found = reading.label_set
    if found is None:
        return ()
    if not found.labels:
        which = "Such a film would be unusual under every label."
    elif len(found.labels) == len(reading.labels):
        which = "No label can be ruled out."
    else:
        which = f"Cannot be ruled out: {', '.join(map(shown, found.labels))}."
    return which, (
        f"Lists made so are meant to hold the true label of {_of_hundred(1 - found.alpha)} films "
        "like the training films."
    )


def votes(reading: Reading) -> tuple[str, ...]:
    """Whether the networks agree, and which of them had learned from the film."""
    number, called = len(reading.networks), reading.votes
    if number == 1:
        said = f"One network was asked, so there is no second opinion; it says {_first(called)}."
    elif len(called) == 1:
        said = f"{'Both' if number == 2 else f'All {number}'} networks say {_first(called)}."
    else:
        parties = ", ".join(f"{n} {shown(label)}" for label, n in called.items())
        said = f"The {number} networks do not agree: {parties}."
    learned = set(reading.learned_from_it)
    if not learned:
        return (said,)
    if learned & {one.fold for one in reading.networks}:
        return said, "They learned from this very film, so this may be memory."
    left_out = f"{len(learned)} network{'s' if len(learned) > 1 else ''}"
    return said, f"{left_out} had learned from this very film and did not answer."


def measured(measurement: Measurement | None) -> tuple[str, ...]:
    """The curves, or why there are no angles; nothing where nothing was asked."""
    if measurement is None:
        return ()
    if measurement.cobb_degrees is None:
        return (f"Not measured: {sentence(measurement.refusal or 'no reason stated', False)}",)
    said = tuple(map(curve, measurement.curves)) or (_straight(measurement),)
    return *said, *interval_note(measurement)


def curve(one: Curve) -> str:
    """A curve as a sentence, such as "Right thoracic curve, T5 to L1, apex T9: Cobb angle 31° (27
    to 36°)."."""
    edge = ", at least: it may go on beyond what was found" if one.at_edge else ""
    return (
        f"{one.side.capitalize()} {one.region} curve, {one.upper} to {one.lower}, apex {one.apex}: "
        f"Cobb angle {degrees(one.cobb_degrees, one.interval_degrees)}{edge}."
    )


def interval_note(measurement: Measurement) -> tuple[str, ...]:
    """What the intervals of the angles mean; nothing where there are none."""
    if measurement.interval_level is None:
        return ()
    held = _of_hundred(measurement.interval_level)
    return (f"Intervals in brackets are meant to hold the angle of {held} films.",)


def heat(reading: Reading) -> tuple[str, ...]:
    """What the heat is of, by what it is scaled, and what it does not say."""
    heatmap, label = reading.heatmap, f"“{shown(reading.heatmap.label)}”"
    height, width = heatmap.signed.shape
    number = len(reading.networks)
    by = "by one network" if number == 1 else f"mean of {number} networks"
    first = f"Heat: {shown(heatmap.method)} for {label}, {by}, {height} × {width} cells."
    if heatmap.peak <= 0:
        return first, f"It found nothing in this film that speaks for {label}."
    return (
        first,
        f"The hottest place is this film's own peak, {heatmap.peak:.3g} {shown(heatmap.unit)}.",
        f"Heat shows what spoke for {label}, coarsely; it does not outline disease.",
    )


def share(probability: float) -> str:
    """A probability in whole per cent, never 0 and never 100: "over 99 %"."""
    if probability != probability:
        return "undefined"
    whole = round(100 * probability)
    return "over 99 %" if whole >= 100 else "under 1 %" if whole <= 0 else f"{whole} %"


def degrees(angle: float, interval: Interval | None) -> str:
    """An angle with its interval, such as "31° (27 to 36°)"."""
    around = "" if interval is None else f" ({interval[0]:.0f} to {interval[1]:.0f}°)"
    return f"{angle:.0f}°{around}"


def sentences(texts: tuple[str, ...]) -> tuple[str, ...]:
    """`texts`, each as a sentence that may be shown."""
    return tuple(sentence(text) for text in texts)


def sentence(text: str, capital: bool = True) -> str:
    """`text` with a stop last and, if asked, a capital first, fit to be shown."""
    said = shown(text).strip()
    said = said[:1].upper() + said[1:] if capital else said
    return said if said.endswith((".", "!", "?")) else f"{said}."


def shown(text: str) -> str:
    """`text` on one line, with a mark for each sign that steers a terminal, turns the direction of
    writing, or is no character."""
    return "".join(
        _UNSHOWN if unicodedata.category(sign) in ("Cc", "Cs") or ord(sign) in _TURNING else sign
        for sign in " ".join(text.split())
    )


def _straight(measurement: Measurement) -> str:
    angles, intervals = measurement.cobb_degrees, measurement.interval_degrees
    assert angles is not None
    largest = degrees(angles[0], None if intervals is None else intervals[0])
    return f"No curve of 10° or more; the largest angle between two vertebrae is {largest}."


def _of_hundred(rate: float) -> str:
    return f"{100 * rate:.3g} of 100"


def _first(called: dict[str, int]) -> str:
    return shown(next(iter(called)))


def _listed(head: str, said: tuple[str, ...]) -> str:
    return f"{head}: {' '.join(said)}" if said else ""
