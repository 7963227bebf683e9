"""The web application, put together: the reading room, the survey, or both, behind one door.

`create_app` is handed all that it serves (what reads a film, a store of readings, a
survey with its answers) and knows no network. Documentation pages of the framework are left out,
because they load scripts from elsewhere; the API's document itself is at /openapi.json.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from spondyl.web import refusals, routes_pages, routes_readings, routes_survey
from spondyl.web.guard import Guard
from spondyl.web.rates import Rate
from spondyl.web.readings_queue import ReadingsQueue
from spondyl.web.readings_store import ReadingStore
from spondyl.web.room import Room
from spondyl.web.room_reading import MakeReading
from spondyl.web.routes_survey import Desk
from spondyl.web.settings import Settings
from spondyl.web.survey_room import SurveyRoom


def create_app(
    settings: Settings,
    make: MakeReading | None = None,
    store: ReadingStore | None = None,
    survey: SurveyRoom | None = None,
) -> FastAPI:
    """The application.

    `make` and `store` come together and with `settings.bundle`, or there is no reading room.
    Without a `survey` nobody is asked.
    Films are read while the application's lifespan lasts; `store` is closed by whoever opened it.
    """
    app = FastAPI(
        title="spondyl",
        summary="Radiographs read by a bundle of networks. For research, not for diagnosis.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.room = None
    refusals.install(app)
    app.add_middleware(Guard, settings=settings)
    app.mount("/static", StaticFiles(packages=[("spondyl.web", "static")]))
    app.include_router(routes_pages.always)
    if make is not None and store is not None and settings.bundle is not None:
        queue = ReadingsQueue(store, make)
        app.state.room = Room(settings, store, queue, Rate(settings.limits.uploads_per_minute))
        app.include_router(routes_pages.router)
        app.include_router(routes_readings.router)
    if survey is not None:
        app.state.desk = Desk(survey, Rate(settings.limits.guesses_per_minute))
        app.include_router(routes_survey.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    room: Room | None = app.state.room
    if room is not None:
        room.queue.start()
    try:
        yield
    finally:
        if room is not None:
            room.queue.stop()
