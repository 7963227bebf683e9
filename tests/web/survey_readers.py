"""A small survey of drawn films on a real server, and readers who answer it in a real browser."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import numpy as np
import open_surveys
import uvicorn
from PIL import Image

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.explain import overlay
from spondyl.review import questions
from spondyl.review.folder import SurveyFolder, save
from spondyl.review.records import Survey
from spondyl.review.store import Store, open_store
from spondyl.web.app import create_app
from spondyl.web.settings import Settings
from spondyl.web.survey_room import SurveyRoom

WAIT_MS = 8000
EXPECTED = ("Failed to load resource", "Canvas2D: Multiple readback")
"""What a browser says of refusals and losses that are meant, and of tests that read pixels."""
SCRIPT = "<img src=x onerror=document.title='bad'>"
SIZE = (480, 240)
HOT = (240, 120)
"""Row and column of every heatmap's peak."""
ASKED = [
    {"key": "diagnosis", "text": "Diagnosis?", "kind": "one of", "phase": "unaided",
     "diagnosis": True},
    {"key": "signs", "text": "Which signs?", "kind": "any of", "phase": "unaided",
     "options": ["curve", "slip", "wedge"]},
    {"key": "difficulty", "text": "How hard?", "kind": "scale", "phase": "unaided",
     "options": ["easy", "neither", "hard"]},
    {"key": "reliable", "text": "Reliable?", "kind": "yes or no", "phase": "unaided"},
    {"key": "remark", "text": f"Anything to add? {SCRIPT}", "kind": "free text",
     "phase": "unaided", "required": False},
    {"key": "attention", "text": "Attention right?", "kind": "yes or no", "phase": "aided",
     "looks_right": True},
    {"key": "map_remark", "text": "Of the heatmap?", "kind": "free text", "phase": "aided",
     "required": False},
]  # fmt: skip


def survey() -> Survey:
    """Two films with two heatmaps each, one a decoy; questions of every kind."""
    asked = questions.parse({"question": ASKED}, SPINE_LABELS, "a test's questions")
    whole = open_surveys.survey()
    return replace(whole, questions=asked, items=whole.items[:2])


def pictures(of: Survey) -> dict[str, bytes]:
    """Drawn films, and each under heat around `HOT`."""
    made = {}
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    heat = np.exp(-(((rows - HOT[0]) / 40) ** 2) - ((columns - HOT[1]) / 30) ** 2)
    for index, item in enumerate(of.items):
        film = drawing.draw(3, "scoliosis", size=SIZE, index=index, field="whole").image / 255
        film = film.astype(np.float32)
        made[item.film] = _png(overlay.bare(film)[..., 0])
        for drawn in item.maps:
            made[drawn.file] = _png(overlay.draw(film, heat.astype(np.float32), 1.0))
    return made


def saved(folder: Path) -> SurveyFolder:
    return save(folder / "survey", survey(), pictures(survey()))


class Served:
    """The survey by the real application on a free port of this machine, in a thread."""

    def __init__(self, folder: Path) -> None:
        kept = saved(folder)
        self.store = open_store(folder / "answers.db")
        self.store.keep(kept)
        app = create_app(Settings(), survey=SurveyRoom(kept, self.store))
        settings = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical")
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.invited = 0

    def __enter__(self) -> Served:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/"
        return self

    def __exit__(self, *_) -> None:
        self.server.should_exit = True
        self.thread.join(5)
        self.store.close()

    def invite(self) -> tuple[str, str]:
        """(pseudonym, link) of a reader whom nobody was before."""
        self.invited += 1
        name = f"reader-{self.invited}"
        return name, link(self.address, self.store, name)


def link(address: str, store: Store, name: str) -> str:
    return f"{address}review/{store.invite('spines', name).token}"


def answer_all(url: str) -> None:
    """Answers all that is required, without a browser."""
    address, token = url.split("review/")
    with httpx.Client(base_url=address, timeout=20) as client:
        while not (at := open_surveys.step(client, token))["done"]:
            open_surveys.answer_step(client, token, at["step"])


@dataclass
class Sitting:
    """A tab in which a reader answers; it must complain of nothing."""

    tab: object
    complaints: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(method, url) of all that the page asked for."""

    def __post_init__(self) -> None:
        self.tab.set_default_timeout(WAIT_MS)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", lambda said: self.complaints.append(said.text))
        self.tab.on("request", lambda one: self.asked.append((one.method, one.url)))

    def open(self, url: str, title: str) -> Sitting:
        self.tab.goto(url)
        return self.at(title)

    def at(self, title: str) -> Sitting:
        """Waits for a page by its title, its picture there."""
        self.tab.wait_for_function(
            """(title) => document.querySelector('#page-title').textContent === title
                && (document.querySelector('#stage').hidden
                    || !document.querySelector('#questions').inert)""",
            arg=title,
        )
        return self

    @property
    def title(self) -> str:
        return self.tab.locator("#page-title").inner_text()

    def question(self, number: int):
        return self.tab.locator(f"#question-{number}")

    def choose(self, number: int, option: str) -> None:
        self.question(number).locator(".options label", has_text=option).click()

    def answer_film(self) -> None:
        """What is required of a film alone, and on."""
        for number, option in ((1, "scoliosis"), (2, "curve"), (3, "hard"), (4, "Yes")):
            self.choose(number, option)

    def next(self) -> None:
        self.tab.locator("#next").click()

    def to(self, title: str) -> Sitting:
        self.next()
        return self.at(title)

    def state(self, number: int) -> str:
        return self.question(number).locator(".state").inner_text()

    def saved(self, number: int) -> None:
        """Waits until an answer is said to be saved."""
        self.tab.locator(f"#question-{number} .state.saved").wait_for()

    def stored(self) -> dict[str, str]:
        """What this browser keeps of answers."""
        kept = self.tab.evaluate("({...localStorage})")
        return {key: value for key, value in kept.items() if key.startswith("spondyl.survey.")}

    @property
    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not one.startswith(EXPECTED)]


def said(store: Store, name: str) -> list[tuple[str | None, str, str]]:
    """(heatmap, question, value) of all that a reader said, in order; the film is left out."""
    return [(a.map_id, a.question, a.value) for a in store.answers("spines", name)]


def _png(pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
