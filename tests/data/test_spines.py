"""Where the spine lies, read from masks: the box, the films that have none, and what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from spondyl.data import cohort as cohorts
from spondyl.data import regions, spines
from spondyl.data.phantom import drawing, output
from spondyl.data.placement import Window
from spondyl.data.regions import Box, Regions
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of six films and their regions."""
    films = drawing.cohort(6, 0, size=(64, 48))
    return output.save(tmp_path_factory.mktemp("drawn") / "phantoms", films)


@pytest.fixture(scope="module")
def films(drawn):
    return cohorts.read(drawn / "films").radiographs


@pytest.fixture
def marked(drawn, tmp_path):
    """A copy of the regions, to do harm to."""
    return shutil.copytree(drawn / "regions", tmp_path / "regions")


def changed(root, film, **changes):
    """Changes the JSON of a film's regions."""
    path = (root / film.image_id).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_box_holds_every_pixel_of_the_mask_and_none_of_its_sides_is_empty(drawn, films):
    for film in films:
        mask = regions.load(drawn / "regions", film.image_id).spine_mask
        box = regions.load(drawn / "regions", film.image_id).spine_box
        cut = mask[box.slices]
        assert cut.sum() == mask.sum()
        assert cut[0].any()
        assert cut[-1].any()
        assert cut[:, 0].any()
        assert cut[:, -1].any()


@pytest.mark.parametrize("mask", [None, np.zeros((5, 4), bool)])
def test_without_a_mask_or_a_pixel_there_is_no_box(mask):
    assert Regions((5, 4), "nobody", spine_mask=mask).spine_box is None


def test_within_a_window_places_are_those_of_its_own_grid():
    mask = np.zeros((9, 8), bool)
    mask[3:6, 4:6] = True
    marks = np.array([[3, 4], [8, 7]], np.float32)
    whole = Regions((9, 8), "us", mask, marks, ((4.5, 5.0), (0.0, 0.0)), (Box("a", 3, 4, 5, 6),))
    part = whole.within(Window(2, 3, 8, 7))
    assert part.image_size == (6, 4)
    assert np.array_equal(part.spine_mask, mask[2:8, 3:7])
    assert part.landmarks.tolist() == [[1, 1], [6, 4]]
    assert part.targets == ((2.5, 2.0),)
    assert part.boxes == (Box("a", 1, 1, 3, 3),)
    assert whole.within(Window(0, 0, 3, 4)).spine_mask is None


def test_every_film_with_a_mask_has_its_spine_and_the_others_have_none(marked, films):
    gone, blank = films[0], films[3]
    (marked / gone.image_id).with_suffix(".json").unlink()
    changed(marked, blank, mask=None)
    found = spines.read(marked, films)
    assert set(found) == {film.image_id for film in films} - {gone.image_id, blank.image_id}
    for image_id, spine in found.items():
        of = regions.load(marked, image_id)
        assert spine == Spine(of.spine_box, (64, 48), of.made_by)


def test_regions_that_cannot_be_of_their_films_are_refused_all_at_once(marked, films):
    sized, cut, empty = films[1], films[2], films[4]
    other = replace(regions.load(marked, sized.image_id), image_size=(9, 9), spine_mask=None)
    regions.save(marked, sized.image_id, other)
    (marked / cut.image_id).with_suffix(".json").write_text("{")
    nothing = np.zeros((64, 48), bool)
    regions.save(marked, empty.image_id, Regions((64, 48), "us", spine_mask=nothing))
    with pytest.raises(SpondylError) as refused:
        spines.read(marked, films)
    assert [one.where for one in refused.value.problems] == [
        film.image_id for film in (sized, cut, empty)
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path, films):
    with pytest.raises(SpondylError, match="no such folder of regions"):
        spines.read(tmp_path / "none", films)
    with pytest.raises(SpondylError, match="no such folder of regions"):
        spines.lookup(tmp_path / "none", {})


def test_a_file_has_the_spine_of_its_name_in_the_folder_and_is_refused_without(marked, films):
    gone, film = films[:2]
    (marked / gone.image_id).with_suffix(".json").unlink()
    spine_of = spines.lookup(marked, {one.path: one.image_id for one in films})
    assert spine_of(film.path) == spines.read(marked, [film])[film.image_id]
    with pytest.raises(SpondylError, match="no spine mask in") as refused:
        spine_of(gone.path)
    assert str(refused.value).startswith(f"{gone.path}: ")


def test_the_hash_is_of_places_and_not_of_who_said_so(marked, films):
    found = spines.read(marked, films)
    one, spine = next(iter(found.items()))
    renamed = found | {one: replace(spine, made_by="somebody else")}
    moved = found | {one: replace(spine, box=spine.box.widened(1, spine.image_size))}
    fewer = {name: found[name] for name in found if name != one}
    assert spines.sha256_of(renamed) == spines.sha256_of(found)
    assert len({spines.sha256_of(some) for some in (found, moved, fewer)}) == 3
