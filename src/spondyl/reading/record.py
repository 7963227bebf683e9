"""What a bundle says of one film: the record that text, JSON, overlay, page and DICOM print.

A reading has an answer or doubts, never both: an answer is given where nothing speaks against it,
and every doubt is a sentence that says why there is none. Heatmap and probabilities are there
either way, because a person may want to see what was doubted. What could not be done (no spacing,
no measurement of a lateral film, no outlier detector in the bundle) stands among `not_run`.

Nothing in it names the patient. `dicom` leads back to the study for whoever holds it, and is left
out of all that is written unless somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spondyl.data.dicom.facts import DicomFacts
from spondyl.data.placement import Placement, Size
from spondyl.data.regions import Regions
from spondyl.explain.heatmap import Heatmap
from spondyl.measure.measurement import Measurement

SCHEMA_VERSION = 1

DoubtKind = Literal[
    "unlike the training films",
    "several labels",
    "no label",
    "likeliest label ruled out",
    "networks disagree",
]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason why no answer is given."""

    kind: DoubtKind
    why: str
    """A sentence for people, with its numbers."""


@dataclass(frozen=True, slots=True)
class Film:
    """The file that was read; nothing in it says whose film it is."""

    path: Path
    name: str
    """What the film is called in all that is written: chosen by the caller, "film" or a number
    where the file's own name may name a patient."""
    sha256: str
    format: str
    """JPEG, PNG, TIFF or DICOM."""
    size: Size
    """(height, width) pixels, upright."""
    spacing_mm: tuple[float, float] | None
    """(row, column) millimetres per pixel where the file states it."""
    dicom: DicomFacts | None
    """None for a file that is not DICOM."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkAnswer:
    """What one network of the bundle says."""

    fold: int
    """Of the study; 0 of a network that was refitted on all films."""
    logits: NDArray[np.float64]
    """(labels,) as they came."""
    probabilities: NDArray[np.float64]
    """(labels,) their softmax at temperature 1, as the study's table has them."""
    calibrated: NDArray[np.float64]
    """(labels,) at the bundle's temperature."""
    energy_p: float | None
    """Share of the films kept aside that are as strange by energy, this one among them: 0 … 1; None
    where the bundle has no detector for the network."""
    distance_p: float | None
    """The same by distance among pooled features."""
    refused: bool | None
    """Whether the network's detector takes the film for none of its kind."""

    @property
    def strangeness_p(self) -> float | None:
        """Twice the smaller p value, at most 1: small is strange."""
        if self.energy_p is None or self.distance_p is None:
            return None
        return min(1.0, 2 * min(self.energy_p, self.distance_p))


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels that cannot be ruled out at the stated rate."""

    labels: tuple[str, ...]
    """In the bundle's order; may be empty, or hold all."""
    p_values: tuple[float, ...]
    """Of every label of the bundle, in its order: how usual such a film would be under it."""
    alpha: float
    """A label is in the set where its p value is above this."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the networks of a bundle make of one film."""

    film: Film
    bundle_id: str
    title: str
    """Network, strategy and protocol of the bundle."""
    intended_use: str
    labels: tuple[str, ...]
    """In the order of every array here."""
    probabilities: NDArray[np.float64]
    """(labels,) mean of the networks' calibrated ones, summing to 1."""
    networks: tuple[NetworkAnswer, ...]
    """Those that answered, one at least, in the order of the folds."""
    learned_from_it: tuple[int, ...]
    """Folds of the bundle whose network had this very file in its training part. They are left out
    of `networks` unless all had it."""
    label_set: LabelSet | None
    """None where the bundle has no thresholds; `not_run` says why."""
    doubts: tuple[Doubt, ...]
    heatmap: Heatmap
    """For the likeliest label: the mean of the networks' signed maps on the layer's grid."""
    placement: Placement
    """From the network grid to the film's."""
    measurement: Measurement | None
    """Of the spine finder, where one was asked; itself perhaps a refusal."""
    regions: Regions | None
    """What the finder found, on the film's grid; None where it found nothing or was not asked."""
    warnings: tuple[str, ...]
    """What is unlike the films that were trained on by what is stated of this one, and what
    happened to its pixels: sentences that change no number."""
    not_run: tuple[str, ...]
    """What was not done and why, in sentences."""

    @property
    def likeliest(self) -> str:
        """The label with the largest probability, doubted or not."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def answer(self) -> str | None:
        """The label that is answered; None where there are doubts."""
        return None if self.doubts else self.likeliest

    @property
    def probability(self) -> float:
        """Of the likeliest label, calibrated."""
        return float(self.probabilities.max())

    @property
    def votes(self) -> dict[str, int]:
        """How many networks call each label, labels without a vote left out."""
        called = [self.labels[int(one.calibrated.argmax())] for one in self.networks]
        return {label: called.count(label) for label in self.labels if label in called}
