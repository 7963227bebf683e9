"""The picture of a reading: heat where it belongs, words that tell all, no name but the film's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from readings import SEVERAL, doubted, film, heatmap, reading

from spondyl.data.phantom.drawing import draw as phantom_of
from spondyl.data.pixels import Pixels
from spondyl.data.placement import Placement
from spondyl.data.radiograph import FileFacts
from spondyl.explain import overlay
from spondyl.measure import cobb
from spondyl.measure.measurement import NOTICE, Measurement
from spondyl.reading import picture

SIZE = (400, 300)


def pixels_of(grey) -> Pixels:
    height, width = grey.shape
    return Pixels(grey, None, None, FileFacts("PNG", height, width, "L", 1, None, "0" * 64))


def of_size(size, **changes):
    """A reading and its film of `size`, without a measurement unless the changes bring one."""
    made = {
        "film": film(size=size),
        "placement": Placement.fit(size, (224, 224), "letterbox"),
        "measurement": None,
    }
    grey = np.random.default_rng(0).uniform(0.2, 0.6, size).astype(np.float32)
    return reading(**made | changes), pixels_of(grey)


def hot_at(row, column, grid=(7, 7)):
    values = np.zeros(grid, np.float32)
    values[row, column] = 2.5
    return replace(heatmap(), signed=values)


@pytest.fixture(scope="module")
def crooked():
    """A reading of a drawn film whose spine was measured, and the film."""
    phantom = phantom_of(6, "scoliosis", size=(500, 250), field="whole")
    corners = phantom.regions.landmarks.reshape(-1, 4, 2).astype(np.float64)
    names = phantom.truth.vertebrae
    three, found = cobb.three_angles(corners, 500), cobb.curves(corners, names)
    made = Measurement(
        *("film", (500, 250), "finder", "frontal", 1.0, 1.0, names, three), curves=found
    )
    shown = reading(
        film=film(size=(500, 250)),
        placement=Placement.fit((500, 250), (224, 224), "letterbox"),
        measurement=made,
        regions=phantom.regions,
    )
    return shown, pixels_of(phantom.image.astype(np.float32) / 255)


@pytest.mark.parametrize("cell", [(1, 4), (3, 3), (5, 2)])
def test_the_hottest_place_of_the_picture_is_that_cell_of_the_map(cell):
    shown, pixels = of_size(SIZE, heatmap=hot_at(*cell))
    red, _, blue = np.moveaxis(picture.views(shown, pixels).heat.astype(float), 2, 0)
    opacity = (red - blue) / 255
    row, column = np.unravel_index(opacity.argmax(), opacity.shape)
    on_network = (np.array(cell) + 0.5) * 224 / 7 - 0.5
    expected = shown.placement.to_image(on_network)
    assert (row, column) == pytest.approx(tuple(expected), abs=6)
    assert opacity.max() == pytest.approx(overlay.OPACITY, abs=0.03)


def test_no_side_of_a_film_is_drawn_longer_than_asked():
    shown, pixels = of_size((3000, 1000))
    assert picture.views(shown, pixels).film.shape == (1024, 341, 3)
    assert picture.views(shown, pixels, 300).heat.shape == (300, 100, 3)
    assert picture.drawn(shown, pixels).shape[0] < 1024 + 200


def test_the_sheet_holds_the_bare_film_and_the_film_under_its_heat():
    shown, pixels = of_size(SIZE)
    views, sheet = picture.views(shown, pixels), picture.drawn(shown, pixels)
    places = [
        (row, column)
        for row in range(sheet.shape[0] - SIZE[0])
        for column in (16, 16 + SIZE[1] + 10)
        if (sheet[row, column : column + SIZE[1]] == views.film[0]).all()
        or (sheet[row, column : column + SIZE[1]] == views.heat[0]).all()
    ]
    (row, left), (_, right) = places
    assert (sheet[row : row + SIZE[0], left : left + SIZE[1]] == views.film).all()
    assert (sheet[row : row + SIZE[0], right : right + SIZE[1]] == views.heat).all()


def test_a_map_without_heat_leaves_the_film_as_it_is_and_says_so():
    empty = replace(heatmap(), signed=np.full((7, 7), -1.0, np.float32))
    shown, pixels = of_size(SIZE, heatmap=empty)
    views = picture.views(shown, pixels)
    assert (views.film == views.heat).all()
    assert "found nothing" in picture._below(shown)[0].text
    assert picture.drawn(shown, pixels).shape[2] == 3


def test_heat_against_the_label_is_blue_where_the_method_has_a_sign():
    signed = replace(hot_at(3, 3), rectified=False)
    signed = replace(signed, signed=-signed.signed)
    shown, pixels = of_size(SIZE, heatmap=signed)
    heated = picture.views(shown, pixels).heat.astype(int)
    assert (heated[..., 2] - heated[..., 0]).max() > 150
    _, (low, high) = picture.bar(signed, 50, 4)
    assert (low, high) == ("-2.5", "2.5")


def test_the_scale_runs_from_the_film_to_what_the_hottest_place_is_drawn_in():
    ramp, (low, high) = picture.bar(hot_at(0, 0), 200, 4)
    assert (low, high) == ("0", "2.5")
    opacity = (ramp[0, :, 0].astype(float) - ramp[0, :, 2]) / 255
    assert (opacity[0], opacity[-1]) == pytest.approx((0, overlay.OPACITY), abs=0.01)


def test_a_measured_spine_stands_beside_the_heat_with_what_its_lines_mean(crooked):
    shown, pixels = crooked
    lined = picture.views(shown, pixels).measured
    assert lined is not None
    assert lined.shape[0] == 500
    assert (np.ptp(lined.astype(int), axis=2) > 60).any()
    words = " ".join(line.text for line in picture._below(shown))
    assert "mid-lines" in words
    assert f"{shown.measurement.curves[0].cobb_degrees:.0f}°" in words
    alone = replace(shown, measurement=None, regions=None)
    assert picture.drawn(alone, pixels).shape[1] < picture.drawn(shown, pixels).shape[1]


def test_a_refused_measurement_is_words_and_no_drawing():
    refused = Measurement(
        *("film", SIZE, "finder", "lateral", 1.0, 1.0), refusal="a lateral film has no Cobb angle"
    )
    shown, pixels = of_size(SIZE, measurement=refused)
    assert picture.views(shown, pixels).measured is None
    words = [line.text for line in picture._below(shown)]
    assert "Not measured: a lateral film has no Cobb angle." in words


def test_a_doubted_reading_says_that_there_is_no_answer_and_why():
    said = [line.text for line in picture._above(doubted(SEVERAL))]
    assert said == ["film", "No answer", SEVERAL.why]
    assert picture._above(reading())[1].text.startswith("scoliosis, ")


def test_every_sheet_says_last_that_it_is_for_research():
    for shown in (reading(), doubted()):
        assert picture._below(shown)[-1].text == NOTICE


def test_the_heat_is_named_with_its_method_label_networks_and_scale():
    shown = reading()
    words = picture._below(shown)[0].text
    assert shown.heatmap.method in words
    assert "“scoliosis”" in words
    assert "2 networks" in words
    assert f"{shown.heatmap.peak:.3g} logit" in words


def test_the_picture_knows_the_film_by_its_name_in_the_reading_alone():
    shown, pixels = of_size(SIZE)
    moved = replace(shown, film=replace(shown.film, path=Path("/ward/Jane Doe.png")))
    renamed = replace(shown, film=replace(shown.film, name="another"))
    assert (picture.drawn(shown, pixels) == picture.drawn(moved, pixels)).all()
    assert not np.array_equal(picture.drawn(shown, pixels), picture.drawn(renamed, pixels))


@pytest.mark.parametrize("name", ["胸椎.png", "a" * 500, "\udcff\x1b[31m", "", "Ω й ع é"])
def test_a_film_of_any_name_is_drawn_on_a_sheet_of_the_same_width(name):
    shown, pixels = of_size(SIZE)
    named = replace(shown, film=replace(shown.film, name=name))
    assert picture.drawn(named, pixels).shape[1] == picture.drawn(shown, pixels).shape[1]


def test_the_pixels_of_another_film_are_refused():
    shown, _ = of_size(SIZE)
    with pytest.raises(ValueError, match="pixels"):
        picture.drawn(shown, pixels_of(np.zeros((20, 30), np.float32)))


def test_a_reading_is_drawn_again_byte_for_byte(crooked):
    assert picture.png(*crooked) == picture.png(*crooked)
