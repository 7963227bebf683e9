"""Features of a frozen body: what they are, and when they are not computed again."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spondyl.data import cohort as cohorts
from spondyl.learn import features, networks
from spondyl.learn.features import FeatureCache
from spondyl.learn.preprocess import prepare

CPU = torch.device("cpu")


@pytest.fixture
def network():
    return networks.build("test_resnet:layer2", 3, seed=4)


@pytest.fixture
def looked(network):
    """How many films went through the body, batch by batch."""
    batches = []
    network.body.register_forward_hook(lambda body, images, out: batches.append(len(images[0])))
    return batches


@pytest.fixture
def preprocessing(spec_of):
    return spec_of().preprocessing


def cache_of(folder, network, preprocessing, weights="random, seed 4"):
    return FeatureCache.of(folder / "cache", network, preprocessing, weights)


def test_a_film_s_features_are_the_means_over_its_map(
    tmp_path, network, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)
    found = features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    assert found.shape == (30, network.n_channels)
    network.eval()
    for row in (0, 11, 29):
        with torch.no_grad():
            (feature_map,) = network.body(preprocessing.normalised(prepared.images[row, None]))
        for channel in range(network.n_channels):
            assert found[row, channel] == pytest.approx(
                feature_map[channel].mean().item(), abs=1e-4
            )


def test_a_second_run_computes_nothing_and_gives_the_same(
    tmp_path, network, looked, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)
    first = features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    assert sum(looked) == 30
    second = features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    assert sum(looked) == 30
    assert first.tobytes() == second.tobytes()


def test_only_films_that_are_new_are_computed_and_rows_keep_their_order(
    tmp_path, network, looked, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)
    films = cohort.radiographs
    some = features.pooled(network, films[::3], prepared, preprocessing, cache, CPU)
    every = features.pooled(network, films[::-1], prepared, preprocessing, cache, CPU)
    assert sum(looked) == 30
    assert every[::-1][::3].tobytes() == some.tobytes()


def test_computing_a_film_beside_others_changes_it_by_no_more_than_rounding(
    tmp_path, network, cohort, prepared, preprocessing
):
    films = cohort.radiographs
    together, alone = (
        cache_of(tmp_path / name, network, preprocessing) for name in ("together", "alone")
    )
    every = features.pooled(network, films, prepared, preprocessing, together, CPU)
    for row in (0, 17):
        one = features.pooled(network, films[row : row + 1], prepared, preprocessing, alone, CPU)
        assert np.allclose(one[0], every[row], atol=1e-5)


def test_a_film_that_was_changed_is_computed_again_and_no_other(
    tmp_path, network, looked, films, preprocessing
):
    folder = shutil.copytree(films, tmp_path / "films")
    cache = cache_of(tmp_path, network, preprocessing)
    before, after = cohorts.read(folder), None
    prepared = prepare(before.radiographs, preprocessing)
    old = features.pooled(network, before.radiographs, prepared, preprocessing, cache, CPU)
    changed = before.radiographs[3].path
    Image.fromarray(np.asarray(Image.open(changed))[::-1].copy()).save(changed)
    looked.clear()
    after = cohorts.read(folder)
    prepared = prepare(after.radiographs, preprocessing)
    new = features.pooled(network, after.radiographs, prepared, preprocessing, cache, CPU)
    assert looked == [1]
    assert (old != new).any(axis=1).nonzero()[0].tolist() == [3]


def test_a_film_of_another_name_is_the_same_film(
    tmp_path, network, looked, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)
    features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    looked.clear()
    renamed = [replace(film, image_id=f"renamed/{film.image_id}") for film in cohort.radiographs]
    twins = replace(prepared, image_ids=tuple(film.image_id for film in renamed))
    features.pooled(network, renamed, twins, preprocessing, cache, CPU)
    assert looked == []


def test_other_weights_another_cut_and_another_preprocessing_share_nothing(
    tmp_path, network, looked, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)
    features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    others = [
        cache_of(tmp_path, network, preprocessing, "random, seed 5"),
        cache_of(tmp_path, network, replace(preprocessing, fit="letterbox")),
        cache_of(tmp_path, networks.build("test_resnet:layer3", 3, seed=4), preprocessing),
    ]
    for other in others:
        assert other.read(cohort.radiographs[0].file.sha256) is None
    looked.clear()
    features.pooled(network, cohort.radiographs, prepared, preprocessing, others[0], CPU)
    assert sum(looked) == 30


def test_a_run_killed_between_batches_goes_on_where_it_was(
    tmp_path, network, looked, cohort, prepared, preprocessing
):
    cache = cache_of(tmp_path, network, preprocessing)

    def killed(items, doing, total=None):
        yield next(iter(items))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features.pooled(
            network, cohort.radiographs, prepared, preprocessing, cache, CPU, track=killed
        )
    done = sum(looked)
    assert 0 < done < 30
    features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    assert sum(looked) == 30


def test_taking_features_leaves_the_body_and_the_random_state_as_they_were(
    tmp_path, network, cohort, prepared, preprocessing
):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    cache = cache_of(tmp_path, network, preprocessing)
    features.pooled(network, cohort.radiographs, prepared, preprocessing, cache, CPU)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
