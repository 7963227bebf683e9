"""Probes of what is no anatomy: planted things are told, clean films are not accused."""

import numpy as np
import pytest

from spondyl.data.artefacts.finding import found
from spondyl.data.artefacts.remedies import painted_out
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts
from spondyl.trust.data_audit import artefact_probes, probing
from spondyl.trust.data_audit.probes import NotAsked
from spondyl.trust.data_audit.probing import Films, Folding, Probe

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
PROBE_OF = {"marker": "markers", "border": "border", "tint": "tint", "text": "text"}


def pixels_of(image):
    values = image.astype(np.float32) / 255
    if values.ndim == 3 and np.ptp(values, axis=2).max() == 0:
        values = np.ascontiguousarray(values[..., 0])
    luma = values if values.ndim == 2 else values @ LUMA
    facts = FileFacts("PNG", *luma.shape, "RGB", 1, None, "0" * 64)
    return Pixels(luma.copy(), values if values.ndim == 3 else None, None, facts)


def looked_at(shortcut=None, n=60, seed=1, change=lambda pixels: pixels):
    strength = 1.0 if shortcut is None else 0.9
    films = drawing.cohort(n, seed, size=(230, 165), shortcut=shortcut, strength=strength)
    truth = np.array([SPINE_LABELS.column(film.truth.label) for film in films])
    return [found(change(pixels_of(film.image))) for film in films], truth


def p_values(artefacts, truth, seed=0):
    ids = tuple(f"{i:03d}" for i in range(len(truth)))
    folding = Folding.draw(Films(SPINE_LABELS, ids, ids, truth), "grouped", 5, seed, 99)
    asked = artefact_probes.of_artefacts(artefacts)
    return {
        one.name: probing.probe(one, folding, seed).null.p_value
        for one in asked
        if isinstance(one, Probe)
    }


@pytest.fixture(scope="module")
def clean():
    return looked_at()


@pytest.mark.parametrize("shortcut", PROBE_OF)
@pytest.mark.slow
def test_a_planted_shortcut_is_told_by_the_probe_of_its_kind(shortcut):
    assert p_values(*looked_at(shortcut))[PROBE_OF[shortcut]] == 0.01


def test_clean_films_are_not_accused(clean):
    told = p_values(*clean)
    assert set(told) == {"border", "markers"}
    assert min(told.values()) > 0.01


def test_kinds_that_no_film_has_are_not_asked_and_why_is_said(clean):
    asked = artefact_probes.of_artefacts(clean[0])
    assert tuple(one.name for one in asked) == artefact_probes.NAMES
    silent = {one.name: one.why for one in asked if isinstance(one, NotAsked)}
    assert silent["tint"] == "every film is grey"
    assert silent["text"].startswith("no film has")
    assert silent["joins"].startswith("no film has")


def test_probes_raise_alarms_and_have_few_numbers(clean):
    for one in artefact_probes.of_artefacts(clean[0]):
        assert one.kind == "not-anatomy"
        assert one.question.endswith("?")
        if isinstance(one, Probe):
            assert one.values.shape == (len(clean[0]), len(one.columns))
            assert len(one.columns) <= 40


def test_painted_over_markers_tell_no_label():
    artefacts, truth = looked_at("marker", change=painted_out)
    assert p_values(artefacts, truth).get("markers", 1.0) > 0.01


def test_counts_are_of_films_of_each_label(clean):
    artefacts, truth = clean
    evidence = artefact_probes.counted(artefacts, truth, SPINE_LABELS)
    assert evidence.columns == ("what", *SPINE_LABELS.names)
    rows = {row[0]: row[1:] for row in evidence.rows}
    assert rows["colour"] == ("0 of 20",) * 3
    for column in range(len(SPINE_LABELS)):
        there = sum(
            bool(one.markers)
            for one, label in zip(artefacts, truth, strict=True)
            if label == column
        )
        assert rows["lead marker"][column] == f"{there} of 20"


def test_shuffling_films_shuffles_rows_and_nothing_else(clean):
    order = np.random.default_rng(0).permutation(len(clean[0]))
    shuffled = [clean[0][place] for place in order]
    for was, now in zip(
        artefact_probes.of_artefacts(clean[0]), artefact_probes.of_artefacts(shuffled), strict=True
    ):
        if isinstance(was, Probe):
            np.testing.assert_array_equal(was.values[order], now.values)
