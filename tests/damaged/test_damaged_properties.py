"""Small films that Hypothesis damages, in this process: it finds the smallest damage that does."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damaged.reader import faults_of, faults_of_words, leaks
from damaged.recipes import harms
from damaged.sound import FAMILIES, films
from spondyl.data import pixels
from spondyl.errors import SpondylError


def faults(content: bytes) -> list[str]:
    """What is wrong with how a file is read or refused."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")  # a decoder's warning would be seen by the user
        path = Path(folder, "film")
        path.write_bytes(content)
        try:
            return faults_of(pixels.read(path))
        except SpondylError as error:
            told = faults_of_words(error, str(path))
            return told + leaks(error.message, error.hint)


@st.composite
def edited(draw: st.DrawFn, family: str) -> bytes:
    """A film of a family with bytes changed, cut, put in and taken out."""
    names = [name for other, name in films() if other == family]
    content = bytearray(films()[family, draw(st.sampled_from(names))])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        size = draw(st.sampled_from((0, 1, 1, 1, 2, 4, 30)))
        content[at : at + size] = draw(st.binary(max_size=8) | st.just(b"\xff" * 4))
    return bytes(content[: draw(st.none() | st.integers(0, len(content)))])


@st.composite
def harmed(draw: st.DrawFn, family: str) -> bytes:
    """A film of a family with a harm or a lie."""
    names = [name for other, name in films() if other == family]
    content = films()[family, draw(st.sampled_from(names))]
    seed = draw(st.integers(0, 2**32 - 1))
    return harms(family)[draw(st.sampled_from(sorted(harms(family))))](content, Random(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_edited_film_is_read_or_refused_without_another_word(family):
    @settings(max_examples=120)
    @given(edited(family))
    def holds(content):
        assert faults(content) == []

    holds()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_film_that_lies_is_read_or_refused_without_another_word(family):
    @settings(max_examples=80)
    @given(harmed(family))
    def holds(content):
        assert faults(content) == []

    holds()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_film_is_the_same_whatever_is_behind_it(family, tmp_path):
    """Bytes behind the end are no part of a film, however many there are."""

    @settings(max_examples=15)
    @given(st.sampled_from([name for other, name in films() if other == family]), st.binary())
    def holds(name, behind):
        path = tmp_path / "film"
        path.write_bytes(films()[family, name])
        expected = pixels.read(path).grey
        path.write_bytes(films()[family, name] + behind)
        try:
            assert np.array_equal(pixels.read(path).grey, expected)
        except SpondylError:
            assert family == "DICOM"  # whose elements go on to the end

    holds()
