"""Damaged films read by the thousand: `python -m tests.damaged --count 2400 --seed 0`.

`--again RECIPE --out FILE` makes one file again, by its recipe as it was printed.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from damaged.recipes import Recipe, bombs, chances, places
from damaged.watching import Outcome, outcomes


def table(found: Iterable[Outcome]) -> Iterator[str]:
    """Kind by format: how many were refused, read and at fault, the slowest and the largest."""
    cells: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in found:
        cells[one.recipe.family, one.recipe.kind].append(one)
        cells[one.recipe.family, "all"].append(one)
        cells["all", "all"].append(one)
    yield f"{'format':8}{'kind':26}{'refused':>8}{'read':>8}{'faults':>8}{'ms':>8}{'MB':>8}"
    for family, kind in sorted(cells, key=lambda cell: (cell[0] == "all", cell)):
        cell = cells[family, kind]
        refused, read = (sum(one.outcome == word for one in cell) for word in ("refused", "read"))
        faults = sum(bool(one.faults) for one in cell)
        slowest = 1000 * max(one.seconds for one in cell)
        most = max(one.peak for one in cell) / 2**20
        yield f"{family:8}{kind:26}{refused:8}{read:8}{faults:8}{slowest:8.0f}{most:8.0f}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 1 where there is any fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.damaged", description=__doc__)
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="recipes that hold these words")
    parser.add_argument("--words", action="store_true", help="print how each file was refused")
    parser.add_argument("--again", type=Recipe.parse, help="a recipe as it was printed")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.again:
        asked.again.save(asked.out)
        return 0
    wanted = (
        recipe
        for recipe in islice(chain(places(), bombs(), chances(asked.seed)), asked.count)
        if asked.only in str(recipe)
    )
    found = []
    for one in outcomes(wanted):
        found.append(one)
        if one.faults:
            say(str(one))
        elif asked.words:
            say(f"{one.recipe}: {one.outcome} {one.words}")
    say("\n".join(table(found)))
    return int(any(one.faults for one in found))


if __name__ == "__main__":
    sys.exit(main())
