"""The paper's Figure 7: each wrongly predicted film, its heatmaps, and what experts said of both.

Decision: only where somebody asks for it, because a page without films can be mailed and one with
films cannot before somebody has looked at each. Pictures are those that readers saw, made smaller
for print; how often the diagnosis and each "yes" was said stands under them, remarks in the
readers' own words.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.cases import Case, MapCase, Said
from spondyl.review.pages.words import count
from spondyl.review.records import Question, Survey

LONGEST = 640
"""Pixels of a picture's longer side: 300 to the inch at the size of print."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture of a film."""

    source: str
    """As a data: address, so that the page asks for nothing."""
    alt: str
    name: str
    """Network; empty of the film alone."""
    predicted: str
    """With its verdict; empty of the film alone."""
    wrong: bool
    said: tuple[str, ...]
    """What readers said of the heatmap, a line each."""


@dataclass(frozen=True, slots=True)
class FilmShown:
    """One wrongly predicted film."""

    item_id: str
    truth: str
    """The data set's label."""
    views: tuple[View, ...]
    """The film alone, then each heatmap."""
    said: tuple[str, ...]
    """What readers said of the film alone, a line each."""


def films_shown(
    survey: Survey, found: Analysis, pictures: Mapping[str, bytes]
) -> tuple[FilmShown, ...]:
    """The wrongly predicted films with `pictures`, by their names in the survey's folder."""
    asked = {question.key: question for question in survey.questions}
    return tuple(_film(case, asked, pictures) for case in found.cases)


def names_of(found: Analysis) -> tuple[str, ...]:
    """The pictures that `films_shown` needs."""
    named = (name for case in found.cases for name in (case.film, *(m.file for m in case.maps)))
    return tuple(dict.fromkeys(named))


def _film(case: Case, asked: Mapping[str, Question], pictures: Mapping[str, bytes]) -> FilmShown:
    alone = View(_small(pictures[case.film]), f"Film {case.item_id}", "", "", False, ())
    maps = (_map(case, one, asked, _small(pictures[one.file])) for one in case.maps)
    return FilmShown(case.item_id, case.truth, (alone, *maps), tuple(_told(case.said, asked)))


def _map(case: Case, one: MapCase, asked: Mapping[str, Question], source: str) -> View:
    verdict = "wrong" if one.wrong else "right"
    decoy = () if one.kind == "network" else (f"decoy, {one.kind}",)
    said = (*decoy, *_told(one.said, asked))
    alt = f"Heatmap of {one.network} over film {case.item_id}"
    return View(source, alt, one.network, f"{one.predicted} ({verdict})", one.wrong, said)


def _told(said: Sequence[Said], asked: Mapping[str, Question]) -> Iterator[str]:
    """Votes for the diagnosis, counts of yes, other answers, then remarks in their own words."""
    remarks = []
    for key in dict.fromkeys(one.question for one in said):
        values = [one.value for one in said if one.question == key]
        named, kind = key.replace("_", " "), asked[key].kind
        if kind == "free text":
            remarks += [f"“{' '.join(value.split())}”" for value in values]
        elif kind == "yes or no":
            yield f"{named}: {values.count('yes')} of {len(values)} yes"
        else:
            votes = Counter(value or "none" for value in values).most_common()
            yield f"{named}: {', '.join(f'{value} {n}' for value, n in votes)}"
    yield from remarks


def _small(content: bytes) -> str:
    with Image.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB" if picture.mode != "L" else "L")
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def counted(films: Sequence[FilmShown]) -> str:
    """A sentence that says what is seen."""
    return (
        f"{count(len(films), 'film')} that a network got wrong, each beside the heatmaps that "
        "readers saw. Numbers are of readers. Look at every film before this page is passed on."
    )
