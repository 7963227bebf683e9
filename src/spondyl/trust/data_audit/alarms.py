"""From what probes said to the checks of an audit: what raises an alarm, what only warns.

A probe of what is not anatomy fails where it beats shuffled labels, under folds of whole groups and
after Holm's correction for all such probes, so that clean films raise one alarm or more in one
audit of twenty at most. Context raises none, however well it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from spondyl.data.cohort import Cohort
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.trust.checks import Check, Evidence, not_run
from spondyl.trust.data_audit import probing
from spondyl.trust.data_audit.label_errors import Suspicions
from spondyl.trust.data_audit.probing import Folding, Probe, Probed
from spondyl.trust.intervals import LEVEL, holm

ALPHA = 1 - LEVEL
"""Share of clean cohorts that may raise one alarm or more."""
_FEW = 40  # numbers of a probe, at most, that are worth a look one by one
_SUSPECTS = 20  # films listed, at most


def of_probes(
    probes: Sequence[Probe],
    probed: Sequence[Probed],
    folding: Folding,
    beside: Mapping[str, Evidence],
) -> tuple[Check, ...]:
    """A check for each probe of what is not anatomy, under grouped folds; `beside` has more to show
    of some, by name."""
    values = {one.name: one for one in probes}
    suspects = [one for one in probed if one.kind == "not-anatomy" and one.folds == "grouped"]
    corrected = holm([one.null.p_value for one in suspects])
    return tuple(
        _alarm(one, p, values[one.name], folding, beside.get(one.name))
        for one, p in zip(suspects, corrected, strict=True)
    )


def _alarm(
    one: Probed, p_value: float, asked: Probe, folding: Folding, beside: Evidence | None
) -> Check:
    told = p_value <= ALPHA
    share = f"{one.accuracy:.1%} of {len(one.predictions)} films are told by it"
    said = f"{share}; always the most frequent label tells {one.majority:.1%} (p = {p_value:.3f})."
    if told and one.accuracy <= one.majority:
        said += (
            f" By itself it changes few calls, but it shifts the odds: it explains "
            f"{one.explained:.1%} of how the labels are spread."
        )
    if not told:
        said += " No more is seen in it than in shuffled labels; with more films it might be."
    evidence = [] if beside is None else [beside]
    if len(asked.columns) <= _FEW:
        strongest = probing.associations(asked, folding)
        rows = tuple((name, f"{eta:.3f}", f"{p:.3f}") for name, eta, p in strongest)
        evidence.append(Evidence("Each number by itself", ("number", "η²", "p, uncorrected"), rows))
        if told:
            telling = [name for name, _, p in strongest if p <= ALPHA][:3]
            said += f" Most telling by themselves: {', '.join(telling) or 'none'}."
    return Check(
        one.name,
        one.question,
        "fail" if told else "pass",
        said,
        one.accuracy,
        one.interval,
        one.null.accuracy_high,
        f"{one.null.n_shuffles} shuffles of the labels; what decides is the share of the labels' "
        "spread that is explained, corrected for all alarms (Holm 1979)",
        p_value,
        tuple(evidence),
    )


def of_copies(cohort: Cohort, copies: Sequence[DuplicateGroup], probed: Sequence[Probed]) -> Check:
    """What films that occur more than once are worth to whoever does not group them."""
    question = "Does a film occur more than once, so that a fold could know it already?"
    if not copies:
        return Check("copies", question, "pass", "No two films show one picture.", 0.0)
    n = sum(len(group.image_ids) for group in copies)
    label_of = {film.image_id: film.label for film in cohort.radiographs}
    crossed = [g for g in copies if len({label_of[image_id] for image_id in g.image_ids}) > 1]
    by_folds = {(one.name, one.folds): one.accuracy for one in probed}
    worth = {
        name: accuracy - by_folds[name, "grouped"]
        for (name, folds), accuracy in by_folds.items()
        if folds == "plain" and (name, "grouped") in by_folds
    }
    rows = tuple((name, f"{100 * points:+.1f}") for name, points in worth.items())
    said = f"{n} films show one picture with another, in {len(copies)} groups: keep them together."
    if crossed:
        said += f" {len(crossed)} groups bear two labels: one of them is wrong."
    return Check(
        "copies",
        question,
        "fail" if crossed else "warn",
        said,
        float(n),
        evidence=(Evidence("Plain minus grouped folds", ("probe", "points of accuracy"), rows),),
    )


def of_suspicions(found: Suspicions, by: str, accuracy: float) -> Check:
    """Films whose label should be looked at again, `by` whose predictions, right on `accuracy` of
    the films, they are suspected."""
    question = "Are there films whose label should be looked at again?"
    source = "confident learning (Northcutt, Jiang and Chuang 2021)"
    look = (
        f"by {by}, which itself is right on {accuracy:.0%}: an unusual film is suspected as a "
        "wrongly labelled one is"
    )
    if found.why_not:
        return not_run("labels", question, found.why_not)
    if not found.suspects:
        return Check("labels", question, "pass", f"None, {look}.", 0.0, source=source)
    rows = tuple(
        (one.image_id, one.given, one.suggested, f"{one.margin:.2f}")
        for one in found.suspects[:_SUSPECTS]
    )
    n = len(found.suspects)
    columns = ("film", "labelled", "looks like", "margin")
    title = f"The first {len(rows)} of {n}" if n > len(rows) else "All of them"
    return Check(
        "labels",
        question,
        "warn",
        f"{n} of {found.n_films} are worth a look, {look}.",
        float(n),
        source=source,
        evidence=(Evidence(title, columns, rows),),
    )


def crossed(title: str, values: Sequence[str], labels: Sequence[str]) -> Evidence:
    """How many films of each label have each of `values`, rows and columns by name."""
    names = sorted(set(labels))
    counts = Counter(zip(values, labels, strict=True))
    rows = tuple(
        (value, *(str(counts[value, name]) for name in names)) for value in sorted(set(values))
    )
    return Evidence(title, ("", *names), rows)
