"""Can a score tell a network that looks at the spine from one that looks at a planted marker?

For each seed the same people are filmed twice, as they are and with a lead letter that gives the
class away; a small network is trained from random weights on either set, with the same settings,
and its Grad-CAM is scored on films it has not seen. The rule was fixed before any seed was run: a
network looks at the spine if its heatmaps hold at least twice the energy there that the spine's
area alone would give. The price: two trainings a seed, about a minute each on one core.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.stats import binomtest

from spondyl.data.phantom import drawing
from spondyl.engines.engine import Engine, in_order
from spondyl.explain.explaining import explain
from spondyl.explain.scores.localisation import energy
from spondyl.learn import networks, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.networks import Network
from spondyl.learn.spec import StudySpec, parse_spec

LABELS = ("normal", "scoliosis")
FACTOR = 2.0
"""Energy on the spine over its area, from which a network is said to look at it."""
N_TRAIN, N_TUNE, N_TEST = 300, 40, 100


@dataclass(frozen=True, slots=True)
class Looked:
    """How one network did, and where it looked, on the films that it had not seen."""

    accuracy: float
    on_spine: float
    """Mean share of its heatmaps' energy on the spine."""
    area: float
    """Mean share of the film that is spine: what a map that knows nothing gives."""
    empty_maps: int

    @property
    def factor(self) -> float:
        """Energy on the spine over the spine's area."""
        return self.on_spine / self.area


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed: a network trained on clean films, and one on films with the marker."""

    seed: int
    clean: Looked
    planted: Looked

    @property
    def told_apart(self) -> bool:
        """Whether the rule is right about both."""
        return self.clean.factor >= FACTOR > self.planted.factor

    def as_dict(self) -> dict[str, Any]:
        """The pair as a JSON object."""
        return {**asdict(self), "told_apart": self.told_apart}


def run(engine: Engine, n_seeds: int = 20, epochs: int = 12) -> Iterator[Pair]:
    """A pair for each of the seeds 0 … n_seeds - 1, as they are done, in order."""
    return in_order(engine, pair, [(seed, epochs) for seed in range(n_seeds)])


def pair(asked: tuple[int, int]) -> Pair:
    """Both networks of one seed, trained for so many epochs, on one thread."""
    seed, epochs = asked
    torch.set_num_threads(1)
    return Pair(seed, looked(seed, None, epochs), looked(seed, "marker", epochs))


def looked(seed: int, shortcut: str | None, epochs: int) -> Looked:
    """A network trained on films of `seed` with the shortcut, scored on its own test films."""
    asked = spec(seed, epochs)
    images, labels, masks = films(seed, shortcut, asked.size)
    network = networks.build(asked.networks[0], len(LABELS), seed)
    learn, tune, test = torch.split(torch.arange(len(labels)), [N_TRAIN, N_TUNE, N_TEST])
    with tempfile.TemporaryDirectory() as place:
        training.train(
            network,
            network,
            training.Part(images[learn], labels[learn]),
            training.Part(images[tune], labels[tune]),
            asked,
            seed,
            fabric_on("cpu"),
            Path(place) / "checkpoint",
        )
    return _scored(network, images[test], labels[test], masks[test.numpy()], asked)


def spec(seed: int, epochs: int) -> StudySpec:
    """How the networks are trained; films are not flipped, since a letter has a side."""
    return parse_spec(
        {
            "networks": ["test_resnet:layer3"],
            "strategies": ["scratch"],
            "labels": list(LABELS),
            "seed": seed,
            "size": [192, 96],
            "epochs": epochs,
            "batch_size": 16,
            "learning_rate": 3e-3,
            "plateau_patience": 3,
            "flip": 0.0,
            "rotate_degrees": 5.0,
            "translate": 0.05,
            "zoom": [0.9, 1.1],
            "shear_degrees": 0.0,
        },
        "the spec of planted markers",
    )


def films(
    seed: int, shortcut: str | None, size: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor, NDArray[np.bool_]]:
    """Films (n, 1, h, w) in [0, 1], labels (n,) in turn, and spine masks (n, h, w)."""
    drawn = [
        drawing.draw(
            seed,
            LABELS[index % len(LABELS)],
            size=size,
            index=index,
            field="thoracolumbar",
            shortcut=shortcut,
        )
        for index in range(N_TRAIN + N_TUNE + N_TEST)
    ]
    images = np.stack([film.image for film in drawn]).astype(np.float32) / 255
    labels = torch.tensor([LABELS.index(film.truth.label) for film in drawn])
    masks = [mask for film in drawn if (mask := film.regions.spine_mask) is not None]
    return torch.from_numpy(images[:, None]), labels, np.stack(masks)


def _scored(
    network: Network,
    images: torch.Tensor,
    labels: torch.Tensor,
    masks: NDArray[np.bool_],
    asked: StudySpec,
) -> Looked:
    predicted = training.predict(network, images, asked, torch.device("cpu")).argmax(dim=1)
    maps = explain(network, asked.preprocessing.normalised(images), predicted).maps
    heat = F.interpolate(maps[:, None], images.shape[2:], mode="bilinear")[:, 0].numpy()
    found = [energy(one, mask) for one, mask in zip(heat, masks, strict=True)]
    defined = [one for one in found if one is not None]
    return Looked(
        accuracy=float((predicted == labels).float().mean()),
        on_spine=float(np.mean([one.on_mask for one in defined])),
        area=float(masks.mean()),
        empty_maps=len(found) - len(defined),
    )


def lines(pairs: Iterator[Pair]) -> Iterator[str]:
    """A line for each seed, and what they say together with exact 95 % intervals."""
    done = []
    for one in pairs:
        done.append(one)
        yield (
            f"seed {one.seed:2d}: clean {one.clean.factor:.2f} × the spine's area (accuracy "
            f"{one.clean.accuracy:.2f}), marker {one.planted.factor:.2f} × (accuracy "
            f"{one.planted.accuracy:.2f}){'' if one.told_apart else '  not told apart'}"
        )
    for what, hits in (
        ("clean networks that look at the spine", [p.clean.factor >= FACTOR for p in done]),
        ("marker networks that do not", [p.planted.factor < FACTOR for p in done]),
        ("pairs told apart", [p.told_apart for p in done]),
    ):
        yield f"{what}: {exact(sum(hits), len(hits))}"


def exact(hits: int, n: int) -> str:
    """Hits of n with the exact (Clopper and Pearson 1934) 95 % interval of their share."""
    low, high = binomtest(hits, n).proportion_ci(0.95, method="exact")
    return f"{hits} of {n} (95 % {low:.2f}–{high:.2f})"
