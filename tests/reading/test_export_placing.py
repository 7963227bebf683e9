"""The beginning of an exported graph lays a film on the grid as `Preprocessing.apply` does."""

import numpy as np
import onnxruntime
import pytest

from spondyl.data.pixels import Pixels
from spondyl.data.placement import Window
from spondyl.data.radiograph import FileFacts
from spondyl.data.spines import Spine
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting.placing import placing

SIZES = ((200, 90), (61, 230), (9, 8), (32, 48), (33, 47), (500, 501))
SETTINGS = {
    "stretched": {},
    "letterbox": {"fit": "letterbox"},
    "odd grid": {"size": (31, 50), "fit": "letterbox"},
    "inside hidden": {"fit": "letterbox", "hide": "inside"},
    "centre hidden": {"hide": "centre"},
    "sides hidden": {"hide": "sides"},
    "spine hidden": {"hide": "spine"},
    "cropped": {"crop": "spine", "fit": "letterbox"},
    "cropped, wide margin": {"crop": "spine", "crop_margin": 0.9},
    "cropped and hidden": {"crop": "spine", "hide": "spine"},
    "colours": {"colour": "as stored", "fit": "letterbox"},
}


def film(size, seed, colours=False):
    """Noise: the picture in which a filter's smallest slip shows."""
    rgb = np.random.default_rng(seed).random((*size, 3), dtype=np.float32)
    facts = FileFacts("drawn", *size, "L", 0, None, "")
    return Pixels(rgb[..., 1].copy(), rgb if colours else None, None, facts)


def laid(preprocessing):
    """A function: inputs → the canvas that the graph makes."""
    session = onnxruntime.InferenceSession(placing(preprocessing).SerializeToString())
    return lambda **given: session.run(None, given)[0][0]


def box_in(size):
    height, width = size
    return Window(height // 7, width // 3, height - height // 8, width - width // 4)


@pytest.mark.parametrize("name", SETTINGS)
def test_films_of_every_size_land_as_preprocessing_lays_them(name):
    preprocessing = Preprocessing(**({"size": (32, 48)} | SETTINGS[name]))
    lay = laid(preprocessing)
    for seed, size in enumerate(SIZES):
        one = film(size, seed, colours=preprocessing.colour == "as stored")
        given, spine = {"film": one.grey[None, None]}, None
        if one.rgb is not None:
            given = {"film": np.moveaxis(one.rgb, -1, 0)[None].copy()}
        if preprocessing.needs_spine:
            box = box_in(size)
            spine = Spine(box, size, "a test")
            given["box"] = np.array([box.top, box.left, box.bottom, box.right])
        ours = preprocessing.apply(one, spine)[0].astype(np.float16).astype(np.float32)
        graph = lay(**given)
        # A sum in the middle of two steps of half precision may fall to either.
        assert (graph != ours).sum() <= 1
        assert np.abs(graph - ours).max() <= 1 / 2048


def test_a_film_without_colours_becomes_three_equal_planes_where_colours_are_shown():
    preprocessing = Preprocessing(size=(32, 48), colour="as stored")
    grey = film((70, 60), 1)
    planes = laid(preprocessing)(film=grey.grey[None, None])
    assert planes.shape == (3, 32, 48)
    assert np.array_equal(planes[0], planes[1])
    assert np.array_equal(planes[0], planes[2])


def test_films_pass_through_half_precision_as_a_study_keeps_them():
    canvas = laid(Preprocessing(size=(32, 48)))(film=film((80, 90), 2).grey[None, None])
    assert np.array_equal(canvas, canvas.astype(np.float16).astype(np.float32))


def test_padding_is_black_and_the_film_is_all_between_it():
    preprocessing = Preprocessing(size=(32, 48), fit="letterbox")
    white = np.ones((1, 1, 64, 32), np.float32)
    canvas = laid(preprocessing)(film=white)[0]
    assert (canvas[:, 16:32] == 1).all()
    assert (canvas[:, :16] == 0).all()
    assert (canvas[:, 32:] == 0).all()
