"""The codebook of an export: what was asked, of how much, and what each column means.

Written from the survey itself and from the columns' own words, so it cannot lag behind the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from spondyl.files import write_text
from spondyl.review.columns import described
from spondyl.review.questions import YES_NO, sha256_of_questions
from spondyl.review.records import Phase, Question, Survey
from spondyl.review.standing import RULE

_PHASES: dict[Phase, str] = {
    "unaided": "Of the film alone, before any heatmap",
    "aided": "Of one heatmap of the film, once for each",
}


def markdown(survey: Survey) -> str:
    """The codebook of `survey` as Markdown."""
    lines = [f"# Codebook: {_plain(survey.title)}", "", *_survey(survey), ""]
    for phase, title in _PHASES.items():
        asked = [question for question in survey.questions if question.phase == phase]
        if asked:
            lines += [f"## {title}", "", *_table(["key", "question", "answers", "notes"])]
            lines += [_row(_question(question)) for question in asked] + [""]
    lines += ["## Columns", "", *_table(["column", "meaning"])]
    lines += [_row([name, meaning]) for name, meaning in described(survey).items()]
    lines += ["", *_counting(), "", *_reading()]
    return "\n".join(lines) + "\n"


def write(path: Path, survey: Survey) -> None:
    """Writes the codebook to `path`, whole or not at all."""
    write_text(path, markdown(survey))


def _survey(survey: Survey) -> Iterator[str]:
    why = Counter(item.why or "not said" for item in survey.items)
    kinds = Counter[str](m.kind for item in survey.items for m in item.maps)
    yield f"- Survey {survey.survey_id}, made {survey.created}, seed {survey.seed}"
    yield f"- Labels: {_plain(', '.join(survey.labels))}"
    yield f"- Items: {_counted(why)}; in all {len(survey.items)}"
    yield f"- Heatmaps: {_counted(kinds) or 'none'}"
    methods = sorted({m.method for item in survey.items for m in item.maps if m.method})
    yield f"- Method of the heatmaps: {', '.join(methods) or 'not said'}"
    yield f"- SHA-256 of the questions: {sha256_of_questions(survey.questions)}"


def _counting() -> Iterator[str]:
    yield "## Which answers count"
    yield ""
    yield from (f"- {sentence}" for sentence in RULE)


def _reading() -> Iterator[str]:
    yield "## How to read the table"
    yield ""
    yield "One row is one answer; rows are in the order in which answers came. Keep the rows whose"
    yield "`counts` is yes for one answer of each reader to each question; the others are kept so"
    yield "that nothing is hidden. UTF-8, commas, a header. An apostrophe at the beginning of a"
    yield "cell was put there so that no spreadsheet runs the cell: take one off."


def _question(question: Question) -> list[str]:
    offered = question.options or (YES_NO if question.kind == "yes or no" else ())
    notes = [] if question.required else ["may be left out"]
    notes += ["compared with the labels"] if question.diagnosis else []
    notes += ["a yes says that the heatmap looks right"] if question.looks_right else []
    answers = question.kind + (f": {' · '.join(offered)}" if offered else "")
    return [question.key, question.text, answers, ", ".join(notes)]


def _counted(of: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(of.items()))


def _table(names: list[str]) -> list[str]:
    return [_row(names), _row(["---"] * len(names))]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """On one line, and nothing that Markdown or a browser would take for a sign of its own."""
    for sign in "\\`*_|<>[]#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
