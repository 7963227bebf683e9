import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.learn import heads, networks

LAST = {"resnet18": "fc", "densenet121": "classifier", "swin_t": "head", "test_vit": "head"}


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "vgg16", "swin_t", "test_vit"])
def test_body_and_head_together_are_the_library_s_own_network(name):
    torch.manual_seed(3)
    whole = networks.parse(name).architecture.build().eval()
    network = networks.build(name, 1000, seed=4).eval()
    architecture = networks.parse(name).architecture
    ours = {architecture.ours(*item)[0]: item[1] for item in whole.state_dict().items()}
    network.body.load_state_dict({key: ours[key] for key in network.body.state_dict()})
    if name == "vgg16":
        network.head.classifier.load_state_dict(whole.classifier.state_dict())
    else:
        last = getattr(whole, LAST[name])
        network.head.linear.load_state_dict(last.state_dict())
    size = 160 if name == "test_vit" else 64
    images = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        assert torch.allclose(network(images), whole(images), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "channels", "grid"),
    [
        ("resnet50:layer3", 1024, 4),
        ("resnet50:layer4", 2048, 2),
        ("densenet121:denseblock3", 1024, 4),
        ("vgg16:block3", 256, 16),
        ("vgg16", 512, 4),
        ("test_resnet:layer2", 48, 8),
        ("swin_t:stage3", 384, 4),
        ("swin_t", 768, 2),
    ],
)
def test_a_cut_ends_the_body_where_its_name_says(name, channels, grid):
    network = networks.build(name, 3, seed=0).eval()
    with torch.inference_mode():
        feature_map = network.body(torch.zeros(1, 3, 64, 64))
        assert network.head(feature_map).shape == (1, 3)
    assert feature_map.shape == (1, channels, grid, grid)
    assert network.n_channels == channels


def test_a_transformer_s_tokens_are_a_class_token_and_a_square_grid():
    network = networks.build("test_vit", 3, seed=0).eval()
    with torch.inference_mode():
        tokens = network.body(torch.zeros(2, 3, 64, 64))
    assert tokens.shape == (2, 1 + 4 * 4, 64)
    grid = heads.on_grid(tokens)
    assert torch.equal(grid[0, :, 1, 2], tokens[0, 1 + 4 + 2])
    assert torch.equal(heads.pooled(tokens), tokens[:, 0])


def test_a_weight_of_one_cell_leaves_that_cell_and_the_class_token():
    tokens = torch.randn(1, 1 + 9, 5)
    mask = torch.zeros(1, 1, 3, 3)
    mask[0, 0, 2, 0] = 1
    left = heads.weighted(tokens, mask)
    expected = torch.zeros_like(tokens)
    expected[0, [0, 1 + 6]] = tokens[0, [0, 1 + 6]]
    assert torch.equal(left, expected)


def test_a_transformer_is_explained_before_its_last_attention():
    network = networks.build("test_vit", 3, seed=0).eval()
    lower, upper = network.explained_parts()
    images = torch.randn(1, 3, 64, 64)
    assert network.layer == "block6.norm1"
    assert heads.on_grid(lower(images)).shape == (1, 64, 4, 4)
    with torch.inference_mode():
        assert torch.allclose(upper(lower(images)), network(images), atol=1e-6)


def test_a_film_that_is_not_square_is_refused_by_a_transformer():
    network = networks.build("test_vit", 3, seed=0).eval()
    with pytest.raises(SpondylError, match="64 × 32"):
        network(torch.zeros(1, 3, 64, 32))


def test_a_cut_shares_its_tensors_names_with_the_whole():
    whole = networks.build("resnet50", 3, seed=0).body.state_dict()
    cut = networks.build("resnet50:layer2", 3, seed=0).body.state_dict()
    assert set(cut) == {key for key in whole if not key.startswith(("layer3", "layer4"))}


def test_vgg16_is_parted_before_its_last_pooling_and_keeps_its_dropout():
    network = networks.build("vgg16", 3, seed=0)
    assert isinstance(network.head.pool, torch.nn.MaxPool2d)
    assert sum(isinstance(m, torch.nn.Dropout) for m in network.head.modules()) == 2
    assert networks.n_parameters([network.body, network.head]) == 134_272_835


def test_resnet50_with_three_outputs_has_the_paper_s_number_of_parameters():
    network = networks.build("resnet50", 3, seed=0)
    assert networks.n_parameters([network.body, network.head]) == 23_514_179


def test_one_seed_draws_the_same_weights_and_leaves_the_global_state_alone():
    torch.manual_seed(11)
    before = torch.get_rng_state()
    one, two = (networks.build("test_resnet", 3, seed=5) for _ in range(2))
    other = networks.build("test_resnet", 3, seed=6)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, one.state_dict().values(), two.state_dict().values()))
    assert not torch.equal(one.body.conv1[0].weight, other.body.conv1[0].weight)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet5", "resnet50"),
        ("resnet50:layer9", "layer3"),
        ("resnet50:", "layer3"),
        ("", "Known"),
        ("vgg16:layer3", "block5"),
        ("vit_small_patch16_224:block3", "none"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(name, hint):
    with pytest.raises(SpondylError) as refused:
        networks.parse(name)
    assert hint in refused.value.hint
