"""An exported graph, opened: `Session.run` sends one film through it.

The file is read once, proven to be what it says (`about`), and handed to ONNX Runtime from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spondyl.data.placement import Window
from spondyl.errors import SpondylError
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.exporting import about as abouts
from spondyl.reading.exporting.about import About
from spondyl.reading.exporting.answering import LABEL, LIKELIEST, NETWORKS, OUTPUTS
from spondyl.reading.exporting.placing import BOX, CANVAS, FILM, placing

if TYPE_CHECKING:
    import onnxruntime
    from onnx import ModelProto

_AGAIN = "Export the bundle again with `spondyl export`."


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The outputs of a graph for one film."""

    probabilities: NDArray[np.float32]
    """(labels,) calibrated, the mean of the networks that were asked."""
    logits: NDArray[np.float32]
    """(folds, labels) of all networks."""
    pooled: NDArray[np.float32]
    """(bodies, channels); `About.rows_of_pooled` says which row is which fold's."""
    heatmap: NDArray[np.float32]
    """(h, w) on the layer's grid, signed, the mean of the networks that were asked."""
    predicted: int
    """Column of the likeliest label."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A graph that is ready to run on the CPU."""

    about: About
    runtime: onnxruntime.InferenceSession

    @classmethod
    def open(cls, path: Path, threads: int | None = None) -> Session:
        """The graph in a file, on `threads` (None: as many as ONNX Runtime takes, one a core).

        Raises `SpondylError` for a file that is missing, damaged or no graph that spondyl exported.
        """
        from onnx import load_from_string

        try:
            data = path.read_bytes()
        except OSError as error:
            raise SpondylError(
                f"{path}: cannot be read ({error.strerror or error})",
                "Check the path and its rights.",
            ) from error
        try:
            model = load_from_string(data)
        except Exception as error:  # protobuf's class of error depends on how it was built
            raise SpondylError(f"{path}: not an ONNX file, or damaged", _AGAIN) from error
        return cls.of(model, str(path), threads, data)

    @classmethod
    def of(
        cls, model: ModelProto, source: str, threads: int | None = None, data: bytes | None = None
    ) -> Session:
        """A graph in memory, called `source`; `data` are its bytes where somebody has them."""
        about = About.read({one.key: one.value for one in model.metadata_props}, source)
        if abouts.graph_sha256(model) != about.graph_sha256:
            raise SpondylError(f"{source}: changed since it was exported", _AGAIN)
        return cls(about, _opened(data or model.SerializeToString(), source, threads))

    def run(
        self,
        film: NDArray[np.float32],
        box: Window | None = None,
        networks: NDArray[np.float32] | None = None,
        label: int | None = None,
    ) -> Answered:
        """What the graph makes of `film` (1 or 3, H, W) in [0, 1], bright = dense.

        `box` is the spine's where the networks are shown films by it; `networks` (folds,) weighs
        them, None alike; `label` is the column whose heatmap is asked for, None the likeliest.
        """
        given = fed(film, box)
        if networks is not None:
            given[NETWORKS] = networks.astype(np.float32)
        if label is not None and label != LIKELIEST:
            given[LABEL] = np.array([label], np.int64)
        probabilities, logits, pooled, heatmap, predicted = self.runtime.run(OUTPUTS, given)
        return Answered(probabilities, logits, pooled, heatmap, int(predicted))


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """The beginning of a graph by itself, for whoever asks where the two halves differ."""

    runtime: onnxruntime.InferenceSession

    @classmethod
    def of(cls, preprocessing: Preprocessing) -> Placing:
        """What every graph of networks with this preprocessing begins with."""
        model = placing(preprocessing)
        return cls(_opened(model.SerializeToString(), "a film's way to the grid", None))

    def canvas(self, film: NDArray[np.float32], box: Window | None) -> NDArray[np.float16]:
        """(1 or 3, height, width) the grid, of a film as `Session.run` takes it."""
        (canvas,) = self.runtime.run([CANVAS], fed(film, box))
        return np.asarray(canvas[0], np.float16)


def fed(film: NDArray[np.float32], box: Window | None) -> dict[str, NDArray[Any]]:
    """The inputs that a graph cannot do without, of `film` (1 or 3, H, W)."""
    given: dict[str, NDArray[Any]] = {FILM: np.ascontiguousarray(film[None], np.float32)}
    if box is not None:
        given[BOX] = np.array([box.top, box.left, box.bottom, box.right], np.int64)
    return given


def _opened(data: bytes, source: str, threads: int | None) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every optional input
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise SpondylError(f"{source}: ONNX Runtime cannot open it ({reason})", _AGAIN) from error
