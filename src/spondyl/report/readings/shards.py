"""Films read by several processes, or by the machines of a cluster, shard by shard.

Decision: the unit of work is a shard of some dozen films. Whoever reads a shard opens the bundle
once, writes its films' files itself and sends back what is told of them; whoever asked only tells,
in the order of the films. A shard whose worker died is read again as a whole, over what stands of
it already, since every file is replaced whole. The price: some readings are made twice then, a row
is told when all of its shard is read, and a cluster has to see films, bundle and folder under the
same absolute paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch

from spondyl.engines.engine import Engine, Failure
from spondyl.errors import Problem
from spondyl.progress import Track, silently
from spondyl.reading.bundle import Bundle
from spondyl.reading.each_film import Named
from spondyl.reading.reading import Reader
from spondyl.reading.recipe import Recipe
from spondyl.report.readings.whole import Row, Run, Wanted

_MOST_FILMS = 64
"""Of a shard: some seconds of work, and what a death costs at most."""
_FEWEST_SHARDS = 16
"""Where there are so many films, so that no worker is idle for long at the end."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Films that one worker reads, one after another."""

    recipe: Recipe
    films: tuple[Named, ...]
    image_ids: tuple[str, ...]
    """Of each film, as its spine mask is called."""
    wanted: Wanted
    threads: int | None
    """Of a worker; None where that is left as it is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a shard."""

    rows: tuple[Row, ...]
    failures: tuple[Problem, ...]
    n_answered: int
    n_doubted: int


@dataclass(slots=True)
class SpreadRun:
    """Films being read by an engine's workers; iterate `rows` to its end, then ask for the rest."""

    films: Sequence[Named]
    recipe: Recipe
    wanted: Wanted
    engine: Engine
    image_ids: Mapping[Path, str]
    track: Track = silently
    failures: list[Problem] = field(default_factory=list)
    n_answered: int = 0
    n_doubted: int = 0

    def rows(self) -> Iterator[Row]:
        """The films that could be read, in their order; the others are among `failures`.

        Raises `SpondylError` where the engine is not to be had.
        """
        shards = self._shards()
        early: dict[int, Ended | Failure] = {}
        wanted = 0
        ended = self.engine.run(read_shard, shards)
        for number, came in self.track(ended, "reading shards of films", len(shards)):
            early[number] = came
            while wanted in early:
                yield from self._counted(shards[wanted], early.pop(wanted))
                wanted += 1

    def _shards(self) -> list[Shard]:
        films, recipe, wanted = list(self.films), self.recipe, self.wanted
        ids = [self.image_ids[one.path] for one in films]
        if not self.engine.is_here:
            films = [replace(one, path=one.path.absolute()) for one in films]
            recipe = recipe.anywhere
            wanted = replace(wanted, out=None if wanted.out is None else wanted.out.absolute())
        size = max(1, min(_MOST_FILMS, len(films) // _FEWEST_SHARDS))
        return [
            Shard(
                recipe,
                tuple(films[start : start + size]),
                tuple(ids[start : start + size]),
                wanted,
                self.engine.threads,
            )
            for start in range(0, len(films), size)
        ]

    def _counted(self, shard: Shard, came: Ended | Failure) -> Iterator[Row]:
        if isinstance(came, Failure):
            self.failures += [Problem(one.said, came.message, came.hint) for one in shard.films]
            return
        self.failures += came.failures
        self.n_answered += came.n_answered
        self.n_doubted += came.n_doubted
        yield from came.rows


def read_shard(shard: Shard) -> Ended:
    """Reads a shard's films and writes what is wanted of them; in a worker."""
    if shard.threads is not None:
        torch.set_num_threads(shard.threads)
    opened, reader = _opened(shard.recipe)
    image_ids = {one.path: name for one, name in zip(shard.films, shard.image_ids, strict=True)}
    spine_of = shard.recipe.spine_of(opened, image_ids)
    run = Run(shard.films, reader, shard.wanted, spine_of)
    rows = tuple(run.rows())
    return Ended(rows, tuple(run.failures), run.n_answered, run.n_doubted)


@lru_cache(maxsize=1)
def _opened(recipe: Recipe) -> tuple[Bundle, Reader]:
    """Bundle and reader, once for all the shards that a process reads."""
    opened = recipe.opened()
    return opened, recipe.reader(opened)
