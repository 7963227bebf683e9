"""Small surveys with drawn pictures, and readers who answer them."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image

from spondyl.data.labels import SPINE_LABELS
from spondyl.review import questions, taking
from spondyl.review.course import Step, reached
from spondyl.review.folder import SurveyFolder, picture_names, save
from spondyl.review.records import Answer, Item, Map, Question, Survey
from spondyl.review.selecting import Candidate, Choice, select
from spondyl.review.store import Store

NETWORKS = ("vgg16 fine-tuning", "resnet50 fine-tuning")
LABELS = SPINE_LABELS.names


def candidates(n: int = 60, seed: int = 0) -> tuple[Candidate, ...]:
    """Films of which each network gets one in ten wrong; two films in a group now and then."""
    generator = np.random.default_rng(seed)
    films = []
    for at in range(n):
        truth = LABELS[int(generator.choice(3, p=[0.2, 0.55, 0.25]))]
        predicted = {
            network: truth if generator.random() > 0.1 else LABELS[(LABELS.index(truth) + 1) % 3]
            for network in NETWORKS
        }
        group = f"patient {at - at % 10 if at % 10 < 2 else at}"
        films.append(Candidate(f"Doe^Jane {at:03}.png", f"{at:064x}", group, truth, predicted))
    return tuple(films)


def survey(
    right: int = 3, repeats: int = 2, decoys: int = 2, seed: int = 7, survey_id: str = "spines"
) -> Survey:
    """A survey of the paper's questions."""
    chosen = Choice(NETWORKS, seed, wrong=4, right=right, repeats=repeats, decoys=decoys)
    return Survey(
        survey_id,
        "Spines, reviewed",
        LABELS,
        questions.of_the_paper(SPINE_LABELS),
        select(candidates(), LABELS, chosen).items,
        seed,
        "2026-03-01T12:00:00.000000+00:00",
    )


def pictures(of: Survey) -> dict[str, bytes]:
    """A grey picture for every name, each of its own grey."""
    made = {}
    for at, name in enumerate(sorted(picture_names(of))):
        stream = io.BytesIO()
        Image.new("L", (4, 6), at % 256).save(stream, "JPEG" if name.endswith("jpg") else "PNG")
        made[name] = stream.getvalue()
    return made


def saved(path, of: Survey | None = None) -> SurveyFolder:
    of = of or survey()
    return save(path / of.survey_id, of, pictures(of))


def tiny_item(item_id: str, maps: int = 0, repeats: str | None = None) -> Item:
    """An item of which nothing matters but how many heatmaps it has."""
    first = repeats or item_id
    drawn = tuple(
        Map(f"{item_id}m{n}", NETWORKS[n % 2], "normal", "network", f"{first}m{n}.png")
        for n in range(maps)
    )
    said = tuple((network, "normal") for network in NETWORKS)
    sha256 = hashlib.sha256(first.encode()).hexdigest()
    return Item(item_id, f"{first}.png", sha256, "normal", said, drawn, repeats, "sample")


def tiny_survey(
    items: Sequence[Item], asked: Sequence[Question] | None = None, seed: int = 1
) -> Survey:
    asked = questions.of_the_paper(SPINE_LABELS) if asked is None else tuple(asked)
    return Survey("tiny", "Tiny", LABELS, tuple(asked), tuple(items), seed, "2026-03-01")


def first_offered(question: Question) -> str:
    """An answer that is always allowed."""
    if question.kind == "free text":
        return "seen"
    return question.options[0] if question.options else "yes"


def answer(
    survey: Survey, reader: str, item_id: str, question: str, value: str, map_id: str | None = None
) -> Answer:
    phase = "unaided" if map_id is None else "aided"
    return Answer(
        uuid.uuid4().hex, survey.survey_id, reader, item_id, map_id, phase, question, value, 1.5, ""
    )


def next_step(of: Survey, reader: str, answers: Iterable[Answer]) -> Step | None:
    """Where `reader` stands; None when every required question is answered."""
    last = reached(of, reader, answers)[-1]
    return last if last.lacking else None


def complete(
    store: Store,
    survey: Survey,
    reader: str,
    value_of: Callable[[Question], str] = first_offered,
    steps: int | None = None,
) -> int:
    """Answers what is required, step by step, as a reader would; how many steps that were."""
    done = 0
    while steps is None or done < steps:
        step = next_step(survey, reader, store.answers(survey.survey_id, reader))
        if step is None:
            break
        if step.map_id is not None:
            store.show(survey.survey_id, reader, step.item.item_id, step.map_id)
        for question in step.questions:
            if question.required:
                taking.take(
                    store,
                    survey,
                    answer(
                        survey,
                        reader,
                        step.item.item_id,
                        question.key,
                        value_of(question),
                        step.map_id,
                    ),
                )
        done += 1
    return done
