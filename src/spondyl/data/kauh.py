"""What the file names of the KAUH data set say beyond the class (Fraiwan et al. 2022).

Two schemes were used: running number, class letter, then sex and age in either order and two
numbers that mean nothing; and running number, finding, sex, age. They were typed by hand. A slip
whose meaning is plain is read (a stray dot, as in "F.41" or ".41", is no decimal point: the film of
such a name shows an adult); where it is not ("41M,F"), that one field is not stated. The running
number is no patient's.
"""

from __future__ import annotations

import re

from spondyl.data.listing import Stated
from spondyl.data.radiograph import NOT_STATED, Curve, Region, Sex, Side

_OLDEST_YEARS = 130

_BY_LETTER = re.compile(r"N\w*,\s*[NS]\s*,(?P<rest>.+)_\d+_\d+", re.IGNORECASE)
_BY_FINDING = re.compile(
    r"N\w*,\s*(?P<finding>(?:Rt|Lt|Olisthesis)\b.*?)"
    r"(?:[,\s]+(?P<sex>[MF]))?(?:[,\s]+(?P<age>\d+\s*(?:yrs?|years?|months?)?\.?))?",
    re.IGNORECASE,
)
_CURVE = re.compile(
    # "L" is a side only where a region follows it: "L L AIS", but not "L AIS"
    r"(?:(?P<side>[RL]t|[RL](?=\s+(?:TL|T|L)))\s+)?(?P<region>TL|T|L)?\s*(?:A?IS)?",
    re.IGNORECASE,
)
_LEVEL = re.compile(r"\b([TLS]\d+-[LS]?\d+)\b", re.IGNORECASE)

_SIDES: dict[str, Side] = {"r": "right", "l": "left"}
_REGIONS: dict[str, Region] = {"t": "thoracic", "tl": "thoracolumbar", "l": "lumbar"}
_SEXES: dict[str, Sex] = {"f": "female", "m": "male"}


def parse(stem: str) -> Stated | None:
    """Sex, age, curves and slipped level from a file name without suffix; the rest is not stated.

    None where the name follows neither scheme of the data set.
    """
    if by_letter := _BY_LETTER.fullmatch(stem.strip()):
        rest = by_letter["rest"]
        return Stated(sex=_sex(rest), age_years=_age_years(rest))
    if by_finding := _BY_FINDING.fullmatch(stem.strip()):
        finding = by_finding["finding"]
        slipped = finding.casefold().startswith("olisthesis")
        return Stated(
            sex=_sex(by_finding["sex"] or ""),
            age_years=_age_years(by_finding["age"] or ""),
            curves=() if slipped else _curves(finding),
            slip_level=_slip_level(finding) if slipped else NOT_STATED,
        )
    return None


def _sex(text: str) -> Sex:
    letters = {word for word in re.findall(r"[a-z]+", text.casefold()) if word in _SEXES}
    return _SEXES[letters.pop()] if len(letters) == 1 else NOT_STATED


def _age_years(text: str) -> float | None:
    numbers = re.findall(r"\d+(?:\.\d+)?", text)
    if len(numbers) != 1:
        return None
    years = float(numbers[0]) / (12 if "month" in text.casefold() else 1)
    return years if years <= _OLDEST_YEARS else None


def _curves(finding: str) -> tuple[Curve, ...]:
    parts = re.split(r"\s+and\s+", finding.strip(), flags=re.IGNORECASE)
    read = [_CURVE.fullmatch(part) for part in parts]
    return tuple(
        Curve(
            _SIDES.get((part["side"] or "").casefold()[:1], NOT_STATED),
            _REGIONS.get((part["region"] or "").casefold(), NOT_STATED),
        )
        for part in read
        if part is not None and all(read)
    )


def _slip_level(finding: str) -> str:
    return ", ".join(level.upper() for level in _LEVEL.findall(finding)) or NOT_STATED
