"""A small survey with drawn pictures, open in the web application."""

from __future__ import annotations

import io
import uuid
from contextlib import contextmanager

from PIL import Image
from reading_rooms import WRITE
from starlette.testclient import TestClient

from spondyl.data.labels import SPINE_LABELS
from spondyl.review import questions
from spondyl.review.folder import picture_names, save
from spondyl.review.records import Item, Map, Survey
from spondyl.review.store import open_store
from spondyl.web.app import create_app
from spondyl.web.limits import Limits
from spondyl.web.settings import Settings
from spondyl.web.survey_room import SurveyRoom

NETWORKS = ("vgg16 fine-tuning", "resnet50 fine-tuning")
N_FILMS = 4


def survey() -> Survey:
    """Four films, the last of them the first again, with two heatmaps each, one a decoy."""
    items = tuple(_item(f"i{n:03}") for n in range(1, N_FILMS))
    asked = questions.of_the_paper(SPINE_LABELS)
    again = _item("i099", repeats="i001")
    return Survey(
        "spines", "Spines, reviewed", SPINE_LABELS.names, asked, (*items, again), 3, "2026-03-01"
    )


def _item(item_id: str, repeats: str | None = None) -> Item:
    first = repeats or item_id
    said = tuple((network, "scoliosis") for network in NETWORKS)
    maps = tuple(
        Map(f"{item_id}m{n}", network, "scoliosis", kind, f"{item_id}m{n}.png")
        for n, (network, kind) in enumerate(zip(NETWORKS, ("network", "other label"), strict=True))
    )
    return Item(item_id, f"{first}.png", first[1:] * 21 + "0", "normal", said, maps, repeats)


def pictures(of: Survey) -> dict[str, bytes]:
    """A picture for every name, each of its own grey."""
    made = {}
    for grey, name in enumerate(sorted(picture_names(of))):
        stream = io.BytesIO()
        Image.new("L", (4, 6), 10 * grey).save(stream, "PNG")
        made[name] = stream.getvalue()
    return made


@contextmanager
def opened(tmp_path, where=None, limits=None):
    """(client, store, function that invites and gives a token) of an open survey."""
    path = tmp_path / "survey"
    folder = save(path, survey(), pictures(survey()))
    store = open_store(where or tmp_path / "answers.db")
    try:
        store.keep(folder)
        app = create_app(Settings(limits=limits or Limits()), survey=SurveyRoom(folder, store))
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            yield client, store, lambda name: store.invite("spines", name).token
    finally:
        store.close()


def step(client, token: str, **at) -> dict:
    """Where a reader stands."""
    found = client.get(f"/api/review/{token}/step", params=at)
    assert found.status_code == 200, found.text
    return found.json()


def first_offered(question: dict) -> str:
    """An answer that is always allowed."""
    return (question["options"] or ["yes"])[0]


def said(at: dict, question: dict, value: str | None = None) -> dict:
    """What the page sends for a question of a step."""
    return {
        "answer_id": uuid.uuid4().hex,
        "item_id": at["item_id"],
        "map_id": at["map_id"],
        "question": question["key"],
        "value": first_offered(question) if value is None else value,
        "seconds": 1.5,
    }


def answer(client, token: str, sent: dict):
    """The answer of the API to an answer of a reader."""
    return client.post(f"/api/review/{token}/answers", json=sent, headers=WRITE)


def answer_step(client, token: str, at: dict) -> None:
    """Answers what is required on a page."""
    for question in at["questions"]:
        if question["required"]:
            done = answer(client, token, said(at, question))
            assert done.status_code == 201, done.text
