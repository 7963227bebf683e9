"""Frozen features of a film, of its frame, its sides and its middle: what a network could use.

One body with given weights, in the role that thumbnails have without any: a picture in which most
is hidden and nine films in ten are still told is a shortcut that is there to be taken. Nothing is
trained; the head is the audit's own probe. The price: a forward pass for each film and part, a
minute for 338 films and four parts of a small network on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.learn import heads, networks, weights
from spondyl.learn.networks import Network
from spondyl.learn.outcome import WeightsRecord
from spondyl.learn.preprocess import Hide, Preprocessing
from spondyl.progress import Track, silently
from spondyl.trust.data_audit import probes
from spondyl.trust.data_audit.probing import Probe
from spondyl.trust.metrics import Floats

PARTS: dict[str, Hide] = {
    "whole-features": "nothing",
    "frame-features": "inside",
    "centre-hidden-features": "centre",
    "centre-only-features": "sides",
}
"""Name of the probe → what of the network grid is black."""
BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A network whose frozen body is asked for features, and where its weights came from."""

    network: Network
    record: WeightsRecord
    preprocessing: Preprocessing
    device: torch.device


def body(files: Mapping[str, Path], device: torch.device) -> Body:
    """The one network of `files` (name, with its cut where it has one → file of weights).

    Raises `SpondylError` for none or several, unknown names, and files that do not fit.
    """
    if len(files) != 1:
        raise SpondylError(
            f"--weights given {len(files)} times: the audit asks one frozen network",
            "Name one, for example --weights resnet50:layer3=FILE.",
        )
    (name,) = files
    network = networks.build(name, 1, seed=0)
    file = weights.find(name, files)
    weights.refuse_misshown(name, file)
    record = weights.load(network, file, body_is_frozen=True)
    return Body(network.to(device).eval(), record, Preprocessing(), device)


def of_parts(asked: Body, images: Tensor, track: Track = silently) -> list[Probe]:
    """The probes of `PARTS`, of whole films `images` (n, 1 or 3, height, width) in [0, 1] on the
    body's grid."""
    columns = tuple(f"channel {i}" for i in range(asked.network.n_channels))
    return [
        probes.probe_of(name, columns, _pooled(asked, images, hide, track))
        for name, hide in PARTS.items()
    ]


def _pooled(asked: Body, images: Tensor, hide: Hide, track: Track) -> Floats:
    """(n, channels) of the images with `hide` black."""
    shown = torch.from_numpy(replace(asked.preprocessing, hide=hide).shown_cells)
    starts = range(0, len(images), BATCH)
    found = []
    for start in track(starts, f"features, {hide} hidden", len(starts)):
        batch = (images[start : start + BATCH].float() * shown).to(asked.device)
        with torch.inference_mode():
            seen = asked.network.body(asked.preprocessing.normalised(batch))
            found.append(heads.pooled(seen).double().cpu().numpy())
    return np.concatenate(found)
