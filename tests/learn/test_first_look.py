"""A study that begins: each film is decoded once, and in a second study not at all."""

import shutil
from collections import Counter

import pytest
from PIL import Image

from spondyl.data import pixels
from spondyl.data.duplicates import finding
from spondyl.data.duplicates.remembering import RememberedGroups
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.prepared import PreparedStore


@pytest.fixture
def decoded(monkeypatch):
    """How often each film is decoded from now on, by its name, whoever asks for it."""
    counted = Counter()
    read = pixels.read

    def watched(path):
        counted[path.name] += 1
        return read(path)

    monkeypatch.setattr(pixels, "read", watched)
    monkeypatch.setattr(finding, "read", watched)
    return counted


@pytest.fixture
def solved(spec_of):
    return spec_of(strategies=["random-features"], folds=3)


@pytest.fixture
def twins(tmp_path):
    """A folder of drawn films, and two of them once more: larger, and with the same bytes."""
    drawn = drawing.cohort(24, 3, size=(192, 128))
    folder = output.save(tmp_path / "drawn", drawn) / "films"
    first, second, *_ = sorted(folder.glob("normal/*"))
    with Image.open(first) as film:
        film.resize((film.width * 3 // 2, film.height * 3 // 2)).save(
            first.with_name("zz-larger.png")
        )
    shutil.copy(second, second.with_name("zz-same.png"))
    return folder


def study_of(spec, films, out, cache, fabric):
    study = conduct.begin(spec, films, out, {}, cache=cache)
    conduct.run(study, cache or out / "cache", fabric)
    return study


def results(study):
    """Trial ids, and the bytes of all predictions and learned tensors."""
    found = {}
    for path in sorted(study.trials_folder.glob("*/*")):
        if path.name != "manifest.json":  # which holds seconds
            found[path.parent.name, path.name] = path.read_bytes()
    return found


def test_each_film_is_decoded_once_and_in_a_second_study_never(
    tmp_path, films, solved, fabric, decoded
):
    study_of(solved, films, tmp_path / "first", tmp_path / "cache", fabric)
    assert set(decoded.values()) == {1}
    assert decoded.total() == 30
    decoded.clear()
    study_of(solved, films, tmp_path / "second", tmp_path / "cache", fabric)
    conduct.begin(solved, films, tmp_path / "second", {}, cache=tmp_path / "cache")  # goes on
    assert decoded.total() == 0


def test_a_cache_changes_no_result(tmp_path, twins, solved, fabric):
    without = study_of(solved, twins, tmp_path / "without", None, fabric)
    filling = study_of(solved, twins, tmp_path / "filling", tmp_path / "cache", fabric)
    filled = study_of(solved, twins, tmp_path / "filled", tmp_path / "cache", fabric)
    assert results(without) == results(filling) == results(filled)
    assert without.duplicates == filling.duplicates == filled.duplicates
    methods = {link.method for one in filled.duplicates for link in one.links}
    assert methods == {"same bytes", "same picture"}
    assert without.cohort == filling.cohort == filled.cohort
    assert without.splits == filled.splits


def test_another_size_decodes_once_more_and_looks_for_no_duplicates_again(
    tmp_path, films, spec_of, decoded, monkeypatch
):
    conduct.begin(spec_of(), films, tmp_path / "first", {}, cache=tmp_path / "cache")
    decoded.clear()
    monkeypatch.setattr("spondyl.learn.first_look.fingerprint", None)
    conduct.begin(spec_of(size=[48, 48]), films, tmp_path / "second", {}, cache=tmp_path / "cache")
    assert set(decoded.values()) == {1}


def test_a_film_that_breaks_under_its_name_is_found_though_all_was_known(tmp_path, films, spec_of):
    folder = shutil.copytree(films, tmp_path / "films")
    conduct.begin(spec_of(), folder, tmp_path / "first", {}, cache=tmp_path / "cache")
    broken = sorted(folder.glob("*/*"))[7]
    broken.write_bytes(broken.read_bytes()[:-200])
    with pytest.raises(SpondylError, match=broken.name):
        conduct.begin(spec_of(), folder, tmp_path / "second", {}, cache=tmp_path / "cache")


def test_films_that_are_one_are_looked_for_again_when_a_film_comes_or_goes(tmp_path, twins, solved):
    spec, cache = solved, tmp_path / "cache"
    before = conduct.begin(spec, twins, tmp_path / "first", {}, cache=cache)
    next(twins.glob("*/zz-larger.png")).unlink()
    after = conduct.begin(spec, twins, tmp_path / "second", {}, cache=cache)
    assert len(after.duplicates) == len(before.duplicates) - 1
    assert len(list((cache / "duplicates").iterdir())) == 2


@pytest.mark.parametrize("harm", ["{", "[]", '{"groups": [], "proof": "0"}', "another film"])
def test_groups_that_are_remembered_wrongly_are_not_believed(tmp_path, harm):
    contents = {"a": "1", "b": "2", "c": "3"}
    link = finding.Link("a", "b", "same picture", 0.95, 0.8, 1.5, -0.25, mirrored=True, inliers=9)
    memory, groups = RememberedGroups(tmp_path), (finding.DuplicateGroup(("a", "b"), (link,)),)
    memory.write(contents, groups)
    assert memory.read(contents) == groups
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text().replace('"b"', '"c"') if harm == "another film" else harm)
    assert memory.read(contents) is None


def test_what_is_remembered_is_of_these_names_and_bytes_and_nothing_else(tmp_path):
    memory = RememberedGroups(tmp_path)
    memory.write({"a": "1", "b": "2"}, ())
    assert memory.read({"b": "2", "a": "1"}) == ()
    for other in ({"a": "1"}, {"a": "1", "b": "3"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}):
        assert memory.read(other) is None


def test_a_study_that_looks_for_no_duplicates_keeps_its_films_all_the_same(
    tmp_path, films, spec_of, decoded
):
    spec = spec_of(find_duplicates=False)
    study = conduct.begin(spec, films, tmp_path / "run", {}, cache=tmp_path / "cache")
    store = PreparedStore.of(tmp_path / "cache", spec.preprocessing.sha256)
    sources = [film.file.sha256 for film in study.cohort.radiographs]
    assert store.whole(sources) is not None
    decoded.clear()
    conduct.begin(spec, films, tmp_path / "second", {}, cache=tmp_path / "cache")
    assert decoded.total() == 0
