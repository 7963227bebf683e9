"""ONNX Runtime as an engine for readings: an exported graph in the place of the networks.

`Reader.by(onnx_reader.engine(bundle, …), bundle)` gives the readings that PyTorch gives, within the
bounds that the graph was held to when it was exported. The graph makes features, logits and
heatmap; temperature, sets, detectors and doubts are the bundle's, as for every engine. All networks
look at every film, since that is what the graph does; those that learned from it are left out of
the answer and of the mean map by a weight of 0. A label that is not the graph's likeliest, as may
happen where two are equal to the last digit, is asked for in a second run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from spondyl.data.pixels import Pixels
from spondyl.data.placement import Window
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.explain.explaining import Method, named
from spondyl.learn.preprocess import Preprocessing
from spondyl.progress import Track, silently
from spondyl.reading.bundle import Bundle
from spondyl.reading.engines import Look
from spondyl.reading.exporting import exporting
from spondyl.reading.exporting.about import SCHEMA_VERSION
from spondyl.reading.exporting.checking import planes
from spondyl.reading.exporting.session import Answered, Session


@dataclass(frozen=True, slots=True, eq=False)
class OnnxEngine:
    """An exported graph of a bundle, on the CPU."""

    session: Session
    preprocessing: Preprocessing

    @classmethod
    def of(cls, bundle: Bundle, session: Session, method: str) -> OnnxEngine:
        """A graph that is proven to be of `bundle`, with heatmaps by `method`.

        Raises `SpondylError` for the graph of another bundle, or of another method.
        """
        about = session.about
        if about.bundle_id != bundle.bundle_id:
            raise SpondylError(
                f"the graph is of the bundle {about.bundle_id[:12]} ({about.title}), asked is "
                f"{bundle.bundle_id[:12]} ({bundle.configuration})",
                "Export the bundle that is asked with `spondyl export`, or leave --graph out.",
            )
        if about.method != named(method).name:
            raise SpondylError(
                f"the graph draws heatmaps by {about.method}, asked is {method}",
                f"Ask for --method {about.method}, or export the bundle with --method {method}.",
            )
        return cls(session, bundle.preprocessing)

    @property
    def folds(self) -> tuple[int, ...]:
        """Of the networks in the graph, rising."""
        return self.session.about.folds

    @property
    def method(self) -> Method:
        """Of its heatmaps."""
        return named(self.session.about.method)

    @property
    def layer(self) -> str:
        """The layer whose grid they lie on."""
        return self.session.about.layer

    def look(self, film: Pixels, spine: Spine | None, folds: Sequence[int]) -> Look:
        """What the networks of `folds` make of a film."""
        placement = self.preprocessing.placement(film.size, spine)
        box = spine.box if spine is not None and self.preprocessing.needs_spine else None
        shown = planes(film, self.preprocessing)
        weights = np.array([float(fold in folds) for fold in self.folds], np.float32)
        answered = self.session.run(shown, box, weights)
        rows = [self.folds.index(fold) for fold in folds]
        pooled = answered.pooled[[self.session.about.rows_of_pooled[row] for row in rows]]
        logits = answered.logits[rows].astype(np.float64)
        signed = partial(self._signed, answered, shown, box, weights)
        return Look(placement, logits, pooled, signed)

    def _signed(
        self,
        answered: Answered,
        shown: NDArray[np.float32],
        box: Window | None,
        weights: NDArray[np.float32],
        column: int,
    ) -> NDArray[np.float32]:
        heatmap = answered.heatmap
        if column != answered.predicted:
            heatmap = self.session.run(shown, box, weights, column).heatmap
        if not np.isfinite(heatmap).all():
            raise SpondylError(
                "the graph's values are not finite, so there is no map",
                "Its weights or the film hold NaN or infinite values.",
            )
        return heatmap


def engine(
    bundle: Bundle, method: str, graph: Path | None = None, track: Track = silently
) -> OnnxEngine:
    """The graph of `bundle` in the file `graph`; without one it is exported into the user's cache,
    once for a bundle and a method, and taken from there.

    Raises `SpondylError` for a file that is no graph of this bundle and method, and where
    `exporting.export` does.
    """
    if graph is not None:
        return OnnxEngine.of(bundle, Session.open(graph), method)
    kept = cached(bundle, method)
    if kept.is_file():
        try:
            return OnnxEngine.of(bundle, Session.open(kept), method)
        except SpondylError:
            kept.unlink()  # damaged in the cache, from where it can be made again
    exporting.export(bundle, kept, method=method, track=track)
    return OnnxEngine.of(bundle, Session.open(kept), method)


def cached(bundle: Bundle, method: str) -> Path:
    """Where the float32 graph of a bundle is kept; it need not be there."""
    folder = Path(platformdirs.user_cache_dir("spondyl")) / "graphs"
    return folder / f"{bundle.bundle_id}-{named(method).name}-{SCHEMA_VERSION}.onnx"
