"""Small networks of every kind of head."""

import torch
from torch import nn

from spondyl.learn import networks
from spondyl.learn.heads import DenseHead, Head, NormedLinear


class PooledMlp(Head):
    """Global average pooling, then a norm and two layers: a head that nobody wrote out."""

    def __init__(self, n_channels, n_labels):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.LayerNorm(n_channels), nn.Linear(n_channels, 8), nn.GELU(), nn.Linear(8, n_labels)
        )

    def reduced(self, features):
        return features.mean(dim=(2, 3))

    def classify(self, reduced):
        return self.mlp(reduced)


def pooled():
    """A random ResNet whose weights lean to the positive, so that not all maps end in the ReLU."""
    network = networks.build("test_resnet", 3, seed=1)
    with torch.no_grad():
        network.head.linear.weight.add_(0.1)
    return network


def dense():
    """VGG's head in small: pooling, 2 × 2 averages, dense layers with dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        body = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, stride=8), nn.ReLU())
        classifier = nn.Sequential(
            nn.Linear(48, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 3), nn.Dropout(0.1)
        )
        head = DenseHead(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2), classifier)
    return networks.Network("dense", body, head, 12)


def overlapping():
    """AlexNet's head in small: windows of the pooling overlap, dropout comes before each layer."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        body = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, stride=7), nn.ReLU())
        classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(48, 16), nn.ReLU(True)),
            *(nn.Dropout(), nn.Linear(16, 16), nn.ReLU(True), nn.Linear(16, 3)),
        )
        head = DenseHead(nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(2), classifier)
    return networks.Network("overlapping", body, head, 12)


def normed():
    """ConvNeXt's head: a norm that does something, between pooling and one linear layer."""
    with torch.random.fork_rng():
        torch.manual_seed(8)
        body = nn.Sequential(nn.Conv2d(3, 10, 5, padding=2, stride=8), nn.SiLU())
        head = NormedLinear(10, 3, 1e-6, "head.norm")
        nn.init.normal_(head.norm.weight)
        nn.init.normal_(head.norm.bias)
    return networks.Network("normed", body, head, 10)


def mlp():
    """A body with negative values, pooled, under two layers."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        body = nn.Sequential(nn.Conv2d(3, 10, 5, padding=2, stride=16), nn.SiLU())
        head = PooledMlp(10, 3)
    return networks.Network("mlp", body, head, 10)


def tokens():
    """A vision transformer, with weights so large that its attention attends."""
    network = networks.build("test_vit", 3, seed=4)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("weight") and parameter.ndim > 1:
                parameter.mul_(3)
    return network


def swin():
    """Windows of tokens that end in a feature map."""
    return networks.build("swin_t:stage1", 3, seed=5)


def densenet():
    """A DenseNet's beginning."""
    return networks.build("densenet121:denseblock1", 3, seed=6)


NETWORKS = {
    "pooled": pooled,
    "dense": dense,
    "overlapping": overlapping,
    "normed": normed,
    "mlp": mlp,
    "tokens": tokens,
    "swin": swin,
    "densenet": densenet,
}
