"""Films with a stripe for a spine and a patch in a corner, and networks that read one of them.

Both are bright on films of the second label, so either tells it, and a network with hand-made
weights is right by exactly what it looks at.
"""

import numpy as np
import torch
from PIL import Image
from torch import nn

from spondyl.data import cohort as cohorts
from spondyl.data import regions
from spondyl.data.labels import LabelSet
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.trust.asking import subject
from spondyl.trust.asking.subject import Trained

SIZE = (64, 48)
LABELS = LabelSet.of(("normal", "scoliosis"))
COUNTS = (10, 6)
GROUND, DIM, BRIGHT = 60, 120, 200
SPINE = np.s_[4:60, 20:26]
CORNER = np.s_[0:8, 0:8]
HOW = Preprocessing(size=SIZE, mean=(0, 0, 0), std=(1, 1, 1))


def film(number, label):
    """Slightly different films, none like another."""
    image = np.full(SIZE, GROUND, np.uint8)
    image[SPINE] = image[CORNER] = BRIGHT if label else DIM
    image[-1, number] += 1 + number
    return image


def save(folder):
    """(cohort, folder of regions) of `COUNTS` films."""
    for label, count in enumerate(COUNTS):
        for number in range(count):
            image_id = f"{LABELS.names[label]}/{number:02}.png"
            path = folder / "films" / image_id
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(film(number + 16 * label, label)).save(path)
            mask = np.zeros(SIZE, bool)
            mask[SPINE] = True
            regions.save(folder / "regions", image_id, regions.Regions(SIZE, "a test", mask))
    return cohorts.read(folder / "films", LABELS), folder / "regions"


class Looks(nn.Module):
    """(n, 1, 1, 1) the mean grey of one place."""

    def __init__(self, place):
        super().__init__()
        self.place = place

    def forward(self, images):
        return images[(slice(None), slice(0, 1), *self.place)].mean(dim=(2, 3), keepdim=True)


def network(place, threshold=160 / 255, slope=40.0):
    """One that says the second label where `place` is brighter than `threshold`."""
    head = PooledLinear(1, 2)
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor([[-slope], [slope]]))
        head.linear.bias.copy_(torch.tensor([slope, -slope]) * threshold)
    return Network("hand-made", nn.Sequential(Looks(place)), head, 1).eval()


def before(cohort, *networks, how=HOW):
    """The subject of networks that have met none of the cohort's films."""
    met = [
        Trained(fold, lambda one=one: one, frozenset(), frozenset())
        for fold, one in enumerate(networks)
    ]
    return subject.before(cohort, met, "hand-made", "a test", how, {}, False)
