"""Tables of what a study's heatmaps are worth, from the scores that were kept film by film.

Decision: every mean has its interval, its number of films, and beside it what maps score that know
nothing, so that no figure can be quoted alone; the price is wide tables. A method that is one
picture with another on a network is named with it and counted once. What was not scored says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spondyl.explain.explaining import METHODS
from spondyl.explain.score_table import BASELINES
from spondyl.explain.study.record import Explanations
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.report.heatmap_scored import Scored, any_value
from spondyl.report.heatmap_words import (
    CHANCE,
    CHECKS,
    FAITHFULNESS,
    FEWER,
    PLACES,
    SIDE_BY_SIDE,
    SPREAD,
    Check,
    Score,
    footnote,
    how_changed,
    how_made,
    named_together,
    one_picture,
)
from spondyl.report.tables import NONE, Table
from spondyl.trust.heatmap_scores import Average, Difference, Judgement
from spondyl.trust.metrics import Floats

Explained = Mapping[Configuration, Explanations | None]
NOT_EXPLAINED = "not run: `spondyl study explain RUN`"


def tables(outcomes: Sequence[Outcome], explained: Explained, seed: int) -> tuple[Table, ...]:
    """All configurations side by side, then for each what hangs on its maps, where they lie, and
    what changes them; `seed` is that of the resamples."""
    scored = {
        which: Scored.of(explanations, seed)
        for which, explanations in explained.items()
        if explanations is not None
    }
    each = [
        table
        for one in scored.values()
        for table in (faithfulness(one), places(one), steadiness(one))
    ]
    return side_by_side(outcomes, scored), *each


def side_by_side(outcomes: Sequence[Outcome], scored: Mapping[Configuration, Scored]) -> Table:
    """A row for each map of each configuration, or why there is none."""
    rows: list[tuple[str, ...]] = []
    for outcome in outcomes:
        which = outcome.configuration
        if which in scored:
            rows += [_beside(scored[which], method) for method in scored[which].methods]
        else:
            why = f"not run ({outcome.not_run})" if outcome.predictions is None else NOT_EXPLAINED
            rows.append((str(which), why, *[NONE] * 5))
    columns = ("configuration", "map", "deletion", "insertion", "energy over chance")
    made = [how_made(one.explanations) for one in scored.values()]
    return Table(
        "heatmaps-side-by-side",
        "Heatmaps of all configurations side by side",
        (*columns, "entropy share", "films"),
        tuple(rows),
        (*SIDE_BY_SIDE, *dict.fromkeys(made)),
    )


def faithfulness(one: Scored) -> Table:
    """Whether the answer hangs on what a map marks, and how far the map spreads."""
    rows = [
        _row(one, score, method, one.baselines(score.name))
        for score in (*FAITHFULNESS, *SPREAD)
        for method in one.methods
    ]
    return _table(
        one,
        "faithfulness",
        "Does the answer hang on what is marked?",
        ("score", "map", "its mean", "verdict", *BASELINES, "films"),
        rows,
        (
            "A map that beats every baseline marks pixels on which the network's answer hangs; "
            "that they are the right ones does not follow, and of a map that does not beat them "
            "nothing was shown.",
            footnote(FAITHFULNESS),
            footnote(SPREAD),
            FEWER,
            how_made(one.explanations),
        ),
    )


def places(one: Scored) -> Table:
    """Whether maps lie where the truth is, beside chance and the baselines."""
    rows = [
        _row(one, score, method, {"chance": one.values(f"{score.name}{CHANCE}", method)}, True)
        for score in PLACES
        for method in one.methods
        if any_value(one.values(score.name, method))
    ]
    columns = ("score", "map", "its mean", "verdict", "chance", *BASELINES, "films")
    if not rows:
        nothing = "not scored: nothing is marked on these films, and no name states a place"
        rows = [(nothing, *[NONE] * (len(columns) - 1))]
    return _table(
        one,
        "places",
        "Does it lie where the truth is?",
        columns,
        rows,
        (
            "A map above chance and every baseline lies where the truth is; that the network "
            "decided by what is there does not follow, and a blob in the centre lies on most "
            "spines too.",
            footnote([score for score in PLACES if any(row[0] == score.title for row in rows)]),
            FEWER,
        ),
    )


def steadiness(one: Scored) -> Table:
    """What should change a map and what should not, each beside its reference."""
    rows = [_check(one, check, method) for check in CHECKS for method in one.methods]
    return _table(
        one,
        "checks",
        "What changes it, and what does not?",
        ("check", "map", "mean", "reference", "mean of the reference", "verdict", "films"),
        rows,
        (
            "A map that stays as it is when all weights are random cannot tell what was learned; "
            "to change then, and to be steady under small changes of the film, is necessary and "
            "proves nothing more.",
            footnote(CHECKS),
            how_changed(one.explanations),
        ),
    )


def _table(
    one: Scored,
    slug: str,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    notes: tuple[str, ...],
) -> Table:
    configuration = one.explanations.configuration
    together = one_picture(one.explanations.about.pictures)
    return Table(
        f"heatmap-{slug}-{configuration.slug.replace('_', '-').lower()}",
        f"{title} {configuration}",
        columns,
        tuple(rows),
        tuple(note for note in (*notes, together) if note),
    )


def _row(
    one: Scored, score: Score, method: str, beside: dict[str, Floats], with_baselines: bool = False
) -> tuple[str, ...]:
    """Score, map, its mean, verdict, the means of what stands beside it, films."""
    if with_baselines:
        beside = {**beside, **one.baselines(score.name)}
    found = one.judged(score, method, beside)
    means = {average.name: average for average in found.baselines}
    own = found.methods[0].average
    shown = ("chance", *BASELINES) if "chance" in beside else BASELINES
    return (
        score.title,
        _called(one, method),
        _mean(own, score.digits),
        _verdict(found, method),
        *(
            _beside_mean(means[name], own.n_defined, score) if name in means else NONE
            for name in shown
        ),
        _films(own),
    )


def _verdict(found: Judgement, method: str) -> str:
    """What it beats, and the best of those that stand beside it."""
    if found.direction == "none" or not found.baselines:
        return found.sentence(method)
    best = (max if found.direction == "higher" else min)(found.baselines, key=lambda one: one.mean)
    said = found.sentence(method) if found.methods[0].beats else "beats none"
    return f"{said}; best of them: {best.name}"


def _check(one: Scored, check: Check, method: str) -> tuple[str, ...]:
    """Check, map, its mean, reference, the reference's mean, verdict, films."""
    reference = _reference(one, check, method)
    found = one.judged(check, method, {} if reference is None else {check.against: reference})
    (judged,), beside = found.methods, found.baselines
    verdict = NONE
    if check.share_unchanged:
        stayed = one.values(check.share_unchanged, method)
        verdict = f"unchanged in {int(np.nansum(stayed))} of {int((~np.isnan(stayed)).sum())} films"
    elif beside:
        verdict = f"above {check.against}" if judged.beats else f"not above {check.against}"
    return (
        check.title,
        _called(one, method),
        _mean(judged.average),
        check.against if beside else NONE,
        _mean(beside[0]) if beside else NONE,
        verdict,
        _films(judged.average),
    )


def _reference(one: Scored, check: Check, method: str) -> Floats | None:
    """(n,) what the check is read against; None where there is nothing, or on no film."""
    if check.reference == "0":
        return np.where(np.isnan(one.values(check.name, method)), np.nan, 0.0)
    values = one.values(check.reference, method) if check.reference else np.array([])
    return values if any_value(values) else None


def _beside(one: Scored, method: str) -> tuple[str, ...]:
    """A map's row of the comparison between configurations."""
    shown = {score.name: score for score in (*FAITHFULNESS, *SPREAD)}
    averages = [
        one.judged(shown[name], method, {}).methods[0].average
        for name in ("deletion", "insertion", "entropy-share")
    ]
    deletion, insertion, entropy = map(_mean, averages)
    chance = one.values(f"energy{CHANCE}", method)
    over = one.judged(PLACES[0], method, {"chance": chance}).methods[0].differences[0]
    name = str(one.explanations.configuration)
    films = _films(averages[0])
    return (name, _called(one, method), deletion, insertion, _mean(over), entropy, films)


def _mean(found: Average | Difference, digits: str = ".2f") -> str:
    """ "0.43 (0.38–0.49)": the mean and its interval."""
    if np.isnan(found.mean):
        return NONE
    ends = (found.mean, found.interval.low, found.interval.high)
    mean, low, high = (f"{end:z{digits}}".replace("-", "−") for end in ends)
    return f"{mean} ({low}{' to ' if low.startswith('−') else '–'}{high})"


def _beside_mean(average: Average | None, n_own: int, score: Score) -> str:
    """The mean, and of how many films where not of the map's own: "0.43 (0.38–0.49) / 20"."""
    if average is None:
        return NONE
    other = average.n_defined != n_own
    return _mean(average, score.digits) + (f" / {average.n_defined}" if other else "")


def _films(average: Average) -> str:
    n, n_all = average.n_defined, average.n_films
    return str(n) if n == n_all else f"{n} of {n_all}"


def _called(one: Scored, method: str) -> str:
    for together in one.explanations.about.pictures:
        if method in together:
            return named_together(together)
    return METHODS[method].title
