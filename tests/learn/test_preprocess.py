"""What a network sees of a film, held to a resize written out from its definition."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spondyl.data import cohort as cohorts
from spondyl.data import pixels
from spondyl.data.placement import Window
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Preprocessing, prepare


def filmed(path, values):
    """The film with these pixels, written as PNG and read again."""
    Image.fromarray(values).save(path)
    return pixels.read(path)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def triangles(n_in, n_out):
    """Slow: (n_out, n_in) weights of a triangle about each output pixel's centre, as wide as an
    output pixel, or as an input pixel where that is wider."""
    scale = n_in / n_out
    width = max(scale, 1.0)
    weights = np.zeros((n_out, n_in))
    for i in range(n_out):
        for j in range(n_in):
            weights[i, j] = max(0.0, 1 - abs((j + 0.5) - (i + 0.5) * scale) / width)
    return weights / weights.sum(axis=1, keepdims=True)


def resized(grey, height, width):
    return triangles(grey.shape[0], height) @ grey @ triangles(grey.shape[1], width).T


SHAPES = [(64, 48), (37, 90), (20, 15), (200, 33), (32, 32), (9, 300)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(32, 32), (48, 24)])
def test_a_stretched_film_is_that_of_the_definition(tmp_path, shape, size):
    film = filmed(tmp_path / "film.png", noise(*shape))
    seen, placement = Preprocessing(size=size).apply(film)
    assert seen.shape == (1, *size)
    assert seen.dtype == np.float32
    assert placement.content_size == size
    assert np.abs(seen[0] - resized(film.grey, *size)).max() < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_a_letterboxed_film_keeps_its_proportions_between_black_bars(tmp_path, shape):
    film = filmed(tmp_path / "film.png", np.maximum(noise(*shape), 1))
    seen, placement = Preprocessing(size=(32, 32), fit="letterbox").apply(film)
    even = 32 / max(shape)
    height, width = (max(1, round(side * even)) for side in shape)
    top, left = (32 - height) // 2, (32 - width) // 2
    assert (placement.content_size, placement.offset) == ((height, width), (top, left))
    inside = np.zeros((32, 32), bool)
    inside[top : top + height, left : left + width] = True
    assert (seen[0][~inside] == 0).all()
    expected = resized(film.grey, height, width)
    assert np.abs(seen[0][inside] - expected.ravel()).max() < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mean_of_a_film_survives_being_made_smaller(tmp_path, shape):
    film = filmed(tmp_path / "film.png", noise(*shape))
    seen, _ = Preprocessing(size=(16, 16)).apply(film)
    assert seen.mean() == pytest.approx(film.grey.mean(), abs=0.05)


def test_mirroring_the_film_mirrors_what_is_seen(tmp_path):
    values = noise(64, 48)
    one = filmed(tmp_path / "film.png", values)
    other = filmed(tmp_path / "mirrored.png", values[:, ::-1].copy())
    preprocessing = Preprocessing(size=(32, 20))
    mirrored = preprocessing.apply(other)[0]
    assert np.allclose(preprocessing.apply(one)[0][..., ::-1], mirrored, atol=1e-6)


def test_a_tint_cannot_tell_the_class_unless_it_is_asked_for(tmp_path):
    values = noise(64, 48)
    tinted = np.stack([values, (values * 0.9).astype(np.uint8), values // 2], axis=2)
    film = filmed(tmp_path / "tinted.png", tinted)
    grey, _ = Preprocessing(size=(32, 32)).apply(film)
    assert grey.shape == (1, 32, 32)
    assert np.abs(grey[0] - resized(film.grey, 32, 32)).max() < 1e-5
    stored, _ = Preprocessing(size=(32, 32), colour="as stored").apply(film)
    assert stored.shape == (3, 32, 32)
    for channel in range(3):
        expected = resized(tinted[..., channel] / 255, 32, 32)
        assert np.abs(stored[channel] - expected).max() < 1e-5


def test_a_film_without_colour_has_one_channel_even_as_stored(tmp_path):
    film = filmed(tmp_path / "film.png", noise(64, 48))
    assert len(Preprocessing(size=(32, 32), colour="as stored").apply(film)[0]) == 1


def test_a_film_of_16_bits_looks_like_its_twin_of_8(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (64, 48), dtype=np.uint16)
    shallow = np.round(deep / 257).astype(np.uint8)
    preprocessing = Preprocessing(size=(64, 48))
    ours = preprocessing.apply(filmed(tmp_path / "deep.png", deep))[0]
    theirs = preprocessing.apply(filmed(tmp_path / "shallow.png", shallow))[0]
    assert np.abs(ours - theirs).max() <= 1 / 255
    assert not np.array_equal(ours, theirs)  # the finer tones are kept


@pytest.mark.parametrize("channels", [1, 3])
def test_normalising_subtracts_the_mean_and_divides_by_the_spread(channels):
    images = torch.rand(2, channels, 5, 4, generator=torch.Generator().manual_seed(0))
    preprocessing = Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    seen = preprocessing.normalised(images.half())
    assert seen.dtype == torch.float32
    assert seen.shape == (2, 3, 5, 4)
    for channel, (mean, std) in enumerate(zip(preprocessing.mean, preprocessing.std, strict=True)):
        own = images.half().float()[:, min(channel, channels - 1)]
        assert torch.allclose(seen[:, channel], (own - mean) / std, atol=1e-6)


def test_settings_that_change_what_is_seen_change_the_hash():
    variants = [
        Preprocessing(),
        Preprocessing(size=(224, 112)),
        Preprocessing(fit="letterbox"),
        Preprocessing(colour="as stored"),
        Preprocessing(mean=(0.5, 0.5, 0.5)),
        Preprocessing(std=(1.0, 1.0, 1.0)),
    ]
    assert len({one.sha256 for one in variants}) == len(variants)
    assert Preprocessing().sha256 == Preprocessing(size=(224, 224)).sha256


def test_prepared_films_are_what_each_film_alone_looks_like(cohort):
    preprocessing = Preprocessing(size=(32, 32))
    prepared = prepare(cohort.radiographs, preprocessing)
    assert prepared.image_ids == tuple(film.image_id for film in cohort.radiographs)
    for film, image, placement in zip(
        cohort.radiographs, prepared.images, prepared.placements, strict=True
    ):
        alone, place = preprocessing.apply(pixels.read(film.path))
        assert placement == place
        assert np.abs(image.float().numpy() - alone).max() <= 1 / 2048


def test_rows_are_found_by_name_in_any_order(cohort):
    prepared = prepare(cohort.radiographs[:5], Preprocessing(size=(16, 16)))
    wanted = [prepared.image_ids[i] for i in (3, 0, 3)]
    assert prepared.rows(wanted).tolist() == [3, 0, 3]


def test_one_tinted_film_among_grey_ones_leaves_those_grey(films, tmp_path):
    folder = shutil.copytree(films, tmp_path / "films")
    tinted = min((folder / "normal").iterdir())
    grey = np.asarray(Image.open(tinted).convert("L"))
    Image.fromarray(np.stack([grey, grey // 2, grey // 3], axis=2)).save(tinted)
    cohort = cohorts.read(folder)
    prepared = prepare(cohort.radiographs, Preprocessing(size=(32, 32), colour="as stored"))
    assert prepared.images.shape[1] == 3
    for film, image in zip(cohort.radiographs, prepared.images, strict=True):
        is_grey = bool((image[0] == image[1]).all() and (image[1] == image[2]).all())
        assert is_grey == (film.path != tinted)


def test_every_film_that_fails_is_named_at_once(films, tmp_path):
    folder = shutil.copytree(films, tmp_path / "films")
    cohort = cohorts.read(folder)
    broken = [cohort.radiographs[i] for i in (0, 7, 20)]
    for film in broken:
        film.path.write_bytes(film.path.read_bytes()[:100])
    with pytest.raises(SpondylError) as refused:
        prepare(cohort.radiographs, Preprocessing(size=(32, 32)))
    assert [problem.where for problem in refused.value.problems] == [f.image_id for f in broken]


BOX = Window(20, 14, 70, 26)
SPINE = Spine(BOX, (90, 60), "a test")
CROPPED = Preprocessing(size=(32, 24), crop="spine", crop_margin=0.2)


@pytest.fixture
def film(tmp_path):
    """A film of noise, 90 × 60, without a black pixel."""
    return filmed(tmp_path / "film.png", np.maximum(noise(90, 60), 40))


def altered(film, tmp_path, where):
    """The film with other noise at the pixels `where`."""
    values = np.round(film.grey * 255).astype(np.uint8)
    other = np.maximum(noise(*values.shape, seed=1), 40)
    return filmed(tmp_path / "altered.png", np.where(where, other, values))


def outside(window, size=(90, 60)):
    mask = np.ones(size, bool)
    mask[window.slices] = False
    return mask


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_a_cropped_film_is_the_box_and_its_margin_and_nothing_else(film, tmp_path, fit):
    preprocessing = replace(CROPPED, fit=fit)
    seen, placement = preprocessing.apply(film, SPINE)
    window = Window(10, 4, 80, 36)  # a fifth of 50 rows on every side
    assert placement.window == window
    cut = film.grey[window.slices]
    height, width = placement.content_size
    (top, left) = placement.offset
    shown = seen[0, top : top + height, left : left + width]
    assert np.abs(shown - resized(cut, height, width)).max() < 1e-5
    other = altered(film, tmp_path, outside(window))
    assert np.array_equal(preprocessing.apply(other, SPINE)[0], seen)
    assert not np.array_equal(Preprocessing(size=(32, 24)).apply(other)[0], seen)


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_the_crop_shows_the_whole_spine_and_the_film_s_edge_ends_it(fit):
    at_edge = Spine(Window(0, 50, 88, 60), (90, 60), "a test")
    for spine in (SPINE, at_edge):
        placement = replace(CROPPED, fit=fit).placement((90, 60), spine)
        corners = [[spine.box.top, spine.box.left], [spine.box.bottom - 1, spine.box.right - 1]]
        there = placement.to_network(corners)
        low = np.array(placement.offset) - 0.5
        assert (there >= low).all()
        assert (there <= low + placement.content_size).all()
        assert outside(placement.window)[spine.box.slices].sum() == 0


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_heat_on_the_spine_stays_on_the_spine_and_none_lies_beyond_the_crop(fit):
    placement = replace(CROPPED, fit=fit).placement((90, 60), SPINE)
    rows, columns = np.mgrid[:32, :24]
    places = placement.to_image(np.stack([rows, columns], axis=-1))
    low, high = np.array(BOX.corner) - 0.5, np.array([BOX.bottom, BOX.right]) - 0.5
    on_spine = ((places > low) & (places < high)).all(axis=-1)
    heat = placement.on_image(on_spine.astype(np.float32))
    pixel = np.ceil(1 / np.array(placement.scale)).astype(int) + 1
    near = Window(
        BOX.top - pixel[0], BOX.left - pixel[1], BOX.bottom + pixel[0], BOX.right + pixel[1]
    )
    assert (heat[outside(near)] == 0).all()
    assert heat[BOX.slices].sum() > 0.85 * heat.sum()
    assert (placement.on_image(np.ones((4, 3), np.float32))[outside(placement.window)] == 0).all()


@pytest.mark.parametrize("size", [(224, 224), (32, 24), (448, 112)])
@pytest.mark.parametrize(
    ("fit", "crop"), [("stretch", "none"), ("letterbox", "none"), ("stretch", "spine")]
)
def test_a_frame_hides_the_inside_exactly_and_shows_the_rest_as_it_was(film, size, fit, crop):
    whole = Preprocessing(size=size, fit=fit, crop=crop)
    plain, _ = whole.apply(film, SPINE)
    framed, _ = replace(whole, hide="inside").apply(film, SPINE)
    rows, columns = (max(1, round(16 * side / 224)) for side in size)
    inside = np.zeros(size, bool)
    inside[rows:-rows, columns:-columns] = True
    assert (framed[0][inside] == 0).all()
    assert np.array_equal(framed[0][~inside], plain[0][~inside])
    assert framed.max() > 0


@pytest.mark.parametrize("size", [(224, 224), (32, 24), (448, 113)])
@pytest.mark.parametrize("crop", ["none", "spine"])
def test_centre_and_sides_are_the_film_between_them_and_share_no_pixel(film, size, crop):
    whole = Preprocessing(size=size, crop=crop)
    plain, _ = whole.apply(film, SPINE)
    sides, _ = replace(whole, hide="centre").apply(film, SPINE)
    centre, _ = replace(whole, hide="sides").apply(film, SPINE)
    assert np.array_equal(np.maximum(sides, centre), plain)
    assert (np.minimum(sides, centre) == 0).all()
    shown = replace(whole, hide="sides").shown_cells
    assert shown[:, shown.any(axis=0)].all()
    assert abs(shown[0].sum() - size[1] / 2) <= 1
    assert np.array_equal(shown, shown[:, ::-1])


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
@pytest.mark.parametrize("crop", ["none", "spine"])
def test_of_surroundings_no_pixel_of_the_spine_s_columns_is_seen(film, tmp_path, fit, crop):
    preprocessing = Preprocessing(size=(32, 24), fit=fit, crop=crop, hide="spine")
    seen, _ = preprocessing.apply(film, SPINE)
    columns = np.zeros((90, 60), bool)
    columns[:, BOX.left : BOX.right] = True
    other = altered(film, tmp_path, columns)
    assert np.array_equal(preprocessing.apply(other, SPINE)[0], seen)
    beside = altered(film, tmp_path, ~columns)
    assert not np.array_equal(preprocessing.apply(beside, SPINE)[0], seen)


def test_the_hidden_column_is_straight_so_that_no_outline_tells_the_curve(film):
    seen, placement = Preprocessing(size=(90, 60), hide="spine").apply(film, SPINE)
    assert placement.window == Window.whole((90, 60))
    black = seen[0] == 0
    assert np.array_equal(black.all(axis=0), black.any(axis=0))
    assert black[0].sum() == BOX.right - BOX.left


def test_hiding_leaves_the_film_itself_as_it_was(film):
    before = film.grey.copy()
    Preprocessing(hide="spine").apply(film, SPINE)
    assert np.array_equal(film.grey, before)


@pytest.mark.parametrize("changes", [{"crop": "spine"}, {"hide": "spine"}])
def test_a_film_whose_spine_is_not_known_is_refused_and_never_shown_whole(film, cohort, changes):
    preprocessing = Preprocessing(size=(32, 32), **changes)
    with pytest.raises(SpondylError, match="its spine is not known"):
        preprocessing.apply(film)
    with pytest.raises(SpondylError, match="its spine mask has 90 × 61 pixels"):
        preprocessing.apply(film, replace(SPINE, image_size=(90, 61)))
    with pytest.raises(SpondylError) as refused:
        prepare(cohort.radiographs, preprocessing)
    assert len(refused.value.problems) == len(cohort.radiographs)


def test_what_is_shown_of_a_film_changes_the_hash_only_where_it_changes_the_picture():
    shown = [
        Preprocessing(),
        Preprocessing(crop="spine"),
        Preprocessing(crop="spine", crop_margin=0.2),
        Preprocessing(hide="inside"),
        Preprocessing(hide="spine"),
        Preprocessing(hide="centre"),
        Preprocessing(hide="sides"),
        Preprocessing(crop="spine", hide="inside"),
    ]
    assert len({one.sha256 for one in shown}) == len(shown)
    assert Preprocessing(crop_margin=0.3).sha256 == Preprocessing().sha256


def test_what_was_cached_before_there_were_crops_keeps_its_name():
    """The hash of the default settings as they stood before."""
    settings = {"size": [224, 224], "fit": "stretch", "colour": "grey"}
    settings |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    assert Preprocessing().sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert Preprocessing().source_sha256("ab", SPINE) == "ab"


def test_one_film_with_another_spine_is_another_source():
    moved = replace(SPINE, box=BOX.widened(1, (90, 60)))
    sources = {CROPPED.source_sha256("ab", spine) for spine in (SPINE, moved)}
    assert len(sources) == 2
    assert "ab" not in sources
