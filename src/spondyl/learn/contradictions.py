"""Keys of a study that cannot stand together, in words: each rule on its own, the first is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spondyl.data.labels import LabelSet
from spondyl.errors import SpondylError
from spondyl.learn.networks import parse
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.vision_language import prompts
from spondyl.learn.vision_language.towers import TOWERS

if TYPE_CHECKING:
    from spondyl.learn.spec import StudySpec


def contradictions(spec: StudySpec) -> Iterator[str]:
    """What is wrong with the spec as a whole, "key: why"; nothing for one that can be run."""
    low, high = spec.zoom
    if not 0 < low <= high:
        yield f"zoom: [{low}, {high}] is not a range of positive scales"
    if spec.learning_rate_floor > spec.learning_rate:
        yield "learning_rate_floor: above learning_rate"
    if not all(0 <= fold < spec.folds for fold in spec.only_folds):
        yield f"only_folds: {list(spec.only_folds)} are not among {spec.folds} folds"
    if "fixmatch" in spec.strategies and spec.step in ("compiled", "graph"):
        yield (
            f'step: fixmatch has plain steps only, not "{spec.step}"; "auto" runs the other '
            "strategies as graphs"
        )
    yield from _of_networks(spec)
    yield from _of_scheme(spec)
    yield from _of_labels(spec)
    yield from _of_sampling(spec)
    yield from _of_prompts(spec)
    if not spec.configurations:
        yield "strategies: solved ones need the protocol nested"


def _of_networks(spec: StudySpec) -> Iterator[str]:
    for name in spec.networks:
        architecture = parse(name).architecture
        least = architecture.least_side
        if min(spec.size) < least:
            yield f"size: {list(spec.size)} is too small for {name}; {least} a side or more"
        if architecture.family.square_only and spec.size[0] != spec.size[1]:
            yield f"size: {list(spec.size)} is not square, as {name} needs films to be"


def _of_scheme(spec: StudySpec) -> Iterator[str]:
    unused = "folds" if spec.scheme == "hold-out" else "test_share"
    if getattr(spec, unused) != type(spec).model_fields[unused].default:
        yield f'{unused}: means nothing where scheme = "{spec.scheme}"'
    if spec.only_folds and (spec.scheme == "hold-out" or spec.repeats > 1):
        yield "only_folds: of one draw of folds only; ask for fewer repeats"


def _of_labels(spec: StudySpec) -> Iterator[str]:
    if spec.other_labels:
        try:
            LabelSet.of((*spec.labels, *spec.other_labels))
        except SpondylError as error:
            yield f"other_labels: beside labels, {error.message}"


def _of_prompts(spec: StudySpec) -> Iterator[str]:
    yield from prompts.contradictions(
        spec.strategies, spec.labels, spec.prompt_templates, spec.prompt_names
    )
    if prompts.STRATEGY in spec.strategies and not set(spec.networks) & set(TOWERS):
        yield f"networks: none knows texts, as {prompts.STRATEGY} needs; {', '.join(TOWERS)} do"


def _of_sampling(spec: StudySpec) -> Iterator[str]:
    if spec.sampling == "as they are":
        return
    if spec.class_weights == "balanced":
        yield "sampling: class_weights balances the classes already; choose one"
    solved = [name for name in spec.strategies if STRATEGIES[name].how == "solved"]
    if solved:
        yield (
            f'sampling: {", ".join(solved)} draw no films; class_weights = "balanced" weighs them '
            "as such draws would on average"
        )
