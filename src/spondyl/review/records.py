"""What a survey is made of: questions, items, readers and their answers; nothing that sees a film.

A survey is prepared beforehand as files, films and heatmaps included, so that asking needs no
network and no torch. An item is one film as one reader meets it: first alone ("unaided"), then with
one heatmap after another ("aided"), whose networks are called A, B … in an order of the reader's
own. An answer is only ever added: whoever changes their mind adds another, and the last one counts,
while the first unaided one stays what was said blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 2

Phase = Literal["unaided", "aided"]
QuestionKind = Literal["one of", "any of", "scale", "yes or no", "free text"]
MapKind = Literal["network", "other label", "randomised network"]
"""What a heatmap is: a network's own, or one of two decoys that ought not to look right."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `key` names it in tables."""

    key: str
    text: str
    kind: QuestionKind
    phase: Phase
    """Unaided questions are asked once for each film, aided ones once for each heatmap."""
    options: tuple[str, ...] = ()
    """Of "one of" and "any of", in order; of "scale" the words from its low to its high end."""
    required: bool = True
    diagnosis: bool = False
    """Whether the options are the labels, so that its answer is compared with the data set's."""
    looks_right: bool = False
    """Whether a "yes" says that a heatmap looks right, so that decoys are counted by it."""


@dataclass(frozen=True, slots=True)
class Map:
    """One heatmap of an item, as it was prepared."""

    map_id: str
    network: str
    """Configuration whose network it is of; a decoy's, of what it pretends to be."""
    label: str
    """The label asked about: what the network said."""
    kind: MapKind
    file: str
    """Name of the drawn overlay in the survey's folder."""
    scores: tuple[tuple[str, float], ...] = ()
    """(name, value) of what the explanation's own scores say of it."""
    drawn_label: str | None = None
    """The label that the heat is really of: another than `label` in the decoy "other label". None
    where a survey of schema 1, which did not keep it, was read."""
    method: str = ""
    """That made it, such as "grad-cam"; empty as `drawn_label` is None."""


@dataclass(frozen=True, slots=True)
class Item:
    """A film of a survey. Readers never see what stands here but the picture."""

    item_id: str
    film: str
    """Name of the film's picture in the survey's folder; never the file's own name."""
    film_sha256: str
    truth: str | None
    """The data set's label."""
    predicted: tuple[tuple[str, str], ...]
    """(configuration, label) of every network that is asked about."""
    maps: tuple[Map, ...]
    repeats: str | None = None
    """The item of which this is the same film again, to compare a reader with themselves."""
    why: str = ""
    """Why it was chosen: "wrong", "right", "sample", "repeat"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one reader; a row that is only ever added."""

    answer_id: str
    """Chosen by the reader's browser, so that one that is sent twice is kept once."""
    survey_id: str
    reader: str
    """Pseudonym."""
    item_id: str
    map_id: str | None
    """None of an unaided question."""
    phase: Phase
    question: str
    value: str
    """As shown; of "any of" the options with "; " between them."""
    seconds: float
    """From when the question was shown until it was answered."""
    at: str
    """UTC, ISO 8601, as the server took it."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey as it was made."""

    survey_id: str
    title: str
    labels: tuple[str, ...]
    questions: tuple[Question, ...]
    items: tuple[Item, ...]
    seed: int
    """Of every order that is drawn."""
    created: str
