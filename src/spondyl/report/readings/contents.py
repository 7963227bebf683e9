"""What the page of one film shows, in the order of its importance: the same for HTML and PDF.

Decision: a reading is one sheet of A4, so that it can lie in a file of paper; what is listed can be
cut to the length that a sheet holds (`trimmed`), and then says how much is missing. The whole is in
the JSON. The price is that a film with very many warnings needs both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from spondyl.data import encoded
from spondyl.data.pixels import Pixels
from spondyl.explain.overlay import Rgb
from spondyl.measure.cobb import main_curve
from spondyl.reading import picture, words
from spondyl.reading.record import Reading

LONGEST_NAME, LONGEST_NOTE, LONGEST_SENTENCE, LONGEST_USE = 60, 120, 240, 360
"""Characters."""
MOST_LABELS, MOST_CURVES = 6, 4
MOST_LISTED = 10
"""Doubts, warnings, and things not done, each."""
LINE = 60
"""Characters that a sentence takes at least, however short."""
BAR = (256, 12)
"""(width, height) of the heat's scale, pixels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands on the sheet."""

    title: str
    alt: str
    """What it shows, for those who do not see it."""
    jpeg: bytes
    aspect: float
    """Width over height."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The ramp that the heat is drawn by."""

    png: bytes
    low: str
    high: str
    """The numbers of its two ends, the unit with the second."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label in the table of probabilities."""

    label: str
    probability: float
    share: str
    kept: bool | None
    """Whether it cannot be ruled out; None where that was not asked."""


@dataclass(frozen=True, slots=True)
class CurveRow:
    """A curve in the table of the measurement."""

    name: str
    cobb: str
    ends: str
    apex: str
    main: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is on the sheet of one film, ready to be set."""

    name: str
    answer: str
    answered: bool
    doubts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    """The film, the film under its heat, and its measurement if there is one."""
    scale: Scale
    heat: tuple[str, ...]
    labels: tuple[LabelRow, ...]
    label_notes: tuple[str, ...]
    """What the table left out, which labels cannot be ruled out, whether networks agree."""
    curves: tuple[CurveRow, ...]
    curve_notes: tuple[str, ...]
    warnings: tuple[str, ...]
    not_run: tuple[str, ...]
    made: tuple[tuple[str, str], ...]
    """What made it: names and values."""
    intended_use: str

    @property
    def title(self) -> str:
        """Of a document with this sheet alone."""
        return f"Reading of {self.name}: {self.answer}"


def sheet_of(reading: Reading, film: Pixels, when: datetime | None = None) -> Sheet:
    """What is shown of `reading`; `film` as for `picture.drawn`, `when` it was made (None: now)."""
    curves, curve_notes = _curves(reading)
    return Sheet(
        name=shortened(reading.film.name, LONGEST_NAME),
        answer=shortened(words.answer(reading), LONGEST_NAME),
        answered=reading.answer is not None,
        doubts=words.doubts(reading),
        pictures=_pictures(reading, film),
        scale=_scale(reading),
        heat=tuple(_cut(said, LONGEST_NOTE) for said in words.heat(reading)),
        labels=_labels(reading)[:MOST_LABELS],
        label_notes=_label_notes(reading),
        curves=curves,
        curve_notes=curve_notes,
        warnings=words.sentences(reading.warnings),
        not_run=words.sentences(reading.not_run),
        made=_made(reading, when or datetime.now(UTC)),
        intended_use=_cut(words.sentence(reading.intended_use), LONGEST_USE),
    )


def trimmed(sheet: Sheet, characters: int) -> Sheet:
    """The sheet with no more than `characters` in each of its lists, but for one entry and the
    sentence that says how many are missing."""
    return replace(
        sheet,
        doubts=few(sheet.doubts, "doubt", characters),
        warnings=few(sheet.warnings, "warning", characters),
        not_run=few(sheet.not_run, "thing", characters),
    )


def few(sentences: Sequence[str], noun: str, characters: int) -> tuple[str, ...]:
    """The first of `sentences`, long ones cut, that have `characters` together, and how many more
    there are."""
    kept: list[str] = []
    taken = 0
    for sentence in sentences[:MOST_LISTED]:
        short = _cut(sentence, LONGEST_SENTENCE)
        taken += max(len(short), LINE)
        if kept and taken > characters:
            break
        kept.append(short)
    more = len(sentences) - len(kept)
    if more:
        is_or_are = f"{noun} is" if more == 1 else f"{noun}s are"
        kept.append(f"{more} more {is_or_are} in the JSON of this reading only.")
    return tuple(kept)


def shortened(text: str, longest: int) -> str:
    """`text` as it may be shown, with "…" in its middle where it is longer than `longest`."""
    said = words.shown(text)
    if len(said) <= longest:
        return said
    tail = longest // 3
    return f"{said[: longest - tail - 1]}…{said[-tail:]}"


def _cut(sentence: str, longest: int) -> str:
    if len(sentence) <= longest:
        return sentence
    return f"{sentence[:longest].rstrip()} … (cut, {len(sentence)} characters in all)"


def _pictures(reading: Reading, film: Pixels) -> tuple[Picture, ...]:
    made = picture.views(reading, film)
    label = shortened(reading.heatmap.label, 20)
    found = [
        _picture("Film", "The radiograph as it was read, without any drawing.", made.film),
        _picture(
            f"Heat for “{label}”",
            f"The same radiograph under its heat. {_hottest(reading)}",
            made.heat,
        ),
    ]
    if made.measured is not None:
        alt = " ".join(("The same radiograph with measured lines.", *_curve_sentences(reading)))
        found.append(_picture("Measurement", alt, made.measured))
    return tuple(found)


def _picture(title: str, alt: str, pixels: Rgb) -> Picture:
    return Picture(title, alt, encoded.jpeg(pixels), pixels.shape[1] / pixels.shape[0])


def _hottest(reading: Reading) -> str:
    """Where the heat is strongest, by thirds of the picture, for who does not see it."""
    if reading.heatmap.peak <= 0:
        return "There is no heat for this label."
    on_film = reading.placement.on_image(reading.heatmap.values, (90, 90))
    row, column = np.unravel_index(int(on_film.argmax()), on_film.shape)
    down, across = int(row) // 30, int(column) // 30
    height = ("upper", "middle", "lower")[down]
    side = ("left", "middle", "right")[across]
    return f"It is hottest in the {height} third of the height and the {side} third of the width."


def _scale(reading: Reading) -> Scale:
    ramp, (low, high) = picture.bar(reading.heatmap, *BAR)
    return Scale(encoded.png(ramp), low, f"{high} {shortened(reading.heatmap.unit, 14)}")


def _labels(reading: Reading) -> tuple[LabelRow, ...]:
    """All labels, the likeliest first."""
    kept = None if reading.label_set is None else set(reading.label_set.labels)
    rows = [
        LabelRow(
            shortened(label, 20),
            float(probability),
            words.share(float(probability)),
            None if kept is None else label in kept,
        )
        for label, probability in zip(reading.labels, reading.probabilities, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -row.probability))


def _label_notes(reading: Reading) -> tuple[str, ...]:
    left_out = _labels(reading)[MOST_LABELS:]
    notes = []
    if left_out:
        together = words.share(sum(row.probability for row in left_out))
        which = "label is" if len(left_out) == 1 else "labels are"
        notes.append(f"{len(left_out)} more {which} not shown, {together} together.")
    said = (*words.label_set(reading), *words.votes(reading))
    return (*notes, *(_cut(one, LONGEST_NOTE) for one in said))


def _curves(reading: Reading) -> tuple[tuple[CurveRow, ...], tuple[str, ...]]:
    """The largest curves from the top, and what is said below them."""
    made = reading.measurement
    if made is None:
        return (), ("Not measured.",)
    if not made.curves:
        return (), tuple(_cut(said, LONGEST_SENTENCE) for said in words.measured(made))
    least = sorted(one.cobb_degrees for one in made.curves)[-MOST_CURVES:][0]
    shown = [one for one in made.curves if one.cobb_degrees >= least][:MOST_CURVES]
    main = main_curve(made.curves)
    rows = tuple(
        CurveRow(
            f"{one.side} {one.region}".capitalize(),
            words.degrees(one.cobb_degrees, one.interval_degrees),
            f"{one.upper} to {one.lower}{' *' if one.at_edge else ''}",
            one.apex,
            one is main,
        )
        for one in shown
    )
    notes = [*words.interval_note(made), words.SIDES, words.LINES]
    if any(one.at_edge for one in shown):
        notes.insert(0, "* May go on beyond what was found; its angle is the least it can be.")
    if more := len(made.curves) - len(rows):
        notes.insert(0, f"{more} smaller curve{'s' if more > 1 else ''} not shown.")
    return rows, tuple(notes)


def _curve_sentences(reading: Reading) -> tuple[str, ...]:
    return few(words.measured(reading.measurement), "sentence", 2 * LONGEST_SENTENCE)


def _made(reading: Reading, when: datetime) -> tuple[tuple[str, str], ...]:
    heatmap = reading.heatmap
    return (
        ("Film", f"{_size(reading)}, SHA-256 {reading.film.sha256[:16]}…"),
        ("Bundle", f"{reading.bundle_id[:16]}…, {shortened(reading.title, 80)}"),
        ("Heatmap", f"{shortened(heatmap.method, 40)} at {shortened(heatmap.layer, 30)}"),
        *_finder(reading),
        ("Made", f"{when:%Y-%m-%d %H:%M} UTC, spondyl {version('spondyl')}"),
    )


def _finder(reading: Reading) -> tuple[tuple[str, str], ...]:
    made = reading.measurement
    return () if made is None else (("Spine finder", shortened(made.made_by, 40)),)


def _size(reading: Reading) -> str:
    """Format, pixels, and millimetres where the file states them."""
    film, (height, width) = reading.film, reading.film.size
    told = f"{shortened(film.format, 12)}, {width} × {height} pixels"
    if film.spacing_mm is None:
        return f"{told}, size in mm not stated"
    across, down = width * film.spacing_mm[1], height * film.spacing_mm[0]
    kind = "" if film.dicom is None else _SPACING[film.dicom.spacing_kind]
    return f"{told}, {across:.0f} × {down:.0f} mm{kind}"


_SPACING = {
    "calibrated": " on the patient",
    "detector": " on the detector, larger than on the patient",
    "not stated": "",
}
