"""Each wrongly predicted film as a row that quotes what every reader said of it and its heatmaps.

Decision: readers who gave the same answer stand behind it together, so that a row stays a row with
many readers and nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.tables import NONE, Table
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.cases import Case, MapCase, Said
from spondyl.review.pages.film_pictures import FilmShown, counted
from spondyl.review.pages.section import Section

_MOST_COLUMNS = 3
"""Networks; more share one column, so that the table fits on paper."""
_ALL = "networks: predictions and heatmaps"


def wrongly_predicted(found: Analysis, films: Sequence[FilmShown] = ()) -> Section:
    """The films that a network got wrong, in the order of the survey, with pictures of `films`."""
    title = "Wrongly predicted films, one by one"
    if not found.cases:
        return Section("films", title, ("No network missed the data set's label of any film.",))
    networks = list(dict.fromkeys(name for case in found.cases for name, _ in case.predicted))
    together = len(networks) > _MOST_COLUMNS
    table = Table(
        "films",
        "What was said of each wrongly predicted film",
        (
            "film",
            "data set",
            "the film alone",
            *([_ALL] if together else [f"{one}: prediction and heatmap" for one in networks]),
        ),
        tuple(_row(case, networks, together) for case in found.cases),
    )
    text = (
        "Answers are quoted with the readers who gave them, remarks in their own words: read them "
        "before this page is passed on.",
    )
    shown = (counted(films),) if films else ()
    return Section("films", title, (*text, *shown), None, (table,), (), tuple(films))


def _row(case: Case, networks: Sequence[str], together: bool) -> tuple[str, ...]:
    of_network = [_network(case, network) for network in networks]
    if together:
        named = zip(networks, of_network, strict=True)
        of_network = ["\n".join(f"{network}: {said}" for network, said in named if said != NONE)]
    return (case.item_id, case.truth, _quoted(case.said) or NONE, *of_network)


def _network(case: Case, network: str) -> str:
    """What a network predicted, then each of its heatmaps and what was said of it."""
    predicted = dict(case.predicted).get(network)
    if predicted is None:
        return NONE
    verdict = "wrong" if network in case.wrong else "right"
    maps = [_map(one) for one in case.maps if one.network == network]
    return "\n".join([f"{predicted} ({verdict})", *filter(None, maps)])


def _map(one: MapCase) -> str:
    said = _quoted(one.said)
    if one.kind == "network":
        return said
    return "\n".join(filter(None, [f"decoy, {one.kind}:", said]))


def _quoted(said: Sequence[Said]) -> str:
    """A line for each question: its answers, each with the readers who gave it."""
    lines = []
    for question in dict.fromkeys(one.question for one in said):
        answers: dict[str, list[str]] = {}
        for one in said:
            if one.question == question:
                answers.setdefault(" ".join(one.value.split()) or "none", []).append(one.reader)
        quoted = "; ".join(f"{value} ({', '.join(who)})" for value, who in answers.items())
        lines.append(f"{question}: {quoted}")
    return "\n".join(lines)
