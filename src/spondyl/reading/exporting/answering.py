"""The rest of an exported graph: the network grid → all outputs, as one PyTorch module.

It says in ordinary operators what `reading` does with several modules, a calibration and autograd:
bodies, a shared one once; heads of all folds; temperature; the mean of the probabilities; and the
mean of the signed maps for the likeliest label, or for the one asked about. `networks` weighs the
folds, so that whoever knows that a network learned from a film can leave it out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from spondyl.errors import SpondylError
from spondyl.explain.explaining import Method
from spondyl.learn.heads import PooledLinear, pooled
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting.closed_forms import ClosedForm, closed_form

NETWORKS, LABEL = "networks", "label"
OUTPUTS = ("probabilities", "logits", "pooled", "heatmap", "predicted")
LIKELIEST = -1
"""The value of the input `label` that asks for the map of the likeliest one."""


class Answering(nn.Module):
    """Networks of a bundle, their temperature and one method."""

    def __init__(
        self,
        networks: Mapping[int, Network],
        method: Method,
        temperature: float,
        preprocessing: Preprocessing,
    ) -> None:
        super().__init__()
        distinct = list(dict.fromkeys(network.body for network in networks.values()))
        self.bodies = nn.ModuleList(distinct)
        self.body_of = [distinct.index(network.body) for network in networks.values()]
        size = _map_size(next(iter(networks.values())), preprocessing)
        self.forms = nn.ModuleList(
            closed_form(network.head, size, network.name) for network in networks.values()
        )
        self.method = method
        self.temperature = temperature
        self.preprocessing = preprocessing

    def forward(
        self, canvas: Tensor, networks: Tensor, label: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(probabilities (labels,), logits (folds, labels), pooled (bodies, k), heatmap (h, w),
        predicted ()) of a film on the grid (1, 1 or 3, height, width) in [0, 1], weights of the
        folds (folds,), and a label's column (1,) or `LIKELIEST`."""
        image = self.preprocessing.normalised(canvas)
        maps = [body(image) for body in self.bodies]
        means = [pooled(features) for features in maps]
        ways = [form(maps[at], means[at]) for form, at in self._forms()]
        logits = torch.cat([one for one, _ in ways])
        weights = (networks / networks.sum())[:, None]
        calibrated = (logits / self.temperature).softmax(dim=1)
        probabilities = (weights * calibrated).sum(dim=0)
        likeliest = probabilities.argmax(dim=0, keepdim=True)
        column = torch.where(label >= 0, label, likeliest)
        signed = torch.cat(
            [
                form.signed(self.method, maps[at], met, column)
                for (form, at), (_, met) in zip(self._forms(), ways, strict=True)
            ]
        )
        heatmap = (weights[..., None] * signed).sum(dim=0)
        return probabilities, logits, torch.cat(means), heatmap, likeliest[0]

    def _forms(self) -> list[tuple[ClosedForm, int]]:
        """Each fold's head, and which of the bodies it stands on."""
        found: list[tuple[ClosedForm, int]] = []
        for form, at in zip(self.forms, self.body_of, strict=True):
            assert isinstance(form, ClosedForm)
            found.append((form, at))
        return found


def refuse_unwritten(network: Network, method: Method) -> None:
    """Raises `SpondylError` for a method or a network whose maps have no closed form."""
    if network.ends_in_attention:
        raise SpondylError(
            f"network {network.name}: the gradient through its last attention has no closed form "
            "here, so a graph cannot return its heatmap",
            "Read with the torch engine, or train a convolutional network.",
        )
    if method.alteration is not None:
        raise SpondylError(
            f"{method.title}: it asks the network again about altered films, which a graph that "
            "looks once cannot do",
            "Use grad-cam, hirescam, xgrad-cam or layercam.",
        )
    if method.linear_only and not isinstance(network.head, PooledLinear):
        raise SpondylError(
            f"{method.title} is not defined for {network.name}: its head is not pooling and one "
            "linear layer",
            "Use grad-cam.",
        )
    if method.name == "grad-cam++":
        raise SpondylError(
            f"{method.title}: it is undefined for films on which its denominator vanishes, and a "
            "graph cannot refuse a film",
            "Use grad-cam, hirescam, xgrad-cam or layercam.",
        )


def _map_size(network: Network, preprocessing: Preprocessing) -> tuple[int, int]:
    """(height, width) of what its body makes of a film on the grid; `SpondylError` for no map."""
    with torch.inference_mode():
        features = network.body(torch.zeros(1, 3, *preprocessing.size))
    if features.ndim != 4 or features.shape[2] * features.shape[3] < 4:
        raise SpondylError(
            f"network {network.name}: its features {tuple(features.shape)} are no map that says "
            "where",
            "Give larger films, or a cut that ends earlier, such as resnet50:layer3.",
        )
    return features.shape[2], features.shape[3]
