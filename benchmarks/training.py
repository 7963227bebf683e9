"""What the training loop costs over the bare steps of the same network on the same images.

The bare loop has the same order of films, augmentation, network, loss and optimiser, and evaluates
the tune part; it has no Fabric, schedule, history, kept weights or checkpoint.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from spondyl.bench.clock import medians
from spondyl.learn import networks, training
from spondyl.learn.augment import augmented
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import StudySpec, parse_spec
from spondyl.learn.training import Part

EPOCHS = 3


def run(rounds: int = 5) -> Iterator[str]:
    """A line for each network and size; ResNet-18 on 64 films of 112²."""
    for name, side in (("test_resnet", 128), ("resnet18", 112)):
        spec = parse_spec(
            {
                "networks": [name],
                "strategies": ["scratch"],
                "size": [side, side],
                "epochs": EPOCHS,
                "batch_size": 16,
            },
            "the benchmark's spec",
        )
        train = Part(torch.rand(64, 1, side, side).half(), torch.arange(64) % 3)
        tune = Part(torch.rand(16, 1, side, side).half(), torch.arange(16) % 3)
        taken = medians(
            {
                "bare": lambda s=spec, a=train, b=tune: _bare(s, a, b),
                "ours": lambda s=spec, a=train, b=tune: _ours(s, a, b),
            },
            rounds,
        )
        over = 100 * (taken["ours"] / taken["bare"] - 1)
        images = EPOCHS * 64 / taken["bare"]
        yield f"{name} at {side}²: bare steps {images:.0f} images a second; our loop {over:+.1f} %"


def _ours(spec: StudySpec, train: Part, tune: Part) -> None:
    network = networks.build(spec.networks[0], 3, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        training.train(network, network, train, tune, spec, 0, fabric_on("cpu"), checkpoint)


def _bare(spec: StudySpec, train: Part, tune: Part) -> None:
    network = networks.build(spec.networks[0], 3, seed=0).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=spec.learning_rate)
    draws = torch.Generator().manual_seed(0)
    for _ in range(spec.epochs):
        network.train()
        for rows in torch.split(torch.randperm(64, generator=draws), spec.batch_size):
            images = augmented(train.images[rows].float(), spec, draws)
            seen = spec.preprocessing.normalised(images)
            loss = F.cross_entropy(
                network(seen.contiguous(memory_format=torch.channels_last)), train.labels[rows]
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            for images in torch.split(tune.images, spec.batch_size):
                network(spec.preprocessing.normalised(images))
