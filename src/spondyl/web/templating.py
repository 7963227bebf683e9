"""The templates of the web pages: everything escaped, and nothing that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.responses import HTMLResponse


def page(
    name: str, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    """The template `name` filled with `context`."""
    return HTMLResponse(_environment().get_template(name).render(context), status, headers)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text_of),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text_of(name: str) -> str:
    return resources.files("spondyl.web").joinpath("templates", name).read_text("utf-8")
