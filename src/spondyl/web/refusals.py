"""How the web application says no: a status, an error and a hint, whatever went wrong.

Programs are told in JSON of two keys; a person whose browser asked for a page is shown one. A trace
is for the log. What the framework refuses by itself (no such page, a body of another form) is put
into the same two lines here.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from spondyl.errors import Problem, SpondylError
from spondyl.review.database import StoreUnavailableError
from spondyl.web.shelf import GoneError
from spondyl.web.templating import page


class Refusal(BaseModel):
    """Every error of the API."""

    error: str
    """What was got, and what is needed."""
    hint: str
    """What to do next."""


class RefusedError(HTTPException):
    """A refusal with a status of its own."""

    def __init__(
        self, status: int, message: str, hint: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.message = message
        self.hint = hint


_WORDS = {
    400: ("the request cannot be read", "Send it as the API's document, /openapi.json, says."),
    404: ("there is nothing here", "Readers of a survey use the whole link of their invitation."),
    405: ("this cannot be done here", "See /openapi.json for what can."),
    415: ("a body of this kind is not taken", "See /openapi.json for what is."),
}
_MOST_FAULTS = 5
_PROGRAMS = ("/health", "/openapi.json", "/card.md")


def answer(
    scope: Scope, status: int, message: str, hint: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The refusal of a request, as a page where a person's browser asked for one."""
    if not _is_for_a_person(scope):
        return JSONResponse({"error": message, "hint": hint}, status, headers)
    app = scope.get("app")  # not there where the door refuses
    has_room = app is not None and app.state.room is not None and not _is_survey(scope)
    said = message[:1].upper() + message[1:]
    told = {"said": said, "hint": hint, "number": status, "room": has_room}
    return page("refused.html.jinja", status, headers, **told)


def not_found(what: str = "there is nothing here") -> RefusedError:
    """For whoever asks for what is not there, or is not theirs: which of the two is not said."""
    return RefusedError(404, what, "Load the page again.")


def install(app: FastAPI) -> None:
    """Lets `app` answer every exception that is a refusal with two keys."""
    app.add_exception_handler(SpondylError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)


def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, SpondylError)
    if isinstance(error, StoreUnavailableError):  # its words name the database, not for everybody
        return answer(
            request.scope,
            503,
            "what you sent could not be kept just now",
            "Nothing is lost that was confirmed. Try again in a moment.",
            {"Retry-After": "2"},
        )
    status = 404 if isinstance(error, GoneError) else 422
    return answer(request.scope, status, error.message, error.hint)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, RefusedError):
        return answer(request.scope, error.status_code, error.message, error.hint, error.headers)
    said, hint = _WORDS.get(error.status_code, _WORDS[400])
    return answer(request.scope, error.status_code, said, hint, error.headers)


def _of_validation(request: Request, error: Exception) -> Response:
    """A part of the path that cannot be is not there; anything else is told by its place."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][:1] == ("path",) for fault in faults):
        return answer(request.scope, 404, *_WORDS[404])
    listed = [Problem(".".join(map(str, f["loc"])), f["msg"], "") for f in faults[:_MOST_FAULTS]]
    rest = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    said = "; ".join(map(str, listed)) + rest
    return answer(request.scope, 422, said, "Put this right; /openapi.json says what is needed.")


def _is_for_a_person(scope: Scope) -> bool:
    """Whether a browser asks for something to show in its window."""
    path = scope["path"]
    is_page = not path.startswith(("/api/", "/static/")) and path not in _PROGRAMS
    return (
        is_page
        and scope["method"] == "GET"
        and "text/html" in Headers(scope=scope).get("accept", "")
    )


def _is_survey(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith("/review/")
