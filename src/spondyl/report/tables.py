"""A table as one record of texts, and its three ways out: the page, CSV and LaTeX (booktabs).

Decision: a cell is the text that a reader sees, so page, CSV and LaTeX cannot round differently;
the numbers with all their digits stand in `metrics.json`. Only escaping differs between the ways.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

NONE = "–"
"""Stands in a cell that has no value."""
UNDEFINED = "undefined"
"""Stands where a score has no value by the rule of `trust.metrics`."""

_NUMBER = re.compile(r"[<>]?\s?[−-]?\d[\d.,]*(\s?(%|[–±/]\s?[\d.,]+|\([^)]*\)))*")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": r"\textendash{}",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "→": r"\ensuremath{\rightarrow}",
    "·": r"\textperiodcentered{}",
    "…": r"\ldots{}",
    "\n": " ",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under named columns; the first column names the row."""

    slug: str
    """File name and anchor: lower case letters, digits and hyphens."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9-]+", self.slug):
            raise ValueError(f"slug {self.slug!r} is no file name of letters, digits and hyphens")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.slug}: a row has not {len(self.columns)} cells")

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers only, and so are set to the right."""
        return tuple(_is_numeric([row[c] for row in self.rows]) for c in range(len(self.columns)))


def as_csv(table: Table) -> str:
    """Header and rows as CSV text (RFC 4180, but for bare line feeds), without title and notes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return stream.getvalue()


def as_latex(table: Table) -> str:
    """A `table` environment with caption, label and notes, headed by the packages that it needs."""
    alignment = "".join("r" if right else "l" for right in table.numeric)
    notes = [rf"\par\smallskip\footnotesize {latex_escaped(note)}" for note in table.notes]
    return "\n".join(
        [
            r"% \usepackage{booktabs} \usepackage[T1]{fontenc}",
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{latex_escaped(table.title)}}}",
            rf"\label{{tab:{table.slug}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            _latex_row(table.columns),
            r"\midrule",
            *map(_latex_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            *notes,
            r"\end{table}",
            "",
        ]
    )


def latex_escaped(text: str) -> str:
    """`text` with everything that LaTeX would take for a command written out."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def percent(share: float) -> str:
    """A proportion 0 … 1 as percent with one decimal, without the sign."""
    return UNDEFINED if share != share else f"{100 * share:.1f}"


def percent_range(low: float, high: float) -> str:
    """Two proportions as "91.2–96.7", in percent."""
    return UNDEFINED if low != low else f"{100 * low:.1f}–{100 * high:.1f}"


def decimal(value: float, digits: int = 3) -> str:
    """A number with a fixed number of decimals."""
    return UNDEFINED if value != value else f"{value:.{digits}f}"


def spread(mean: float, sd: float, scale: float = 1, digits: int = 3) -> str:
    """Mean ± standard deviation, both times `scale`; the mean alone where there is no deviation."""
    if mean != mean:
        return UNDEFINED
    shown = f"{scale * mean:.{digits}f}"
    return shown if sd != sd else f"{shown} ± {scale * sd:.{digits}f}"


def _latex_row(cells: tuple[str, ...]) -> str:
    return " & ".join(map(latex_escaped, cells)) + r" \\"


def _is_numeric(cells: list[str]) -> bool:
    said = [cell for cell in cells if cell not in ("", NONE, UNDEFINED, "not run")]
    return bool(said) and all(_NUMBER.fullmatch(cell) for cell in said)
