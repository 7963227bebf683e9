"""The survey's page and API, for whoever holds an invitation.

The invitation is the only secret, so it is all that is asked for; whoever guesses is slowed down,
and a reader who was let in once is not, however many others guess from the same address.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from spondyl.measure.measurement import NOTICE
from spondyl.review.course import Step
from spondyl.review.invitations import Reader, sha256_of_token
from spondyl.review.records import QuestionKind
from spondyl.web.answers import file, refusals
from spondyl.web.rates import Rate
from spondyl.web.refusals import RefusedError, not_found
from spondyl.web.room import Client
from spondyl.web.survey_room import Place, Said, Stand, SurveyRoom, picture_names
from spondyl.web.templating import page

router = APIRouter(responses=refusals(400, 404, 422, 429))

_MOST_KNOWN = 10_000
_MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """Where invitations are looked at."""

    survey: SurveyRoom
    guesses: Rate
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Hashes of invitations that were good once."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let_in(self, token: str, client: str) -> Reader:
        """Whom `token` lets in; `RefusedError`: 404 where nobody, 429 after too many of these."""
        sha256 = sha256_of_token(token) or ""
        if sha256 not in self._known:
            self.guesses.refuse_if_empty(client)
        reader = self.survey.reader_of(token)
        if reader is None:
            self.guesses.take(client)
            raise RefusedError(
                404,
                "this invitation lets nobody in",
                "Copy the whole link; if it still fails, ask for a new one.",
            )
        with self._lock:
            self._known[sha256] = None
            self._known.move_to_end(sha256)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return reader


@dataclass(frozen=True, slots=True)
class Visit:
    """A reader, let in, and what they are in."""

    survey: SurveyRoom
    reader: Reader
    token: str


def _visit(request: Request, token: str, client: Client) -> Visit:
    desk: Desk = request.app.state.desk
    return Visit(desk.survey, desk.let_in(token, client), token)


Visiting = Annotated[Visit, Depends(_visit)]


class QuestionAnswer(BaseModel):
    """A question as it is asked."""

    key: str
    text: str
    kind: QuestionKind
    options: list[str]
    required: bool


class StepAnswer(BaseModel):
    """A page of the survey."""

    item_id: str
    """The film's number in this reader's order."""
    map_id: str | None
    """The heatmap's letter; null of the film alone."""
    phase: str
    label: str | None
    """The label that the heatmap is about."""
    film_url: str
    map_url: str | None
    """The film under its heatmap."""
    questions: list[QuestionAnswer]
    answered: dict[str, str]
    """Question → what the reader last said here."""


class PlaceAnswer(BaseModel):
    """A page to go back to."""

    item_id: str
    map_id: str | None


class ProgressAnswer(BaseModel):
    """How far a reader is."""

    items_done: int
    items: int
    steps_done: int
    steps: int


class StandAnswer(BaseModel):
    """Where a reader is."""

    title: str
    reader: str
    done: bool
    """Whether every required question is answered."""
    step: StepAnswer | None
    before: PlaceAnswer | None
    progress: ProgressAnswer


class Sent(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    answer_id: Annotated[str, Field(min_length=8, max_length=64)]
    """Chosen by the browser, so that one that is sent twice is kept once."""
    item_id: Annotated[str, Field(max_length=64)]
    map_id: Annotated[str, Field(max_length=64)] | None
    question: Annotated[str, Field(max_length=64)]
    value: Annotated[str, Field(max_length=20_000)]
    seconds: FiniteFloat


class Confirmed(Sent):
    """An answer that is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: str
    """UTC, ISO 8601."""


@router.get("/review/{token}", response_class=HTMLResponse, include_in_schema=False)
def survey_page(visit: Visiting) -> HTMLResponse:
    """The survey."""
    title = visit.survey.survey.title
    return page("survey.html.jinja", title=title, token=visit.token, notice=NOTICE)


@router.get("/api/review/{token}/step")
def step(visit: Visiting, item_id: str | None = None, map_id: str | None = None) -> StandAnswer:
    """The page where the reader is, or an earlier one that is named."""
    at = None if item_id is None else Place(item_id, map_id)
    stand = visit.survey.stand(visit.reader, at)
    return StandAnswer(
        title=visit.survey.survey.title,
        reader=visit.reader.reader,
        done=stand.progress.steps_done == stand.progress.steps,
        step=None if stand.step is None else _step(visit, stand.step),
        before=_before(stand),
        progress=ProgressAnswer(
            items_done=stand.progress.items_done,
            items=stand.progress.items,
            steps_done=stand.progress.steps_done,
            steps=stand.progress.steps,
        ),
    )


@router.post("/api/review/{token}/answers", status_code=201, responses=refusals(403, 408, 413, 503))
def answer(visit: Visiting, sent: Sent) -> Confirmed:
    """Keeps an answer; one that was kept before is confirmed again."""
    said = Said(
        sent.answer_id, Place(sent.item_id, sent.map_id), sent.question, sent.value, sent.seconds
    )
    kept = visit.survey.take(visit.reader, said)
    return Confirmed(**sent.model_dump(), at=kept.at)


@router.get(
    "/api/review/{token}/pictures/{name}",
    response_class=Response,
    responses=file("image/png", "image/jpeg"),
)
def picture(visit: Visiting, name: str) -> Response:
    """A film or heatmap of a page that the reader has reached; read at once, since a file that is
    sent in pieces waits for a thread at each, and many readers ask for many pictures."""
    path = visit.survey.picture(visit.reader, name)
    if path is None:
        raise not_found("there is no such picture")
    return Response(path.read_bytes(), media_type=_MEDIA_TYPES[path.suffix])


def _before(stand: Stand) -> PlaceAnswer | None:
    before = stand.before
    return None if before is None else PlaceAnswer(item_id=before.item, map_id=before.letter)


def _step(visit: Visit, step: Step) -> StepAnswer:
    film, heat = picture_names(step)
    place = f"/api/review/{visit.token}/pictures"
    masked = step.masked
    return StepAnswer(
        item_id=str(step.number),
        map_id=None if masked is None else masked.letter,
        phase=step.phase,
        label=None if masked is None else masked.map.label,
        film_url=f"{place}/{film}",
        map_url=None if heat is None else f"{place}/{heat}",
        questions=[
            QuestionAnswer(
                key=q.key,
                text=q.text,
                kind=q.kind,
                options=list(q.options),
                required=q.required,
            )
            for q in step.questions
        ],
        answered=dict(step.answered),
    )
