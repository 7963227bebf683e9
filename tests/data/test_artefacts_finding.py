"""All detectors together: places on the film's own grid, facts that do not know the spine."""

import cv2
import numpy as np
import pytest

from spondyl.data.artefacts.facts import KINDS, of_kind
from spondyl.data.artefacts.finding import found
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.data.phantom.filming import collimate, write_lead
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts


def pixels_of(image):
    """A film of an image (h, w) or (h, w, 3), uint8, as `pixels.read` makes it."""
    values = np.asarray(image, np.float32) / 255
    if values.ndim == 3 and np.ptp(values, axis=2).max() == 0:
        values = np.ascontiguousarray(values[..., 0])
    luma = values if values.ndim == 2 else values @ np.array([0.299, 0.587, 0.114], np.float32)
    facts = FileFacts("PNG", *luma.shape, "RGB", 1, None, "0" * 64)
    return Pixels(luma.copy(), values if values.ndim == 3 else None, None, facts)


def lettered(scale=1):
    """A film with a rim, a marker, two rows of text and a drawn line."""
    film = np.full((300 * scale, 220 * scale), 80, np.uint8)
    collimate(film, (0.05, 0, 0, 0), 0)
    write_lead(film, "L", 0.2, 0.85, "letter", 0.08)
    write_lead(film, "SPINE", 0.8, 0.3, "text")
    write_lead(film, "STANDING", 0.9, 0.3, "text")
    ends = (30 * scale, 110 * scale), (190 * scale, 160 * scale)
    cv2.line(film, *ends, 250, max(2, scale), cv2.LINE_AA)
    return film


def test_a_blank_ground_has_nothing_and_states_every_fact():
    clean, full = found(pixels_of(np.full((300, 220), 80))), found(pixels_of(lettered()))
    assert clean.kinds == frozenset()
    assert clean.boxes == ()
    assert tuple(clean.facts) == tuple(full.facts)
    assert full.kinds == {"border", "marker", "text", "line"}
    for kind in KINDS:
        assert 0 < len(of_kind(tuple(full.facts), kind)) <= 40
    assert sum(len(of_kind(tuple(full.facts), kind)) for kind in KINDS) == len(full.facts)


def test_numbers_of_what_is_not_there_are_nan_and_counts_are_nought():
    facts = found(pixels_of(np.full((300, 220), 80))).facts
    assert facts["marker-number"] == facts["text-rows"] == facts["line-number"] == 0
    assert facts["border-top"] == 0
    assert facts["marker-at-00"] == 0
    for name in ("marker-row", "text-height", "line-column", "join-row", "border-top-grey"):
        assert np.isnan(facts[name])


def test_facts_say_where_things_are():
    facts = found(pixels_of(lettered())).facts
    assert facts["marker-row"] == pytest.approx(0.2, abs=0.02)
    assert facts["marker-column"] == pytest.approx(0.85, abs=0.03)
    assert facts["marker-at-02"] == 1
    assert facts["text-rows"] == 2
    assert facts["text-row"] == pytest.approx(0.85, abs=0.03)
    assert facts["text-at-20"] == 1
    assert facts["line-row"] == pytest.approx(135 / 300, abs=0.02)
    assert facts["border-top"] == pytest.approx(0.05, abs=0.005)


def test_the_letter_itself_is_told_from_another_at_its_place():
    def ink(letter):
        film = np.full((300, 220), 80, np.uint8)
        write_lead(film, letter, 0.2, 0.85, "letter", 0.08)
        facts = found(pixels_of(film)).facts
        return np.array([facts[name] for name in facts if name.startswith("marker-ink")])

    assert ink("L")[2] < 0.05  # nothing in its upper right
    assert np.abs(ink("L") - ink("R")).max() > 0.3


@pytest.mark.parametrize("scale", [2, 4])
def test_a_film_of_more_pixels_has_the_same_things_at_the_same_shares(scale):
    """4 × is beyond the copy's size, so places must come back to the film's grid."""
    small, large = found(pixels_of(lettered())), found(pixels_of(lettered(scale)))
    for ours, theirs in ((small.markers, large.markers), (small.text, large.text)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            places = np.array((b.top, b.left, b.bottom, b.right)) / scale
            np.testing.assert_allclose(places, (a.top, a.left, a.bottom, a.right), atol=2.5)
    assert len(large.lines) == 1
    assert large.borders[0].bottom == pytest.approx(scale * small.borders[0].bottom, rel=0.1)


def test_boxes_lie_on_the_film():
    artefacts = found(pixels_of(lettered(2)))
    height, width = artefacts.film_size
    assert {box.name for box in artefacts.boxes} == {"border", "marker", "text", "line"}
    for box in artefacts.boxes:
        assert 0 <= box.top < box.bottom <= height
        assert 0 <= box.left < box.right <= width


def test_a_grey_film_has_no_tint_at_all():
    facts = found(pixels_of(drawing.draw(0, "normal").image)).facts
    assert {facts[name] for name in of_kind(tuple(facts), "tint")} == {0.0}


@pytest.mark.parametrize(("colour", "sign"), [((1.0, 0.96, 0.88), 1), ((0.9, 0.97, 1.0), -1)])
def test_a_tint_is_the_same_share_on_a_dark_and_a_bright_film(colour, sign):
    def facts(image):
        return found(pixels_of(image[..., None] * np.array(colour))).facts

    image = drawing.draw(0, "normal").image
    dark, bright = facts(image * 0.4), facts(image)
    assert np.sign(bright["tint-red"]) == sign == -np.sign(bright["tint-blue"])
    for name in ("tint-red", "tint-blue", "tint-chroma"):
        assert dark[name] == pytest.approx(bright[name], abs=1e-3)
    assert bright["tint-red-spread"] == pytest.approx(0, abs=1e-3)


def test_what_is_found_on_one_person_does_not_know_the_spine():
    """The same body, aim and exposure with each diagnosis: rims and letters are the same, or
    missed alike."""
    differ = 0
    for index in range(12):
        kinds, rims = set(), set()
        for label in SPINE_LABELS.names:
            artefacts = found(pixels_of(drawing.draw(3, label, size=(224, 160), index=index).image))
            kinds.add((len(artefacts.markers), len(artefacts.text), len(artefacts.lines)))
            rims.add(tuple((rim.side, rim.share) for rim in artefacts.rims))
        differ += len(kinds) > 1 or len(rims) > 1
    assert differ <= 1


def test_nothing_is_found_on_people_but_letters_where_letters_are():
    false = 0
    for film in drawing.cohort(24, 8, size=(240, 175)):
        artefacts = found(pixels_of(film.image))
        letters = [box for box in film.regions.boxes if box.name == "letter"]
        for box in (*artefacts.markers, *artefacts.text, *artefacts.lines, *artefacts.joins):
            row, column = (box.top + box.bottom) / 2, (box.left + box.right) / 2
            false += not any(
                one.top <= row < one.bottom and one.left <= column < one.right for one in letters
            )
    assert false <= 1
