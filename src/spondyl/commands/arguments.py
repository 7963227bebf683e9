"""Arguments that several commands share, and the reading of what a user wrote in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer

from spondyl.errors import Problem, SpondylError
from spondyl.terminal import say

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Labels = Annotated[str, typer.Option(help="Label names in order, with commas between them.")]
LABEL_NAMES = "normal,scoliosis,spondylolisthesis"
"""The labels where none are named."""
Out = Annotated[Path, typer.Option(help="A new folder; nothing is ever overwritten.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Run = Annotated[Path, typer.Argument(help="The folder of a study.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]


def listed(text: str) -> list[str]:
    """The parts of a text with commas, without the spaces around them."""
    return [part.strip() for part in text.split(",")]


def counts(text: str) -> list[int]:
    """Whole numbers of at least 1 from a text with commas; `SpondylError` for anything else."""
    parts = listed(text)
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise SpondylError(f"{text!r}: not numbers of at least 1", "For example 100,1000.")
    return [int(part) for part in parts]


def size(text: str) -> tuple[int, int]:
    """(height, width) from HEIGHTxWIDTH; `SpondylError` for another form."""
    height, _, width = text.partition("x")
    if not (height.isascii() and height.isdigit() and width.isascii() and width.isdigit()):
        raise SpondylError(f"size {text!r}: not HEIGHTxWIDTH", "For example 224x224.")
    return int(height), int(width)


def pairs(texts: list[str]) -> dict[str, Path]:
    """NAME=FILE texts taken apart; `SpondylError` for another form or a name given twice."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise SpondylError(
                f"--weights {text!r}: not NAME=FILE",
                "For example --weights densenet169=densenet169.safetensors.",
            )
        if name in found:
            raise SpondylError(f"--weights {name}: given twice", "Give one file for each network.")
        found[name] = Path(file)
    return found


def tell_what_is_left(passed_over: Iterable[Path], failures: Sequence[Problem]) -> None:
    """On stderr what was passed over and what failed; exit code 1 where anything failed."""
    for path in passed_over:
        say(f"passed over: {path}")
    for failure in failures:
        say(" ".join(f"failed: {failure} ({failure.hint})".split()))
    if failures:
        raise typer.Exit(1)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


class _Row(Protocol):
    """What was measured once."""

    def as_dict(self) -> dict[str, Any]: ...


_T = TypeVar("_T", bound=_Row)


def tell_rows(
    found: Iterator[_T], lines: Callable[[Iterator[_T]], Iterable[str]], as_json: bool
) -> None:
    """One JSON document when all is measured, or lines as it is."""
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        for line in lines(found):
            typer.echo(line)
