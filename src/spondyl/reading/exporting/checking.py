"""How far an exported graph is from the networks it was made of, on films; and how far it may be.

Compared is what the graph returns with what PyTorch and `explain` return: all networks of the
bundle, the likeliest label's heatmap. A difference of maps is told as a share of the map's largest
value, whatever its sign: a map that nearly cancels has no peak to speak of. Where two labels are so
close that the two call different ones, the maps compared are those of PyTorch's label.

The graph's two halves are judged one by one. A pixel of the grid that lies in the middle of two
steps of half precision may fall to either, by the last bit of a sum (`placing`); how many do, and
by how many steps, is counted. What the networks then make of the film is judged on every film, by
showing PyTorch the grid that the graph made. What both halves come to together is told beside it.

For a bundle that is shown films by their spine a box in the middle of each film stands for it: what
is compared is arithmetic, and any box shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from spondyl.reading.exporting.session import Placing, Session

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
    otherwise: float = 1e-4
    """Share of the grid's pixels that may be placed otherwise, by one step of half precision."""


FLOAT32 = Bounds(same_label=1.0, probability=1e-5, heatmap=1e-4, correlation=0.9999)
INT8 = Bounds(same_label=0.99, probability=0.1, heatmap=0.4, correlation=0.95)
"""Wider by what eight bits cost (docs/exporting.md)."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What was found on `n_films`; each field as in `Bounds`, of the worst film or the middle
    one."""

    n_films: int
    same_label: float
    probability: float
    heatmap: float
    correlation: float
    median_probability: float
    median_heatmap: float
    median_correlation: float
    otherwise: float
    steps: float
    """Of half precision, by which a pixel was placed otherwise; 0 where none was."""
    whole_probability: float
    """Both halves together: PyTorch saw the film as it places it itself."""
    whole_heatmap: float

    def outside(self, bounds: Bounds) -> tuple[str, ...]:
        """What is worse than `bounds`, a phrase each with its numbers; nothing where all holds."""
        found = []
        if self.same_label < bounds.same_label:
            found.append(
                f"{self.same_label:.2%} of films called alike, at least {bounds.same_label:.0%}"
            )
        for worst, most, what in (
            (self.probability, bounds.probability, "a probability differs by {}"),
            (self.heatmap, bounds.heatmap, "a heatmap differs by {} of its largest value"),
            (self.otherwise, bounds.otherwise, "{} of a film's pixels are placed otherwise"),
            (self.steps, 1.0, "a pixel is placed otherwise by {} steps of half precision"),
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
            f"correlation at least {self.correlation:.6f}; {self.otherwise:.1e} of a film's pixels "
            f"placed otherwise, and with them at most {self.whole_probability:.1e} and "
            f"{self.whole_heatmap:.1e}"
        )

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def differences(bundle: Bundle, session: Session, films: Iterable[Pixels]) -> Differences:
    """How far `session`, a graph of `bundle`, is from PyTorch on `films` (one at least)."""
    engine = TorchEngine.of(bundle, "cpu", session.about.method)
    placed = Placing.of(bundle.preprocessing)
    found = [_compared(bundle, engine, session, placed, film) for film in films]
    worst, middle = (_over(found, how) for how in (np.max, np.median))
    return Differences(
        len(found),
        float(np.mean([one.alike for one in found])),
        *(worst.probability, worst.heatmap, min(one.correlation for one in found)),
        *(middle.probability, middle.heatmap, middle.correlation),
        *(worst.otherwise, worst.steps, worst.whole_probability, worst.whole_heatmap),
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


@dataclass(frozen=True, slots=True)
class _Film:
    """What was found on one film, as in `Differences`."""

    alike: float
    probability: float
    heatmap: float
    correlation: float
    otherwise: float
    steps: float
    whole_probability: float
    whole_heatmap: float


def _over(found: Sequence[_Film], how: Callable[[list[float]], Any]) -> _Film:
    """Each field over all films."""
    values = [asdict(one) for one in found]
    return _Film(**{name: float(how([one[name] for one in values])) for name in values[0]})


def _compared(
    bundle: Bundle, engine: TorchEngine, session: Session, placed: Placing, film: Pixels
) -> _Film:
    spine = stand_in(film, bundle.preprocessing)
    box = None if spine is None else spine.box
    shown = planes(film, bundle.preprocessing)
    ours, placement = bundle.preprocessing.apply(film, spine)
    theirs = placed.canvas(shown, box)
    steps = np.abs(_step_number(ours) - _step_number(theirs))
    graph = session.run(shown, box)

    def apart(canvas: NDArray[np.float16]) -> tuple[bool, float, float, float]:
        look = engine.look_at(canvas, placement, engine.folds)
        expected = bundle.calibration_set.calibrated(look.logits).mean(axis=0)
        column = int(expected.argmax())
        alike = column == graph.predicted
        heatmap = graph.heatmap if alike else session.run(shown, box, label=column).heatmap
        signed = look.signed(column)
        largest = max(np.abs(signed).max(), np.finfo(np.float32).tiny)
        return (
            alike,
            float(np.abs(graph.probabilities - expected).max()),
            float(np.abs(heatmap - signed).max() / largest),
            _correlation(signed, heatmap),
        )

    alike, probability, heatmap, correlation = apart(theirs)
    whole = apart(ours.astype(np.float16)) if steps.any() else (alike, probability, heatmap, 1.0)
    return _Film(
        float(alike and whole[0]),
        *(probability, heatmap, correlation),
        *(float((steps > 0).mean()), float(steps.max())),
        *(whole[1], whole[2]),
    )


def _step_number(canvas: NDArray[np.floating]) -> NDArray[np.int64]:
    """The place of each value, which is not negative, among the numbers of half precision."""
    return canvas.astype(np.float16).view(np.int16).astype(np.int64)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's, of all cells; 1 for maps that are equal, 0 where only one of them is flat."""
    left, right = (map_.astype(np.float64).ravel() for map_ in (one, other))
    left, right = left - left.mean(), right - right.mean()
    size = float(np.sqrt((left @ left) * (right @ right)))
    if size == 0:
        return float(np.array_equal(left, right))
    return float(left @ right) / size
