"""Reporting checklists, filled in as far as a run knows: CLAIM 2024 and TRIPOD+AI.

Items are data beside this file, in our own words, and name the facts of `known.Known` that answer
them. A fact that is "" is not known, and what a run cannot know (ethics, funding, who drew the
labels) is asked of nobody but the authors. The price: an item counts as answered "in part" where
only half of it is a matter of the run, so three counts are shown and never a single share.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from spondyl.report.cards import markdown
from spondyl.report.cards.known import FACTS, Known
from spondyl.report.tables import Table

ChecklistName = Literal["claim_2024", "tripod_ai"]
NAMES: tuple[ChecklistName, ...] = ("claim_2024", "tripod_ai")
Answered = Literal["by the run", "in part", "by the authors"]
AUTHORS = "The authors must say"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Record):
    """What a checklist asks under one number."""

    number: str
    """As published, "12a" for example."""
    section: str
    asks: str
    """In our own words; reads on from "The authors must say"."""
    known: tuple[str, ...] = ()
    """Facts of `Known` that answer it, all of them needed; empty: the authors alone can."""
    rest: str = ""
    """What stays with the authors where all facts are known; reads on from the same words."""

    @field_validator("known")
    @classmethod
    def _facts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if strangers := set(names) - set(FACTS):
            raise ValueError(f"no facts of a run: {', '.join(sorted(strangers))}")
        return names


class Checklist(_Record):
    """A published checklist."""

    name: str
    title: str
    citation: str
    doi: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said under one item, and by whom."""

    item: Item
    answered: Answered
    text: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A checklist with an answer to each of its items, in its order."""

    checklist: Checklist
    configuration: str
    answers: tuple[Answer, ...]

    @property
    def counts(self) -> dict[Answered, int]:
        """Items by who answers them."""
        names: tuple[Answered, ...] = ("by the run", "in part", "by the authors")
        return {name: sum(one.answered == name for one in self.answers) for name in names}

    @property
    def said(self) -> str:
        """The counts in a sentence."""
        run, part, authors = self.counts.values()
        return (
            f"{run} of {len(self.answers)} items are answered by the run, {part} in part, "
            f"{authors} are for the authors."
        )


def load(name: ChecklistName) -> Checklist:
    """The checklist called `name`."""
    folder = resources.files("spondyl.report.cards").joinpath("checklist_items")
    return Checklist(**tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")))


def fill(checklist: Checklist, known: Known) -> Filled:
    """Every item answered by what is known, or handed to the authors in words."""
    answers = tuple(_answer(item, known) for item in checklist.items)
    return Filled(checklist, known.configuration, answers)


def _answer(item: Item, known: Known) -> Answer:
    facts: list[str] = [getattr(known, name) for name in item.known]
    told = " ".join(filter(None, facts))
    if not told:
        return Answer(item, "by the authors", f"{AUTHORS}: {item.asks}.")
    if not all(facts):
        return Answer(item, "in part", f"{told} {AUTHORS} what is missing of: {item.asks}.")
    if item.rest:
        return Answer(item, "in part", f"{told} {AUTHORS}: {item.rest}.")
    return Answer(item, "by the run", told)


def as_table(filled: Filled) -> Table:
    """The filled checklist as a table for a page, CSV or LaTeX."""
    checklist = filled.checklist
    return Table(
        f"checklist-{checklist.name.lower().replace(' ', '-').replace('+', '-')}",
        f"{checklist.name}: {filled.said}",
        ("item", "section", "asks for", "answered", "answer"),
        tuple(_row(one) for one in filled.answers),
        (
            f"{checklist.citation}, doi:{checklist.doi}. Numbers as published, questions in our "
            "words; read the published items before handing this in.",
        ),
    )


def render(filled: Filled) -> str:
    """The filled checklist in Markdown, ready for the authors to complete."""
    checklist = filled.checklist
    return (
        "\n\n".join(
            [
                f"# {markdown.escaped(checklist.name)}",
                markdown.escaped(
                    f"{checklist.title} ({checklist.citation}, doi:{checklist.doi}). Numbers as "
                    "published, questions in our words; read the published items before handing "
                    "this in."
                ),
                markdown.escaped(f"{filled.configuration}. {filled.said}"),
                *_sections(filled.answers),
            ]
        )
        + "\n"
    )


def _sections(answers: Sequence[Answer]) -> list[str]:
    """A heading and a table for each section, in the order of the items."""
    columns = ("item", "asks for", "answered", "answer")
    parts = []
    for section in dict.fromkeys(one.item.section for one in answers):
        rows = [_row(one) for one in answers if one.item.section == section]
        parts.append(f"## {markdown.escaped(section)}")
        parts.append(markdown.table(columns, [(n, *rest) for n, _, *rest in rows]))
    return parts


def _row(one: Answer) -> tuple[str, str, str, str, str]:
    return (one.item.number, one.item.section, one.item.asks, one.answered, one.text)
