"""`export`: a bundle → one ONNX file that a stranger with ONNX Runtime alone can use.

The file appears when it has been compared with PyTorch and found within its bounds, or not at all;
what was measured stands in it. Every graph is compared on drawn films; with films of one's own
(`check`) the bounds are held on these too. int8 needs films to calibrate on: half of them set the
steps, the other half judges, and the same film is never in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from spondyl.data import pixels
from spondyl.data.pixels import Pixels
from spondyl.errors import SpondylError
from spondyl.files import replaced
from spondyl.progress import Track, silently
from spondyl.reading.bundle import Bundle
from spondyl.reading.exporting import about as abouts
from spondyl.reading.exporting import checking, quantising
from spondyl.reading.exporting.about import About, Precision
from spondyl.reading.exporting.checking import FLOAT32, INT8, Bounds, Differences
from spondyl.reading.exporting.graph import graph_of
from spondyl.reading.exporting.session import Session

if TYPE_CHECKING:
    from onnx import ModelProto

METHOD = "grad-cam"
MOST_STEPPING = 64
"""Films that set the steps, at most: more are slow and change little."""
LEAST_CALIBRATING = 20
"""Films that int8 is calibrated on and judged by, together."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written, and what was measured of it."""

    path: Path
    n_bytes: int
    about: About
    on_drawn: Differences
    on_films: Differences | None
    """On `check`, or on the half of `calibrate` that judged; None without such films."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        about = self.about
        said = [
            f"{self.path}: {about.title}, {about.precision}, {about.method_title} on "
            f"{about.layer}, {self.n_bytes / 1e6:.1f} MB",
            f"against PyTorch on drawn films, {self.on_drawn.line}",
        ]
        if self.on_films is not None:
            said.append(f"against PyTorch on films given, {self.on_films.line}")
        return (*said, about.notice)

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"path": str(self.path), "n_bytes": self.n_bytes, **asdict(self.about)}


def export(
    bundle: Bundle,
    out: Path,
    *,
    method: str = METHOD,
    precision: Precision = "float32",
    check: Sequence[Path] = (),
    calibrate: Sequence[Path] = (),
    track: Track = silently,
) -> Exported:
    """Writes `bundle` to the new file `out` as one ONNX graph with heatmaps by `method`.

    `check` are films on which the graph is compared with PyTorch besides drawn ones; `calibrate`
    those that int8 takes its steps from (every second one, up to `MOST_STEPPING`) and is judged by
    (the others). Raises `SpondylError` where `out` is there already, for a network or a method
    without a closed form, a bundle too large for one file, films that cannot be read, and a graph
    that is outside its bounds.
    """
    refuse_unless_new(out)
    _refuse_mixed(precision, calibrate)
    model, about = graph_of(bundle, method)
    sealed(model, about)
    on_drawn = _held(bundle, model, checking.drawn(bundle.preprocessing), FLOAT32, "the graph")
    on_films, bounds = None, FLOAT32
    if check:
        on_films = _held(bundle, model, _each(check, track), FLOAT32, "the graph")
    if precision == "int8":
        bounds = INT8
        stepping, judging = calibrate[::2][:MOST_STEPPING], calibrate[1::2]
        model = quantising.quantised(model, bundle, _each(stepping, track))
        about = replace(about, precision="int8")
        sealed(model, about)
        on_films = _held(bundle, model, _each(judging, track), INT8, "the int8 graph")
        on_drawn = _measured(bundle, model, checking.drawn(bundle.preprocessing))
    about = sealed(model, replace(about, measured=_told(on_drawn, on_films, bounds)))
    data = model.SerializeToString()
    with replaced(out) as draft:
        draft.write_bytes(data)
    return Exported(out, len(data), about, on_drawn, on_films)


def sealed(model: ModelProto, about: About) -> About:
    """`about` with the graph's hash, as it is written into `model`."""
    whole = replace(about, graph_sha256=abouts.graph_sha256(model))
    abouts.described(model, whole)
    return whole


def precision_named(name: str) -> Precision:
    """The precision that is called so; `SpondylError` for another name."""
    for precision in get_args(Precision):
        if name == precision:
            found: Precision = precision
            return found
    raise SpondylError(
        f"precision {name!r}: not known", f"One of {', '.join(get_args(Precision))}."
    )


def refuse_unless_new(out: Path) -> None:
    """Raises `SpondylError` where no new file can be made at `out`."""
    if out.exists() or out.is_symlink():
        raise SpondylError(
            f"{out}: is there already", "Name a new file; nothing is ever overwritten."
        )


def _refuse_mixed(precision: Precision, calibrate: Sequence[Path]) -> None:
    """Raises `SpondylError` for films that do not go with the precision."""
    if precision == "float32" and calibrate:
        raise SpondylError(
            "films to calibrate on are given, and float32 needs none",
            "Give them with --check, or ask for --precision int8.",
        )
    if precision == "int8" and len(set(calibrate)) < LEAST_CALIBRATING:
        raise SpondylError(
            f"int8 with {len(set(calibrate))} films to calibrate on, at least "
            f"{LEAST_CALIBRATING} are needed",
            "Give a folder of films like those that will be read, with --calibrate.",
        )


def _measured(bundle: Bundle, model: ModelProto, films: Iterable[Pixels]) -> Differences:
    return checking.differences(bundle, Session.of(model, "the graph"), films)


def _held(
    bundle: Bundle,
    model: ModelProto,
    films: Iterable[Pixels],
    bounds: Bounds,
    what: str,
) -> Differences:
    """How far the graph is from PyTorch; `SpondylError` where it is outside `bounds`."""
    found = _measured(bundle, model, films)
    checking.refuse_outside(found, bounds, what)
    return found


def _each(paths: Sequence[Path], track: Track) -> Iterator[Pixels]:
    """Films one after another, with the memory of one."""
    for path in track(paths, "comparing with PyTorch", len(paths)):
        yield pixels.read(path)


def _told(on_drawn: Differences, on_films: Differences | None, bounds: Bounds) -> dict[str, Any]:
    """What a graph says of how far it is from PyTorch."""
    return {
        "bounds": asdict(bounds),
        "drawn_films": on_drawn.as_dict(),
        "films": None if on_films is None else on_films.as_dict(),
        "versions": {name: version(name) for name in ("torch", "onnx", "onnxruntime")},
    }
