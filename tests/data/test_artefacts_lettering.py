"""Letters are letters, on air and on a body; bones, buttons and specks are none."""

import cv2
import numpy as np
import pytest

from spondyl.data.artefacts.copying import Copy
from spondyl.data.artefacts.lettering import Letter, letters_of, top_hat
from spondyl.data.artefacts.words import markers_and_text
from spondyl.data.phantom import drawing
from spondyl.data.phantom.filming import write_lead


def copy_of(image):
    grey = image.astype(np.float32) / 255
    return Copy(grey, None, grey.shape)


def body(grey=70, size=(240, 180), seed=0):
    """A ground with grain."""
    return (grey + np.random.default_rng(seed).normal(0, 4, size)).astype(np.uint8)


def words_of(image):
    copy = copy_of(image)
    return markers_and_text(letters_of(copy), copy.longer)


def inside(word, box):
    row, column = (word.top + word.bottom) / 2, (word.left + word.right) / 2
    return box.top <= row < box.bottom and box.left <= column < box.right


@pytest.mark.parametrize("letter", ["L", "R", "S"])
@pytest.mark.parametrize("tall", [0.04, 0.1])
def test_a_lead_letter_is_one_marker_and_no_text(letter, tall):
    film = body()
    box = write_lead(film, letter, 0.2, 0.8, "letter", tall)
    markers, text = words_of(film)
    assert len(markers) == 1
    assert not text
    assert inside(markers[0], box)


def test_a_letter_in_a_ring_is_one_marker_as_large_as_the_ring():
    film = body()
    cv2.circle(film, (140, 50), 16, 240, 2, cv2.LINE_AA)
    write_lead(film, "R", 50 / 240, 140 / 180, "letter", 0.06)
    (marker,), text = words_of(film)
    assert not text
    assert (marker.bottom - marker.top, marker.right - marker.left) == pytest.approx(
        (35, 35), abs=4
    )


@pytest.mark.parametrize("words", ["CHECK UP", "STANDING", "LUMBAR"])
def test_words_are_one_row_of_text_with_about_as_many_letters(words):
    film = body()
    box = write_lead(film, words, 0.9, 0.5, "text")
    markers, (row,) = words_of(film)
    assert not markers
    assert inside(row, box)
    assert row.count == pytest.approx(len(words), abs=2)
    assert row.right - row.left == pytest.approx(box.right - box.left, rel=0.15)


def test_two_lines_of_words_are_two_rows_from_top_to_bottom():
    film = body()
    boxes = [
        write_lead(film, words, row, 0.5, "text") for words, row in (("SPINE", 0.1), ("STAND", 0.2))
    ]
    _, rows = words_of(film)
    assert len(rows) == 2
    assert all(inside(row, box) for row, box in zip(rows, boxes, strict=True))


def _bone(film):
    cv2.ellipse(film, (90, 120), (60, 30), 0, 180, 360, 160, 6)
    return cv2.GaussianBlur(film, (0, 0), 3)


def _button(film):
    cv2.circle(film, (90, 120), 9, 240, -1)
    return film


def _edge(film):
    film[:, 90:] = 230
    return film


def _specks(film):
    film[::40, ::30] = 255
    return film


@pytest.mark.parametrize("draw", [lambda film: film, _bone, _button, _edge, _specks])
def test_what_is_no_letter_is_none(draw):
    assert words_of(draw(body())) == ((), ())


def test_turning_a_film_turns_its_markers():
    film = body()
    write_lead(film, "L", 0.2, 0.8, "letter", 0.1)
    (marker,), _ = words_of(film)
    (turned,), _ = words_of(np.ascontiguousarray(film[::-1, ::-1]))
    height, width = film.shape
    assert (height - turned.bottom, width - turned.right) == (marker.top, marker.left)


def test_a_brighter_ground_without_contrast_hides_a_letter():
    film = body(190)
    write_lead(film, "L", 0.2, 0.8, "letter", 0.1)
    assert words_of(film) == ((), ())


def test_a_doubtful_letter_counts_only_beside_two_sure_ones():
    def letter(left, sure):
        return Letter(10, left, 10, 7, 0.9, 0.1, sure)

    alone = [letter(0, False)]
    beside_one = [letter(0, True), letter(9, False), letter(18, False)]
    beside_two = [letter(0, True), letter(9, True), letter(18, False)]
    assert markers_and_text(alone, 300) == ((), ())
    (marker,), text = markers_and_text(beside_one, 300)
    assert (marker.count, text) == (1, ())
    markers, (row,) = markers_and_text(beside_two, 300)
    assert (markers, row.count) == ((), 3)


def test_letters_of_another_height_or_far_away_stand_in_no_row():
    def letter(left, height):
        return Letter(10, left, height, 7, 0.9, 0.1, True)

    for third in (letter(18, 30), letter(60, 10)):
        _, text = markers_and_text([letter(0, 10), letter(9, 10), third], 300)
        assert text == ()


def test_the_top_hat_is_the_film_less_its_opening():
    """Slow, from the definition: the largest of the smallest in every square round a pixel."""
    grey = np.random.default_rng(3).integers(0, 256, (14, 12)).astype(np.float32) / 255
    padded = np.pad(grey, 5, mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view
    opened = views(views(padded, (5, 5)).min((2, 3)), (5, 5)).max((2, 3))
    np.testing.assert_allclose(top_hat(grey, 2), grey - opened[1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize(("shortcut", "least"), [("marker", 0.8), ("text", 0.75)])
def test_most_letters_that_are_planted_on_drawn_films_are_found(shortcut, least):
    hits, n = 0, 0
    for film in drawing.cohort(18, 2, size=(240, 170), shortcut=shortcut):
        markers, text = words_of(film.image)
        for box in film.regions.boxes:
            if box.name == shortcut:
                n += 1
                hits += any(inside(word, box) for word in (markers, text)[shortcut == "text"])
    assert hits >= least * n
