"""Which head a strategy puts on a network: the network's own, one that is solved, or one that is
written by a text tower. Asked for wherever a network is built to be filled, so that trials and
bundles agree."""

from __future__ import annotations

from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.strategies import Strategy
from spondyl.learn.vision_language.towers import TOWERS
from spondyl.learn.vision_language.worded_head import WordedHead


def put_on(network: Network, strategy: Strategy, n_labels: int) -> None:
    """Gives `network` the head of `strategy`, with weights that mean nothing yet."""
    if strategy.how == "zero-shot":
        width = TOWERS[network.name].width
        network.head = WordedHead(network.n_channels, width, n_labels)
    elif strategy.solves_head:
        network.head = PooledLinear(network.n_channels, n_labels)
