"""Entries of the table, made ready to be looked at: weights that do something, unlike films."""

import pytest
import torch
from torch import nn

from spondyl.learn.architectures.odd_families import VIT
from spondyl.learn.heads import on_grid
from spondyl.learn.networks import ARCHITECTURES

QUICK = ("resnet18", "alexnet", "mobilenet_v2", "test_vit", "test_convnext")
"""Entries that are tested in each run: every kind of head, a chain, a function that parts."""
EVERY = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES
]
SIDE = 128
"""Of films that are small and leave a map of 2 × 2 cells of any network."""


def side_of(architecture):
    """A library's vision transformer takes films of one size only."""
    return architecture.usual_side if architecture.family is VIT else SIDE


def films(n=2, side=SIDE):
    """Films (n, 3, side, side) normalised by ImageNet's moments, as every network is shown them."""
    return (greys(n, side) - column((0.485, 0.456, 0.406))) / column((0.229, 0.224, 0.225))


def greys(n=2, side=SIDE):
    """Films (n, 1, side, side) in [0, 1], smooth enough to be pictures, in half precision."""
    draws = torch.Generator().manual_seed(5)
    coarse = 0.5 + 0.2 * torch.randn(4, 1, 9, 9, generator=draws)[:n]
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return smooth.clamp(0, 1).half().float()


def whole_of(name):
    """The library's own network in eval mode; norms that do something, with statistics of films,
    without which fifty layers of random weights make everything vanish or explode."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        whole = ARCHITECTURES[name].build()
        with torch.no_grad():
            for parameter in whole.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.1 * torch.randn(parameter.shape))
            norms = [module for module in whole.modules() if isinstance(module, nn.BatchNorm2d)]
            whole.eval()
            for norm in norms:
                norm.momentum = None
                norm.train()
            if norms:
                whole(as_expected(ARCHITECTURES[name], films(4)))
    return whole.eval()


def as_expected(architecture, images):
    """Films normalised by ImageNet's moments → by those that the entry says are expected, from
    the definition: back to greys in [0, 1], and forward."""
    if not architecture.renormalises:
        return images
    greys = images * column((0.229, 0.224, 0.225)) + column((0.485, 0.456, 0.406))
    return (greys - column(architecture.expects.mean)) / column(architecture.expects.std)


def column(values):
    return torch.tensor(values).view(1, 3, 1, 1)


def last_linear(whole):
    """The classifier of ImageNet's 1000 classes."""
    *_, last = (module for module in whole.modules() if isinstance(module, nn.Linear))
    return last


def fill(network, whole, architecture):
    """Gives the network all tensors of the library's whole one, its classifier included."""
    held = dict(architecture.ours(*item) for item in whole.state_dict().items())
    body = network.body.state_dict()
    network.body.load_state_dict({key: held[key] for key in body})
    for name, part in network.head.given.items():
        part.load_state_dict({key: held[f"{name}.{key}"] for key in part.state_dict()})
    last_linear(network.head).load_state_dict(last_linear(whole).state_dict())


def grad_cam(network, images, label):
    """(logits, map) from the definition, by autograd through all that is above the layer, in the
    precision of network and images."""
    lower, upper = network.explained_parts()
    with torch.no_grad():
        features = lower(images)
    features.requires_grad_(True)
    logits = upper(features.clone())
    (gradient,) = torch.autograd.grad(logits[:, label].sum(), features)
    weights = on_grid(gradient).mean(dim=(2, 3), keepdim=True)
    return logits.detach(), (weights * on_grid(features.detach())).sum(dim=1)
