"""An open survey as its readers meet it: by names that tell nothing.

A reader who looks into what the browser was sent must learn no more than the page shows. Films are
called there by their place in the reader's own order, heatmaps by their letter; the survey's own
identifiers, from which networks or repeats might be guessed, stay here. The price is that a name
means something only together with its reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from spondyl.errors import SpondylError
from spondyl.review import course, taking
from spondyl.review.course import Progress, Step
from spondyl.review.folder import SurveyFolder
from spondyl.review.invitations import Reader
from spondyl.review.records import Answer, Survey
from spondyl.review.store import Store

_PICTURE = re.compile(r"([1-9][0-9]{0,5})(?:-([A-Z]))?\.(?:png|jpg)")


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the survey, as its reader names it."""

    item: str
    """The film's number in the reader's order, from "1"."""
    letter: str | None
    """The heatmap's; None of the film alone."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as a browser sends it."""

    answer_id: str
    place: Place
    question: str
    value: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a reader is."""

    step: Step | None
    """The page that is asked for; None when every required question is answered."""
    before: Place | None
    """The page before it; None of the first."""
    progress: Progress


@dataclass(frozen=True, slots=True, eq=False)
class SurveyRoom:
    """A survey, its pictures and its answers; may be used by any number of threads."""

    folder: SurveyFolder
    store: Store
    _own_names: dict[str, dict[Place, tuple[str, str | None]]] = field(default_factory=dict)
    """(item_id, map_id) of every place, by reader: an order never changes once it is drawn."""

    @property
    def survey(self) -> Survey:
        """What is asked."""
        return self.folder.survey

    def reader_of(self, token: str) -> Reader | None:
        """Whom `token` lets into this survey; None where nobody."""
        reader = self.store.reader_of(token)
        if reader is None or reader.survey_id != self.survey.survey_id:
            return None
        return reader

    def stand(self, reader: Reader, at: Place | None = None) -> Stand:
        """Where `reader` is, or the page `at`; `SpondylError` for one not open to them."""
        answers = self._answers(reader)
        reached = course.reached(self.survey, reader.reader, answers)
        before: Sequence[Step] = reached
        step: Step | None = None
        if at is not None:
            place = self._index(reached, at)
            step, before = reached[place], reached[:place]
        elif reached[-1].lacking:
            step, before = reached[-1], reached[:-1]
        return Stand(
            step,
            place_of(before[-1]) if before else None,
            course.progress(self.survey, reader.reader, answers),
        )

    def take(self, reader: Reader, said: Said) -> Answer:
        """The answer as it is kept, on the disk when this returns.

        Raises `SpondylError` where it may not be given now.
        """
        item_id, map_id = self._names(reader, said.place)
        answer = Answer(
            answer_id=said.answer_id,
            survey_id=self.survey.survey_id,
            reader=reader.reader,
            item_id=item_id,
            map_id=map_id,
            phase="unaided" if map_id is None else "aided",
            question=said.question,
            value=said.value,
            seconds=said.seconds,
            at="",
        )
        return taking.take(self.store, self.survey, answer)

    def picture(self, reader: Reader, name: str) -> Path | None:
        """The picture that `reader` calls `name`, if it is of a page that they have reached; a
        heatmap is noted as shown before it is."""
        found = _PICTURE.fullmatch(name)
        if found is None:
            return None
        asked = Place(found[1], found[2])
        reached = course.reached(self.survey, reader.reader, self._answers(reader))
        for step in reached:
            if place_of(step) != asked:
                continue
            file = course.pictures_of(step)[-1]
            if PurePath(file).suffix != PurePath(name).suffix:
                return None
            if step.map_id is not None:
                self.store.show(
                    self.survey.survey_id, reader.reader, step.item.item_id, step.map_id
                )
            return self.folder.picture(file)
        return None

    def _answers(self, reader: Reader) -> tuple[Answer, ...]:
        return self.store.answers(self.survey.survey_id, reader.reader)

    def _index(self, reached: Sequence[Step], at: Place) -> int:
        for place, step in enumerate(reached):
            if place_of(step) == at:
                return place
        raise SpondylError(
            "this page is not open to you",
            "Go on where you are: each film comes before its heatmaps.",
        )

    def _names(self, reader: Reader, place: Place) -> tuple[str, str | None]:
        """(item_id, map_id) of what `reader` calls `place`, reached or not."""
        if reader.reader not in self._own_names:
            self._own_names[reader.reader] = {
                place_of(step): (step.item.item_id, step.map_id)
                for step in course.steps(self.survey, reader.reader, ())
            }
        found = self._own_names[reader.reader].get(place)
        if found is None:
            raise SpondylError("there is no such page", "Load the page again.")
        return found


def place_of(step: Step) -> Place:
    """What its reader calls the page of `step`."""
    return Place(str(step.number), None if step.masked is None else step.masked.letter)


def picture_names(step: Step) -> tuple[str, str | None]:
    """What its reader calls the film of `step`, and the heatmap where there is one."""
    film = f"{step.number}{PurePath(step.item.film).suffix}"
    if step.masked is None:
        return film, None
    suffix = PurePath(step.masked.map.file).suffix
    return film, f"{step.number}-{step.masked.letter}{suffix}"
