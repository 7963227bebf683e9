"""One film read in each of the ways that `bench read` compares, with probabilities and heatmap.

Every way begins with the same decoded film: an 8-bit picture, as `PIL` opens it for the reference,
the same values as `Pixels` for ours. Each brings it to the network grid by itself, since a reading
is not one without. The reference is what a user would write: torchvision's transforms, a forward
pass for the probabilities, then pytorch-grad-cam for the likeliest label. Its manual says that the
logits of its own pass can be had from `outputs`; whoever knows that saves one forward pass of two.
Both are timed, the second as "reference in one pass", and no label of ours hides which is which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.special import softmax
from torch import Tensor
from torchvision.transforms import v2

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.data.pixels import Pixels
from spondyl.data.radiograph import FileFacts
from spondyl.errors import SpondylError
from spondyl.explain.explaining import named
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import Preprocessing
from spondyl.reading.engines import TorchEngine
from spondyl.reading.exporting.checking import planes
from spondyl.reading.exporting.exporting import METHOD
from spondyl.reading.exporting.session import Session

NO_SHA256 = "0" * 64


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one way makes of a film."""

    probabilities: NDArray[np.float64]
    """(labels,)"""
    heatmap: NDArray[np.float32]
    """Of the likeliest label: (h, w) signed on the layer's grid from ours; from the reference
    (height, width) of the network grid, without what is below 0, scaled to 0 … 1."""


Call = Callable[[], Answer]


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """One decoded film, as the reference has it and as we do."""

    picture: Image.Image
    """RGB, three equal channels of 8 bits."""
    pixels: Pixels

    @classmethod
    def drawn(cls, size: tuple[int, int], seed: int) -> Film:
        """A phantom of `size` (height, width)."""
        label = SPINE_LABELS.names[seed % len(SPINE_LABELS)]
        image = drawing.draw(seed, label, size=size).image
        facts = FileFacts("drawn", *size, "L", 0, None, NO_SHA256)
        grey = image.astype(np.float32) / np.float32(255)
        return cls(Image.fromarray(image).convert("RGB"), Pixels(grey, None, None, facts))


def has_reference() -> bool:
    """Whether pytorch-grad-cam, which is no dependency of ours, is installed."""
    return find_spec("pytorch_grad_cam") is not None


def require_reference() -> None:
    """Raises `SpondylError` where the reference cannot be timed."""
    if not has_reference():
        raise SpondylError(
            "the reference needs pytorch-grad-cam, which is not installed",
            "Install the package grad-cam, or name other engines with --engine.",
        )


@contextmanager
def reference(
    network: Network,
    preprocessing: Preprocessing,
    film: Film,
    form: torch.memory_format,
    passes: int,
) -> Iterator[Call]:
    """PyTorch and pytorch-grad-cam, with a forward pass before it (`passes` 2) or its own alone
    (1); closed again, its hooks and gradients are gone from `network`."""
    library = import_module("pytorch_grad_cam")
    targets = import_module("pytorch_grad_cam.utils.model_targets")
    transform = v2.Compose(
        [
            v2.Resize(preprocessing.size),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(preprocessing.mean, preprocessing.std),
        ]
    )

    def both() -> tuple[Tensor, NDArray[np.float32]]:
        image = transform(film.picture)[None].contiguous(memory_format=form)
        if passes == 1:
            maps = cam(input_tensor=image, targets=None)  # None: the likeliest
            return cam.outputs.detach(), maps
        with torch.no_grad():
            logits: Tensor = network(image)
        asked = [targets.ClassifierOutputTarget(int(logits.argmax()))]
        return logits, cam(input_tensor=image, targets=asked)

    def call() -> Answer:
        logits, maps = both()
        return Answer(softmax(logits[0].double().numpy()), maps[0])

    with library.GradCAM(model=network, target_layers=[network.body[-1]]) as cam:
        yield call
    network.zero_grad(set_to_none=True)


def by_torch(network: Network, preprocessing: Preprocessing, film: Film) -> Call:
    """Our engine in PyTorch."""
    engine = TorchEngine({0: network}, preprocessing, named(METHOD), torch.device("cpu"))

    def call() -> Answer:
        look = engine.look(film.pixels, None, engine.folds)
        probabilities = softmax(look.logits[0])
        return Answer(probabilities, look.signed(int(probabilities.argmax())))

    return call


def by_graph(session: Session, preprocessing: Preprocessing, film: Film) -> Call:
    """An exported graph in ONNX Runtime."""

    def call() -> Answer:
        answered = session.run(planes(film.pixels, preprocessing))
        return Answer(answered.probabilities.astype(np.float64), answered.heatmap)

    return call


def from_reference(theirs: Answer, ours: Answer) -> tuple[float, float]:
    """(largest difference of a probability, of a map as a share of its peak) between the reference
    and ours, whose map is cut off below 0, scaled and enlarged as pytorch-grad-cam does, twice.

    Of a map that lies below 0 but for a trace, the trace is scaled up to 1, with all that parts it:
    the reference rounds the resized film to 8 bits, which we do not.
    """
    scaled = import_module("pytorch_grad_cam.utils.image").scale_cam_image
    made = scaled(scaled(ours.heatmap.clip(min=0)[None], theirs.heatmap.shape[::-1]))[0]
    return (
        float(np.abs(theirs.probabilities - ours.probabilities).max()),
        float(np.abs(theirs.heatmap - made).max()),
    )
