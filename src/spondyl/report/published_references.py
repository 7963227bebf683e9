"""What the references of a published article reported, as far as that article says so.

Decision: what the text lacks is "not stated" and is never filled from elsewhere, so the table shows
how little of the literature can be held against anything: an accuracy without its protocol and its
number of films is no quantity. The price is a table of many empty cells.
"""

from __future__ import annotations

import tomllib
from importlib import resources

from pydantic import BaseModel, ConfigDict

NOT_STATED = "not stated"


class Reference(BaseModel):
    """One publication, in the words of the article that cites it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    work: str
    number: str
    """In the article's list of references; "" where it is not given."""
    network: str
    task: str
    data: str
    n: str
    """Films."""
    protocol: str
    """Hold-out, folds, repeats."""
    accuracy: str
    explanation: str
    where: str
    """In which part of the article it is said."""
    note: str


def references() -> tuple[Reference, ...]:
    """All of them, those of the same task first."""
    file = resources.files("spondyl.report").joinpath("published_references.toml")
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(Reference(**one) for one in content["references"])
