"""What sends a film through a bundle's networks: PyTorch here, ONNX Runtime in `onnx_reader`.

An engine does what costs: pixels → network grid → features, logits and heatmap. All that makes a
reading of them (temperature, sets, detectors, doubts, warnings) is one piece of code for every
engine (`reading`), so that engines can differ by rounding only. The heatmap is asked for when the
likeliest label is known; an engine that has drawn it already hands it over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spondyl.data.pixels import Pixels
from spondyl.data.placement import Placement
from spondyl.data.spines import Spine
from spondyl.explain.explaining import Method, explain_seen, named
from spondyl.explain.feature_map import Seen, at_rest, see
from spondyl.learn import heads
from spondyl.learn.fabrics import device_on
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.bundle import Bundle
from spondyl.reading.explaining_films import asked_of, networks_for


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What networks of a bundle make of one film."""

    placement: Placement
    logits: NDArray[np.float64]
    """(folds, labels) of the networks that were asked, in the order asked."""
    pooled: NDArray[np.float32]
    """(folds, channels) their pooled features."""
    signed: Callable[[int], NDArray[np.float32]]
    """Column of a label → (h, w) on the layer's grid: the mean of those networks' signed maps."""


class Engine(Protocol):
    """A bundle's networks, ready to look at films."""

    @property
    def folds(self) -> tuple[int, ...]:
        """Of the networks it has, rising."""
        ...

    @property
    def method(self) -> Method:
        """Of its heatmaps."""
        ...

    @property
    def layer(self) -> str:
        """The layer whose grid they lie on."""
        ...

    def look(self, film: Pixels, spine: Spine | None, folds: Sequence[int]) -> Look:
        """What the networks of `folds` make of a film.

        Raises `SpondylError` for a film whose spine is needed and not known, and where there is no
        map.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TorchEngine:
    """The networks as PyTorch modules on one device; a body that they share looks once."""

    networks: Mapping[int, Network]
    preprocessing: Preprocessing
    method: Method
    device: torch.device

    @classmethod
    def of(cls, bundle: Bundle, device: str, method: str) -> TorchEngine:
        """`bundle` on `device` ("auto", "cpu", "cuda"), with heatmaps by `method`.

        Raises `SpondylError` for an unknown device or method, and for a method that is not defined
        for the bundle's networks.
        """
        on = device_on(device)
        asked = asked_of(bundle, (method,), ("predicted",))
        networks = networks_for(bundle, asked, on)
        return cls(networks, bundle.preprocessing, named(*asked.methods), on)

    @property
    def folds(self) -> tuple[int, ...]:
        """Of the networks, rising."""
        return tuple(self.networks)

    @property
    def layer(self) -> str:
        """The layer whose grid heatmaps lie on."""
        return next(iter(self.networks.values())).layer

    def look(self, film: Pixels, spine: Spine | None, folds: Sequence[int]) -> Look:
        """What the networks of `folds` make of a film."""
        canvas, placement = self.preprocessing.apply(film, spine)
        # Half precision, in which a study keeps its films, so that they meet the same numbers here.
        return self.look_at(canvas.astype(np.float16), placement, folds)

    def look_at(
        self, canvas: NDArray[np.float16], placement: Placement, folds: Sequence[int]
    ) -> Look:
        """What they make of a film that is on the grid: (1 or 3, height, width) in [0, 1]."""
        image = self.preprocessing.normalised(torch.from_numpy(canvas)[None].to(self.device))
        seen, pooled = self._seen(folds, image)
        logits = [one.logits.detach().double().cpu().numpy()[0] for one in seen.values()]
        return Look(placement, np.stack(logits), pooled, partial(self._signed, image, seen))

    def _seen(
        self, folds: Sequence[int], image: Tensor
    ) -> tuple[dict[int, Seen], NDArray[np.float32]]:
        """(what each network makes of the film, (folds, channels) pooled)."""
        made: dict[nn.Module, Tensor] = {}
        seen: dict[int, Seen] = {}
        pooled = []
        for fold in folds:
            with at_rest(self.networks[fold]) as still:
                if still.body not in made:
                    with torch.inference_mode():
                        made[still.body] = still.body(image)
                features = made[still.body]
                pooled.append(heads.pooled(features).float().cpu().numpy()[0])
                seen[fold] = see(still, image, None if still.ends_in_attention else features)
        return seen, np.stack(pooled)

    def _signed(self, image: Tensor, seen: Mapping[int, Seen], column: int) -> NDArray[np.float32]:
        found = [
            explain_seen(self.networks[fold], image, one, [column], self.method.name).signed[0]
            for fold, one in seen.items()
        ]
        return torch.stack(found).mean(dim=0).cpu().numpy()
