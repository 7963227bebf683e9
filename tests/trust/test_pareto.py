"""The front is what no row beats in every respect at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spondyl.trust.answers import pareto

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


def slow(rows, higher):
    """From the definition: nobody is at least as good in both and better in one."""
    signs = [1 if up else -1 for up in higher]

    def beats(a, b):
        gains = [sign * (x - y) for sign, x, y in zip(signs, a, b, strict=True)]
        return min(gains) >= 0 and max(gains) > 0

    return tuple(i for i, row in enumerate(rows) if not any(beats(other, row) for other in rows))


@given(ROWS, st.booleans(), st.booleans())
def test_the_front_is_the_definitions(rows, first, second):
    assert pareto.front(np.array(rows, float), (first, second)) == slow(rows, (first, second))


@given(ROWS)
def test_the_front_of_a_front_is_itself_and_is_never_empty(rows):
    figures = np.array(rows, float)
    kept = pareto.front(figures, (True, False))
    assert kept
    assert pareto.front(figures[list(kept)], (True, False)) == tuple(range(len(kept)))


def test_equals_stand_on_the_front_together():
    assert pareto.front(np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 2.0]]), (True, True)) == (0, 1)


def test_a_figure_that_is_nan_and_missing_directions_are_refused():
    with pytest.raises(ValueError, match="nan"):
        pareto.front(np.array([[1.0, np.nan]]), (True, True))
    with pytest.raises(ValueError, match="directions"):
        pareto.front(np.array([[1.0, 2.0]]), (True,))
