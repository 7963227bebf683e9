"""Tables of a study whose films were divided several times: what all draws say together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from spondyl.report.result_tables import ALPHA
from spondyl.report.summary import Scored
from spondyl.report.tables import NONE, Table, decimal, percent, percent_range, spread
from spondyl.trust.answers import repeated
from spondyl.trust.answers.paired_tests import CorrectedT
from spondyl.trust.answers.repeated import OverDraws, RepeatedDifference
from spondyl.trust.intervals import NotRun, holm

_SHOWN = (
    ("accuracy", "accuracy %", 100),
    ("macro_sensitivity", "macro sensitivity %", 100),
    ("macro_specificity", "macro specificity %", 100),
    ("macro_f1", "macro F1 %", 100),
    ("macro_auc", "macro AUC", 1),
    ("log_loss", "log loss", 1),
)


def tables(scored: Sequence[Scored]) -> tuple[Table, ...]:
    """Scores over all draws, and what configurations differ by; none where there was one draw."""
    several = [one for one in scored if one.repeated is not None]
    if not several:
        return ()
    differing = differences(several)
    return (_scores(several), *([_differences(differing)] if differing else []))


def differences(scored: Sequence[Scored]) -> tuple[tuple[RepeatedDifference, float], ...]:
    """Every pair of configurations that were drawn several times, the more accurate one first, with
    its p corrected (Holm) for the number of pairs; nan where it could not be tested."""
    pairs = []
    for one, other in combinations(scored, 2):
        if one.table.labels.names != other.table.labels.names:
            continue
        first, second = (other, one) if other.accuracy > one.accuracy else (one, other)
        found = repeated.difference(first.outcome, second.outcome)
        if found is not None:
            pairs.append(found)
    corrected = iter(holm([p.test.p_value for p in pairs if isinstance(p.test, CorrectedT)]))
    return tuple(
        (pair, next(corrected) if isinstance(pair.test, CorrectedT) else float("nan"))
        for pair in pairs
    )


def _scores(scored: Sequence[Scored]) -> Table:
    rows = [
        (one.name, said, *_row(one.repeated.scores[name], scale))
        for one in scored
        if one.repeated is not None
        for name, said, scale in _SHOWN
    ]
    first = scored[0].repeated
    assert first is not None
    columns = (
        *("configuration", "score", "draws", "mean ± SD of draws", "lowest–highest draw"),
        *("mean of single folds", "95 %"),
    )
    return Table(
        "scores-over-draws",
        f"Scores over {first.n_draws} draws of the folds",
        columns,
        tuple(rows),
        (
            "Of each draw the score over all films that it tested; the same films are divided anew "
            "each time, so the spread says how much the division matters and nothing of other "
            "films.",
            f"95 %: t interval of the mean of {first.n_folds} single folds, their variance times "
            f"1/{first.n_folds} + {first.n_test:g}/{first.n_learned:g} (films tested / films "
            "learned from or steered by), since neither draws nor folds are independent: Nadeau & "
            "Bengio 2003; for several draws of k folds Bouckaert & Frank 2004. Not cut at 0 or "
            "100 %.",
        ),
    )


def _row(score: OverDraws, scale: int) -> tuple[str, ...]:
    digits = 1 if scale == 100 else 3
    low, high = min(score.of_draws), max(score.of_draws)
    told = (
        str(len(score.of_draws)),
        spread(score.mean, score.sd, scale, digits),
        _range(low, high, scale),
    )
    test = score.of_folds
    if isinstance(test, NotRun):
        return (*told, NONE, NONE)
    mean = percent(test.mean) if scale == 100 else decimal(test.mean)
    return (*told, mean, _range(test.low, test.high, scale))


def _differences(found: Sequence[tuple[RepeatedDifference, float]]) -> Table:
    columns = (
        *("first against second", "draws", "points of accuracy", "95 %", "p", "p corrected"),
        "in words",
    )
    notes = (
        "Accuracy of the first minus that of the second, fold by fold over all draws, under the "
        "corrected resampled t test (Nadeau & Bengio 2003; Bouckaert & Frank 2004); corrected for "
        "the number of comparisons by Holm's method. Unlike McNemar's test it speaks of networks "
        "that are learned anew, and not of these.",
    )
    rows = tuple(_difference(*one) for one in found)
    return Table("comparisons-over-draws", "Differences over all draws", columns, rows, notes)


def _difference(found: RepeatedDifference, p_holm: float) -> tuple[str, ...]:
    about = (f"{found.first} against {found.second}", str(found.n_draws))
    test = found.test
    if isinstance(test, NotRun):
        return (*about, NONE, NONE, NONE, NONE, test.why)
    word = "no difference shown" if p_holm >= ALPHA else "first more often right"
    if p_holm < ALPHA and test.difference < 0:
        word = "second more often right"
    return (
        *about,
        f"{100 * test.difference:+.1f}",
        _range(test.low, test.high, 100),
        *("< 0.001" if p < 0.001 else f"{p:.3f}" for p in (test.p_value, p_holm)),
        word,
    )


def _range(low: float, high: float, scale: int) -> str:
    if low != low or high != high:
        return NONE
    if scale == 100 and low >= 0:
        return percent_range(low, high)
    digits = 1 if scale == 100 else 3
    return f"{scale * low:.{digits}f} to {scale * high:.{digits}f}"
