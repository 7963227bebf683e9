"""One column for each finding, of 0 and 1, as a manifest may have in place of a label: what a row
of them says in the words of a label cell.

Every finding of the labels needs its column: where one is missing, nobody has said that films are
without it. A column for normal may be there, and must then say what the others do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spondyl.data.labels import NORMAL, LabelSet, is_finding, spelled_alike
from spondyl.errors import SpondylError

_SAID = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), True),
    **dict.fromkeys(("0", "0.0", "false", "no"), False),
}


def columns(header: Sequence[str], labels: LabelSet) -> dict[int, str]:
    """Place in `header` → the finding, or normal, that the column is of; empty where `header` has
    none of the kind.

    Raises `SpondylError` for findings without a column beside others with one, and for two columns
    of one finding.
    """
    wanted = (*labels.findings, *(name for name in labels.names if not is_finding(name)))
    found = {
        place: name
        for place, cell in enumerate(header)
        for name in wanted
        if spelled_alike(cell, name)
    }
    named = list(found.values())
    lacking = [finding for finding in labels.findings if finding not in named]
    if not any(map(is_finding, named)):
        return {}
    if lacking:
        raise SpondylError(
            f"there is no column for {', '.join(map(repr, lacking))}, beside one for "
            f"{', '.join(map(repr, filter(is_finding, named)))}",
            "Give every finding its column of 0 and 1, or write a column 'label'.",
        )
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise SpondylError(f"more than one column is of {twice[0]!r}", "Keep one of them.")
    return found


def label_cell(cells: Mapping[str, str]) -> str:
    """What a label cell would say of a film whose row says `cells` of each finding, and perhaps of
    normal.

    Raises `SpondylError` for a cell that is neither 0 nor 1, and for a normal film with findings or
    one that is not normal without any.
    """
    said = {}
    for name, cell in cells.items():
        if cell.casefold() not in _SAID:
            raise SpondylError(f"{name} is {cell!r}, neither 0 nor 1", "Write 0 or 1.")
        said[name] = _SAID[cell.casefold()]
    has = [name for name, there in said.items() if is_finding(name) and there]
    for name, is_normal in said.items():
        if not is_finding(name) and is_normal == bool(has):
            with_what = ", ".join(has) or "no finding"
            raise SpondylError(
                f"{name} is {int(is_normal)} with {with_what}",
                "Normal is 1 where every finding is 0, and 0 elsewhere.",
            )
    return ";".join(has) or NORMAL
