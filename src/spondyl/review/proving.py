"""Whether a survey holds together: every name once, every reference to something that is there.

Asked when a survey is written and again when it is read, so that nothing behind this has to doubt
it. Names of files are small letters, digits and hyphens, which no path, script or formula can be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from string import ascii_uppercase

from spondyl.errors import Problem, SpondylError
from spondyl.review.records import Item, Survey

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.(png|jpg)")
_LONGEST = 64
_HINT = "Make the survey anew."


def refuse_unsound(survey: Survey, source: str) -> None:
    """Raises `SpondylError`, which names every fault of `survey`, read from or meant for
    `source`."""
    problems = [*_of_names(survey), *_of_questions(survey)]
    for item in survey.items:
        problems.extend(_of_item(survey, item))
    if problems:
        raise SpondylError.of(problems, source)


def _of_names(survey: Survey) -> Iterator[Problem]:
    names = [survey.survey_id, *(item.item_id for item in survey.items)]
    maps = [m for item in survey.items for m in item.maps]
    names += [m.map_id for m in maps]
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(name, "names more than one thing", _HINT)
        if not _ID.fullmatch(name) or len(name) > _LONGEST:
            yield Problem(repr(name), "is no name of small letters, digits and hyphens", _HINT)
    for file in {item.film for item in survey.items} | {m.file for m in maps}:
        if not _FILE.fullmatch(file) or len(file) > _LONGEST:
            yield Problem(
                repr(file), "is no name of a picture", "Small letters, digits, hyphens; .png, .jpg."
            )
    if not survey.items:
        yield Problem("", "there is no film in it", _HINT)
    if not survey.title.strip() or not survey.title.isprintable() or len(survey.title) > 200:
        yield Problem("title", "is empty, too long or unprintable", "Give one line of words.")


def _of_questions(survey: Survey) -> Iterator[Problem]:
    keys = Counter(question.key for question in survey.questions)
    yield from (Problem(key, "two questions have this key", _HINT) for key in keys if keys[key] > 1)
    unaided = [question for question in survey.questions if question.phase == "unaided"]
    if not any(question.required for question in unaided):
        yield Problem("", "no unaided question is required", "Ask for the diagnosis.")
    if any(item.maps for item in survey.items) and not any(
        question.required for question in survey.questions if question.phase == "aided"
    ):
        yield Problem(
            "", "there are heatmaps, and no required question about them", "Ask one, or leave them."
        )


def _of_item(survey: Survey, item: Item) -> Iterator[Problem]:
    labels = set(survey.labels)
    predicted = dict(item.predicted)
    said = {item.truth, *predicted.values()}
    said |= {label for m in item.maps for label in (m.label, m.drawn_label)}
    for label in sorted(str(label) for label in said - labels - {None}):
        yield Problem(item.item_id, f"label {label!r} is not one of the survey's", _HINT)
    for m in item.maps:
        if m.network not in predicted:
            yield Problem(m.map_id, f"{m.network} said nothing of the film", _HINT)
        if m.drawn_label is not None and (m.drawn_label == m.label) == (m.kind == "other label"):
            yield Problem(m.map_id, f'is of {m.drawn_label}, and its kind is "{m.kind}"', _HINT)
        if not m.method.isprintable() or len(m.method) > _LONGEST:
            yield Problem(m.map_id, f"method {m.method!r} is no name of one", _HINT)
    if len(item.maps) > len(ascii_uppercase):
        yield Problem(item.item_id, f"{len(item.maps)} heatmaps, and 26 letters", _HINT)
    if item.repeats is not None:
        first = next((i for i in survey.items if i.item_id == item.repeats), None)
        if first is None or first.repeats is not None or first.film_sha256 != item.film_sha256:
            yield Problem(item.item_id, "does not repeat a film that comes before it", _HINT)
        elif sum(i.repeats == item.repeats for i in survey.items) > 1:
            yield Problem(item.repeats, "is repeated more than once", _HINT)
