"""A CSV manifest read as a listing: one film a row, in columns whose names are known.

A column that is nearly one of ours is refused, since a mistyped `patient` would put one patient
into two folds without a word; any other column is passed over and named. Values are taken as
written: an unknown word is a problem, never "not stated". Cells may be set apart by commas,
semicolons or tabs, as the header shows. A film with several findings names them all in its label
cell, with a semicolon or a plus between them; or each finding has a column of 0 and 1 (`findings`).
"""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spondyl.data import findings
from spondyl.data.folders import accepted_spellings
from spondyl.data.labels import TOGETHER, LabelSet, plain
from spondyl.data.listing import Entry, Listing, Stated, unprintable
from spondyl.data.radiograph import NOT_STATED, Sex, View
from spondyl.errors import Problem, SpondylError

SUFFIXES = (".csv", ".tsv")
OLDEST_YEARS = 130

_COLUMNS = {
    "path": "path",
    "label": "label",
    "group": "group",
    "groupid": "group",
    "patient": "group",
    "patientid": "group",
    "sex": "sex",
    "age": "age",
    "ageyears": "age",
    "view": "view",
    "site": "site",
}
_NEAR = 0.8  # difflib's ratio: "gruop" and "lable" are near, "image" and "stage" are not

_SEXES: dict[str, Sex] = {
    **dict.fromkeys(("f", "female", "woman"), "female"),
    **dict.fromkeys(("m", "male", "man"), "male"),
    **dict.fromkeys(("", "not stated", "unknown"), NOT_STATED),
}
_VIEWS: dict[str, View] = {
    **dict.fromkeys(("frontal", "ap", "pa"), "frontal"),
    **dict.fromkeys(("lateral", "lat"), "lateral"),
    "other": "other",
    **dict.fromkeys(("", "not stated", "unknown"), NOT_STATED),
}


def listed(path: Path, labels: LabelSet, require_labels: bool = True) -> Listing:
    """The films of the manifest at `path`; their paths are relative to its folder and inside it.

    Columns: path; label (may be missing or empty unless `require_labels`), or one of 0 and 1 for
    each finding of `labels`; group, group_id, patient
    or patient_id; sex; age or age_years; view; site. Raises `SpondylError` where it is not UTF-8
    text or not CSV, so that no row can be made out; all else is a problem of its line.
    """
    rows = _rows(path)
    reader = _Reader(path.parent, labels, require_labels)
    if not rows:
        reader.say("", f"{path.name} is empty", "Its first line names the columns: path,label,…")
    else:
        (_, header), *body = rows
        names = reader.columns(header)
        if not body:
            reader.say("", f"{path.name} lists no film", "Add a line for each film.")
        if "path" in names:
            for line, cells in body:
                reader.row(line, cells, names)
        reader.say_unnamed()
    return Listing(
        path.parent, tuple(reader.entries), tuple(reader.problems), tuple(reader.ignored)
    )


def column(path: Path, name: str) -> dict[str, str]:
    """image_id → cell of the column called `name`, of a manifest that `listed` reads without a
    problem; for columns of the user's own, which `listed` passes over.

    Raises `SpondylError` where no column is called so, or several are.
    """
    (_, header), *body = _rows(path) or [(1, [])]
    places = [at for at, cell in enumerate(header) if cell == name]
    if len(places) != 1:
        raise SpondylError(
            f"{path}: {len(places) or 'no'} column{'s are' if places else ' is'} called {name!r}",
            f"Its columns: {', '.join(header)}.",
        )
    reader = _Reader(path.parent, LabelSet(()), require_labels=False)
    names = reader.columns(header)
    if "path" not in names:
        raise SpondylError(f"{path}: there is no column 'path'", f"Columns: {', '.join(header)}.")
    of_path = names.index("path")
    whole = [cells for _, cells in body if len(cells) == len(header)]
    named = ((reader.image_id("", cells[of_path]), cells[places[0]]) for cells in whole)
    return {image_id: cell for image_id, cell in named if image_id}


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every row that is not blank, the header first."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpondylError(
            f"{path}: cannot be read ({error.strerror or error})", "Check the path and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise SpondylError(
            f"{path}: is not UTF-8 text (byte {error.start})", 'Save it as "CSV UTF-8".'
        ) from error
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        if "\0" in text:
            raise csv.Error("it holds zero bytes")
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise SpondylError(
            f"{path}: is not CSV (line {max(reader.line_num, 1)}: {error})",
            "Save it as CSV, UTF-8, with a first line that names the columns.",
        ) from error
    return [(line, cells) for line, cells in rows if any(cells)]


@dataclass(slots=True)
class _Reader:
    root: Path
    labels: LabelSet
    require_labels: bool
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    """The line on which each image_id was first met."""
    marked: dict[int, str] = field(default_factory=dict)
    """Place of each column that is of one finding, or of normal."""
    labels_lost: bool = False
    """Whether the columns that should say labels are missing or faulty: a problem of line 1, which
    is not told again of every film."""
    unnamed: dict[str, list[str]] = field(default_factory=dict)
    """Combinations of findings that are none of the labels, and where they were met."""

    def say(self, where: str, what: str, hint: str) -> None:
        self.problems.append(Problem(where, what, hint))

    def columns(self, header: list[str]) -> list[str]:
        """Our name for each column of `header`; empty for one that is passed over."""
        self.marked = self._marked(header)
        names = ["" if at in self.marked else self._column(cell) for at, cell in enumerate(header)]
        for name in sorted({name for name in names if name and names.count(name) > 1}):
            self.say("line 1", f"more than one column says the {name}", "Keep one of them.")
        for name in ("path", "label") if self.require_labels else ("path",):
            if name not in names and not (name == "label" and (self.marked or self.labels_lost)):
                self.labels_lost |= name == "label"
                self.say(
                    "line 1",
                    f"there is no column {name!r}",
                    "The first line names the columns, for example: path,label,patient,sex,age.",
                )
        return names

    def _marked(self, header: list[str]) -> dict[int, str]:
        if any(plain(cell) == "label" for cell in header):
            return {}
        try:
            return findings.columns(header, self.labels)
        except SpondylError as error:
            if self.require_labels:
                self.labels_lost = True
                self.say("line 1", error.message, error.hint)
            return {}

    def _column(self, cell: str) -> str:
        spelled = plain(cell)
        if spelled in _COLUMNS:
            return _COLUMNS[spelled]
        near = difflib.get_close_matches(spelled, _COLUMNS, n=1, cutoff=_NEAR)
        if near:
            self.say(
                "line 1",
                f"unknown column {cell!r}",
                f"Is {near[0]!r} meant? Then call it so; if not, rename the column.",
            )
        else:
            self.ignored.append(f"column {cell!r}")
        return ""

    def row(self, line: int, cells: list[str], names: list[str]) -> None:
        """Adds the film of one row, or its problems."""
        where = f"line {line}"
        if len(cells) != len(names):
            self.say(
                where,
                f"{len(cells)} cells where the header has {len(names)}",
                "Put a cell that holds a comma in double quotes.",
            )
            return
        said = dict(zip(names, cells, strict=True))
        image_id = self.image_id(where, said["path"])
        label = self._label(where, said, cells)
        stated = self._stated(where, said)
        if not image_id:
            return
        if image_id in self.lines:
            again = f"{image_id} is listed on line {self.lines[image_id]} already"
            self.say(where, again, "Keep one line for each film.")
            return
        self.lines[image_id] = line
        group_id = said.get("group") or image_id
        self.entries.append(Entry(where, image_id, self.root / image_id, label, group_id, stated))

    def image_id(self, where: str, cell: str) -> str:
        """The film's path from the manifest's folder, with forward slashes; empty for none."""
        if not cell or unprintable(cell):
            self.say(where, "its path is empty or not text", "State the path of the film.")
            return ""
        root = self.root.absolute()
        inside = os.path.relpath(os.path.normpath(root / cell.replace("\\", "/")), root)
        image_id = Path(inside).as_posix()
        if image_id.split("/")[0] == "..":
            self.say(
                where,
                f"{cell} is outside the manifest's folder",
                "Put the manifest into a folder above all its films.",
            )
            return ""
        return image_id

    def _label(self, where: str, said: Mapping[str, str], cells: list[str]) -> str | None:
        if self.labels_lost:
            return None
        cell = said.get("label", "")
        marks = {name: cells[at] for at, name in self.marked.items()}
        if any(marks.values()):
            try:
                cell = findings.label_cell(marks)
            except SpondylError as error:
                self.say(where, error.message, error.hint)
                return None
        label = self.labels.resolve(cell)
        if label is None and len(found := self.labels.together(cell)) > 1:
            self.unnamed.setdefault(TOGETHER.join(found), []).append(where)
        elif label is None and (cell or self.require_labels):
            what = f"unknown label {cell!r}" if cell else "the film has no label"
            left_out = " A study leaves out those of its other_labels." if cell else ""
            self.say(where, what, f"Accepted: {accepted_spellings(self.labels)}.{left_out}")
        return label

    def say_unnamed(self) -> None:
        """Says of each combination that is none of the labels how many films have it."""
        for name, lines in self.unnamed.items():
            self.say(
                lines[0],
                f"{name!r} is none of the labels, and that of {len(lines)} "
                f"film{'s' * (len(lines) > 1)}",
                "Name it among the labels, or leave such films out of a study with other_labels = "
                f'["{name}"].',
            )

    def _stated(self, where: str, said: Mapping[str, str]) -> Stated:
        sex, view = said.get("sex", ""), said.get("view", "")
        if sex.casefold() not in _SEXES:
            self.say(where, f"unknown sex {sex!r}", "Write female, male, or leave it empty.")
        if view.casefold() not in _VIEWS:
            hint = "Write frontal, lateral, other, or leave it empty."
            self.say(where, f"unknown view {view!r}", hint)
        return Stated(
            view=_VIEWS.get(view.casefold(), NOT_STATED),
            sex=_SEXES.get(sex.casefold(), NOT_STATED),
            age_years=self._age_years(where, said.get("age", "")),
            site=said.get("site") or NOT_STATED,
        )

    def _age_years(self, where: str, cell: str) -> float | None:
        if not cell:
            return None
        try:
            years = float(cell)
        except ValueError:
            years = float("nan")
        if not 0 <= years <= OLDEST_YEARS:
            self.say(
                where,
                f"age {cell!r} is not a number of years from 0 to {OLDEST_YEARS}",
                "Write years, for example 14 or 0.75, or leave it empty.",
            )
            return None
        return years
