"""The pages of the reading room, and what it says of itself."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse

from spondyl.measure.measurement import NOTICE
from spondyl.web import card_page
from spondyl.web.answers import refusals
from spondyl.web.guard import AUDIT
from spondyl.web.refusals import not_found
from spondyl.web.room import RoomHere
from spondyl.web.templating import page

_BODY = re.compile(r"<body(\s[^>]*)?>", re.IGNORECASE)
_WAY_BACK = (
    '<p style="margin:0;padding:.6rem 1rem;font:15px/1.4 system-ui,sans-serif">'
    '<a href="/">Reading room</a> <a href="/card" style="margin-left:1rem">Model card</a></p>'
)
always = APIRouter()
"""What every server has."""
router = APIRouter(responses=refusals(400, 401))
"""What a server with a reading room has."""


@always.get("/health")
def health() -> dict[str, str]:
    """Says that the server answers."""
    return {"state": "up"}


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def room(here: RoomHere) -> HTMLResponse:
    """The reading room."""
    return page("room.html.jinja", bundle=_bundle(here), notice=NOTICE)


@router.get("/card", response_class=HTMLResponse, include_in_schema=False)
def card(here: RoomHere) -> HTMLResponse:
    """The model card."""
    shown = _bundle(here)
    blocks = card_page.blocks(_card(here))
    return page("card.html.jinja", blocks=blocks, audit_url=shown["audit_url"])


@router.get("/card.md", response_class=PlainTextResponse, include_in_schema=False)
def card_as_written(here: RoomHere) -> PlainTextResponse:
    """The model card in Markdown."""
    return PlainTextResponse(_card(here))


@router.get(AUDIT, response_class=HTMLResponse, include_in_schema=False)
def audit(here: RoomHere) -> HTMLResponse:
    """The bundle's audit; it has a policy of its own, under which no script runs."""
    if here.settings.audit is None:
        raise not_found("no audit was given to this server")
    return HTMLResponse(_with_way_back(here.settings.audit))


@router.get("/api/bundle")
def bundle(here: RoomHere) -> dict[str, Any]:
    """Which bundle reads, what it tells apart, and what the server takes."""
    return _bundle(here)


def _card(here: RoomHere) -> str:
    assert here.settings.bundle is not None  # a room has one
    return here.settings.bundle.card


def _with_way_back(page: str) -> str:
    """`page` with a line of ours at its top."""
    begun = _BODY.search(page)
    at = begun.end() if begun else 0
    return page[:at] + _WAY_BACK + page[at:]


def _bundle(here: RoomHere) -> dict[str, Any]:
    bundle = here.settings.bundle
    assert bundle is not None  # a room has one
    audit_url = None if here.settings.audit is None else AUDIT
    return bundle.as_dict(here.settings.limits) | {"card_url": "/card", "audit_url": audit_url}
