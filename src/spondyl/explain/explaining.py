"""Any method on any network: `explain`, and the table of methods behind it.

One batch may ask about a different label for each film, predicted or not; gradients are taken per
film, never of a sum over labels that are not its own. What comes back is signed and unscaled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spondyl.errors import SpondylError, known_words
from spondyl.explain import cam, partition, perturbation
from spondyl.explain.feature_map import Seen, at_rest, films, see
from spondyl.explain.heatmap import Heatmap
from spondyl.learn.heads import Head, PooledLinear
from spondyl.learn.networks import Network

Formula = Callable[[Tensor, Tensor], Tensor]
"""(feature map, gradient), both (n, k, h, w) → signed map (n, h, w)."""
Alteration = Callable[[Network, Tensor, Seen, Tensor], Tensor]
"""(network, images, what it made of them, labels) → map (n, h, w)."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make a heatmap. Exactly one of `formula` and `alteration` is there."""

    name: str
    title: str
    """As its authors write it."""
    source: str
    """arXiv number or DOI."""
    unit: str
    """Of the map's values: of the logit, of the probability."""
    rectified: bool
    """Whether the definition ends in a ReLU."""
    formula: Formula | None = None
    alteration: Alteration | None = None
    from_mean: bool = False
    """Whether the mean of the gradient over the map is all that the formula uses of it."""
    linear_only: bool = False
    """Whether it is defined for pooling and one linear layer only."""


def _score(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    return perturbation.score_cam(network, images, seen, labels)


def _recipro(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    del network, images
    return perturbation.recipro_cam(seen, labels, gaussian=False)


def _recipro_gaussian(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    del network, images
    return perturbation.recipro_cam(seen, labels, gaussian=True)


def _occlusion(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    return perturbation.occlusion(network, images, seen.logits, labels)


def _partition(network: Network, images: Tensor, seen: Seen, labels: Tensor) -> Tensor:
    del seen
    return partition.partition(network, images, labels)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("cam", "CAM", "1512.04150", "logit", False, cam.cam, linear_only=True),
        Method("grad-cam", "Grad-CAM", "1610.02391", "logit", True, cam.grad_cam, from_mean=True),
        Method("hirescam", "HiResCAM", "2011.08891", "logit", True, cam.hires_cam),
        Method("grad-cam++", "Grad-CAM++", "1710.11063", "logit", True, cam.grad_cam_plus_plus),
        Method("xgrad-cam", "XGrad-CAM", "2008.02312", "logit", True, cam.xgrad_cam),
        Method("layercam", "LayerCAM", "10.1109/TIP.2021.3089943", "logit", True, cam.layer_cam),
        Method("score-cam", "Score-CAM", "1910.01279", "activation", True, alteration=_score),
        Method("recipro-cam", "Recipro-CAM", "2209.14074", "probability", False, None, _recipro),
        Method(
            "recipro-cam-gaussian",
            "Recipro-CAM, Gaussian",
            "2209.14074",
            "probability",
            False,
            alteration=_recipro_gaussian,
        ),
        Method("occlusion", "occlusion", "1311.2901", "probability", False, None, _occlusion),
        Method("partition", "partition explainer", "shap", "probability", False, None, _partition),
    )
}

_UNDEFINED = {
    "icr-cam": "it is cited (Ahmad et al. 2026, reference 12), but no definition could be found",
}


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """What `explain` returns: maps on the layer's grid, unscaled, and the logits beside them."""

    signed: Tensor
    """(n, h, w) float32, before the ReLU where the definition ends in one; (n, labels, h, w) from
    `explain_labels`."""
    logits: Tensor
    """(n, labels) float32."""
    method: Method
    layer: str

    @property
    def maps(self) -> Tensor:
        """The maps as the method defines them."""
        return self.signed.clamp_min(0) if self.method.rectified else self.signed

    def heatmap(self, row: int, image_id: str, label: str, source: str) -> Heatmap:
        """The map (h, w) of one film as a record, on the CPU."""
        return Heatmap(
            image_id,
            self.signed[row].cpu().numpy().copy(),
            label,
            self.method.title,
            self.layer,
            source,
            self.method.rectified,
            self.method.unit,
        )


def named(name: str) -> Method:
    """The method called `name`; `SpondylError` with the nearest name, or why there is none."""
    key = name.strip().lower()
    if key in METHODS:
        return METHODS[key]
    if key in _UNDEFINED:
        raise SpondylError(
            f"method {name!r}: not built, {_UNDEFINED[key]}",
            "Cite a definition in an issue; nothing is invented in its place.",
        )
    raise SpondylError(f"method {name!r}: not known", known_words(key, METHODS))


def explain(
    network: Network,
    images: Tensor,
    labels: Tensor | Sequence[int],
    method: str = "grad-cam",
) -> Explained:
    """Where `network` looks in each image for the label asked about, by `method`.

    `images` (n, 3, h, w) normalised, on the network's device; `labels` (n,) the column of the label
    asked about in each image, which need not be the predicted one. Computed in single precision and
    eval mode whatever the caller is in; hooks, gradients, modes, weights and random state stay as
    they were. Raises `SpondylError` for an unknown method, labels that are none, images that are no
    films, a network without a map, and values that are not finite.
    """
    chosen = named(method)
    with at_rest(network) as still:
        batch = films(images)
        seen = see(still, batch)
        signed = _applied(chosen, still, batch, seen, _columns(labels, seen.logits))
    return _checked(chosen, network, signed, seen.logits.detach())


def explain_seen(
    network: Network, images: Tensor, seen: Seen, labels: Sequence[int], method: str = "grad-cam"
) -> Explained:
    """`explain` of images that `network` has `seen` already (`feature_map.see`), at rest.

    Whoever needs the logits before it is known which label is asked about looks only once.
    """
    chosen = named(method)
    with at_rest(network) as still:
        signed = _applied(chosen, still, films(images), seen, _columns(labels, seen.logits))
    return _checked(chosen, network, signed, seen.logits.detach())


def explain_labels(network: Network, images: Tensor, method: str = "grad-cam") -> Explained:
    """`explain` for every label: maps (n, labels, h, w).

    The body runs once. For pooling and one linear layer all labels then cost one product of
    matrices each; for other heads one backward pass of the head.
    """
    chosen = named(method)
    with at_rest(network) as still:
        batch = films(images)
        seen = see(still, batch)
        columns = torch.arange(seen.logits.shape[1], device=images.device)
        maps = [
            _applied(chosen, still, batch, seen, column.expand(len(batch))) for column in columns
        ]
    return _checked(chosen, network, torch.stack(maps, dim=1), seen.logits.detach())


def same_picture(network: Network, methods: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The methods in groups that draw one picture on this network, whatever its weights.

    Before a head that begins with global average pooling the gradient is the same in every cell, so
    Grad-CAM, HiResCAM, XGrad-CAM and, where it is defined, CAM agree up to a factor and the ReLU.
    Their agreement is no evidence, and a report counts them once.
    """
    one = {"cam", "grad-cam", "hirescam", "xgrad-cam"}
    _, upper = network.explained_parts()
    groups: dict[str, list[str]] = {}
    for name in methods:
        key = "pooled" if isinstance(upper, Head) and upper.pools and name in one else name
        groups.setdefault(key, []).append(name)
    return tuple(tuple(group) for group in groups.values())


def _applied(method: Method, network: Network, images: Tensor, seen: Seen, asked: Tensor) -> Tensor:
    if method.linear_only and not isinstance(seen.upper, PooledLinear):
        raise SpondylError(
            f"{method.title} is not defined for {network.name}: its head is not pooling and one "
            "linear layer",
            "Use grad-cam, or a cut of the network such as vgg16:block5.",
        )
    if method.from_mean:
        alpha = seen.mean_gradient(asked)
        with torch.no_grad():
            return cam.weighted_sum(alpha, seen.map)
    if method.formula is not None:
        gradient = seen.gradient(asked)
        with torch.no_grad():
            return method.formula(seen.map, gradient)
    assert method.alteration is not None
    with torch.inference_mode(False), torch.no_grad():
        return method.alteration(network, images, seen, asked)


def _columns(labels: Tensor | Sequence[int], logits: Tensor) -> Tensor:
    asked = torch.as_tensor(labels, device=logits.device)
    n, n_labels = logits.shape
    if asked.shape != (n,) or asked.is_floating_point() or asked.dtype == torch.bool:
        raise SpondylError(
            f"labels {tuple(asked.shape)} of {asked.dtype} do not fit {n} films",
            "Give one whole number for each film: the column of the label asked about.",
        )
    if bool(((asked < 0) | (asked >= n_labels)).any()):
        raise SpondylError(
            f"a label is outside 0 to {n_labels - 1}: {asked.tolist()}",
            f"The network has {n_labels} labels, counted from 0.",
        )
    return asked.long()


def _checked(method: Method, network: Network, signed: Tensor, logits: Tensor) -> Explained:
    if not bool(torch.isfinite(signed).all() & torch.isfinite(logits).all()):
        raise SpondylError(
            f"{network.name}: the network's values are not finite, so there is no map",
            "Its weights or the film hold NaN or infinite values.",
        )
    return Explained(signed, logits, method, network.layer)
