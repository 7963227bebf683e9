"""Made-up readings, for tests of what is written of a reading: three labels, two networks."""

from dataclasses import replace
from pathlib import Path

import dicom_films
import numpy as np

from spondyl.data import pixels
from spondyl.data.placement import Placement
from spondyl.explain.heatmap import Heatmap
from spondyl.measure.cobb import Curve
from spondyl.measure.measurement import Measurement
from spondyl.reading.record import Doubt, Film, LabelSet, NetworkAnswer, Reading

LABELS = ("normal", "scoliosis", "spondylolisthesis")
BUNDLE_ID = "5b" * 32
SIZE = (90, 60)
STRANGE = Doubt("unlike the training films", "Only 1 of 200 films kept aside is so strange.")
SEVERAL = Doubt("several labels", "At 0.1, scoliosis and normal cannot be ruled out.")
CURVE = Curve("T5", "T9", "L1", "right", 31.4, False, (27.0, 35.5))


def network(fold: int, *logits: float, temperature: float = 2.0) -> NetworkAnswer:
    """The answer of one network with these `logits`, of a film that is not strange to it."""
    values = np.array(logits)
    return NetworkAnswer(
        fold, values, _softmax(values), _softmax(values / temperature), 0.62, 0.31, False
    )


def film(path: Path = Path("film.png"), **changes) -> Film:
    """A film of `SIZE` that is called "film"; nothing is read from `path`."""
    made = Film(path, "film", "0" * 64, "PNG", SIZE, None, None)
    return replace(made, **changes)


def dicom_film(path: Path, sop_class: str = dicom_films.CR, depth=np.uint16, **changes) -> Film:
    """A drawn DICOM film of `SIZE` in a new file at `path`, as the door for pixels reads it;
    `changes` are elements of its header, or its transfer syntax."""
    drawn = np.random.default_rng(1).integers(0, 256, SIZE).astype(depth)
    dicom_films.written(path, drawn, sop_class, **changes)
    read = pixels.read(path)
    return Film(path, path.stem, read.facts.sha256, "DICOM", read.size, read.spacing_mm, read.dicom)


def heatmap(label: str = "scoliosis", seed: int = 0) -> Heatmap:
    """A signed map (7, 5) float32 with values on both sides of 0."""
    values = np.random.default_rng(seed).normal(0.3, 1.0, (7, 5)).astype(np.float32)
    return Heatmap("film", values, label, "Grad-CAM", "layer4", BUNDLE_ID)


def measurement(**changes) -> Measurement:
    """A frontal film's measurement with one curve."""
    made = Measurement(
        image_id="film",
        image_size=SIZE,
        made_by="finder-1",
        view="frontal",
        view_probability=0.99,
        confidence=0.87,
        vertebrae=("T5", "T9", "L1"),
        cobb_degrees=(31.4, 12.0, 8.5),
        interval_degrees=((27.0, 35.5), (8.0, 16.0), (4.5, 12.5)),
        interval_level=0.9,
        curves=(CURVE,),
    )
    return replace(made, **changes)


def reading(**changes) -> Reading:
    """A reading that answers "scoliosis"; its probabilities follow from its networks unless they
    are among the `changes`, fields of `Reading`."""
    networks = changes.pop("networks", (network(0, 0.2, 2.6, -1.0), network(1, 0.5, 1.9, -0.4)))
    shown = changes.pop("film", film())
    made = Reading(
        film=shown,
        bundle_id=BUNDLE_ID,
        title="resnet50, linear probe, nested protocol",
        intended_use="For research, not for diagnosis.",
        labels=LABELS,
        probabilities=np.mean([one.calibrated for one in networks], axis=0),
        networks=networks,
        learned_from_it=(),
        label_set=LabelSet(("scoliosis",), (0.04, 0.71, 0.02), 0.1),
        doubts=(),
        heatmap=heatmap(),
        placement=Placement.fit(shown.size, (224, 224), "letterbox"),
        measurement=measurement(),
        regions=None,
        warnings=(),
        not_run=(),
    )
    return replace(made, **changes)


def doubted(*doubts: Doubt, **changes) -> Reading:
    """The same reading without an answer, for the doubts given or for its strangeness."""
    return reading(doubts=doubts or (STRANGE,), **changes)


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()
