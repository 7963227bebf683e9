"""ROAD's imputation: ours for a batch of films, and SciPy's sparse solver film by film."""

from collections.abc import Iterator

from spondyl.bench import road


def run(rounds: int = 5) -> Iterator[str]:
    """A line for each kind of film and hole and each share removed."""
    yield from road.lines(road.rows(rounds))
