"""Grad-CAM's cost in forward passes: ours, and grad-cam's, on the networks of the paper."""

from collections.abc import Iterator

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.clock import medians
from spondyl.explain.explaining import explain
from spondyl.learn import networks

BATCH = 8


def run(rounds: int = 5) -> Iterator[str]:
    """A line for each network; weights are random, which costs the same."""
    images, labels = torch.randn(BATCH, 3, 224, 224), torch.arange(BATCH) % 3
    targets = [ClassifierOutputTarget(int(label)) for label in labels]
    for name in ("resnet50", "vgg16"):
        network = networks.build(name, 3, seed=0).eval()

        def forward(network: networks.Network = network) -> object:
            with torch.inference_mode():
                return network(images)

        with GradCAM(network, [network.body[-1]]) as peer:
            taken = medians(
                {
                    "forward": forward,
                    "ours": lambda network=network: explain(network, images, labels),
                    "grad-cam": lambda peer=peer: peer(images, targets),
                },
                rounds,
            )
        once = taken["forward"]
        yield (
            f"{name}, batch {BATCH} at 224²: forward {1000 * once / BATCH:.0f} ms an image = 1; "
            f"ours {taken['ours'] / once:.2f}, grad-cam {taken['grad-cam'] / once:.2f}"
        )
