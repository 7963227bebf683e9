"""What can be trained: every network by name, its cuts, its size, and whether its weights are
here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spondyl.learn import networks, weights


@dataclass(frozen=True, slots=True)
class Row:
    """A network of the catalogue."""

    name: str
    library: str
    cuts: tuple[str, ...]
    parameters: int
    """With 3 outputs."""
    weights_cached: bool
    """Whether the library's cache holds its ImageNet-1k weights."""
    weights_wanted: str
    """What the library calls them."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def rows() -> tuple[Row, ...]:
    """All networks, in the order of our table."""
    return tuple(_row(networks.parse(name)) for name in networks.ARCHITECTURES)


def lines(listed: Sequence[Row]) -> Iterator[str]:
    """The rows for a person."""
    for row in listed:
        cached = "weights cached" if row.weights_cached else f"weights: {row.weights_wanted}"
        yield f"{row.name:<24}{row.parameters:>12,} parameters  {row.library:<12}{cached}"
        if row.cuts:
            yield f"{'':<24}cuts: {', '.join(f'{row.name}:{cut}' for cut in row.cuts)}"


def _row(name: networks.NetworkName) -> Row:
    architecture = name.architecture
    network = networks.build(architecture.name, n_labels=3, seed=0)
    return Row(
        architecture.name,
        architecture.library,
        architecture.cuts,
        networks.n_parameters([network.body, network.head]),
        weights.cached_file(name).is_file(),
        weights.wanted(name),
    )
