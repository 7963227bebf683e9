"""What one server of the reading room is made of, and how a request finds it.

Routes are plain functions of a module; what they need stands in the application's state, so two
servers in one process (as in tests) share nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from spondyl.web.guard import client_of, user_of
from spondyl.web.rates import Rate
from spondyl.web.readings_queue import ReadingsQueue
from spondyl.web.readings_store import ReadingStore
from spondyl.web.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """The reading room of a server that has one."""

    settings: Settings
    store: ReadingStore
    queue: ReadingsQueue
    uploads: Rate


def _room_of(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def _user_of(request: Request) -> str | None:
    return user_of(request.scope)


def _client_of(request: Request) -> str:
    return client_of(request.scope)


RoomHere = Annotated[Room, Depends(_room_of)]
User = Annotated[str | None, Depends(_user_of)]
"""Whose readings a request may see."""
Client = Annotated[str, Depends(_client_of)]
