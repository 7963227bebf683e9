"""The spine of one frontal film: corners, mask, confidence; or a reason why not.

The network looks at the whole film first, and then several times at the part where it saw a spine:
as it is, mirrored, a little larger, a little smaller. Corners are the mean of the looks, and how
far the looks disagree is the finder's own uncertainty. A film that is not frontal, or on which no
chain of vertebrae hangs together, is refused: a spine is never drawn on it. The price is seven
passes through a small network instead of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax

from spondyl.data.levels import VERTEBRAE, Floats, spine_mask
from spondyl.data.placement import Window
from spondyl.errors import SpondylError
from spondyl.measure import chain as chains
from spondyl.measure.chain import Chain
from spondyl.measure.finder import Finder
from spondyl.measure.looking import Grey, Look, around, look
from spondyl.measure.network import N_LEVELS, VIEWS, NamedView
from spondyl.measure.warping import MIRRORED

CLOSER_LOOKS: tuple[tuple[float, bool], ...] = (
    (0.06, False), (0.06, True), (0.03, True), (0.1, False), (0.15, True), (0.15, False),
)  # fmt: skip
"""Margin round the spine in shares of its length, and whether the part is mirrored."""
FEWEST = 5
"""Vertebrae that a spine must show, so that a curve can be told from noise."""
_SAME_PLACE = 0.5
"""Two looks mean one vertebra where its middles are closer than this many body heights."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundSpine:
    """What a finder says of a film of height × width pixels."""

    image_size: tuple[int, int]
    view_probabilities: dict[str, float]
    """Of "frontal", "lateral" and "other"."""
    refusal: str | None
    """Why no spine is given; then there are no corners."""
    corners: Floats
    """(n, 4, 2) of its vertebrae from the top, (row, column), native pixels."""
    vertebrae: tuple[str, ...]
    """Their n names, such as "T12"."""
    looks: Floats
    """(looks, n, 4, 2) the same as each closer look has it; NaN where it missed one."""
    certainty: Floats
    """(n,) mean probability of each vertebra's middle over the looks, 0 … 1."""
    confidence: float
    """0 … 1: mean certainty of the spine's vertebrae, times the probability of the view."""

    @property
    def view(self) -> NamedView:
        """The likeliest view."""
        return max(VIEWS, key=self.view_probabilities.__getitem__)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(height, width) True on the vertebral bodies and the discs between them."""
        return spine_mask(self.corners, self.image_size)


def find(film: Grey, finder: Finder) -> FoundSpine:
    """The spine on a `film` (height, width) float32 in [0, 1], bright = dense."""
    size = (film.shape[0], film.shape[1])
    first_look = look(film, Window.whole(size), finder.about.size)
    answers = _answers([first_look], finder)
    views = dict(zip(VIEWS, softmax(answers.view[0].astype(np.float64)).tolist(), strict=True))
    seen = _chain(answers, 0, first_look)
    if views["frontal"] < 0.5:
        return _refused(size, views, _wrong_view(views))
    if seen is None or len(seen) < FEWEST:
        return _refused(size, views, _too_few(seen))
    looks = _closer(film, seen, finder.about.size)
    answers = _answers(looks, finder)
    found = [_chain(answers, place, one) for place, one in enumerate(looks)]
    agreed = _agreed(seen, [one for one in found if one is not None])
    if agreed is None:
        return _refused(size, views, _too_few(seen))
    corners, first, certainty, each = agreed
    confidence = float(certainty.mean()) * views["frontal"]
    if len(corners) < FEWEST or confidence < finder.about.least_confidence:
        return _refused(
            size,
            views,
            f"no spine that hangs together: {len(corners)} vertebrae with a confidence of "
            f"{confidence:.2f}",
        )
    names = VERTEBRAE[first : first + len(corners)]
    return FoundSpine(size, views, None, corners, names, each, certainty, confidence)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """The network's answer to several looks, as arrays."""

    middle: NDArray[np.float32]
    levels: NDArray[np.float32]
    corners: NDArray[np.float32]
    view: NDArray[np.float32]


def _answers(looks: list[Look], finder: Finder) -> _Answers:
    pictures = torch.from_numpy(np.stack([one.picture for one in looks]))[:, None]
    device = next(finder.network.parameters()).device
    with torch.inference_mode():
        said = finder.network(pictures.to(device, memory_format=torch.channels_last))
    parts = (said.middle, said.levels, said.corners, said.view)
    if not all(bool(part.isfinite().all()) for part in parts):
        raise SpondylError(
            "the spine finder's answer is not finite", "Its weights are damaged: train it again."
        )
    return _Answers(*(part.cpu().numpy() for part in parts))


def _chain(answers: _Answers, place: int, shown: Look) -> Chain | None:
    """The chain of one look, on the film's grid."""
    found = chains.strongest(
        chains.candidates(answers.middle[place], answers.levels[place], answers.corners[place])
    )
    if found is None:
        return None
    corners = shown.on_film(found.corners)
    if shown.flipped:
        corners = corners[:, MIRRORED]
    return Chain(corners, found.first, found.odds, found.levels, found.score)


def _closer(film: Grey, seen: Chain, size: tuple[int, int]) -> list[Look]:
    height, width = film.shape
    length = float(np.ptp(seen.corners[..., 0]))
    return [
        look(film, around(seen.corners, margin * length, (height, width)), size, flipped)
        for margin, flipped in CLOSER_LOOKS
    ]


def _agreed(seen: Chain, found: list[Chain]) -> tuple[Floats, int, Floats, Floats] | None:
    """Mean corners, first level, certainty and each look's corners of what most looks agree on.

    The places are those of the longest credible look; a vertebra is kept where at least half of the
    looks have it, and the stretch that is kept is the longest without a gap.
    """
    if not found:
        return None
    base = max([seen, *found], key=lambda one: one.score)
    each, odds, levels = zip(*(_matched(base, one) for one in found), strict=True)
    corners, odds_of, levels_of = np.stack(each), np.stack(odds), np.stack(levels)
    had = np.isfinite(corners[..., 0, 0])
    kept = _longest(had.mean(axis=0) >= 0.5)
    if kept is None:
        return None
    corners, odds_of, levels_of = corners[:, kept], odds_of[:, kept], levels_of[:, kept]
    mean = np.nanmean(corners, axis=0)
    return mean, _numbered(levels_of.mean(axis=0)), expit(odds_of).mean(axis=0), corners


def _matched(base: Chain, other: Chain) -> tuple[Floats, Floats, Floats]:
    """`other`'s corners, odds and level beliefs at the places of `base`; NaN, -inf and even beliefs
    where it has none there."""
    middles, theirs = base.corners.mean(axis=1), other.corners.mean(axis=1)
    heights = np.linalg.norm(
        base.corners[:, 2:].mean(axis=1) - base.corners[:, :2].mean(axis=1), axis=1
    )
    apart = np.linalg.norm(middles[:, None] - theirs[None], axis=2)
    nearest = apart.argmin(axis=1)
    same = apart.min(axis=1) <= _SAME_PLACE * heights
    corners = np.where(same[:, None, None], other.corners[nearest], np.nan)
    odds = np.where(same, other.odds[nearest], -np.inf)
    levels = np.where(same[:, None], other.levels[nearest], -np.log(N_LEVELS))
    return corners, odds, levels


def _longest(kept: NDArray[np.bool_]) -> slice | None:
    """The longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False]))))
    if not len(edges):
        return None
    starts, ends = edges[::2], edges[1::2]
    longest = int((ends - starts).argmax())
    return slice(int(starts[longest]), int(ends[longest]))


def _numbered(levels: Floats) -> int:
    """The first level of a chain of n vertebrae with beliefs `levels` (n, 17)."""
    n = len(levels)
    sums = [levels[np.arange(n), first + np.arange(n)].sum() for first in range(N_LEVELS - n + 1)]
    return int(np.argmax(sums))


def _refused(size: tuple[int, int], views: dict[str, float], reason: str) -> FoundSpine:
    return FoundSpine(
        size, views, reason, np.zeros((0, 4, 2)), (), np.zeros((0, 0, 4, 2)), np.zeros(0), 0.0
    )


def _wrong_view(views: dict[str, float]) -> str:
    view = max(("lateral", "other"), key=views.__getitem__)
    what = {
        "lateral": "a lateral film; Cobb angles need a frontal one",
        "other": "not a frontal film of a spine",
    }
    return f"{what[view]} (probability of a frontal view {views['frontal']:.2f})"


def _too_few(seen: Chain | None) -> str:
    n = 0 if seen is None else len(seen)
    return f"{n} vertebrae found that hang together; at least {FEWEST} are needed"
