"""Prepared films on disk: what is taken from there, and what is decoded again."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spondyl.data import cohort as cohorts
from spondyl.data import onlooking, pixels
from spondyl.data.placement import Window
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.learn import prepared as packs
from spondyl.learn.prepared import PreparedStore
from spondyl.learn.preprocess import prepare


@pytest.fixture
def preprocessing(spec_of):
    return spec_of().preprocessing


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded from now on."""
    names = []
    read = pixels.read

    def watched(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(pixels, "read", watched)
    return names


def bytes_of(prepared):
    return prepared.images.numpy().tobytes()


def packs_in(cache):
    return sorted(cache.glob("prepared/*/*.npy"))


def test_what_comes_from_the_cache_is_what_was_decoded(
    tmp_path, cohort, preprocessing, prepared, decoded
):
    first = prepare(cohort.radiographs, preprocessing, cache=tmp_path)
    assert len(decoded) == len(cohort.radiographs)
    second = prepare(cohort.radiographs, preprocessing, cache=tmp_path)
    assert len(decoded) == len(cohort.radiographs)
    for one in (first, second):
        assert bytes_of(one) == bytes_of(prepared)
        assert one.images.dtype == torch.float16
        assert (one.image_ids, one.sources) == (prepared.image_ids, prepared.sources)
        assert one.placements == prepared.placements


def test_what_somebody_writes_to_the_films_in_memory_is_never_in_the_cache(
    tmp_path, cohort, preprocessing, prepared
):
    prepare(cohort.radiographs, preprocessing, cache=tmp_path).images.fill_(7)
    again = prepare(cohort.radiographs, preprocessing, cache=tmp_path)
    assert bytes_of(again) == bytes_of(prepared)


def test_a_cohort_that_grows_decodes_what_is_new_and_a_part_of_it_nothing(
    tmp_path, cohort, preprocessing, prepared, decoded
):
    films = cohort.radiographs
    prepare(films[:20], preprocessing, cache=tmp_path)
    decoded.clear()
    grown = prepare(films, preprocessing, cache=tmp_path)
    assert decoded == [film.path.name for film in films[20:]]
    assert bytes_of(grown) == bytes_of(prepared)
    some = prepare(films[::-3], preprocessing, cache=tmp_path)
    assert len(decoded) == 10
    assert some.images.numpy().tobytes() == prepared.images.numpy()[::-3].tobytes()
    assert len(packs_in(tmp_path)) == 2


def test_a_film_that_was_changed_under_its_name_size_and_time_is_decoded_again(
    tmp_path, films, preprocessing, decoded
):
    folder = shutil.copytree(films, tmp_path / "films")
    changed = sorted(folder.glob("*/*"))[4]
    twin = Image.fromarray(np.asarray(Image.open(changed))[::-1].copy())
    picture = tmp_path / changed.name
    twin.save(picture)
    longest = max(picture.stat().st_size, changed.stat().st_size)
    for path in (picture, changed):  # what follows a PNG's end is no part of it
        with path.open("ab") as stream:
            stream.write(bytes(longest - path.stat().st_size))
    before = prepare(cohorts.read(folder).radiographs, preprocessing, cache=tmp_path)
    then = changed.stat()
    changed.write_bytes(picture.read_bytes())
    os.utime(changed, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert changed.stat().st_size == then.st_size
    decoded.clear()
    after = prepare(cohorts.read(folder).radiographs, preprocessing, cache=tmp_path)
    assert decoded == [changed.name]
    different = (before.images != after.images).flatten(1).any(dim=1)
    assert different.nonzero().tolist() == [[4]]


@pytest.mark.parametrize("harm", ["a byte", "cut short", "index", "index of another", "no index"])
def test_what_is_damaged_is_made_again(tmp_path, cohort, preprocessing, prepared, decoded, harm):
    films = cohort.radiographs
    prepare(films, preprocessing, cache=tmp_path)
    (pack,) = packs_in(tmp_path)
    index, content = pack.with_suffix(".json"), bytearray(pack.read_bytes())
    if harm == "a byte":
        content[-5] ^= 64
        pack.write_bytes(content)
    elif harm == "cut short":
        pack.write_bytes(content[:-100])
    elif harm == "index":
        index.write_text('{"so": "what"}')
    elif harm == "index of another":
        index.write_text('[["abc", 5]]')
    else:
        index.unlink()
    decoded.clear()
    assert bytes_of(prepare(films, preprocessing, cache=tmp_path)) == bytes_of(prepared)
    assert decoded == ([films[-1].path.name] if harm == "a byte" else [f.path.name for f in films])
    decoded.clear()
    assert bytes_of(prepare(films, preprocessing, cache=tmp_path)) == bytes_of(prepared)
    assert decoded == []


def test_another_preprocessing_and_another_decoder_share_nothing(
    tmp_path, cohort, preprocessing, decoded, monkeypatch
):
    films = cohort.radiographs[:3]
    prepare(films, preprocessing, cache=tmp_path)
    for changed in (replace(preprocessing, fit="letterbox"), replace(preprocessing, size=(24, 32))):
        decoded.clear()
        prepare(films, changed, cache=tmp_path)
        assert len(decoded) == 3
    decoded.clear()
    monkeypatch.setattr(onlooking, "version", lambda name: "2099.1")
    onlooking.decoders.cache_clear()
    prepare(films, preprocessing, cache=tmp_path)
    onlooking.decoders.cache_clear()
    assert len(decoded) == 3


def test_several_who_prepare_the_same_films_at_once_all_get_them_whole(
    tmp_path, cohort, preprocessing, prepared
):
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: prepare(cohort.radiographs, preprocessing, cache=tmp_path), range(6))
        )
    assert {bytes_of(one) for one in found} == {bytes_of(prepared)}
    assert len(packs_in(tmp_path)) == 1
    assert not list(tmp_path.glob("prepared/*/.*"))


def test_what_was_used_longest_ago_goes_first_and_the_newest_stays_whatever_its_size(
    tmp_path, cohort, preprocessing, monkeypatch
):
    films = cohort.radiographs
    of_five = 5 * 32 * 32 * 2 + 128
    for start in (0, 5, 10):
        prepare(films[start : start + 5], preprocessing, cache=tmp_path)
    for age, pack in enumerate(packs_in(tmp_path)):
        os.utime(pack, (age, age))
    prepare(films[:5], preprocessing, cache=tmp_path)  # used just now
    monkeypatch.setattr(packs, "LARGEST_BYTES", 2 * of_five)
    prepare(films[15:20], preprocessing, cache=tmp_path)
    store = PreparedStore.of(tmp_path, preprocessing.sha256)
    kept = [start for start in (0, 5, 10, 15) if store.known([films[start].file.sha256])]
    assert kept == [0, 15]
    monkeypatch.setattr(packs, "LARGEST_BYTES", 1)
    prepare(films[20:25], preprocessing, cache=tmp_path)
    assert len(packs_in(tmp_path)) == 1
    assert len(list(tmp_path.glob("prepared/*/*"))) == 2


def test_a_draft_that_a_killed_process_left_is_removed_when_it_is_old(
    tmp_path, cohort, preprocessing
):
    films = cohort.radiographs
    prepare(films[:2], preprocessing, cache=tmp_path)
    drafts = [packs_in(tmp_path)[0].parent / name for name in (".old.npy", ".new.npy")]
    for draft in drafts:
        draft.write_bytes(b"half")
    os.utime(drafts[0], (5, 5))
    prepare(films[2:4], preprocessing, cache=tmp_path)
    assert [draft.exists() for draft in drafts] == [False, True]


def test_a_film_that_was_changed_since_the_cohort_was_read_is_refused_and_not_kept(
    tmp_path, films, preprocessing
):
    folder = shutil.copytree(films, tmp_path / "films")
    cohort = cohorts.read(folder)
    changed = cohort.radiographs[2].path
    Image.fromarray(np.asarray(Image.open(changed))[::-1].copy()).save(changed)
    with pytest.raises(SpondylError, match="changed since the cohort was read"):
        prepare(cohort.radiographs, preprocessing, cache=tmp_path)
    assert packs_in(tmp_path) == []


def test_a_film_whose_mask_is_of_another_grid_is_refused_though_its_picture_is_known(
    tmp_path, cohort, preprocessing
):
    film = cohort.radiographs[0]
    size = (film.file.height, film.file.width)
    cropped = replace(preprocessing, crop="spine")
    marked = {film.image_id: Spine(Window(4, 4, 40, 30), size, "a test")}
    prepare([film], cropped, spines=marked, cache=tmp_path)
    other = {film.image_id: replace(marked[film.image_id], image_size=(size[0], size[1] + 1))}
    with pytest.raises(SpondylError, match="its spine mask has"):
        prepare([film], cropped, spines=other, cache=tmp_path)
    with pytest.raises(SpondylError, match="its spine is not known"):
        prepare([film], cropped, cache=tmp_path)
