"""How the web application says no: a status and two keys, `error` and `hint`, whatever went wrong.

A trace is for the log. What the framework refuses by itself (no such page, a body of another form)
is put into the same two keys here.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from spondyl.errors import Problem, SpondylError
from spondyl.review.database import StoreUnavailableError
from spondyl.web.shelf import GoneError


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
    404: ("there is nothing here", "Go back to the first page."),
    405: ("this cannot be done here", "See /openapi.json for what can."),
    415: ("a body of this kind is not taken", "See /openapi.json for what is."),
}
_MOST_FAULTS = 5


def answer(
    status: int, message: str, hint: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The refusal as JSON."""
    return JSONResponse({"error": message, "hint": hint}, status, headers)


def not_found(what: str = "there is nothing here") -> RefusedError:
    """For whoever asks for what is not there, or is not theirs: which of the two is not said."""
    return RefusedError(404, what, "Load the page again.")


def install(app: FastAPI) -> None:
    """Lets `app` answer every exception that is a refusal with two keys."""
    app.add_exception_handler(SpondylError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)


def _of_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, SpondylError)
    if isinstance(error, StoreUnavailableError):  # its words name the database, not for everybody
        return answer(
            503,
            "what you sent could not be kept just now",
            "Nothing is lost that was confirmed. Try again in a moment.",
            {"Retry-After": "2"},
        )
    return answer(404 if isinstance(error, GoneError) else 422, error.message, error.hint)


def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, RefusedError):
        return answer(error.status_code, error.message, error.hint, error.headers)
    said, hint = _WORDS.get(error.status_code, _WORDS[400])
    return answer(error.status_code, said, hint, error.headers)


def _of_validation(_: Request, error: Exception) -> Response:
    """A part of the path that cannot be is not there; anything else is told by its place."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][:1] == ("path",) for fault in faults):
        return answer(404, *_WORDS[404])
    listed = [Problem(".".join(map(str, f["loc"])), f["msg"], "") for f in faults[:_MOST_FAULTS]]
    rest = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    said = "; ".join(map(str, listed)) + rest
    return answer(422, said, "Put this right; /openapi.json says what is needed.")
