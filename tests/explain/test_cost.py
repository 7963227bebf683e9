import pytest
import torch

from spondyl.explain import cost
from spondyl.learn import networks


@pytest.mark.parametrize(("name", "giga"), [("resnet50", 4.09), ("vgg16", 15.47)])
def test_multiply_adds_at_224_are_those_of_the_paper_s_table(name, giga):
    network = networks.build(name, 3, seed=0).eval()
    counted = cost.multiply_adds(network, (224, 224), torch.device("cpu"))
    assert counted / 1e9 == pytest.approx(giga, abs=0.03)


def test_multiply_adds_of_one_convolution_are_counted_by_hand():
    body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1, bias=False))
    network = networks.Network("one", body, networks.PooledLinear(8, 3), 8)
    counted = cost.multiply_adds(network, (10, 20), torch.device("cpu"))
    assert counted == 10 * 20 * 8 * 3 * 9 + 8 * 3


def test_a_network_whose_map_is_one_cell_costs_an_answer_and_no_heatmap():
    measured = cost.measure("resnet18", 3, (32, 32), torch.device("cpu"))
    assert measured.inference_ms > 0
    assert measured.heatmap_ms is None


def test_a_measured_cost_has_times_and_the_size_it_was_measured_at():
    measured = cost.measure("test_resnet:layer2", 3, (32, 32), torch.device("cpu"))
    assert measured.inference_ms > 0
    assert measured.heatmap_ms > 0
    assert measured.as_dict()["size"] == (32, 32)
    network = networks.build("test_resnet:layer2", 3, seed=0)
    assert measured.parameters == networks.n_parameters([network.body, network.head])
