"""What a graph reckons without autograd is what PyTorch and `explain` reckon with it."""

import numpy as np
import onnxruntime
import pytest
import small_networks
import torch
from torch import nn

from spondyl.errors import SpondylError
from spondyl.explain.explaining import explain, named
from spondyl.learn import networks
from spondyl.learn.heads import PooledLinear
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting import graph

GRID = Preprocessing(size=(64, 64))
TEMPERATURE = 1.7
LINEAR = ("cam", "grad-cam", "hirescam", "xgrad-cam", "layercam")
CASES = [
    *(("small", "grad-cam"), ("dense", "grad-cam"), ("dense", "hirescam")),
    *(pytest.param("small", m, marks=pytest.mark.slow) for m in LINEAR if m != "grad-cam"),
    *(pytest.param("dense", m, marks=pytest.mark.slow) for m in LINEAR[3:]),
    *(pytest.param(kind, "grad-cam", marks=pytest.mark.slow) for kind in ("densenet", "swin")),
    pytest.param("pooled", "hirescam", marks=pytest.mark.slow),
    *(("overlapping", "hirescam"), ("normed", "grad-cam")),
    pytest.param("overlapping", "grad-cam", marks=pytest.mark.slow),
    *(pytest.param("normed", m, marks=pytest.mark.slow) for m in LINEAR[2:]),
]


def small(seed=7):
    """Two convolutions with a batch norm that is not idle, under pooling and one linear layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        norm = nn.BatchNorm2d(6)
        nn.init.uniform_(norm.running_mean, -0.1, 0.1)
        nn.init.uniform_(norm.running_var, 0.5, 2.0)
        convolutions = nn.Conv2d(3, 6, 3, stride=4, bias=False), nn.Conv2d(6, 10, 3, stride=2)
        body = nn.Sequential(convolutions[0], norm, nn.ReLU(), convolutions[1], nn.ReLU())
        return networks.Network("small", body, PooledLinear(10, 3), 10).eval()


NETWORKS = small_networks.NETWORKS | {"small": small}


def picture(seed=0, size=(1, 1, 64, 64)):
    """Of the grid's own size and in half precision, so that nothing is rounded on its way."""
    drawn = np.random.default_rng(seed).random(size, dtype=np.float32)
    return drawn.astype(np.float16).astype(np.float32)


def running(made, method="grad-cam", preprocessing=GRID):
    """A function: inputs → the outputs of the graph of `made`, networks by fold, by name."""
    answering = graph.answering_of(made, named(method), TEMPERATURE, preprocessing)
    model = graph.model_of(answering)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [one.name for one in session.get_outputs()]
    return lambda **given: dict(zip(names, session.run(None, given), strict=True))


def shown(film):
    return GRID.normalised(torch.from_numpy(film))


@pytest.mark.parametrize(("kind", "method"), CASES)
def test_a_graph_answers_and_explains_as_pytorch_does(kind, method):
    network = NETWORKS[kind]().eval()
    run = running({0: network}, method)
    for column in range(3):
        film = picture(column)
        found = run(film=film, label=np.array([column]))
        ours = explain(network, shown(film), [column], method)
        logits = ours.logits[0].numpy()
        signed = ours.signed[0].numpy()
        assert np.abs(found["logits"][0] - logits).max() < 1e-5
        assert np.abs(found["heatmap"] - signed).max() < 1e-4 * np.abs(signed).max()
        calibrated = (ours.logits[0] / TEMPERATURE).softmax(dim=0).numpy()
        assert np.abs(found["probabilities"] - calibrated).max() < 1e-6
        assert found["predicted"] == logits.argmax()


def test_without_a_label_the_map_is_that_of_the_likeliest():
    run = running({0: small()})
    film = picture(5)
    found = run(film=film)
    asked = run(film=film, label=np.array([int(found["predicted"])]))
    assert np.array_equal(found["heatmap"], asked["heatmap"])
    other = run(film=film, label=np.array([(int(found["predicted"]) + 1) % 3]))
    assert not np.allclose(found["heatmap"], other["heatmap"])
    assert other["predicted"] == found["predicted"]


@pytest.fixture(scope="module")
def several():
    """Three networks, each with a body of its own, and their graph."""
    made = {fold: small(fold) for fold in (0, 2, 5)}
    return made, running(made)


def test_networks_with_their_own_bodies_are_averaged(several):
    made, run = several
    film = picture(3)
    found = run(film=film, label=np.array([1]))
    each = [explain(network, shown(film), [1]) for network in made.values()]
    probabilities = [(one.logits[0] / TEMPERATURE).softmax(dim=0).numpy() for one in each]
    signed = np.mean([one.signed[0].numpy() for one in each], axis=0)
    assert np.abs(found["probabilities"] - np.mean(probabilities, axis=0)).max() < 1e-6
    assert np.abs(found["heatmap"] - signed).max() < 1e-4 * np.abs(signed).max()
    assert found["pooled"].shape == (3, next(iter(made.values())).n_channels)


def test_a_network_of_weight_nothing_is_left_out(several):
    made, run = several
    film = picture(4)
    found = run(film=film, networks=np.array([1, 0, 1], np.float32), label=np.array([0]))
    alone = [explain(made[fold], shown(film), [0]) for fold in (0, 5)]
    signed = np.mean([one.signed[0].numpy() for one in alone], axis=0)
    assert np.abs(found["heatmap"] - signed).max() < 1e-4 * np.abs(signed).max()


def test_a_shared_body_stands_in_the_graph_once():
    first = small()
    second = networks.Network("second", first.body, small(9).head, 10)
    alone, both = (
        graph.model_of(graph.answering_of(made, named("grad-cam"), 1.0, GRID))
        for made in ({0: first}, {0: first, 1: second.eval()})
    )

    def convolutions(model):
        return sum(node.op_type == "Conv" for node in model.graph.node)

    assert convolutions(alone) == convolutions(both) == 2


def test_a_graph_holds_no_trace_of_the_machine_that_made_it():
    model = graph.model_of(
        graph.answering_of({0: small_networks.dense().eval()}, named("grad-cam"), 1.0, GRID)
    )
    data = model.SerializeToString()
    assert b".py" not in data
    assert b'File "' not in data


@pytest.mark.parametrize(
    ("kind", "method", "said"),
    [
        ("tokens", "grad-cam", "last attention"),
        ("mlp", "grad-cam", "no closed form"),
        ("pooled", "score-cam", "asks the network again"),
        ("pooled", "grad-cam++", "denominator"),
        ("dense", "cam", "not defined"),
    ],
)
def test_what_has_no_closed_form_is_refused_by_name(kind, method, said):
    with pytest.raises(SpondylError, match=said) as refused:
        graph.answering_of({0: NETWORKS[kind]().eval()}, named(method), 1.0, GRID)
    assert refused.value.hint


def test_a_bundle_of_more_than_one_file_holds_is_refused_before_it_is_traced(monkeypatch):
    monkeypatch.setattr(graph, "LARGEST_BYTES", 1000)
    with pytest.raises(SpondylError, match="one ONNX file"):
        graph.answering_of({0: small()}, named("grad-cam"), 1.0, GRID)
