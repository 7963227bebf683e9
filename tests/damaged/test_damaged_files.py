"""Damaged films in a process of their own: refused in words or read rightly, and nothing else.

What the reader looks at is in `reader`: pixels in [0, 1], one printable line of error, nothing of
the patient, nothing printed. What it cannot see of itself is in `watching`: crash, hang, memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import pytest

from damaged.places import SOUND, Place, holding
from damaged.recipes import PLACE, Recipe, bombs, chances, places
from damaged.sound import FAMILIES, HEIGHT, WIDTH, films
from damaged.watching import Outcome, Watched, outcomes
from spondyl.data import pixels

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(),
    reason="the most memory that a file takes is known by Linux's /proc only",
)


def at_fault(found: Iterable[Outcome]) -> str:
    return "\n".join(str(one) for one in found if one.faults)


@pytest.mark.parametrize(("family", "name"), films())
def test_what_is_damaged_here_was_sound(tmp_path, family, name):
    (tmp_path / "film").write_bytes(films()[family, name])
    read = pixels.read(tmp_path / "film")
    assert read.facts.format == family
    assert sorted(read.size) == sorted((HEIGHT, WIDTH))


def test_a_recipe_makes_the_same_file_again_from_what_was_printed():
    for recipe in islice(chances(3), 200):
        again = Recipe.parse(str(recipe))
        assert again == recipe
        assert again.content() == recipe.content()


def test_harm_is_done_to_most_films_and_to_every_format_alike():
    drawn = list(islice(chances(0), 640))
    harmed = [one for one in drawn if one.content() != films()[one.family, one.name]]
    assert len(harmed) > 0.9 * len(drawn)
    assert {one.family for one in harmed} == set(FAMILIES)
    assert max(Counter((one.kind, one.family) for one in drawn).values()) <= 11


def test_200_damaged_films_and_all_that_is_no_film_are_refused_or_read():
    found = list(outcomes(chain(places(), islice(chances(0), 200))))
    assert not at_fault(found)
    assert {one.outcome for one in found} == {"read", "refused"}
    refused = {one.recipe.family for one in found if one.outcome == "refused"}
    assert refused == {*FAMILIES, "any"}


@pytest.mark.slow
def test_2_400_damaged_films_are_refused_or_read():
    found = list(outcomes(islice(chances(1), 2400)))
    assert not at_fault(found)
    assert {one.recipe.family for one in found if one.outcome == "read"} == set(FAMILIES)


@pytest.mark.slow
def test_files_that_ask_for_too_much_do_not_get_it():
    assert not at_fault(outcomes(bombs()))


# --- the harness itself --------------------------------------------------------------------------

SPOILED = {
    "another exception": ("1 / 0", "raised ZeroDivisionError"),
    "a word from C": ("os.write(2, b'libfoo: bad')", "printed 'libfoo: bad'"),
    "too much memory": ("np.ones(130_000_000)", "MB beyond idle"),
    "values beyond white": ("return replace(found, grey=found.grey * 2)", "grey spans"),
    "values that are none": ("return replace(found, grey=found.grey * np.nan)", "grey spans nan"),
    "raw bytes in words": ("raise SpondylError('\\x1b[31m', 'A hint.')", "cannot be printed"),
    "two lines": ("raise SpondylError('one\\ntwo', 'A hint.')", "cannot be printed"),
    "too many words": ("raise SpondylError('x' * 5000, 'A hint.')", "says 5000 characters"),
    "no hint": ("raise SpondylError('A film.', '')", "says 0 characters"),
    "the patient's name": ("raise SpondylError('of Quellwasser', 'A.')", "tells 'Quellwasser'"),
    "a crash": ("os.abort()", "died with exit code -6"),
    "an exit": ("os._exit(3)", "died with exit code 3"),
    "a hang": ("time.sleep(60)", "hung for 1 s"),
}
SPOILING = """
import os, time, numpy as np
from dataclasses import replace
from pathlib import Path
from damaged import reader
from spondyl.data import pixels
from spondyl.errors import SpondylError

sound = pixels.read

def read(path):
    found = sound(path)
{}
    return found

pixels.read = read
reader.main()
"""


@pytest.fixture(scope="module")
def spoiled():
    """A reader that does what it must not, for films of certain names."""
    steps = [f"    if Path(path).name == {what!r}: {code}" for what, (code, _) in SPOILED.items()]
    with Watched(("-c", SPOILING.format("\n".join(steps)))) as reader:
        yield reader


@pytest.mark.parametrize("what", SPOILED)
def test_the_watch_sees(spoiled, monkeypatch, what):
    if what == "a hang":
        monkeypatch.setattr(spoiled, "patience", 1.0)
    outcome = spoiled.outcome(Recipe(PLACE, "any", what), Place(holding(SOUND, what)))
    assert SPOILED[what][1] in " ".join(outcome.faults)


def test_after_a_reader_that_died_the_next_film_is_read_by_another(spoiled):
    died = spoiled.outcome(Recipe(PLACE, "any", ""), Place(holding(SOUND, "a crash")))
    assert died.outcome == "died with exit code -6"
    assert spoiled.process is None
    assert spoiled.outcome(Recipe(PLACE, "any", "no suffix")).outcome == "read"
