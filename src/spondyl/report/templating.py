"""The templates of pages, and what every page does to text before it is shown."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined


def environment() -> Environment:
    """What renders the templates: escaped, and refusing what is not there. Its filter `tied` lets
    no line end between a number and its sign."""
    made = Environment(
        loader=FunctionLoader(text_of),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(tied=_tied)
    return made


def text_of(name: str) -> str:
    """The text of a template or a style sheet."""
    return resources.files("spondyl.report").joinpath("templates", name).read_text("utf-8")


def _tied(text: str) -> str:
    return text.replace(" %", "\u00a0%")
