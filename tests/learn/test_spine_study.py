"""A study that asks for spine masks: which films it stands on, and what it is bound to."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from spondyl.data import cohort as cohorts
from spondyl.data import regions
from spondyl.errors import SpondylError
from spondyl.files import read_json, write_json
from spondyl.learn import conduct, features, networks
from spondyl.learn import study as studies
from spondyl.learn.features import FeatureCache
from spondyl.learn.preprocess import prepare

LEAVE_OUT = {"without_mask": "leave out"}
SPINE = {"crop": "spine"}
GONE = ("normal/0000.png", "scoliosis/0002.png", "scoliosis/0004.png")


@pytest.fixture
def marked(films, tmp_path):
    """A copy of the films' regions, to do harm to."""
    return shutil.copytree(films.parent / "regions", tmp_path / "regions")


@pytest.fixture
def some(marked):
    """Regions that lack three films."""
    for image_id in GONE:
        assert regions.load(marked, image_id) is not None
        (marked / image_id).with_suffix(".json").unlink()
    return marked


@pytest.fixture
def one(spec_of):
    """A function that gives the spec of untrained features alone, changed."""
    least = {"strategies": ["random-features"], "find_duplicates": False}
    return lambda **changes: spec_of(**least | changes)


def widen(root, image_id):
    """Marks one more column of a film as spine."""
    found = regions.load(root, image_id)
    mask = found.spine_mask.copy()
    mask[found.spine_box.top, found.spine_box.left - 1] = True
    regions.save(root, image_id, replace(found, spine_mask=mask))


def spines_in(root, cohort):
    return {f.image_id: regions.load(root, f.image_id).spine_box for f in cohort.radiographs}


@pytest.mark.parametrize("changes", [SPINE, {"hide": "spine"}])
def test_films_without_a_mask_are_refused_every_one_by_name(one, films, some, tmp_path, changes):
    with pytest.raises(SpondylError, match="3 problems") as refused:
        conduct.begin(one(**changes), films, tmp_path / "run", {}, regions=some)
    assert [problem.where for problem in refused.value.problems] == list(GONE)
    assert 'without_mask = "leave out"' in refused.value.hint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("changes", [{}, {"fit": "letterbox"}, SPINE, {"hide": "inside"}])
def test_films_without_a_mask_are_left_out_and_counted_where_the_spec_says_so(
    one, films, some, cohort, tmp_path, changes
):
    spec = one(**LEAVE_OUT, **changes)
    study = conduct.begin(spec, films, tmp_path / "run", {}, regions=some)
    kept = [film.image_id for film in cohort.radiographs if film.image_id not in GONE]
    for there in (study, studies.load(tmp_path / "run")):
        assert [film.image_id for film in there.cohort.radiographs] == kept
        assert there.facts["regions"]["left_out"] == {
            "normal": 1,
            "scoliosis": 2,
            "spondylolisthesis": 0,
        }
        assert there.facts["regions"]["made_by"] == ["phantom"]
        assert list(there.spines) == kept


def test_three_studies_with_one_set_of_masks_have_the_same_films_and_folds(
    one, films, some, tmp_path
):
    shown = [{}, {"fit": "letterbox"}, SPINE, {**SPINE, "hide": "inside"}]
    made = [
        conduct.begin(one(**LEAVE_OUT, **c), films, tmp_path / f"run{n}", {}, regions=some)
        for n, c in enumerate(shown)
    ]
    assert len({study.cohort.sha256 for study in made}) == 1
    assert len({study.splits.sha256 for study in made}) == 1
    trials = {study.trials(study.spec.configurations[0])[0].trial_id for study in made}
    assert len(trials) == len(shown)


def test_copies_of_a_film_never_part_though_what_joins_them_is_left_out(
    one, films, marked, tmp_path
):
    copied = shutil.copytree(films, tmp_path / "films")
    names = ("normal/0000.png", "normal/copy.png", "normal/another.png")
    for name in names[1:]:
        shutil.copy(copied / names[0], copied / name)
        regions.save(marked, name, regions.load(marked, names[0]))
    (marked / names[0]).with_suffix(".json").unlink()
    spec = one(find_duplicates=True, **LEAVE_OUT, **SPINE)
    study = conduct.begin(spec, copied, tmp_path / "run", {}, regions=marked)
    twins = set(names[1:])
    assert [set(group.image_ids) for group in study.duplicates] == [twins]
    for fold in study.splits.folds:
        for part in (fold.train, fold.tune, fold.test):
            assert len(twins & set(part)) in (0, 2)
    assert studies.load(tmp_path / "run").duplicates == study.duplicates


def test_too_few_films_with_a_mask_are_refused_by_label(one, films, marked, tmp_path):
    for path in sorted((marked / "normal").glob("*.json"))[1:]:
        path.unlink()
    with pytest.raises(SpondylError, match="normal: its films are of 1 group, fewer than 2 folds"):
        conduct.begin(one(**LEAVE_OUT), films, tmp_path / "run", {}, regions=marked)


@pytest.mark.parametrize("changes", [SPINE, {"hide": "spine"}, LEAVE_OUT])
def test_masks_that_are_needed_and_not_given_are_refused(one, films, tmp_path, changes):
    with pytest.raises(SpondylError, match="none are given") as refused:
        conduct.begin(one(**changes), films, tmp_path / "run", {})
    assert "--regions" in refused.value.hint


@pytest.mark.parametrize("changes", [{}, {"hide": "inside"}])
def test_masks_that_nobody_asked_for_are_refused(one, films, marked, tmp_path, changes):
    with pytest.raises(SpondylError, match="the study asks for none"):
        conduct.begin(one(**changes), films, tmp_path / "run", {}, regions=marked)


def test_a_cropped_study_goes_on_with_its_own_masks_and_refuses_others(
    one, films, marked, cohort, fabric, tmp_path
):
    def begun():
        return conduct.begin(one(**SPINE), films, tmp_path / "run", {}, regions=marked)

    study = begun()
    before = spines_in(marked, cohort)
    assert {name: spine.box for name, spine in study.spines.items()} == before
    conduct.run(begun(), tmp_path / "cache", fabric)
    (done,) = begun().outcomes()
    assert done.not_run == ""
    widen(marked, GONE[0])
    with pytest.raises(SpondylError, match="the spine masks differ"):
        begun()
    assert {n: s.box for n, s in studies.load(tmp_path / "run").spines.items()} == before


def test_masks_decide_the_films_of_a_study_that_shows_them_whole_too(one, films, some, tmp_path):
    spec = one(**LEAVE_OUT)
    conduct.begin(spec, films, tmp_path / "run", {}, regions=some)
    (some / "normal/0003.json").unlink()
    with pytest.raises(SpondylError, match="the spine masks differ"):
        conduct.begin(spec, films, tmp_path / "run", {}, regions=some)


def test_another_spine_is_another_trial_only_where_it_is_seen(one, films, marked, tmp_path):
    def trial_id(name, **changes):
        study = conduct.begin(one(**changes), films, tmp_path / name, {}, regions=marked)
        return study.trials(study.spec.configurations[0])[0].trial_id

    before = [trial_id("a", **SPINE), trial_id("b", **LEAVE_OUT)]
    widen(marked, GONE[0])
    after = [trial_id("c", **SPINE), trial_id("d", **LEAVE_OUT)]
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_study_of_before_there_were_masks_still_loads(one, films, tmp_path):
    study = conduct.begin(one(), films, tmp_path / "run", {})
    document = read_json(tmp_path / "run" / "study.json")
    del document["spines"]
    for key in ("crop", "crop_margin", "hide", "without_mask"):
        del document["spec"][key]
    write_json(tmp_path / "run" / "study.json", document)
    (configuration,) = study.spec.configurations
    assert studies.load(tmp_path / "run").trials(configuration) == study.trials(configuration)


def test_features_of_a_cropped_film_are_computed_again_for_another_spine_and_for_no_other(
    one, films, marked, tmp_path
):
    study = conduct.begin(one(**SPINE), films, tmp_path / "run", {}, regions=marked)
    network = networks.build("test_resnet:layer2", 3, seed=4)
    looked = []
    network.body.register_forward_hook(lambda body, images, out: looked.append(len(images[0])))
    preprocessing, found = study.spec.preprocessing, study.cohort.radiographs
    cache = FeatureCache.of(tmp_path / "cache", network, preprocessing, "random, seed 4")

    def pooled(spines):
        prepared = prepare(found, preprocessing, spines=spines)
        return features.pooled(network, found, prepared, preprocessing, cache, "cpu")

    first = pooled(study.spines)
    assert sum(looked) == len(found)
    name = found[3].image_id
    spine = study.spines[name]
    moved = replace(spine, box=spine.box.widened(9, spine.image_size))
    second = pooled(study.spines | {name: moved})
    assert sum(looked) == len(found) + 1
    assert (first != second).any(axis=1).nonzero()[0].tolist() == [3]
    assert np.array_equal(pooled(study.spines), first)


def test_a_cohort_of_some_films_keeps_their_order_and_groups(films):
    whole = cohorts.read(films)
    part = whole.only(set(GONE))
    assert part.radiographs == tuple(f for f in whole.radiographs if f.image_id in GONE)
    assert part.sha256 != whole.sha256
