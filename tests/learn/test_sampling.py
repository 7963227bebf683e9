"""Epochs in which every class comes equally often."""

import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.learn import networks, sampling, training
from spondyl.learn.training import Part

UNEVEN = torch.tensor([0] * 20 + [1] * 7 + [2] * 3)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [30, 29, 28])
def test_a_balanced_epoch_has_as_many_films_and_every_class_equally_often(n):
    labels = UNEVEN[:n]
    rows = sampling.order(labels, "balanced", draws())
    counts = torch.bincount(labels[rows], minlength=3)
    assert len(rows) == n
    assert counts.max() - counts.min() <= (n % 3 > 0)


def test_over_many_epochs_the_films_of_a_class_come_equally_often_and_none_never():
    labels = UNEVEN
    rows = torch.cat([sampling.order(labels, "balanced", draws(seed)) for seed in range(2000)])
    times = torch.bincount(rows, minlength=len(labels)) / 2000
    expected = (10 / torch.bincount(labels))[labels]
    assert torch.allclose(times, expected, rtol=0.1)


def test_its_mean_loss_is_on_average_that_which_weighs_the_classes_alike():
    losses = torch.rand(len(UNEVEN), generator=draws(9))
    epochs = [losses[sampling.order(UNEVEN, "balanced", draws(s))].mean() for s in range(3000)]
    weighed = torch.stack([losses[label == UNEVEN].mean() for label in range(3)]).mean()
    assert float(torch.stack(epochs).mean()) == pytest.approx(float(weighed), abs=0.005)


def test_one_seed_gives_one_order_and_another_seed_another():
    first, again, other = (sampling.order(UNEVEN, "balanced", draws(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_class_that_is_not_there_is_not_drawn():
    rows = sampling.order(torch.tensor([0, 0, 0, 2]), "balanced", draws())
    assert sorted(torch.tensor([0, 0, 0, 2])[rows].tolist()) == [0, 0, 2, 2]


def test_films_as_they_are_come_once_each_in_the_order_that_older_studies_had():
    assert torch.equal(
        sampling.order(UNEVEN, "as they are", draws(4)), torch.randperm(30, generator=draws(4))
    )


def test_training_draws_so_and_goes_on_bit_for_bit(spec_of, fabric, tmp_path):
    part = Part(torch.rand(30, 1, 32, 32, generator=draws(3)).half(), UNEVEN)

    def trained(name, epochs, how):
        network = networks.build("test_resnet:layer2", 3, seed=2)
        spec = spec_of(strategies=["scratch"], epochs=epochs, sampling=how)
        more = {"checkpoint_seconds": 0}
        training.train(network, network, part, part, spec, 5, fabric, tmp_path / name, **more)
        return network.state_dict()

    whole = trained("whole", 3, "balanced")
    trained("cut", 1, "balanced")
    gone_on = trained("cut", 3, "balanced")
    plain = trained("plain", 3, "as they are")
    assert all(torch.equal(whole[name], gone_on[name]) for name in whole)
    assert not torch.equal(whole["head.linear.weight"], plain["head.linear.weight"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"strategies": ["probe", "scratch"]}, 'probe draw no films; class_weights = "balanced"'),
        ({"strategies": ["scratch"], "class_weights": "balanced"}, "choose one"),
    ],
)
def test_balance_in_vain_is_refused_with_what_to_do(spec_of, changes, why):
    with pytest.raises(SpondylError, match=why):
        spec_of(sampling="balanced", **changes)


def test_a_head_that_is_solved_before_others_are_trained_is_weighed(spec_of):
    assert spec_of(sampling="balanced", strategies=["two-stage"]).sampling == "balanced"
