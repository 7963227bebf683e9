"""A small survey that tests fill in by hand."""

from __future__ import annotations

from dataclasses import replace

from spondyl.review.analysis.counting import Counted, count
from spondyl.review.records import Answer, Item, Map, Question, Survey
from spondyl.review.standing import Shown

LABELS = ("normal", "scoliosis", "spondylolisthesis")
NETWORKS = ("A net", "B net")

QUESTIONS = (
    Question("diagnosis", "Which?", "one of", "unaided", LABELS, diagnosis=True),
    Question("hard", "How hard?", "scale", "unaided", ("easy", "fair", "hard")),
    Question("signs", "Which signs?", "any of", "unaided", ("curve", "step"), required=False),
    Question("remark", "Anything?", "free text", "unaided", required=False),
    Question("right", "Looks right?", "yes or no", "aided", looks_right=True),
)
AFTER = Question("after", "Which now?", "one of", "aided", LABELS, diagnosis=True)


def item(
    number: int, truth: str | None = "normal", predicted=("normal", "normal"), **changes
) -> Item:
    """One film with a heatmap of each network."""
    name = f"i{number}"
    maps = tuple(
        Map(f"{name}m{place}", network, said, "network", f"{name}m{place}.png")
        for place, (network, said) in enumerate(zip(NETWORKS, predicted, strict=True))
    )
    made = Item(
        name,
        f"{name}.png",
        f"film {number}",
        truth,
        tuple(zip(NETWORKS, predicted, strict=True)),
        maps,
        why="sample",
    )
    return replace(made, **changes)


def decoy(of: Item, place: int = 0, kind="other label") -> Item:
    """The item with a decoy in the place of one network's heatmap."""
    maps = tuple(replace(m, kind=kind) if at == place else m for at, m in enumerate(of.maps))
    return replace(of, maps=maps)


def again(of: Item, number: int) -> Item:
    """The same film as an item of its own."""
    fresh = item(number, of.truth, tuple(label for _, label in of.predicted))
    return replace(fresh, film_sha256=of.film_sha256, repeats=of.item_id, why="repeat")


def survey(*items: Item, questions=QUESTIONS) -> Survey:
    return Survey("s", "A survey", LABELS, questions, items, 7, "2026-01-01T00:00:00+00:00")


class Sheet:
    """Answers in the order in which they are given."""

    def __init__(self, of: Survey) -> None:
        self.survey = of
        self.answers: list[Answer] = []
        self.shown: list[Shown] = []

    def say(self, reader: str, place: str, question: str, value: str, seconds=5.0, **changes):
        """One answer; `place` is an item or a heatmap."""
        item_id, _, number = place.partition("m")
        n = len(self.answers)
        self.answers.append(
            replace(
                Answer(
                    f"answer-{n}",
                    self.survey.survey_id,
                    reader,
                    item_id,
                    place if number else None,
                    "aided" if number else "unaided",
                    question,
                    value,
                    seconds,
                    f"2026-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}+00:00",
                ),
                **changes,
            )
        )
        return self

    def show(self, reader: str, place: str):
        """A heatmap is handed to a reader, who says nothing yet."""
        after = sum(one.reader == reader for one in self.answers)
        item_id = place.partition("m")[0]
        shown = Shown(self.survey.survey_id, reader, item_id, place, after, "2026-01-01T00:00:00Z")
        self.shown.append(shown)
        return self

    def diagnoses(self, reader: str, *values: str | None):
        """Of the survey's items in order; None leaves one out."""
        for one, value in zip(self.survey.items, values, strict=True):
            if value is not None:
                self.say(reader, one.item_id, "diagnosis", value)
        return self

    def counted(self) -> Counted:
        return count(self.survey, self.answers, self.shown)
