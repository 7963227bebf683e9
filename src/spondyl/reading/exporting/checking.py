"""How far an exported graph is from the networks it was made of, on films; and how far it may be.

Compared is what the graph returns with what PyTorch and `explain` return: all networks of the
bundle, the likeliest label's heatmap. A difference of maps is told as a share of the map's largest
value, whatever its sign: a map that nearly cancels has no peak to speak of. Where two labels are so
close that the two call different ones, the maps compared are those of PyTorch's label.

A pixel in the middle of two steps of half precision may fall to either, by the last bit of a sum
(`placing`). On 338 real films one pixel of one film did, and its map differed by 1.05e-4, those of
all other films by under 1e-5. So bounds are for 99 of 100 films, and a film beyond may be out by
`beyond` times as much: fewer than 100 films have to keep them all.

For a bundle that is shown films by their spine a box in the middle of each film stands for it: what
is compared is arithmetic, and any box shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Window
from spondyl.data.radiograph import FileFacts
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.bundle import Bundle
from spondyl.reading.engines import TorchEngine
from spondyl.reading.exporting.session import Session

DRAWN_SIZES = ((56, 80), (224, 224), (411, 190), (640, 801), (1203, 777))
"""(height, width) of the drawn films on which every graph is checked."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a graph may be from PyTorch."""

    same_label: float
    """Share of films that have to be called alike, at least."""
    probability: float
    """Largest difference of a film's probabilities, at most."""
    heatmap: float
    """Largest difference of a film's map, as a share of its largest value, at most."""
    correlation: float
    """Of the two maps' cells, at least, on every film."""
    beyond: float = 1.0
    """How many times the largest differences may be exceeded by one film in a hundred."""


FLOAT32 = Bounds(same_label=1.0, probability=1e-5, heatmap=1e-4, correlation=0.9999, beyond=10)
INT8 = Bounds(same_label=0.99, probability=0.1, heatmap=0.5, correlation=0.95)
"""Wider by what eight bits cost (docs/exporting.md)."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What was found on `n_films`; each field as in `Bounds`, of the worst film, or of the worst
    but for one film in a hundred, or of the middle one."""

    n_films: int
    same_label: float
    probability: float
    heatmap: float
    correlation: float
    probability_of_99: float
    heatmap_of_99: float
    median_probability: float
    median_heatmap: float
    median_correlation: float

    def outside(self, bounds: Bounds) -> tuple[str, ...]:
        """What is worse than `bounds`, a phrase each with its numbers; nothing where all holds."""
        found = []
        if self.same_label < bounds.same_label:
            found.append(
                f"{self.same_label:.2%} of films called alike, at least {bounds.same_label:.0%}"
            )
        for worst, most, what in (
            (self.probability_of_99, bounds.probability, "a probability differs by {}"),
            (self.heatmap_of_99, bounds.heatmap, "a heatmap differs by {} of its largest value"),
            (self.probability, bounds.beyond * bounds.probability, "one probability differs by {}"),
            (self.heatmap, bounds.beyond * bounds.heatmap, "one heatmap differs by {} of its own"),
        ):
            if not worst <= most:
                found.append(f"{what.format(f'{worst:.3g}')}, at most {most:g}")
        if not self.correlation >= bounds.correlation:
            found.append(
                f"two heatmaps correlate at {self.correlation:.4f}, at least {bounds.correlation:g}"
            )
        return tuple(found)

    @property
    def line(self) -> str:
        """For a person."""
        return (
            f"{self.n_films} films: {self.same_label:.1%} called alike; probabilities differ by at "
            f"most {self.probability:.1e} (median {self.median_probability:.1e}), heatmaps by "
            f"{self.heatmap:.1e} of their largest value (median {self.median_heatmap:.1e}), "
            f"correlation at least {self.correlation:.6f}"
        )

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def differences(bundle: Bundle, session: Session, films: Iterable[Pixels]) -> Differences:
    """How far `session`, a graph of `bundle`, is from PyTorch on `films` (one at least)."""
    engine = TorchEngine.of(bundle, "cpu", session.about.method)
    rows = np.array([_compared(bundle, engine, session, film) for film in films])
    alike, probability, heatmap, correlation = rows.T
    return Differences(
        len(rows),
        float(alike.mean()),
        *(float(probability.max()), float(heatmap.max()), float(correlation.min())),
        *(float(np.quantile(one, 0.99, method="higher")) for one in (probability, heatmap)),
        *(float(np.median(column)) for column in (probability, heatmap, correlation)),
    )


def refuse_outside(found: Differences, bounds: Bounds, what: str) -> None:
    """Raises `SpondylError` where a graph is further from PyTorch than it may be."""
    if outside := found.outside(bounds):
        raise SpondylError(
            f"{what} is too far from PyTorch on {found.n_films} films: {'; '.join(outside)}",
            "No file was written. Calibrate on more films like those that will be read, or export "
            "in float32."
            if bounds is INT8
            else "No file was written. Report it, with the versions of torch and onnxruntime.",
        )


def drawn(preprocessing: Preprocessing) -> Iterator[Pixels]:
    """Drawn films of several sizes, larger and smaller than the grid, upright and lying; the last
    with colours where the networks were shown them."""
    for seed, size in enumerate(DRAWN_SIZES):
        label = SPINE_LABELS.names[seed % len(SPINE_LABELS)]
        grey = drawing.draw(seed, label, size=size).image.astype(np.float32) / np.float32(255)
        grey = grey if grey.ndim == 2 else grey[..., 0]
        facts = FileFacts("drawn", *size, "L", 0, None, "0" * 64)
        yield Pixels(grey, None, None, facts)
    if preprocessing.colour != "grey":
        rgb = np.stack([grey, 0.9 * grey, 0.7 * grey], axis=-1).astype(np.float32)
        yield Pixels(grey, rgb, None, facts)


def planes(film: Pixels, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """(1 or 3, H, W): what a graph of networks with this preprocessing takes of a film."""
    if preprocessing.colour == "grey" or film.rgb is None:
        return film.grey[None]
    return np.moveaxis(film.rgb, -1, 0)


def stand_in(film: Pixels, preprocessing: Preprocessing) -> Spine | None:
    """A box in the middle of the film, where the preprocessing needs a spine."""
    if not preprocessing.needs_spine:
        return None
    height, width = film.size
    box = Window(height // 8, width // 3, height - height // 8, width - width // 3)
    return Spine(box, film.size, "a box in the middle, for a check")


def _compared(
    bundle: Bundle, engine: TorchEngine, session: Session, film: Pixels
) -> tuple[float, float, float, float]:
    """(whether called alike, difference of probabilities, of maps, correlation of maps)."""
    spine = stand_in(film, bundle.preprocessing)
    box = None if spine is None else spine.box
    look = engine.look(film, spine, engine.folds)
    ours = bundle.calibration_set.calibrated(look.logits).mean(axis=0)
    shown = planes(film, bundle.preprocessing)
    theirs = session.run(shown, box)
    column = int(ours.argmax())
    alike = column == theirs.predicted
    signed = look.signed(column)
    graph = theirs.heatmap if alike else session.run(shown, box, label=column).heatmap
    return (
        float(alike),
        float(np.abs(theirs.probabilities - ours).max()),
        float(np.abs(graph - signed).max() / max(np.abs(signed).max(), np.finfo(np.float32).tiny)),
        _correlation(signed, graph),
    )


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's, of all cells; 1 for maps that are equal, 0 where only one of them is flat."""
    left, right = (map_.astype(np.float64).ravel() for map_ in (one, other))
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left @ left) * (right @ right)))
    if size == 0:
        return float(np.array_equal(left, right))
    return float(left @ right) / size
