"""Other libraries' explanations, each ready to be called, and ours beside them.

A library is opened for each measurement and closed after it, since their hooks stay on a network as
long as they are open and would slow, and fill the memory of, whoever comes next. They are no
dependency of ours: what is not installed is not measured, and said to be absent.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import torch
from torch import Tensor

from spondyl.explain.explaining import explain
from spondyl.learn.networks import Network

LIBRARIES = {
    "spondyl": "spondyl",
    "grad-cam": "pytorch_grad_cam",
    "captum": "captum",
    "torchcam": "torchcam",
}
"""The module of each library, by the name under which it is distributed."""

NAMES = {
    "grad-cam": {
        "grad-cam": "GradCAM",
        "hirescam": "HiResCAM",
        "grad-cam++": "GradCAMPlusPlus",
        "xgrad-cam": "XGradCAM",
        "layercam": "LayerCAM",
        "score-cam": "ScoreCAM",
    },
    "captum": {"grad-cam": "LayerGradCam"},
    "torchcam": {
        "grad-cam": "GradCAM",
        "grad-cam++": "GradCAMpp",
        "xgrad-cam": "XGradCAM",
        "layercam": "LayerCAM",
        "score-cam": "ScoreCAM",
    },
}
"""What each library calls the methods that it has."""

MASKS = 16
"""Masked films of Score-CAM in one pass, the same for all."""

Call = Callable[[], object]


def having(method: str) -> tuple[str, ...]:
    """The libraries that are installed and have `method`, ours first."""
    return tuple(
        library
        for library in LIBRARIES
        if library not in absent() and (library == "spondyl" or method in NAMES[library])
    )


def absent() -> tuple[str, ...]:
    """The libraries that are not installed."""
    return tuple(library for library, module in LIBRARIES.items() if find_spec(module) is None)


def versions() -> dict[str, str]:
    """The version of each library that is installed."""
    return {library: version(library) for library in LIBRARIES if library not in absent()}


@contextmanager
def opened(
    library: str, method: str, network: Network, images: Tensor, labels: Tensor
) -> Iterator[Call]:
    """A call that explains `images` (n, 3, h, w) for `labels` (n,) by one of `having(method)`.

    The layer is the last of the network's body; every library comes as its manual has it.
    """
    if library == "spondyl":
        yield lambda: explain(network, images, labels, method)
        return
    open_peer = {"grad-cam": _grad_cam, "captum": _captum, "torchcam": _torchcam}[library]
    with open_peer(NAMES[library][method], network, images, labels) as call:
        yield call


@contextmanager
def _grad_cam(name: str, network: Network, images: Tensor, labels: Tensor) -> Iterator[Call]:
    library = import_module("pytorch_grad_cam")
    targets = import_module("pytorch_grad_cam.utils.model_targets")
    asked = [targets.ClassifierOutputTarget(int(label)) for label in labels]
    with getattr(library, name)(network, [network.body[-1]]) as peer:
        peer.batch_size = MASKS
        with redirect_stderr(io.StringIO()):  # it draws a bar
            yield lambda: peer(images, asked)


@contextmanager
def _captum(name: str, network: Network, images: Tensor, labels: Tensor) -> Iterator[Call]:
    peer = getattr(import_module("captum.attr"), name)(network, network.body[-1])
    yield lambda: peer.attribute(images, labels, relu_attributions=True)


@contextmanager
def _torchcam(name: str, network: Network, images: Tensor, labels: Tensor) -> Iterator[Call]:
    maker = getattr(import_module("torchcam.methods"), name)
    batched = {"batch_size": MASKS} if name == "ScoreCAM" else {}
    with maker(network, network.body[-1], input_shape=tuple(images.shape[1:]), **batched) as peer:

        def call() -> object:
            with torch.set_grad_enabled(not batched):
                return peer(labels.tolist(), network(images))

        yield call
