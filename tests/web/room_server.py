"""A stand-in for the reading room's server: its addresses and answers, and drawn films, no network.

It serves the page's own files, keeps uploads in memory and "reads" one after another by itself; the
real application has tests of its own. A drawn film's corners are the phantom's, so the page's
measurement of them can be held against the truth.
"""

import io
import secrets
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import spondyl.web
from spondyl.data.levels import VERTEBRAE
from spondyl.data.phantom import drawing
from spondyl.data.placement import Placement
from spondyl.explain.heatmap import Heatmap
from spondyl.measure import cobb
from spondyl.measure.measurement import NOTICE, Measurement
from spondyl.reading.document import document
from spondyl.reading.record import Doubt, Film, LabelSet, NetworkAnswer, Reading
from spondyl.web import templating

WEB = Path(spondyl.web.__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TITLE = "resnet50, linear probe, nested protocol"
LABELS = ("normal", "scoliosis", "spondylolisthesis")
NETWORKS = ("mean", "fold-0", "fold-1", "fold-2")
HEAT_SIZE = (256, 128)


def film_png(phantom: drawing.Phantom) -> bytes:
    return _png(phantom.image)


def reading_of(phantom: drawing.Phantom, *, doubted: bool = False) -> Reading:
    """A made-up reading of a drawn film: three networks that agree, or doubts and two parties."""
    size = phantom.image.shape[:2]
    logits = np.array(
        [[0.2, 2.6, -1.0], [0.5, 1.9, -0.4], [1.5, 0.3, 0.1] if doubted else [0, 3, 0]]
    )
    networks = tuple(
        NetworkAnswer(fold, one, _softmax(one), _softmax(one / 1.5), 0.62, 0.31, False)
        for fold, one in enumerate(logits)
    )
    corners = np.asarray(phantom.regions.landmarks, np.float64).reshape(-1, 4, 2)
    names = phantom.truth.vertebrae
    measured = Measurement(
        image_id="film",
        image_size=size,
        made_by="finder",
        view="frontal",
        view_probability=0.99,
        confidence=0.87,
        vertebrae=names,
        cobb_degrees=cobb.three_angles(corners, size[0]),
        interval_level=0.9,
        curves=tuple(
            replace(one, interval_degrees=(one.cobb_degrees - 4, one.cobb_degrees + 4))
            for one in cobb.curves(corners, names)
        ),
    )
    doubts = (
        Doubt("several labels", "Scoliosis and normal cannot be ruled out at a rate of 0.1."),
        Doubt("networks disagree", "2 of 3 networks say scoliosis, 1 says normal."),
    )
    return Reading(
        film=Film(Path("film"), "film", "0" * 64, "PNG", size, (0.5, 0.5), None),
        bundle_id="5b" * 32,
        title=TITLE,
        intended_use="Frontal films of the spine; for research, not for diagnosis.",
        labels=LABELS,
        probabilities=np.mean([one.calibrated for one in networks], axis=0),
        networks=networks,
        learned_from_it=(),
        label_set=LabelSet(LABELS[:2] if doubted else LABELS[1:2], (0.14, 0.71, 0.02), 0.1),
        doubts=doubts if doubted else (),
        heatmap=Heatmap(
            "film", np.ones((7, 5), np.float32), "scoliosis", "Grad-CAM", "layer4", "b"
        ),
        placement=Placement.fit(size, (224, 224), "letterbox"),
        measurement=measured,
        regions=phantom.regions,
        warnings=("the film is narrower than nine of ten training films",) if doubted else (),
        not_run=("No outlier detector is in this bundle, so strangeness was not asked",),
    )


class Room:
    """What the server keeps, and the thread that reads."""

    def __init__(self, seconds_each: float) -> None:
        self.seconds_each = seconds_each
        self.kept: dict[str, dict] = {}
        self.films: dict[str, drawing.Phantom] = {}
        self.corrections: dict[str, list] = {}
        self.is_down = False
        threading.Thread(target=self._read, daemon=True).start()

    def add(self, phantom: drawing.Phantom, *, doubted: bool = False, is_read: bool = False) -> str:
        reading_id = secrets.token_hex(16)
        self.films[reading_id] = phantom
        self.kept[reading_id] = {
            "id": reading_id,
            "state": "done" if is_read else "queued",
            "doubted": doubted,
            "created": time.time(),
        }
        return reading_id

    def empty(self) -> None:
        for kept in (self.kept, self.films, self.corrections):
            kept.clear()

    def entry(self, reading_id: str) -> dict:
        kept = self.kept[reading_id]
        queued = [one for one, other in self.kept.items() if other["state"] == "queued"]
        position = {"reading": 0, "queued": None}.get(kept["state"])
        if kept["state"] == "queued":
            position = 1 + queued.index(reading_id)
        found = {
            "id": reading_id,
            "state": kept["state"],
            "position": position,
            "error": None,
            "hint": None,
            "reading": None,
            "film": None,
            "maps": [],
            "created": kept["created"],
        }
        return found | (self._made(reading_id) if kept["state"] == "done" else {})

    def _made(self, reading_id: str) -> dict:
        phantom = self.films[reading_id]
        height, width = phantom.image.shape[:2]
        base = f"/api/readings/{reading_id}"
        return {
            "reading": document(reading_of(phantom, doubted=self.kept[reading_id]["doubted"])),
            "film": {
                "width": width,
                "height": height,
                "spacing_mm": [0.5, 0.5],
                "url": f"{base}/film.png",
            },
            "maps": [
                {
                    "network": network,
                    "label": label,
                    "method": "Grad-CAM",
                    "peak": peak_of(network, label),
                    "unit": "logit",
                    "url": f"{base}/heatmaps/{network}/{label}.png",
                    "raw_url": f"{base}/heatmaps/{network}/{label}.npy",
                }
                for network in NETWORKS
                for label in LABELS
            ],
        }

    def _read(self) -> None:
        while True:
            waiting = [one for one in list(self.kept.values()) if one["state"] == "queued"]
            if waiting:
                waiting[0]["state"] = "reading"
                time.sleep(self.seconds_each)
                waiting[0]["state"] = "done"
            time.sleep(0.02)


def peak_of(network: str, label: str) -> float:
    return (0.4 + 0.2 * NETWORKS.index(network)) * (1 + LABELS.index(label))


def heat_of(network: str, label: str) -> np.ndarray:
    """A blob, another place for each network, (256, 128) uint8 with 255 at its peak."""
    rows, columns = np.mgrid[: HEAT_SIZE[0], : HEAT_SIZE[1]]
    row, column = 90 + 20 * NETWORKS.index(network), 50 + 12 * LABELS.index(label)
    blob = np.exp(-(((rows - row) / 40) ** 2) - ((columns - column) / 22) ** 2)
    return np.rint(255 * blob / blob.max()).astype(np.uint8)


class Headers:
    """The policy of the real server on every answer, and 503 without ours while it is "down"."""

    def __init__(self, app, room: Room) -> None:
        self.app, self.room = app, room

    async def __call__(self, scope, receive, send):
        if self.room.is_down:
            return await Response("gone", 503)(scope, receive, send)

        async def with_policy(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", POLICY.encode()))
                message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        return await self.app(scope, receive, with_policy)


def app_of(room: Room) -> Starlette:
    def page(_: Request) -> Response:
        bundle = {"title": TITLE, "card_url": "/card", "audit_url": "/audit"}
        return templating.page("room.html.jinja", bundle=bundle, notice=NOTICE)

    async def readings(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"readings": [room.entry(one) for one in reversed(room.kept)]})
        form = await request.form()
        content = await form["films"].read()
        try:
            Image.open(io.BytesIO(content)).verify()
        except (OSError, SyntaxError):
            return _refused(422, "not a film: the file holds no picture", "Send JPEG or PNG.")
        assert request.headers["x-spondyl"] == "1"
        index = len(room.kept)
        phantom = drawing.draw(3, "scoliosis", size=(600, 300), index=index, field="whole")
        entry = room.entry(room.add(phantom, doubted="strange" in form["films"].filename))
        return JSONResponse({"readings": [entry]}, 202)

    def one(request: Request) -> Response:
        reading_id = request.path_params["id"]
        if reading_id not in room.kept:
            return _refused(404, "there is nothing here", "Load the page again.")
        if request.method == "DELETE":
            room.kept.pop(reading_id)
            return Response(status_code=204)
        return JSONResponse(room.entry(reading_id))

    def film(request: Request) -> Response:
        return Response(film_png(room.films[request.path_params["id"]]), media_type="image/png")

    def heat(request: Request) -> Response:
        found = heat_of(request.path_params["network"], request.path_params["label"])
        return Response(_png(found), media_type="image/png")

    async def regions(request: Request) -> Response:
        versions = room.corrections.setdefault(request.path_params["id"], [])
        if request.method == "POST":
            corners = (await request.json())["corners"]
            assert len(corners) == 4 * len(VERTEBRAE)
            versions.append(corners)
        if not versions:
            return JSONResponse(None)
        return JSONResponse({"version": len(versions), "corners": versions[-1]})

    where = "/api/readings/{id}"
    return Starlette(
        routes=[
            Route("/", page),
            Route("/card", lambda _: HTMLResponse("<title>Model card</title>")),
            Route("/health", lambda _: JSONResponse({"ok": True})),
            Route("/api/readings", readings, methods=["GET", "POST"]),
            Route(where, one, methods=["GET", "DELETE"]),
            Route(where + "/film.png", film),
            Route(where + "/heatmaps/{network}/{label}.png", heat),
            Route(where + "/regions", regions, methods=["GET", "POST"]),
            Mount("/static", StaticFiles(directory=WEB / "static")),
        ],
        middleware=[Middleware(Headers, room=room)],
    )


class Served:
    """The stand-in on a free port of this machine, in a thread."""

    def __init__(self, seconds_each: float = 0.1, port: int = 0) -> None:
        self.room = Room(seconds_each)
        settings = uvicorn.Config(
            app_of(self.room), host="127.0.0.1", port=port, log_level="critical", lifespan="off"
        )
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> "Served":
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_) -> None:
        self.server.should_exit = True
        self.thread.join(5)

    @property
    def address(self) -> str:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


def _refused(status: int, error: str, hint: str) -> Response:
    return JSONResponse({"error": error, "hint": hint}, status)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()
