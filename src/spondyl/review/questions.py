"""The questions of a survey as their author writes them: a TOML file, every fault named at once.

The paper's three sections come along (`paper.toml`); another department copies the file and asks
its own. What a survey asked is kept with it and known by its hash, so that two surveys can be said
to have asked the same. The diagnosis offers the labels of the data set and nothing else, since its
answers are compared with them; whoever sees something else has a remark for it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spondyl.data.labels import LabelSet
from spondyl.errors import Problem, SpondylError, known_keys
from spondyl.files import read_toml, sha256_of_json
from spondyl.review.records import Phase, Question, QuestionKind

BETWEEN = "; "
"""Between the chosen options of an "any of", so that no option may hold it."""
YES_NO = ("yes", "no")

_MOST = 60
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CHOICES: frozenset[QuestionKind] = frozenset({"one of", "any of", "scale"})
_Words = Annotated[str, Field(min_length=1, max_length=80)]


class _Asked(BaseModel):
    """A question as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str
    text: str = Field(min_length=1, max_length=400)
    kind: QuestionKind
    phase: Phase
    options: tuple[_Words, ...] = Field(default=(), max_length=30)
    required: bool = True
    diagnosis: bool = False
    looks_right: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A question that could be read, and what it is called when something is wrong with it."""

    where: str
    question: Question


def read(path: Path, labels: LabelSet) -> tuple[Question, ...]:
    """The questions written in a TOML file, for a survey of films with `labels`.

    `SpondylError` names every fault and the nearest key.
    """
    return parse(read_toml(path), labels, str(path))


def of_the_paper(labels: LabelSet) -> tuple[Question, ...]:
    """The paper's three sections, for films with `labels`."""
    text = resources.files("spondyl.review").joinpath("paper.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), labels, "paper.toml")


def parse(content: dict[str, Any], labels: LabelSet, source: str) -> tuple[Question, ...]:
    """The questions in `content`, read from `source`; `SpondylError` names every fault."""
    problems = [
        Problem(key, "not a key of a questions file", "Questions stand under [[question]].")
        for key in content
        if key != "question"
    ]
    listed = content.get("question")
    if not isinstance(listed, list) or not listed:
        problems.append(Problem("", "there is no question", "Begin each with [[question]]."))
        listed = []
    if len(listed) > _MOST:
        problems.append(
            Problem("", f"{len(listed)} questions, at most {_MOST}", "Ask less of the readers.")
        )
    places = list(_read_each(listed, labels, problems))
    for place in places:
        problems.extend(_faults(place, labels))
    if len(places) == len(listed) > 0:  # else what is missing may be what could not be read
        problems.extend(_faults_together([place.question for place in places]))
    if problems:
        raise SpondylError.of(
            problems if len(problems) > 1 else [_named(problems[0], source)], source
        )
    return tuple(place.question for place in places)


def sha256_of_questions(questions: Sequence[Question]) -> str:
    """Hexadecimal SHA-256 of all that was asked, in its order."""
    return sha256_of_json([asdict(question) for question in questions])


def _named(problem: Problem, source: str) -> Problem:
    where = f"{source}: {problem.where}" if problem.where else source
    return Problem(where, problem.what, problem.hint)


def _read_each(listed: list[Any], labels: LabelSet, problems: list[Problem]) -> Iterator[_Place]:
    """What could be read of `listed`; what could not is added to `problems`."""
    for number, table in enumerate(listed, 1):
        key = table.get("key") if isinstance(table, dict) else None
        where = f"question {number}" + (f" ({key})" if isinstance(key, str) else "")
        try:
            asked = _Asked.model_validate(_lists_as_tuples(table))
        except ValidationError as error:
            problems.extend(_problem(where, details) for details in error.errors())
        else:
            options = asked.options
            if asked.diagnosis:
                options = tuple(labels.resolve(option) or option for option in options)
                options = options or labels.names
            yield _Place(where, Question(**{**asked.model_dump(), "options": options}))


def _lists_as_tuples(table: Any) -> Any:
    if not isinstance(table, dict):
        return table
    return {key: tuple(item) if isinstance(item, list) else item for key, item in table.items()}


def _problem(where: str, details: Any) -> Problem:
    key = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        hint = known_keys(key, _Asked.model_fields)
        return Problem(where, f"{key} is not a key of a question", hint)
    if details["type"] == "missing":
        return Problem(where, f"{key} is missing", f'For example {key} = "...".')
    what = f"{key}: {details['msg']}, got {details['input']!r}"
    return Problem(where, what if key else what.removeprefix(": "), "Correct the value.")


def _faults(place: _Place, labels: LabelSet) -> Iterator[Problem]:
    """What is wrong with one question."""
    question, where = place.question, place.where
    if not _KEY.fullmatch(question.key):
        yield Problem(
            where,
            f"key {question.key!r} cannot name a column",
            "Use up to 40 small letters, digits and underscores, a letter first.",
        )
    if question.kind in _CHOICES and len(question.options) < 2:
        yield Problem(where, f'"{question.kind}" without two options', "Give options = [...].")
    if question.kind not in _CHOICES and question.options:
        yield Problem(where, f'"{question.kind}" takes no options', "Leave options out.")
    plain = Counter(option.strip().casefold() for option in question.options)
    twice = [option for option, times in plain.items() if times > 1]
    if twice:
        yield Problem(where, f"option {twice[0]!r} stands in it twice", "Keep one of them.")
    bad = [option for option in question.options if not _clean(option)]
    if bad:
        yield Problem(
            where,
            f"option {bad[0]!r} holds {BETWEEN!r}, an unprintable sign or spaces at its ends",
            "Say it otherwise.",
        )
    if question.diagnosis:
        yield from _faults_of_diagnosis(place, labels)
    if question.looks_right and (question.kind, question.phase) != ("yes or no", "aided"):
        yield Problem(where, "looks_right is not of this kind", 'Ask an aided "yes or no".')


def _faults_of_diagnosis(place: _Place, labels: LabelSet) -> Iterator[Problem]:
    question, where = place.question, place.where
    if question.kind != "one of":
        yield Problem(where, f'a diagnosis of kind "{question.kind}"', 'Ask it as "one of".')
    if not question.required:
        yield Problem(where, "a diagnosis that is not required", "Leave required out.")
    if question.kind == "one of" and sorted(question.options) != sorted(labels.names):
        yield Problem(
            where,
            f"its options are {', '.join(question.options)}; the labels are "
            f"{', '.join(labels.names)}",
            "Leave options out: a diagnosis offers the labels.",
        )


def _faults_together(questions: Sequence[Question]) -> Iterator[Problem]:
    """What is wrong with questions that may each be right."""
    for key, times in Counter(question.key for question in questions).items():
        if times > 1:
            yield Problem(key, f"is the key of {times} questions", "Rename all but one.")
    unaided = [question for question in questions if question.phase == "unaided"]
    aided = [question for question in questions if question.phase == "aided"]
    if not any(question.diagnosis for question in unaided):
        yield Problem(
            "",
            "no unaided question asks for the diagnosis",
            'Give one `diagnosis = true` and `phase = "unaided"`.',
        )
    if aided and not any(question.required for question in aided):
        yield Problem(
            "", "no aided question is required", "Nobody would know when a heatmap is done with."
        )
    for phase, asked in (("unaided", unaided), ("aided", aided)):
        if sum(question.diagnosis for question in asked) > 1:
            yield Problem("", f"more than one diagnosis is {phase}", "Keep one of them.")
    if sum(question.looks_right for question in questions) > 1:
        yield Problem("", "more than one question has looks_right", "Keep one of them.")


def _clean(option: str) -> bool:
    return BETWEEN not in option and option.isprintable() and option == option.strip()
