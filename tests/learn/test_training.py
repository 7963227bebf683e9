"""The training loop: it learns, keeps what it should keep, and forgets nothing when interrupted."""

import math
from dataclasses import replace
from statistics import mean, stdev

import pytest
import torch
import torch.nn.functional as F

from spondyl.learn import networks, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.training import Part

STILL = {
    **{"flip": 0.0, "rotate_degrees": 0.0, "translate": 0.0, "zoom": [1.0, 1.0]},
    **{"shear_degrees": 0.0, "brightness": 0.0, "contrast": 0.0},
}


def bands(n, seed):
    """Films whose label says which third of them is bright, in noise."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    images = 0.3 * torch.rand(n, 1, 32, 32, generator=draws)
    for image, label in zip(images, labels, strict=True):
        image[0, 11 * int(label) : 11 * int(label) + 10] += 0.6
    return Part(images.half(), labels)


@pytest.fixture(scope="module")
def learning():
    return bands(24, seed=0)


@pytest.fixture(scope="module")
def steering():
    return bands(12, seed=1)


@pytest.fixture
def misled(steering):
    """A tune part whose labels are wrong, so that learning makes it worse."""
    return Part(steering.images, (steering.labels + 1) % 3)


@pytest.fixture
def trained(spec_of, learning, steering, fabric, tmp_path):
    """A function that trains a fresh network (or only its head) and gives it back, with what the
    training left."""

    def go(*, head_only=False, seed=5, tune=steering, name="checkpoint", more=None, **changes):
        network = networks.build("test_resnet:layer2", 3, seed=2)
        left = training.train(
            network,
            network.head if head_only else network,
            learning,
            tune,
            spec_of(**{"epochs": 4, "learning_rate": 3e-3, **changes}),
            seed,
            fabric,
            tmp_path / name,
            checkpoint_seconds=0,
            **(more or {}),
        )
        return network, left

    return go


def tensors(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def said(network, part, spec):
    """Logits of the films of `part`."""
    return training.predict(network, part.images, spec, torch.device("cpu"))


def told(left):
    """The history without its seconds, which are never the same."""
    return [replace(epoch, seconds=0.0) for epoch in left.history]


def test_an_easy_problem_is_learned(trained, steering, spec_of):
    network, left = trained(epochs=15, learning_rate=1e-2, **STILL)
    assert left.history[-1].train_loss < left.history[0].train_loss / 2
    logits = said(network, steering, spec_of())
    assert (logits.argmax(1) == steering.labels).double().mean() > 0.9


def test_history_says_what_the_network_of_that_epoch_scored(trained, steering, spec_of):
    network, left = trained()
    best = left.history[left.best_epoch]
    logits = said(network, steering, spec_of())
    loss = F.cross_entropy(logits, steering.labels).item()
    assert best.tune_loss == pytest.approx(loss, rel=1e-4)
    hits = (logits.argmax(1) == steering.labels).double().mean().item()
    assert best.tune_accuracy == pytest.approx(hits)


def test_what_is_left_are_the_weights_of_the_epoch_with_the_lowest_tune_loss(trained):
    _, left = trained(epochs=8, learning_rate=3e-2)
    losses = [epoch.tune_loss for epoch in left.history]
    assert left.best_epoch == losses.index(min(losses))
    # A training that ends with that epoch leaves the same network.
    long, _ = trained(epochs=8, learning_rate=3e-2, name="long")
    short, _ = trained(epochs=left.best_epoch + 1, learning_rate=3e-2, name="short")
    assert same(tensors(long), tensors(short))


def test_a_frozen_body_keeps_every_tensor_bit_for_bit(trained):
    before = tensors(networks.build("test_resnet:layer2", 3, seed=2))
    after = tensors(trained(head_only=True)[0])
    body = {name for name in before if name.startswith("body.")}
    assert any("running_mean" in name for name in body)
    assert all(torch.equal(before[name], after[name]) for name in body)
    assert not torch.equal(before["head.linear.weight"], after["head.linear.weight"])


def test_a_trained_body_moves_with_its_batch_norm_statistics(trained):
    before, after = (
        tensors(networks.build("test_resnet:layer2", 3, seed=2)),
        tensors(trained()[0]),
    )
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "body.bn1.running_mean" in moved
    assert {name for name in before if name.endswith("weight")} <= moved


def interrupted(after):
    """A track that is killed when so many epochs of a training are done."""

    def track(items, doing, total=None):
        for number, item in enumerate(items):
            if number == after and doing.startswith("training"):
                raise KeyboardInterrupt
            yield item

    return track


@pytest.mark.parametrize("head_only", [False, True], ids=["whole", "head"])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_training_interrupted_after_any_epoch_ends_as_if_it_had_not_been(
    trained, head_only, after
):
    whole, expected = trained(head_only=head_only, name="whole")
    with pytest.raises(KeyboardInterrupt):
        trained(head_only=head_only, name="parts", more={"track": interrupted(after)})
    resumed, left = trained(head_only=head_only, name="parts")
    assert same(tensors(resumed), tensors(whole))
    assert told(left) == told(expected)
    assert left.best_epoch == expected.best_epoch


def test_a_training_interrupted_again_and_again_ends_as_if_it_had_not_been(trained, misled):
    # With a tune loss that rises, so that the schedule's own count matters.
    changes = {"tune": misled, "epochs": 6, "plateau_patience": 1, "learning_rate_floor": 1e-4}
    whole, expected = trained(**changes, name="whole")
    assert len({epoch.learning_rate for epoch in expected.history}) > 1
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            trained(**changes, name="parts", more={"track": interrupted(1)})
    resumed, left = trained(**changes, name="parts")
    assert same(tensors(resumed), tensors(whole))
    assert told(left) == told(expected)


def test_epochs_that_were_done_are_not_done_again(trained):
    with pytest.raises(KeyboardInterrupt):
        trained(more={"track": interrupted(3)})
    done = []

    def counted(items, doing, total=None):
        for item in items:
            done.append(item)
            yield item

    _, left = trained(more={"track": counted})
    assert len(done) == 1
    assert len(left.history) == 4


@pytest.mark.parametrize("after", [0, 2])
def test_every_epoch_is_told_once_and_in_order_those_of_the_checkpoint_too(trained, after):
    with pytest.raises(KeyboardInterrupt):
        trained(more={"track": interrupted(after)})
    heard = []
    _, left = trained(more={"tell": heard.append})
    assert tuple(heard) == left.history
    assert [epoch.epoch for epoch in heard] == [0, 1, 2, 3]


def test_a_checkpoint_does_not_depend_on_whether_anyone_is_told(trained, tmp_path):
    trained(name="told", more={"tell": [].append})
    trained(name="untold")
    told, untold = (torch.load(tmp_path / name, weights_only=True) for name in ("told", "untold"))
    for content in (told, untold):
        for epoch in content["history"]:
            epoch["seconds"] = 0.0
    assert dict(leaves(told)) == dict(leaves(untold))


def leaves(content, name=""):
    """(path, value) of everything in nested dictionaries and lists; tensors as their bytes."""
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in pairs:
            yield from leaves(value, f"{name}.{key}")
    else:
        yield name, content.numpy().tobytes() if torch.is_tensor(content) else content


def test_one_seed_trains_the_same_network_and_another_another(trained):
    one, two, other = (
        tensors(trained(seed=seed, name=name)[0]) for seed, name in ((5, "a"), (5, "b"), (6, "c"))
    )
    assert same(one, two)
    assert not same(one, other)


def test_what_an_epoch_draws_does_not_depend_on_how_many_there_will_be(trained):
    _, short = trained(epochs=2, name="short")
    _, long = trained(epochs=4, name="long")
    assert told(long)[:2] == told(short)


def test_what_an_epoch_draws_does_not_depend_on_the_global_random_state(trained):
    torch.manual_seed(1)
    one, _ = trained(name="one")
    torch.manual_seed(2)
    other, _ = trained(name="other")
    assert same(tensors(one), tensors(other))


@pytest.mark.parametrize("head_only", [False, True], ids=["whole", "head"])
def test_the_global_random_state_is_left_alone(trained, head_only):
    torch.manual_seed(9)
    before = torch.get_rng_state()
    trained(head_only=head_only)
    assert torch.equal(torch.get_rng_state(), before)


def rates_by_definition(losses, start, patience, factor, floor):
    """Slow: the rate after each epoch, cut once more epochs than `patience` were no better, by a
    ten-thousandth at least, than the best before them."""
    rate, best, bad, rates = start, math.inf, 0, []
    for loss in losses:
        if loss < best * (1 - 1e-4):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(rate * factor, floor), 0
        rates.append(rate)
    return rates


def test_a_plateau_halves_the_rate_down_to_its_floor(trained, misled):
    _, left = trained(
        **{"tune": misled, "epochs": 16, "learning_rate": 8e-3, "plateau_patience": 1},
        **{"learning_rate_floor": 3e-3, "stop_patience": 100},
    )
    losses = [epoch.tune_loss for epoch in left.history]
    rates = [epoch.learning_rate for epoch in left.history]
    assert rates == pytest.approx(rates_by_definition(losses, 8e-3, 1, 0.5, 3e-3))
    assert 4e-3 in rates
    assert rates[-1] == 3e-3


@pytest.mark.parametrize("patience", [1, 3])
def test_a_training_stops_when_its_patience_is_over(trained, misled, patience):
    _, left = trained(tune=misled, epochs=60, learning_rate=1e-2, stop_patience=patience)
    assert len(left.history) == left.best_epoch + 1 + patience < 60


def test_a_training_that_still_gets_better_runs_to_its_end(trained):
    _, left = trained(epochs=6, stop_patience=6)
    assert [epoch.epoch for epoch in left.history] == list(range(6))


def test_a_last_film_alone_in_its_batch_stops_nothing(trained):
    _, left = trained(batch_size=23, epochs=1)
    assert math.isfinite(left.history[0].train_loss)


def test_predictions_of_a_film_do_not_depend_on_its_batch(trained, steering, spec_of):
    network, _ = trained(epochs=1)
    by_two, by_five = (said(network, steering, spec_of(batch_size=size)) for size in (2, 5))
    assert by_two.shape == (12, 3)
    assert torch.allclose(by_two, by_five, atol=1e-5)


@pytest.mark.slow
def test_bf16_is_as_accurate_as_single_precision_within_the_spread_of_trials(spec_of, tmp_path):
    """Three trials of each, on films of bands that noise nearly hides."""

    def accuracies(precision):
        found = []
        for seed in range(3):
            network = networks.build("test_resnet:layer2", 3, seed)
            taught, judged = faint(bands(30, seed)), faint(bands(60, seed + 10))
            settings = spec_of(epochs=10, batch_size=10, learning_rate=1e-2, precision=precision)
            place = tmp_path / f"{precision} {seed}"
            fabric = fabric_on("cpu", precision)
            training.train(network, network, taught, judged, settings, seed, fabric, place)
            hits = said(network, judged, settings).argmax(1) == judged.labels
            found.append(hits.double().mean().item())
        return found

    plain, mixed = accuracies("32-true"), accuracies("bf16-mixed")
    assert min(plain) > 0.5
    assert abs(mean(mixed) - mean(plain)) <= max(stdev(plain), 0.05)


def faint(part):
    """The same films with more noise than signal."""
    noise = torch.rand(part.images.shape, generator=torch.Generator().manual_seed(4))
    return Part((0.3 * part.images.float() + 0.7 * noise).half(), part.labels)
