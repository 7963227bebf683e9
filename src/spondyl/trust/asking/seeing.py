"""What each network of a subject makes of images that all of them are shown.

A frozen body that stands under all heads looks at an image once, and only the heads are asked
again, from its pooled features; the price is that these are kept in memory, some kilobytes an
image. Any other network looks for itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.trust.asking import questioning
from spondyl.trust.asking.detecting import Seen
from spondyl.trust.asking.questioning import Image
from spondyl.trust.asking.subject import Subject


class Sight:
    """Looks at named images for one network of a subject after another."""

    def __init__(
        self, subject: Subject, preprocessing: Preprocessing, device: torch.device | None = None
    ) -> None:
        self._shares_body = subject.shares_body
        self._preprocessing, self._device = preprocessing, device
        self._features: dict[str, NDArray[np.float32]] = {}

    def of(self, network: Network, name: str, images: Iterable[Image]) -> Seen:
        """What `network`, in eval mode and on the device, makes of `images`, in their order.

        Images of one `name` must be the same at every call: of a body that all networks share they
        are drawn only the first time.
        """
        head = network.head
        if not (self._shares_body and isinstance(head, PooledLinear)):
            return questioning.seen(network, images, self._preprocessing, self._device)
        if name not in self._features:
            found = questioning.seen(network, images, self._preprocessing, self._device)
            self._features[name] = found.features
            return found
        features = self._features[name]
        with torch.inference_mode():
            logits = head.classify(torch.from_numpy(features).to(self._device))
        return Seen(features, logits.double().cpu().numpy())
