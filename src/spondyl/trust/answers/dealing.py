"""Right and wrong answers dealt blindly among groups: what a subgroup's accuracy is by chance.

If being right has nothing to do with being in the subgroup, every dealing among groups of equal
size was as likely as what was seen, so the p value is exact for any number of films (Phipson &
Smyth 2010). The answers to a group stay together, as two films of one patient are not two pieces of
evidence; the price is that a group of a size of its own keeps its answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spondyl.learn.predictions import PredictionTable


def dealt(
    table: PredictionTable, kinds: Sequence[int], seed: int, n_dealings: int
) -> NDArray[np.bool_]:
    """(dealings, n) whether each film is right, after its group's answers went to another group
    with as many films of each of the `kinds` (n,), in the order of kinds and image ids."""
    films: defaultdict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(table)), key=lambda row: (kinds[row], table.image_ids[row])):
        films[table.group_ids[row]].append(row)
    alike: defaultdict[tuple[int, ...], list[list[int]]] = defaultdict(list)
    for rows in films.values():
        alike[tuple(kinds[row] for row in rows)].append(rows)
    right = table.predicted == table.truth
    answers = np.zeros((n_dealings, len(table)), np.bool_)
    draws = np.random.default_rng(seed)
    for groups in alike.values():
        which = np.array(groups)  # (groups, films)
        order = draws.random((n_dealings, len(groups))).argsort(axis=1)
        answers[:, which.ravel()] = right[which][order].reshape(n_dealings, -1)
    return answers


def p_value(n_right: int, answers: NDArray[np.bool_]) -> float:
    """Of `n_right` in a subgroup whose films were dealt `answers` (dealings, films).

    Two-sided about their mean; the truth counts as one dealing. As the right answers among all
    films are as many in every dealing, it is also the p value of the difference to the rest.
    """
    numbers = np.append(answers.sum(axis=1), n_right)
    off = np.abs(numbers - numbers.mean())
    return float((off >= off[-1] - 1e-9).mean())
