"""How a survey's page writes its figures: shares, agreement, intervals and p values as cells.

Decision: a figure that could not be computed says "not run" and an interval that could not is a
dash; the reasons stand once, in the part of the page that lists all of them. Signs are typographic,
so that a minus is never taken for a range.
"""

from __future__ import annotations

from collections.abc import Sequence

from spondyl.report.tables import NONE, percent, percent_range
from spondyl.review.agreement import Agreement, Analytic
from spondyl.review.analysis.film_tests import FilmTest
from spondyl.review.analysis.shares import Share
from spondyl.trust.intervals import Interval, NotRun

NOT_RUN = "not run"
ALL_READERS = "all readers"


def who(reader: str | None) -> str:
    """A reader's pseudonym, or that all are meant."""
    return ALL_READERS if reader is None else reader


def share_columns(level: float) -> tuple[str, ...]:
    """Names of the columns of `share_cells`."""
    return ("answers", "%", f"{sure(level)} Wilson", f"{sure(level)} over films")


def share_cells(found: Share | NotRun) -> tuple[str, str, str, str]:
    """ "12 of 30", per cent, Wilson's interval, and that over films."""
    if isinstance(found, NotRun):
        return (NOT_RUN,) * 4
    return (of(found), percent(found.value), wilson(found), by_film(found))


def of(found: Share | NotRun) -> str:
    """ "12 of 30"."""
    return NOT_RUN if isinstance(found, NotRun) else f"{found.n_yes} of {found.n}"


def wilson(found: Share | NotRun) -> str:
    """Wilson's interval in per cent."""
    if isinstance(found, NotRun):
        return NOT_RUN
    return percent_range(found.wilson.low, found.wilson.high)


def by_film(found: Share | NotRun) -> str:
    """The interval over films in per cent; a dash where there is none."""
    if isinstance(found, NotRun):
        return NOT_RUN
    if isinstance(found.by_film, NotRun):
        return NONE
    return percent_range(found.by_film.low, found.by_film.high)


def to_read(found: Share) -> Interval:
    """The interval to read: over films where it could be had, else Wilson's."""
    return found.by_film if isinstance(found.by_film, Interval) else found.wilson


def short(found: Share | NotRun) -> str:
    """ "12 of 30, 40 % (25 to 58)", with the interval to read."""
    if isinstance(found, NotRun):
        return f"{NOT_RUN}, {found.why}"
    interval = to_read(found)
    return (
        f"{of(found)}, {100 * found.value:.0f} % "
        f"({100 * interval.low:.0f} to {100 * interval.high:.0f})"
    )


def shared(found: Share | NotRun) -> str:
    """Per cent and Wilson's interval, "74.7 (69.5–79.2)"."""
    return NOT_RUN if isinstance(found, NotRun) else f"{percent(found.value)} ({wilson(found)})"


def agreed(found: Agreement | NotRun) -> str:
    """The figure and its interval over films, "0.66 (0.53 to 0.78)"."""
    return NOT_RUN if isinstance(found, NotRun) else between(found.value, found.interval)


def agreed_of_scale(found: Agreement | NotRun) -> str:
    """As `agreed`; a dash where there is none, as of options that have no order."""
    return NONE if isinstance(found, NotRun) else agreed(found)


def between(
    value: float, interval: Interval | Analytic | NotRun, scale: float = 1, digits: int = 2
) -> str:
    """A figure and its interval, both times `scale`."""
    return f"{signed(scale * value, digits)} ({span(interval, scale, digits)})"


def span(found: Interval | Analytic | NotRun, scale: float = 1, digits: int = 2) -> str:
    """ "0.41 to 0.78", both ends times `scale`; a dash where there is none."""
    if isinstance(found, NotRun):
        return NONE
    return f"{signed(scale * found.low, digits)} to {signed(scale * found.high, digits)}"


def signed(value: float, digits: int = 2) -> str:
    """A number with a true minus, and never "−0.00"."""
    text = f"{value:.{digits}f}"
    return (text[1:] if text.startswith("-") and not float(text) else text).replace("-", "−")


def p_cell(found: FilmTest | NotRun) -> str:
    """The p value of a test over films."""
    return NOT_RUN if isinstance(found, NotRun) else p_value(found.p_value)


def p_value(value: float) -> str:
    """With three decimals, or that it is smaller."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def sure(level: float) -> str:
    """Coverage as "95 %"."""
    return f"{100 * level:g} %"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """ "1 film", "2 films"."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """ "A, B and C"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
