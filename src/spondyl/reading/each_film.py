"""Films read one after another, any number of them, with the memory of a few.

Decision: the next films are decoded by threads while the networks look at one. Decoders, hashes and
conversions let other threads run, and a process would have to hand each decoded film over, which
costs as much as decoding it. No more films lie ready than there are threads, so memory depends on
the largest films and not on their number. A film that cannot be read stops no other: it comes out
as a problem, in its place.

What a film is called in all that is written is a number in the order given, since file names may
name patients; the files' own names have to be asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from spondyl.data import pixels, spines
from spondyl.data.loose_films import Listed, unique_names
from spondyl.data.pixels import Pixels
from spondyl.data.spines import SpineOf
from spondyl.engines.processes import cores
from spondyl.errors import Problem, SpondylError
from spondyl.progress import Track, silently
from spondyl.reading.reading import Reader
from spondyl.reading.record import Reading

_MOST_DECODERS = 4
"""Threads; one network on one device has not been seen to ask for more."""


@dataclass(frozen=True, slots=True)
class Named:
    """A film to be read."""

    path: Path
    name: str
    """What it is called in all that is written; letters, digits, "_" and "-"."""
    said: str
    """What it is called where something is wrong with it: as the user wrote it, or its name."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadFilm:
    """A film and its reading."""

    film: Pixels
    reading: Reading


def named(listed: Listed, given: Sequence[Path], own_names: bool = False) -> tuple[Named, ...]:
    """What each of the `listed` films is called: film-1, film-2 …, or by its file if `own_names`.

    Only files that are among those `given` by hand are called by their path where something is
    wrong with them; of a folder, the folder and the number.
    """
    width = len(str(len(listed.films)))
    names = (
        unique_names([path.stem for path in listed.films])
        if own_names
        else [f"film-{number:0{width}d}" for number in range(1, len(listed.films) + 1)]
    )
    by_hand = set(given)
    return tuple(
        Named(path, name, str(path) if own_names or path in by_hand else name)
        for path, name in zip(listed.films, names, strict=True)
    )


def readings(
    films: Sequence[Named],
    reader: Reader,
    spine_of: SpineOf = spines.unknown,
    track: Track = silently,
) -> Iterator[ReadFilm | Problem]:
    """The reading of each film, or what is wrong with it, in their order."""
    if not films:
        return
    n_decoders = min(_MOST_DECODERS, cores(), len(films))
    with ThreadPoolExecutor(n_decoders, "decoding") as pool:
        ahead: deque[Future[Pixels | Problem]] = deque()
        try:
            for place in track(range(len(films)), "reading films", len(films)):
                for coming in films[place + len(ahead) : place + 1 + n_decoders]:
                    ahead.append(pool.submit(_decoded, coming))
                film = ahead.popleft().result()
                one = films[place]
                yield film if isinstance(film, Problem) else _read(one, film, reader, spine_of)
                del film  # or it would be held while the next one is waited for
        finally:
            for left in ahead:  # of whoever asks for no more
                left.cancel()


def _decoded(one: Named) -> Pixels | Problem:
    try:
        return pixels.read(one.path)
    except SpondylError as error:
        return _problem(one, error)


def _read(one: Named, film: Pixels, reader: Reader, spine_of: SpineOf) -> ReadFilm | Problem:
    try:
        spine = spine_of(one.path)
        return ReadFilm(film, reader.read_pixels(film, one.path, one.name, spine))
    except SpondylError as error:
        return _problem(one, error)


def _problem(one: Named, error: SpondylError) -> Problem:
    """What is wrong, without the path of a file that nobody named by hand."""
    said = error.message.replace(str(one.path), one.said).removeprefix(f"{one.said}: ")
    return Problem(one.said, said, error.hint)
