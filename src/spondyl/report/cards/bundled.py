"""The model card that travels in a bundle: the study's, with what the bundle itself adds to it.

It is written before the bundle has an id, since the id is the hash of all files, this one included.
No audit stands in it: an audit is of films at hand, and a reader of the card is told that there is
none in it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spondyl.explain.study import record
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration
from spondyl.reading.bundle import Bundle
from spondyl.reading.storing import CardOf
from spondyl.report.cards import model_card
from spondyl.report.cards.known import Known


def card_of(study_folder: Path, configuration: Configuration) -> CardOf:
    """What writes the card of a bundle of a study's configuration."""

    def write(bundle: Bundle) -> str:
        study = studies.load(study_folder)
        outcome = next(one for one in study.outcomes() if one.configuration == configuration)
        known = Known.of(study, outcome, record.load(study.folder, configuration))
        return model_card.render(with_bundle(known, bundle))

    return write


def with_bundle(known: Known, bundle: Bundle) -> Known:
    """What is known, and how the networks of `bundle` answer together."""
    return replace(
        known,
        ensembling=_ensembling(bundle),
        refusals=_refusals(bundle),
        calibration=f"{known.calibration} {_calibration(bundle)}".strip(),
        limitations=f"{known.limitations} {_limits(bundle)}".strip(),
    )


def _ensembling(bundle: Bundle) -> str:
    if bundle.made_of == "one network":
        return "None: one network, learned from all films but the groups that calibrate it."
    return (
        f"The calibrated probabilities of {len(bundle.members)} networks are averaged; no answer "
        f"is given unless {bundle.quorum:.0%} of them call the same label."
    )


def _refusals(bundle: Bundle) -> str:
    with_one = [one for one in bundle.members if one.detector is not None]
    if not with_one:
        return f"Nothing refuses a strange film: {bundle.members[0].why_no_detector}."
    rate = with_one[0].detector.facts["false_alarms"] if with_one[0].detector else 0
    return (
        f"{len(with_one)} of {len(bundle.members)} networks have a detector of strange films, by "
        f"energy and by distance among features, with a false alarm rate of {rate:.0%} on films "
        "like those it was made of; a film that half of them or more refuse gets no answer."
    )


def _calibration(bundle: Bundle) -> str:
    used = bundle.calibration
    said = (
        f"In the bundle all logits are divided by {used.temperature:.3g}, and a label is left out "
        f"of a film's set at a rate of {used.alpha:.0%} ({used.kind}), both by {used.n} films that "
        "the network that judged them had not learned from."
    )
    if used.bound == "lowest":
        said += " All of them were told rightly, so how sure it may be is not known."
    elif used.bound in ("clamped", "highest"):
        said += " That divisor is the end of what is tried: probabilities are not calibrated."
    if used.never_ruled_out:
        said += f" Too few films for it ever to be left out: {', '.join(used.never_ruled_out)}."
    return said


def _limits(bundle: Bundle) -> str:
    if bundle.made_of == "one network":
        return "The figures are of the study's networks, not of the one network in this bundle."
    return (
        "The figures are of one network for each film; how all of them together do is not known, "
        "since every film of the study taught most of them."
    )
