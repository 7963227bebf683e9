"""A survey's analysis in a few lines for a terminal; the whole of it is its JSON."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.review.agreement import Agreement
from spondyl.review.analysis.against_labels import AgainstLabels
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.shares import Share
from spondyl.trust.intervals import Interval, NotRun


def lines(found: Analysis) -> Iterator[str]:
    """How much was answered, then labels, agreement and decoys; what was not run says why."""
    extent = found.extent
    yield f"{found.title} (survey {found.survey_id})"
    yield (
        f"{extent.n_films} films, {extent.n_repeats} of them twice; {extent.n_maps} heatmaps and "
        f"{extent.n_decoys} decoys, repeats not counted; "
        f"{_counted(len(extent.readers), 'reader')} gave {_counted(extent.n_answers, 'answer')}"
    )
    yield found.selection
    yield from _labels(found.against_labels)
    yield from _between(found)
    yield from _again(found)
    yield from _decoys(found)
    yield f"In brackets {found.resampling.level * 100:.0f} % intervals. {found.conditional}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _labels(found: AgainstLabels | NotRun) -> Iterator[str]:
    if isinstance(found, NotRun):
        yield f"labels: not run, {found.why}"
        return
    yield "the data set's label was said"
    for one in (*found.readers, found.consensus):
        yield f"  by {one.reader or 'more than half of the readers'}: {_share(one.same)}"
    for network in found.networks:
        yield f"{network.network}, on the {network.n_films} films on which readers are of one mind"
        yield f"  right by the data set's labels: {_share(network.by_data_set)}"
        yield f"  right by the readers': {_share(network.by_experts)}"


def _between(found: Analysis) -> Iterator[str]:
    if isinstance(found.between_readers, NotRun):
        yield f"agreement between readers: not run, {found.between_readers.why}"
        return
    yield "agreement between readers"
    for one in found.between_readers:
        ordinal = isinstance(one.alpha_ordinal, Agreement)
        alpha = one.alpha_ordinal if ordinal else one.alpha_nominal
        yield f"  {one.question}{f', {one.option}' if one.option else ''}: {_figure(alpha)}"


def _again(found: Analysis) -> Iterator[str]:
    if isinstance(found.self_agreement, NotRun):
        yield f"readers with themselves: not run, {found.self_agreement.why}"
        return
    yield "the same was said of a film that came again"
    for one in found.self_agreement:
        if one.reader is None:
            yield f"  {one.question}{f', {one.option}' if one.option else ''}: {_share(one.same)}"


def _decoys(found: Analysis) -> Iterator[str]:
    if isinstance(found.decoys, NotRun):
        yield f"decoys: not run, {found.decoys.why}"
        return
    yield "called right, on films that no network missed"
    for one in found.decoys:
        if one.reader is None:
            yield f"  networks' own heatmaps: {_share(one.real)}"
            yield f"  decoys: {_share(one.decoys)}"
            yield from (f"    {kind.kind}: {_share(kind.share)}" for kind in one.kinds)
            yield f"  {one.meaning}"


def _share(found: Share | NotRun) -> str:
    if isinstance(found, NotRun):
        return f"not run, {found.why}"
    interval = found.by_film if isinstance(found.by_film, Interval) else found.wilson
    sure = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return f"{found.n_yes} of {found.n}, {100 * found.value:.0f} % ({sure})"


def _figure(found: Agreement | NotRun) -> str:
    if isinstance(found, NotRun):
        return f"not run, {found.why}"
    said = f"{found.statistic} {found.value:.2f}"
    if isinstance(found.interval, NotRun):
        return f"{said} (no interval, {found.interval.why})"
    return f"{said} ({found.interval.low:.2f} to {found.interval.high:.2f})"
