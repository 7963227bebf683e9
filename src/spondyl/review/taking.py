"""How an answer is taken: looked at, found due, and only then kept.

Everything a browser sends is doubted here once: the value has to be one that was offered, the film
and the heatmap have to be open to the reader. What is open only grows, so looking first and keeping
afterwards cannot let anything through that was not due.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from spondyl.errors import SpondylError
from spondyl.review.course import question_of, step_at
from spondyl.review.questions import BETWEEN, YES_NO
from spondyl.review.records import Answer, Question, Survey
from spondyl.review.store import Store, utc_now

LONGEST_TEXT = 4000
"""Signs of a free text."""

_ANSWER_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_LONGEST_SECONDS = 1e7  # a page left open over a summer


def take(
    store: Store, survey: Survey, answer: Answer, clock: Callable[[], str] = utc_now
) -> Answer:
    """The answer as it is kept, on the disk when this returns; its `at` is set here.

    One that was taken before is confirmed again. Raises `SpondylError` where it is not one that
    this reader may give now, and `StoreUnavailableError` where it could not be kept.
    """
    return take_all(store, survey, [answer], clock)[0]


def take_all(
    store: Store, survey: Survey, answers: Sequence[Answer], clock: Callable[[], str] = utc_now
) -> tuple[Answer, ...]:
    """As `take`, the answers of one page at once: all are kept in one commit, or none.

    Raises `SpondylError` also where they are not of one reader.
    """
    if len({answer.reader for answer in answers}) > 1:
        raise SpondylError("answers of several readers at once", "Send each reader's alone.")
    if not answers:
        return ()
    at = clock()
    before = list(store.answers(survey.survey_id, answers[0].reader))
    known = {kept.answer_id for kept in before}
    for answer in answers:
        if answer.answer_id not in known:
            refuse_unless_due(survey, before, answer)
            before.append(answer)
    return store.add_all([replace(answer, at=at) for answer in answers])


def refuse_unless_due(survey: Survey, before: Sequence[Answer], answer: Answer) -> None:
    """Raises `SpondylError` unless `answer` may be given after all `before` it."""
    if answer.survey_id != survey.survey_id:
        raise SpondylError("the answer is to another survey", "Open your own link again.")
    if not _ANSWER_ID.fullmatch(answer.answer_id):
        raise SpondylError(
            "the answer has no usable identifier",
            "8 to 64 letters, digits, - and _, such as a UUID.",
        )
    step = step_at(survey, answer.reader, before, answer.item_id, answer.map_id)
    question = question_of(step, answer.question)
    if answer.phase != step.phase:
        raise SpondylError("the answer is of another phase than its page", "Load the page again.")
    refuse_unless_offered(question, answer.value)
    if not (math.isfinite(answer.seconds) and 0 <= answer.seconds <= _LONGEST_SECONDS):
        raise SpondylError("the time taken is no number of seconds", "Load the page again.")


def refuse_unless_offered(question: Question, value: str) -> None:
    """Raises `SpondylError` unless `value` answers `question`."""
    if question.kind == "free text":
        _refuse_unless_text(question, value)
        return
    if question.kind == "any of":
        wrong = _unlike_any_of(question, value)
    else:
        wrong = value not in (YES_NO if question.kind == "yes or no" else question.options)
    if wrong:
        offered = question.options or YES_NO
        raise SpondylError(
            f"{question.key}: that answer was not offered", f"Choose among: {', '.join(offered)}."
        )


def joined(question: Question, chosen: Sequence[str]) -> str:
    """The value of the options `chosen` of an "any of", in the question's order; `SpondylError`
    where one was not offered."""
    strange = [option for option in chosen if option not in question.options]
    value = BETWEEN.join(option for option in question.options if option in chosen)
    if strange:
        refuse_unless_offered(question, strange[0])
    refuse_unless_offered(question, value)
    return value


def _unlike_any_of(question: Question, value: str) -> bool:
    chosen = value.split(BETWEEN) if value else []
    in_order = [option for option in question.options if option in chosen]
    return chosen != in_order or (question.required and not chosen)


def _refuse_unless_text(question: Question, value: str) -> None:
    if len(value) > LONGEST_TEXT:
        raise SpondylError(
            f"{question.key}: {len(value)} signs, at most {LONGEST_TEXT}", "Say it shorter."
        )
    if question.required and not value.strip():
        raise SpondylError(f"{question.key}: nothing was written", "Write a word.")
    if any(not (sign.isprintable() or sign in "\n\t\u00a0") for sign in value):
        raise SpondylError(f"{question.key}: holds signs that are no text", "Type it anew.")
