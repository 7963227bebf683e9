"""Pooled body features, computed once for a film and kept on disk by what defines them.

A frozen body gives the same features in every fold, strategy and study, so they are stored under
the hash of the film's bytes (and of its spine, where that decides what is seen), the preprocessing,
the weights, and the versions of decoders and torch. One small file per film: a cohort that grows
computes only what is new, and a killed process loses one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spondyl.data.onlooking import decoders
from spondyl.data.radiograph import Radiograph
from spondyl.files import replaced, sha256_of_json
from spondyl.learn import heads
from spondyl.learn.preprocess import PreparedFilms, Preprocessing
from spondyl.progress import Track, silently

BATCH = 16


class FrozenBody(Protocol):
    """A network as far as its features are asked for; its `body` is not touched where all are
    known."""

    @property
    def name(self) -> str:
        """With its cut."""

    @property
    def n_channels(self) -> int:
        """Of its features."""

    @property
    def body(self) -> nn.Sequential:
        """Images (n, 3, h, w) → features, as `heads` says."""


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """A folder of features. `key` tells apart what was computed by different bodies and images."""

    folder: Path
    key: str

    @classmethod
    def of(
        cls,
        folder: Path,
        network: FrozenBody,
        preprocessing: Preprocessing,
        weights_identity: str,
    ) -> FeatureCache:
        """The cache of one body under one preprocessing.

        `weights_identity` says which weights it has: a file's sha256, or a seed for random ones.
        """
        on = [torch.__version__, *decoders()]
        key = sha256_of_json([2, network.name, preprocessing.sha256, weights_identity, on])
        return cls(folder / "features", key)

    def read(self, source_sha256: str) -> NDArray[np.float32] | None:
        """The (channels,) features of the film of this source (`Preprocessing.source_sha256`), or
        None where not yet stored."""
        try:
            features: NDArray[np.float32] = np.load(self._path(source_sha256), allow_pickle=False)
        except (OSError, EOFError, ValueError):
            return None  # absent or damaged: computed again, which gives the same
        return features

    def write(self, source_sha256: str, features: NDArray[np.float32]) -> None:
        """Stores the (channels,) features of the film of this source."""
        with replaced(self._path(source_sha256)) as draft, draft.open("wb") as stream:
            np.save(stream, features, allow_pickle=False)

    def _path(self, source_sha256: str) -> Path:
        return self.folder / self.key[:16] / source_sha256[:2] / f"{source_sha256}.npy"


def pooled(
    network: FrozenBody,
    films: Sequence[Radiograph],
    prepared: PreparedFilms,
    preprocessing: Preprocessing,
    cache: FeatureCache,
    device: torch.device,
    track: Track = silently,
) -> NDArray[np.float32]:
    """(n, channels) pooled features of the frozen body, rows as `films`."""
    features = np.zeros((len(films), network.n_channels), dtype=np.float32)
    rows_in_memory = prepared.rows([film.image_id for film in films])
    sources = [prepared.sources[row] for row in rows_in_memory.tolist()]
    wanted = []
    for row, source in enumerate(sources):
        known = cache.read(source)
        if known is None:
            wanted.append(row)
        else:
            features[row] = known
    if not wanted:
        return features
    body = network.body.to(device).eval()
    batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
    for batch in track(batches, f"features of {network.name}", len(batches)):
        images = prepared.images[rows_in_memory[batch]].to(device)
        with torch.inference_mode():
            found = heads.pooled(body(preprocessing.normalised(images)))
            features[batch] = found.float().cpu().numpy()
        for row in batch:
            cache.write(sources[row], features[row])
    return features
