"""How a spine finder is trained, as its user writes it: one flat TOML file, every fault named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spondyl.errors import Problem, SpondylError, known_keys
from spondyl.files import read_toml
from spondyl.measure.network import COARSEST

Side = Annotated[int, Field(ge=COARSEST, le=2048, multiple_of=COARSEST)]
Part = Annotated[float, Field(ge=0, lt=0.5)]


class FinderSpec(BaseModel):
    """A training; keys that are absent have the values given here, and all are kept in the
    finder."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    title: str = Field(default="A spine finder", min_length=1, max_length=200)
    films: Literal["phantoms", "landmark set"] = "phantoms"
    """What the corners are of: drawn films alone, or those of `--data` with drawn ones beside
    them."""
    start: Literal["random", "shipped"] = "random"
    """Initial weights: drawn at random, or those of the finder that comes with the package."""
    size: tuple[Side, Side] = (512, 256)
    """(height, width) of the network grid."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)

    phantoms: int = Field(default=1500, ge=16, le=100_000)
    """Drawn films to learn from."""
    lateral: Part = 0.25
    """Share of the drawn films that are lateral."""
    without_spine: Part = 0.08
    """Share of the pictures of an epoch that show no spine."""
    phantoms_per_epoch: int = Field(default=1500, ge=0, le=100_000)
    over_grain: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Share of the drawn films that are laid over other grain: that of real films, where there are
    some."""
    least_confidence: Annotated[float, Field(ge=0, le=1)] = 0.4
    """A spine found with less is refused: more for a finder that has seen no real film."""
    tune: Part = 0.1
    """Share of the set's studies that choose the width of the intervals."""
    test: Part = 0.15
    """Share of the set's studies that judge the finder."""

    epochs: int = Field(default=12, ge=1, le=10_000)
    batch_size: int = Field(default=16, ge=2, le=1024)
    learning_rate: float = Field(default=2e-3, gt=0, le=1)
    """At its height; it rises over the first twentieth of the steps and falls as a cosine."""
    weight_decay: float = Field(default=0.02, ge=0, le=1)
    averaging: float = Field(default=0.998, ge=0, lt=1)
    """The weights kept are a running mean: this much of it is kept at each step."""
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    """Of training steps, as Lightning Fabric names it."""

    @field_validator("size", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


def read(path: Path) -> FinderSpec:
    """The training written in a TOML file; `SpondylError` names every fault."""
    content = read_toml(path)
    try:
        return FinderSpec.model_validate(content)
    except ValidationError as error:
        raise SpondylError.of([_problem(fault) for fault in error.errors()], str(path)) from error


def _problem(fault: Any) -> Problem:
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        hint = known_keys(where, FinderSpec.model_fields)
        return Problem(where, "not a key of a finder's training", hint)
    return Problem(where, f"{fault['msg']}, got {fault['input']!r}", "Correct the value.")
