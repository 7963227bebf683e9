"""From films to measurements: one film, or any number, each by itself.

The line is short: pixels → `spine.find` → angles and curves with intervals → `Measurement` and
`Regions`. An interval is as wide as the finder's looks disagree, times a factor that was chosen on
films of its training set that neither taught nor judged it. The price: it knows nothing of a centre
whose films mislead every look alike.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spondyl.data import pixels, regions
from spondyl.data.levels import Floats, mid_line_degrees
from spondyl.data.loose_films import Listed
from spondyl.data.pixels import Pixels
from spondyl.data.regions import Regions
from spondyl.errors import Problem, SpondylError
from spondyl.files import new_folder, replaced, write_json
from spondyl.measure import cobb, drawing
from spondyl.measure.cobb import Curve, Interval
from spondyl.measure.finder import About, Finder
from spondyl.measure.measurement import MEASUREMENTS, Measurement, as_json
from spondyl.measure.spine import FoundSpine, find
from spondyl.progress import Track, silently

LEAST_SPREAD_DEGREES = 0.5
"""Looks that agree better than this are taken to disagree by so much: landmarks are not finer."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured on one film, and where."""

    measurement: Measurement
    regions: Regions | None
    """Mask, landmarks and apices; None where the film was refused."""

    @property
    def row(self) -> dict[str, Any]:
        """The film's row of JSON with the mask in it: `mask_png` is the PNG itself, as base64."""
        mask = None if self.regions is None else base64.b64encode(_png(self.regions)).decode()
        return as_json(self.measurement, self.regions, self.measurement.vertebrae, mask)


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of JSON of the films that could be read, and what was wrong with the others."""

    rows: tuple[dict[str, Any], ...]
    failures: tuple[Problem, ...]

    @property
    def lines(self) -> Iterator[str]:
        """A line for each film, for a person."""
        for row in self.rows:
            if row["refusal"] is not None:
                yield f"{row['image_id']}: not measured: {row['refusal']}"
                continue
            angles = " / ".join(f"{angle:.1f}" for angle in row["cobb_deg"])
            yield f"{row['image_id']}: {angles}°; {_curves_in_words(row)}"


def measure(film: Pixels, image_id: str, finder: Finder) -> Measured:
    """The angles and places of one film, or a refusal with its reason."""
    found = find(film.grey, finder)
    measurement = partial(
        Measurement,
        image_id=image_id,
        image_size=film.size,
        made_by=finder.finder_id,
        view=found.view,
        view_probability=found.view_probabilities[found.view],
        confidence=found.confidence,
        spacing_mm=film.spacing_mm,
    )
    if found.refusal is not None:
        return Measured(measurement(refusal=found.refusal), None)
    corners = _square(found.corners, film)
    angles = cobb.three_angles(corners, _height(film))
    curves = cobb.curves(corners, found.vertebrae)
    half = _half_widths(found, film, finder.about, curves)
    measured = measurement(
        vertebrae=found.vertebrae,
        cobb_degrees=angles,
        interval_degrees=None if half is None else _three(angles, half),
        interval_level=None if half is None else finder.about.interval_level,
        curves=_with_intervals(curves, half),
    )
    return Measured(measured, _regions(found, curves, finder))


def measure_films(listed: Listed, finder: Finder, out: Path | None, track: Track = silently) -> Run:
    """Measures every film; one that cannot be read stops no other.

    With `out`, a new folder: OUT/regions/IMAGE_ID.json and .mask.png for each film that was
    measured (as `spondyl study explain --masks` reads them), OUT/drawings/IMAGE_ID.png for each
    that was read, and OUT/measurements.json; `mask_png` is then a path. Without it nothing is
    written and `mask_png` is the PNG itself, as base64. Raises `SpondylError` where `out` is taken.
    """
    if out is None:
        return _gathered(_each(listed, finder, track), None)
    with new_folder(out) as folder:
        run = _gathered(_each(listed, finder, track), (folder, out))
        write_json(folder / MEASUREMENTS, list(run.rows))
    return run


def _each(
    listed: Listed, finder: Finder, track: Track
) -> Iterator[tuple[Path, Pixels, Measured] | Problem]:
    """Film by film; the next is decoded while one is measured."""

    def read(path: Path) -> Pixels | SpondylError:
        try:
            return pixels.read(path)
        except SpondylError as error:
            return error

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(read, listed.films[0])
        for place in track(range(len(listed.films)), "measuring films", len(listed.films)):
            path, film = listed.films[place], following.result()
            if place + 1 < len(listed.films):
                following = pool.submit(read, listed.films[place + 1])
            if isinstance(film, SpondylError):
                yield Problem.at(path, film)
            else:
                yield path, film, measure(film, listed.image_ids[place], finder)


def _gathered(
    films: Iterator[tuple[Path, Pixels, Measured] | Problem], folders: tuple[Path, Path] | None
) -> Run:
    rows, failures = [], []
    for film in films:
        if isinstance(film, Problem):
            failures.append(film)
        elif folders is None:
            rows.append(film[2].row)
        else:
            rows.append(_written(film[1], film[2], *folders))
    return Run(tuple(rows), tuple(failures))


def _written(film: Pixels, made: Measured, draft: Path, out: Path) -> dict[str, Any]:
    """The row of a film whose regions and drawing were written into `draft`, which will be
    `out`."""
    measurement = made.measurement
    mask = None
    if made.regions is not None:
        path = regions.save(draft / "regions", measurement.image_id, made.regions)
        mask = str(out / path.relative_to(draft).with_suffix(regions.MASK_SUFFIX))
    picture = drawing.draw(film.grey, made.regions, measurement.vertebrae, measurement)
    target = (draft / "drawings" / measurement.image_id).with_suffix(".png")
    with replaced(target) as path:
        Image.fromarray(picture).save(path, "PNG")
    return as_json(measurement, made.regions, measurement.vertebrae, mask)


def _square(corners: Floats, film: Pixels) -> Floats:
    """Corners in square pixels: rows are scaled where the file states pixels that are not."""
    return corners * (_row_scale(film), 1.0)


def _height(film: Pixels) -> float:
    """The film's height in the square pixels of `_square`."""
    return film.size[0] * _row_scale(film)


def _row_scale(film: Pixels) -> float:
    """Height of a pixel in its widths; 1 where the file does not state it."""
    return 1.0 if film.spacing_mm is None else film.spacing_mm[0] / film.spacing_mm[1]


def spread_degrees(found: FoundSpine, film: Pixels) -> Floats:
    """(3,) standard deviation of each of the three angles over the closer looks, degrees."""
    whole = [one for one in found.looks if np.isfinite(one).all()]
    if len(whole) < 2:
        return np.full(3, np.nan)
    angles = [cobb.three_angles(_square(one, film), _height(film)) for one in whole]
    return np.asarray(np.std(angles, axis=0, ddof=1))


def _half_widths(
    found: FoundSpine, film: Pixels, about: About, curves: Sequence[Curve]
) -> tuple[Floats, list[float]] | None:
    """Half-widths of the intervals of the three angles and of each curve; None where the finder has
    no factor or too few looks saw the whole spine."""
    spread = spread_degrees(found, film)
    if about.interval_scale is None or np.isnan(spread).any():
        return None
    factor = about.interval_scale
    of_curves = [
        factor * max(_curve_spread(found, film, curve), LEAST_SPREAD_DEGREES) for curve in curves
    ]
    return factor * np.maximum(spread, LEAST_SPREAD_DEGREES), of_curves


def _curve_spread(found: FoundSpine, film: Pixels, curve: Curve) -> float:
    """Standard deviation over the looks of the angle between a curve's end vertebrae."""
    ends = [found.vertebrae.index(curve.upper), found.vertebrae.index(curve.lower)]
    tilts = [
        mid_line_degrees(_square(one[ends], film))
        for one in found.looks
        if np.isfinite(one[ends]).all()
    ]
    return float(np.std([abs(float(tilt[0] - tilt[1])) for tilt in tilts], ddof=1))


def _three(
    angles: cobb.Angles, half: tuple[Floats, list[float]]
) -> tuple[Interval, Interval, Interval]:
    first, second, third = (
        (max(0.0, angle - width), angle + width)
        for angle, width in zip(angles, half[0].tolist(), strict=True)
    )
    return first, second, third


def _with_intervals(
    curves: tuple[Curve, ...], half: tuple[Floats, list[float]] | None
) -> tuple[Curve, ...]:
    if half is None:
        return curves
    return tuple(
        replace(
            curve,
            interval_degrees=(max(0.0, curve.cobb_degrees - width), curve.cobb_degrees + width),
        )
        for curve, width in zip(curves, half[1], strict=True)
    )


def _regions(found: FoundSpine, curves: Sequence[Curve], finder: Finder) -> Regions:
    """Mask, landmarks and, as targets, the middles of the apices."""
    middles = dict(zip(found.vertebrae, found.corners.mean(axis=1).tolist(), strict=True))
    return Regions(
        image_size=found.image_size,
        made_by=finder.finder_id,
        spine_mask=found.mask,
        landmarks=found.corners.reshape(-1, 2).astype(np.float32),
        targets=tuple((middles[c.apex][0], middles[c.apex][1]) for c in curves),
    )


def _png(marked: Regions) -> bytes:
    stream = io.BytesIO()
    assert marked.spine_mask is not None
    Image.fromarray(marked.spine_mask).save(stream, "PNG")
    return stream.getvalue()


def _curves_in_words(row: dict[str, Any]) -> str:
    curves = [
        f"{curve['upper']}-{curve['lower']} {curve['cobb_deg']:.0f}° {curve['side']} "
        f"{curve['region']}, apex {curve['apex']}"
        for curve in row["curves"]
    ]
    return "; ".join(curves) or "no curve of 10° or more"
