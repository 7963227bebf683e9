"""A study as its user writes it: one flat TOML file, read whole, every fault named at once.

Every network is run under every strategy and protocol. What stands in no file has the default given
here, and the resolved spec, defaults included, is stored with the results.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from spondyl.data.labels import LabelSet
from spondyl.errors import Problem, SpondylError, known_keys, known_words
from spondyl.files import read_toml
from spondyl.learn.contradictions import contradictions
from spondyl.learn.networks import parse
from spondyl.learn.outcome import Configuration, Protocol, StrategyName
from spondyl.learn.preprocess import Crop, Hide, Preprocessing
from spondyl.learn.sampling import Sampling
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.vision_language import prompts
from spondyl.learn.vision_language.towers import TOWERS

Side = Annotated[int, Field(ge=32, le=2048)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
Step = Literal["plain", "compiled", "graph", "auto"]
Share = Annotated[float, Field(ge=0, le=1)]

PRESENTATION = frozenset({"title", "published", "heatmaps", "gallery_films", "gallery_wrong"})
"""Keys that change what is shown and no result; they may differ when a study is resumed."""
EXECUTION = frozenset({"step"})
"""Keys that change how fast a trial is, and its result by rounding only; likewise."""
_PRODUCT = frozenset(
    {"networks", "strategies", "protocols", "folds", "only_folds", "find_duplicates"}
    | {"without_mask", "other_labels", "scheme", "test_share", "repeats"}
)
"""Keys that say which trials and films there are; a trial's own definition holds them already."""
NEW_KEYS = frozenset(
    {"fixmatch_ratio", "fixmatch_threshold", "fixmatch_weight"}
    | {"other_labels", "scheme", "test_share", "repeats"}
    | {"sampling", "films_seen_before", "unfrozen_stages", "second_rate", "second_epochs"}
    | {prompts.TEMPLATES, prompts.NAMES}
)
"""Keys that are younger than some studies on disk: left out of `learning` and `substance` while at
their defaults, so that these studies keep the names of their trials."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class StudySpec(_Frozen):
    """networks × strategies × protocols × folds, and how each trial learns."""

    title: str = Field(default="A study of spine radiographs", min_length=1, max_length=200)
    networks: tuple[str, ...] = Field(min_length=1)
    strategies: tuple[StrategyName, ...] = Field(min_length=1)
    protocols: tuple[Protocol, ...] = Field(default=("nested",), min_length=1)
    labels: tuple[str, ...] = ("normal", "scoliosis", "spondylolisthesis")
    other_labels: tuple[str, ...] = ()
    """Labels that the cohort has and the task has not: their films are divided with all others, and
    then left out."""
    scheme: Literal["k-fold", "hold-out"] = "k-fold"
    """"k-fold": every film is tested once; "hold-out": a share of each label's films is."""
    folds: int = Field(default=5, ge=2, le=20)
    test_share: float = Field(default=0.3, ge=0.05, le=0.8)
    """`hold-out` only: the share that is tested, at most."""
    repeats: int = Field(default=1, ge=1, le=100)
    """Times that the films are divided anew, and everything is run again."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    published: str = ""
    """Name of published figures to stand beside ours; "" for none."""

    size: tuple[Side, Side] = (224, 224)
    """(height, width) of the network grid."""
    fit: Literal["stretch", "letterbox"] = "stretch"
    colour: Literal["grey", "as stored"] = "grey"
    crop: Crop = "none"
    """"spine": a film is cropped to the box round its spine mask and `crop_margin`."""
    crop_margin: Share = 0.1
    """On every side of that box, as a share of its longer side."""
    hide: Hide = "nothing"
    """"inside": only a frame of 16 pixels in 224 is shown, of whatever crop and fit leave; "spine":
    the columns of the spine's box are black in all rows; "centre": the middle half of the grid's
    width is; "sides": all but that."""
    without_mask: Literal["refuse", "leave out"] = "refuse"
    """Films that have no spine mask; "leave out" runs on the others, and says so, whether or not
    masks are used, so that several studies can stand on the very same films."""
    find_duplicates: bool = True
    """Group films that show one picture, so that they share a fold."""

    heatmaps: Literal["selected", "all", "none"] = "selected"
    """"selected": those drawn for the report; "all": every film under every configuration."""
    gallery_films: int = Field(default=3, ge=0, le=50)
    """Correct films of each class drawn in the report, chosen by the seed and seen by every
    configuration."""
    gallery_wrong: int = Field(default=1000, ge=0)
    """At most so many wrong films are drawn of the best configuration, and of each fine-tuned one;
    all are in the CSV."""

    epochs: int = Field(default=100, ge=1, le=10_000)
    batch_size: int = Field(default=32, ge=2, le=4096)
    learning_rate: float = Field(default=1e-4, gt=0, le=10)
    plateau_patience: int = Field(default=5, ge=0)
    plateau_factor: float = Field(default=0.5, gt=0, lt=1)
    learning_rate_floor: float = Field(default=1e-5, ge=0)
    stop_patience: int = Field(default=15, ge=1)
    """Epochs without a lower tune loss after which a trial stops."""

    class_weights: Literal["none", "balanced"] = "none"
    """"balanced": a class weighs n / (classes · films of it), in every loss."""
    sampling: Sampling = "as they are"
    """"balanced": an epoch draws as many films, with replacement, every class equally often; for
    strategies that are trained by steps."""
    precision: Precision = "32-true"
    """Of training steps, as Lightning Fabric names it; explanations are in single precision."""
    step: Step = "plain"
    """How a training step is run: operation by operation, by a compiled network, or as one CUDA
    graph. "auto": a graph on one GPU (not with 16-mixed), plain everywhere else."""
    views: int = Field(default=0, ge=0, le=1000)
    """`feature-extraction` only: draw each epoch's films from the stored features of so many
    augmented views; 0 augments anew in every epoch, as the paper does."""
    fixmatch_ratio: int = Field(default=7, ge=1, le=64)
    """`fixmatch` only: unlabelled films in a step for each labelled one (μ of the paper)."""
    fixmatch_threshold: Share = 0.95
    """`fixmatch` only: least probability at which a weak view's label teaches (τ)."""
    fixmatch_weight: float = Field(default=1.0, ge=0, le=100)
    """`fixmatch` only: of the unlabelled films' loss beside the labelled ones' (λ)."""
    unfrozen_stages: int = Field(default=1, ge=1, le=100)
    """`two-stage` only: of the body's last stages, those that are trained beside the head."""
    second_rate: float = Field(default=0.1, gt=0, le=1)
    """`two-stage` only: their learning rate, and its floor, as a share of the study's."""
    second_epochs: int = Field(default=30, ge=1, le=10_000)
    """`two-stage` only: at most so many of them."""
    prompt_templates: tuple[str, ...] = ()
    """`zero-shot` only: sentences with {} where a label's name goes; empty means ours, which are
    then filled in."""
    prompt_names: dict[str, tuple[str, ...]] = {}
    """`zero-shot` only: for each label its names; those of labels that are not here are ours."""
    films_seen_before: Literal["refuse", "accept"] = "refuse"
    """Films of the cohort that the initial weights were learned from (those of a bundle, or of a
    spine finder that learned from films): "accept" runs nevertheless, and the study says so."""
    only_folds: tuple[int, ...] = ()
    """Run only these folds, for a first look; the report says so. Empty for all."""

    flip: Share = 0.5
    """Probability of a horizontal flip; 0 for none."""
    rotate_degrees: float = Field(default=15.0, ge=0, le=180)
    translate: Share = 0.1
    """Largest shift on both axes, as a share of the side."""
    zoom: tuple[float, float] = (0.8, 1.2)
    shear_degrees: float = Field(default=10.0, ge=0, le=45)
    brightness: Share = 0.1
    contrast: Share = 0.1
    """Colour jitter; the paper's strengths are not in its text."""

    @model_validator(mode="before")
    @classmethod
    def _worded(cls, content: Any) -> Any:
        return prompts.filled(content, cls.model_fields["labels"].default)

    @field_validator("networks")
    @classmethod
    def _known_networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        faults = []
        for name in names:
            try:
                parse(name)
            except SpondylError as error:
                faults.append(f"{error.message}. {error.hint}".rstrip("."))
        if faults:
            raise ValueError("; ".join(faults))
        return names

    @field_validator("labels")
    @classmethod
    def _usable_labels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            LabelSet.of(names)
        except SpondylError as error:
            raise ValueError(error.message.removeprefix("labels ")) from error
        return names

    @field_validator("networks", "strategies", "protocols", "only_folds")
    @classmethod
    def _no_repeats(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) < len(values):
            raise ValueError("a value stands in it twice")
        return values

    @model_validator(mode="after")
    def _in_order(self) -> StudySpec:
        for said in contradictions(self):
            raise ValueError(said)
        return self

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """Every network under every strategy and protocol, in the order of the spec.

        Solved strategies stand under `nested` only: the paper's protocol would choose their
        strength on the films that judge them. `zero-shot` stands for networks that know texts.
        """
        return tuple(
            Configuration(network, strategy, protocol)
            for protocol in self.protocols
            for strategy in self.strategies
            for network in self.networks
            if protocol == "nested" or STRATEGIES[strategy].how == "iterated"
            if STRATEGIES[strategy].how != "zero-shot" or network in TOWERS
        )

    @property
    def folds_run(self) -> tuple[int, ...]:
        """Numbers of the folds of the first draw that are run, from 0."""
        return tuple(sorted(self.only_folds)) or tuple(range(self.folds_per_repeat))

    @property
    def folds_per_repeat(self) -> int:
        """Folds of one draw: a hold-out is one."""
        return self.folds if self.scheme == "k-fold" else 1

    @property
    def every_fold_run(self) -> tuple[int, ...]:
        """Numbers of the folds of all draws that are run, one draw after the other."""
        if self.repeats == 1:
            return self.folds_run
        return tuple(range(self.folds_per_repeat * self.repeats))

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to every film."""
        return Preprocessing(
            size=self.size,
            fit=self.fit,
            colour=self.colour,
            crop=self.crop,
            crop_margin=self.crop_margin,
            hide=self.hide,
        )

    @property
    def needs_regions(self) -> bool:
        """Whether the study cannot be begun without a folder of spine masks."""
        return self.preprocessing.needs_spine or self.without_mask == "leave out"

    def learning(self) -> dict[str, Any]:
        """What shapes the result of any one trial: everything but which trials there are and how
        they are shown."""
        left_out = PRESENTATION | EXECUTION | _PRODUCT | self.preprocessing.idle | self._idle_keys
        return self.model_dump(mode="json", exclude=set(left_out))

    def substance(self) -> dict[str, Any]:
        """What may not change when a study is resumed."""
        left_out = PRESENTATION | EXECUTION | self._idle_keys
        return self.model_dump(mode="json", exclude={*left_out, "only_folds"})

    @property
    def _idle_keys(self) -> frozenset[str]:
        """Those of `NEW_KEYS` that stand at their defaults."""
        default = type(self).model_fields
        return frozenset(key for key in NEW_KEYS if getattr(self, key) == default[key].default)


def read(path: Path) -> StudySpec:
    """The study written in a TOML file; `SpondylError` names every fault and the nearest key."""
    return parse_spec(read_toml(path), str(path))


def parse_spec(content: dict[str, Any], source: str) -> StudySpec:
    """The study in `content`, read from `source`; `SpondylError` names every fault."""
    try:
        # Lenient in one thing only: TOML has lists where records have tuples.
        return StudySpec.model_validate(_lists_as_tuples(content))
    except ValidationError as error:
        faults = error.errors()
        within = {fault["loc"][0] for fault in faults if len(fault["loc"]) > 1}
        # A list of which no value is one is not empty besides.
        told = [f for f in faults if f["type"] != "too_short" or f["loc"][0] not in within]
        problems = [_problem(details) for details in told]
        raise (
            SpondylError.of(problems, source)
            if len(problems) > 1
            else SpondylError(f"{source}: {problems[0]}", problems[0].hint, problems)
        ) from error


def _lists_as_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists_as_tuples(item) for key, item in value.items()}
    return tuple(map(_lists_as_tuples, value)) if isinstance(value, list) else value


def _problem(details: Any) -> Problem:
    where = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return Problem(where, "not a key of a study", known_keys(where, StudySpec.model_fields))
    if details["type"] == "missing" and len(details["loc"]) > 1:
        return Problem(str(details["loc"][0]), "two values are needed", "For example [224, 224].")
    if details["type"] == "missing":
        return Problem(where, "missing", f'For example {where} = ["..."].')
    if details["type"] == "literal_error" and isinstance(details["input"], str):
        word, listed = details["input"], re.findall(r"'([^']+)'", details["ctx"]["expected"])
        meant = known_words(word, listed).removesuffix(".")
        return Problem(where, f"{word!r}: not known. {meant}", "Correct it.")
    said = details["msg"].removeprefix("Value error, ")
    got = f", got {details['input']!r}" if details["type"] != "value_error" else ""
    return Problem(where, f"{said}{got}", "Correct the value in the spec.")
