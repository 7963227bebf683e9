"""The head first, then the last stages: what moves, what stays, and what is computed only once."""

import math
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import small_networks
import torch

from spondyl.errors import SpondylError
from spondyl.learn import conduct, networks, probe, solving, two_stage
from spondyl.learn import trial as trials
from spondyl.learn.frozen_maps import MapStore, StoredMaps, maps_of, parted
from spondyl.learn.materials import Materials, Task, columns, rows_of
from spondyl.learn.outcome import Configuration
from spondyl.learn.probe import STRENGTHS
from spondyl.learn.sources import Films, Part
from spondyl.learn.weights import WeightsFile

NETWORK = "test_resnet:layer2"
WHOLE = {
    "pooled": small_networks.pooled,
    "tokens": small_networks.tokens,
    "swin": lambda: networks.build("swin_t:stage2", 3, seed=5),
    "densenet": lambda: networks.build("densenet121:denseblock2", 3, seed=6),
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def spec(spec_of):
    return spec_of(
        strategies=["two-stage"], views=2, second_epochs=2, learning_rate=0.01, second_rate=0.5
    )


@pytest.fixture
def learned(spec, cohort, prepared, fabric, weights_of, tmp_path):
    """A function that learns one fold in two stages; the materials, and what was learned."""
    file = weights_of(1)

    def go(changed=spec, name="cache"):
        files = {NETWORK: WeightsFile(file, "a hash", from_cache=False)}
        splits = conduct.tasks.draw(changed, cohort)
        task = Task(Configuration(NETWORK, "two-stage", "nested"), splits.folds[0], 5)
        given = Materials(
            changed, cohort, splits, prepared, files, tmp_path / name, fabric, checkpoint_seconds=0
        )
        return task, given, two_stage.train(task, given, tmp_path / f"{name}.checkpoint")

    return go


def images(n=3):
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def body_of(materials, configuration):
    network, _ = trials.initial_network(configuration, materials.spec, materials.files, 0)
    return {f"body.{name}": tensor for name, tensor in network.body.state_dict().items()}


# Where the body parts


@pytest.mark.parametrize("build", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("n_last", [1, 2])
def test_both_parts_one_after_the_other_are_the_network(build, n_last):
    network = build().eval()
    lower, upper = parted(network, n_last)
    with torch.inference_mode():
        assert torch.equal(upper(lower(images())), network(images()))
    called = {name for name, _ in upper.state_dict().items()}
    assert called < network.state_dict().keys()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("test_resnet", "layer4"),
        ("densenet121", "denseblock4"),
        ("test_vit", "block6"),
        ("swin_t", "6"),
        ("vgg16:block3", "9"),
    ],
)
def test_the_last_stage_is_what_its_family_calls_one(name, first):
    _, upper = parted(networks.build(name, 3, seed=0), 1)
    assert next(iter(dict(upper.body.named_children()))) == first


def test_a_body_that_would_be_trained_whole_is_refused():
    network = networks.build(NETWORK, 3, seed=0)
    with pytest.raises(SpondylError, match=r"3 stages.*its last 3.*none"):
        parted(network, 3)


# Stored maps


@pytest.fixture
def stored(spec, prepared, tmp_path):
    """A function that gives the maps of the drawn films, and counts the films that were computed
    for them."""
    network = networks.build(NETWORK, 3, seed=0)
    lower, upper = parted(network, 1)
    seen = []
    lower.register_forward_hook(lambda module, args, out: seen.append(len(out)))

    def go(changed=spec, identity="weights", films=prepared):
        seen.clear()
        store = MapStore.of(tmp_path, network, lower, changed, films, identity)
        maps = maps_of(store, network, lower, films, changed, CPU)
        return maps, sum(seen), (network, upper)

    return go


def test_stored_maps_give_the_logits_that_the_films_give(stored, spec, prepared):
    maps, _, (network, upper) = stored()
    rows = torch.tensor([4, 0, 9])
    part = Part(prepared.images, torch.zeros(3, dtype=torch.int64), rows)
    plain = StoredMaps.of(maps, part, CPU).plain(2)
    films = Films.of(part, spec, CPU).plain(2)
    network.eval()
    with torch.inference_mode():
        from_maps = torch.cat([upper(some()) for some in plain])
        from_films = torch.cat([network(some()) for some in films])
    assert torch.allclose(from_maps, from_films, atol=1e-5)


def test_a_draw_gives_each_film_one_of_its_own_augmented_views(stored):
    maps, _, _ = stored()
    n = len(maps[0])
    rows = torch.arange(n).flip(0)[:7]
    part = Part(torch.zeros(n, 1, 2, 2), torch.arange(7) % 3, rows)
    source = StoredMaps.of(maps, part, CPU)
    order = torch.tensor([6, 0, 3, 3])
    drawn = source.draw(order, [2, 2], torch.Generator().manual_seed(1))
    assert drawn.labels.tolist() == [0, 0, 0, 0]
    for seen, row in zip(source.inputs(drawn), rows[order].tolist(), strict=True):
        which = [view for view in range(len(maps)) if torch.equal(seen, maps[view][row])]
        assert len(which) == 1
        assert which[0] > 0


def test_maps_are_computed_once_and_more_views_only_add_to_them(stored, spec, prepared):
    n = len(prepared.image_ids)
    maps, computed, _ = stored()
    assert computed == 3 * n
    again, computed, _ = stored()
    assert computed == 0
    assert all(map(torch.equal, maps, again))
    more, computed, _ = stored(spec.model_copy(update={"views": 4}))
    assert computed == 2 * n
    assert all(map(torch.equal, maps, more))


def test_other_weights_films_or_augmentation_are_other_maps(stored, spec, prepared):
    n = len(prepared.image_ids)
    stored()
    assert stored(identity="other weights")[1] == 3 * n
    fewer = replace(
        prepared,
        image_ids=prepared.image_ids[1:],
        images=prepared.images[1:],
        placements=prepared.placements[1:],
        sources=prepared.sources[1:],
    )
    assert stored(films=fewer)[1] == 3 * (n - 1)
    # The films as they are stay what they are.
    assert stored(spec.model_copy(update={"rotate_degrees": 3.0}))[1] == 2 * n
    assert stored(spec.model_copy(update={"learning_rate": 0.5}))[1] == 0


def test_maps_that_were_cut_short_are_computed_again(stored, tmp_path):
    maps, _, _ = stored()
    first = maps[0].clone()
    (plain,) = tmp_path.rglob("plain.npy")
    plain.unlink()
    plain.write_bytes(b"\x93NUMPY and no more")
    again, computed, _ = stored()
    assert computed == len(first)
    assert torch.equal(again[0], first)


# Both stages


@pytest.fixture
def second_stage_is_kept(monkeypatch):
    """Whatever the first stage's loss is."""
    solve = two_stage._solve_head
    monkeypatch.setattr(two_stage, "_solve_head", lambda *given: (solve(*given)[0], math.inf))


@pytest.mark.usefixtures("second_stage_is_kept")
def test_below_the_last_stages_nothing_moves_and_in_them_all_weights_do(learned):
    task, materials, left = learned()
    before = body_of(materials, task.configuration)
    moved = {
        name.split(".")[1] for name in before if not torch.equal(before[name], left.tensors[name])
    }
    assert moved == {"layer2"}
    last = {name for name in before if name.startswith("body.layer2")}
    stayed = {name for name in last if torch.equal(before[name], left.tensors[name])}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert stayed == {name for name in last if name.endswith(statistics)}


@pytest.mark.usefixtures("second_stage_is_kept")
def test_films_drawn_anew_leave_the_frozen_part_alone_too(learned, spec):
    anew = spec.model_copy(update={"views": 0})
    task, materials, left = learned(anew)
    before = body_of(materials, task.configuration)
    moved = {
        name.split(".")[1] for name in before if not torch.equal(before[name], left.tensors[name])
    }
    assert moved == {"layer2"}
    assert not list(materials.cache.rglob("plain.npy"))


def test_the_first_stage_is_the_head_that_the_tune_part_likes_best(learned, cohort, spec):
    task, materials, left = learned()
    found, _ = solving.features_of(task.configuration, materials)
    parts = task.parts
    tune, labels = found[rows_of(cohort, parts.tune)], columns(cohort, parts.tune)
    train = found[rows_of(cohort, parts.train)]
    heads = probe.solve(train, columns(cohort, parts.train), 3, STRENGTHS, one_scale=True)
    losses = [probe.cross_entropy(head.logits(tune), labels) for head in heads]
    chosen = dict(left.chosen)
    assert chosen["first_stage_tune_loss"] == pytest.approx(min(losses))
    assert chosen["inverse_strength"] == STRENGTHS[int(np.argmin(losses))]


def test_no_channel_that_hardly_varies_gets_a_large_weight():
    draws = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = draws.normal(size=(60, 4)) + labels[:, None]
    small = np.float32(features * [1, 1, 1, 1e-3])
    each, one = (
        np.abs(probe.solve(small, labels, 3, (1.0,), one_scale=one)[0].weight).max(axis=0)
        for one in (False, True)
    )
    assert each[3] > 100 * each[:3].max()
    assert one[3] < one[:3].max()


def test_a_second_stage_that_betters_nothing_leaves_the_first(learned, cohort, spec):
    wild = spec.model_copy(update={"learning_rate": 5.0, "second_epochs": 1, "second_rate": 1.0})
    task, materials, left = learned(wild)
    chosen = dict(left.chosen)
    assert chosen["stage"] == 1
    assert chosen["tune_loss"] == chosen["first_stage_tune_loss"]
    before = body_of(materials, task.configuration)
    assert all(torch.equal(before[name], left.tensors[name]) for name in before)
    found, _ = solving.features_of(task.configuration, materials)
    weight = left.tensors["head.linear.weight"].double().numpy()
    bias = left.tensors["head.linear.bias"].double().numpy()
    said = found[rows_of(cohort, task.parts.test)] @ weight.T + bias
    assert np.allclose(said, left.test_logits, atol=1e-4)


def test_what_is_kept_has_the_tune_loss_that_the_outcome_tells(learned, cohort):
    task, _, left = learned()
    assert left.tune_logits is not None
    loss = probe.cross_entropy(left.tune_logits, columns(cohort, task.parts.tune))
    assert dict(left.chosen)["tune_loss"] == pytest.approx(loss, rel=1e-4)


def test_the_second_stage_has_its_own_epochs_and_share_of_the_rate(learned, spec):
    _, _, left = learned()
    assert len(left.history) == 2
    assert left.history[0].learning_rate == pytest.approx(0.5 * spec.learning_rate)
    second = two_stage.second_stage(spec)
    assert math.isclose(second.learning_rate_floor, 0.5 * spec.learning_rate_floor)


def test_cached_and_fresh_maps_teach_the_same_to_the_last_bit(learned):
    first = learned(name="a")[2]
    task, materials, _ = learned(name="a")
    again = two_stage.train(task, materials, materials.cache / "another checkpoint")
    assert all(torch.equal(first.tensors[name], again.tensors[name]) for name in first.tensors)


def test_it_stands_under_the_protocol_nested_only(spec_of):
    both = spec_of(strategies=["two-stage", "scratch"], protocols=["nested", "paper"])
    under = {(one.strategy, one.protocol) for one in both.configurations}
    assert under == {("two-stage", "nested"), ("scratch", "nested"), ("scratch", "paper")}


def test_a_body_that_the_weights_do_not_fill_is_refused(spec_of, films, tmp_path):
    held = {
        name: tensor.contiguous()
        for name, tensor in networks.build("test_resnet", 3, 1).body.state_dict().items()
        if not name.startswith("layer4")
    }
    file = tmp_path / "partial.safetensors"
    safetensors.torch.save_file(held, file)
    spec = spec_of(networks=["test_resnet"], strategies=["two-stage"], find_duplicates=False)
    with pytest.raises(SpondylError, match="partly random"):
        conduct.begin(spec, films, tmp_path / "run", {"test_resnet": file})


def test_its_settings_name_no_trial_anew_where_they_are_not_set(spec_of):
    keys = {"unfrozen_stages", "second_rate", "second_epochs", "sampling", "films_seen_before"}
    assert not keys & spec_of().learning().keys()
    assert not keys & spec_of().substance().keys()
    assert spec_of(unfrozen_stages=2).learning()["unfrozen_stages"] == 2
