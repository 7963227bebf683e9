"""Every network of the table as a graph: it answers and explains as PyTorch does, or says why it
cannot be one.

How near is near enough follows from the network: a graph may be ten times as far from the answer in
double precision as PyTorch in single precision is, for a hundred layers of random weights multiply
whatever is rounded.
"""

import copy

import networks_of_the_table as table
import numpy as np
import onnxruntime
import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain, named
from spondyl.learn import networks
from spondyl.learn.networks import ARCHITECTURES
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting import graph

GRID = Preprocessing(size=(table.SIDE, table.SIDE))
QUICK = ("alexnet", "test_convnext", "test_vit")
EVERY = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES
]


def filled(name):
    """A network of the table with weights under which films differ."""
    architecture = ARCHITECTURES[name]
    network = networks.build(name, 3, seed=4).eval()
    if architecture.library == "spondyl":
        return network
    with torch.no_grad():
        held = dict(architecture.ours(*item) for item in table.whole_of(name).state_dict().items())
        network.body.load_state_dict({key: held[key] for key in network.body.state_dict()})
        for part, module in network.head.given.items():
            module.load_state_dict({key: held[f"{part}.{key}"] for key in module.state_dict()})
    return network


@pytest.mark.parametrize("name", EVERY)
def test_a_graph_answers_and_explains_as_the_network_does_or_says_why_not(name):
    network = filled(name)
    if network.ends_in_attention:
        with pytest.raises(SpondylError, match="last attention") as refused:
            graph.answering_of({0: network}, named("grad-cam"), 1.0, GRID)
        assert "torch engine" in refused.value.hint
        return
    answering = graph.answering_of({0: network}, named("grad-cam"), 1.0, GRID)
    session = onnxruntime.InferenceSession(graph.model_of(answering).SerializeToString())
    # One of the films that the norms' statistics are of: others make deep networks of random
    # weights explode, and then single precision is no measure of anything.
    film = table.greys(4)[:1].numpy()
    names = [one.name for one in session.get_outputs()]
    given = {"film": film, "label": np.array([1])}
    found = dict(zip(names, session.run(None, given), strict=True))
    image = GRID.normalised(torch.from_numpy(film))
    ours = explain(network, image, [1])
    exact = table.grad_cam(copy.deepcopy(network).double(), image.double(), 1)
    for said, own, true in zip(
        (found["logits"][0], found["heatmap"]), (ours.logits[0], ours.signed[0]), exact, strict=True
    ):
        true = true[0].numpy()
        rounding = np.abs(own.numpy() - true).max()
        assert np.abs(true).max() > 100 * rounding  # so that being as near means something
        assert np.abs(said - true).max() < 10 * rounding + 1e-5 * np.abs(true).max()
