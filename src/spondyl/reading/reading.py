"""One radiograph, from its file to a reading: the whole line.

file → pixels → network grid → every network's features and logits → calibrated probabilities, the
labels that cannot be ruled out, how strange the film is → heatmap → measurement. A `Reader` holds
what films share, networks and detectors on their device, so that thousands are read with one
opening and with the memory of one film; `read` is the same line for a single film. Which engine
sends films through the networks (`engines`) changes their speed and the last digits of a number.

A film that the study knew is read by those networks alone that did not learn from it. The heatmap
is the mean of the networks' signed maps for the likeliest label, taken before the ReLU in which a
method may end, so that networks that disagree cancel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spondyl.data import pixels
from spondyl.data.loose_films import safe
from spondyl.data.pixels import Pixels
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.explain.heatmap import Heatmap
from spondyl.learn.fabrics import device_on
from spondyl.learn.networks import Network
from spondyl.measure import finder as finders
from spondyl.measure import measuring
from spondyl.measure.finder import Finder
from spondyl.measure.measuring import Measured
from spondyl.reading import opening, trained_on
from spondyl.reading.bundle import Bundle
from spondyl.reading.doubting import doubts
from spondyl.reading.engines import Engine, Look, TorchEngine
from spondyl.reading.record import Film, LabelSet, NetworkAnswer, Reading
from spondyl.trust.asking import detecting
from spondyl.trust.asking.detecting import NetworkDetector

METHOD = "grad-cam"
FILM = "film"
"""What a film is called where nobody names it: file names may name patients."""


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A bundle ready to read films: an engine with its networks, and its detectors."""

    bundle: Bundle
    engine: Engine
    detectors: Mapping[int, NetworkDetector]
    """Of the folds that have one."""
    finder: Finder | None
    """Measures frontal films; None where nobody wants them measured."""

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        device: str = "auto",
        method: str = METHOD,
        finder: Finder | None = None,
    ) -> Reader:
        """`bundle` by PyTorch on `device` ("auto", "cpu", "cuda"), with heatmaps by `method`.

        Raises `SpondylError` for an unknown device or method, and for a method that is not defined
        for the bundle's networks.
        """
        return cls.by(TorchEngine.of(bundle, device, method), bundle, finder)

    @classmethod
    def by(cls, engine: Engine, bundle: Bundle, finder: Finder | None = None) -> Reader:
        """`bundle` by an engine that has its networks."""
        found = {fold: bundle.detector(fold) for fold in bundle.folds}
        known = {fold: detector for fold, detector in found.items() if detector is not None}
        return cls(bundle, engine, known, finder)

    @property
    def networks(self) -> Mapping[int, Network]:
        """Of all folds, by fold, for whoever asks them more than a reading does."""
        return self._by_torch.networks

    @property
    def device(self) -> torch.device:
        """The networks' device."""
        return self._by_torch.device

    @property
    def _by_torch(self) -> TorchEngine:
        if not isinstance(self.engine, TorchEngine):
            raise SpondylError(
                "an exported graph has its outputs alone; its networks cannot be asked for more",
                "Use the torch engine.",
            )
        return self.engine

    def read(self, path: Path, name: str = FILM, spine: Spine | None = None) -> Reading:
        """The reading of the film in a file, called `name` in all that is written of it.

        Raises `SpondylError` for a file that is no film, and where networks are shown films by
        their spine and neither `spine` nor a finder says where it is.
        """
        return self.read_pixels(pixels.read(path), Path(path), name, spine)

    def read_pixels(
        self, film: Pixels, path: Path, name: str = FILM, spine: Spine | None = None
    ) -> Reading:
        """The reading of a film that was decoded already from `path`."""
        measured = None if self.finder is None else measuring.measure(film, name, self.finder)
        sha256 = film.facts.sha256
        learned = self.bundle.learned_from(sha256)
        folds = tuple(fold for fold in self.engine.folds if fold not in learned)
        folds = folds or self.engine.folds
        look = self.engine.look(film, spine or self._found_spine(measured, name), folds)
        answers = tuple(self._answer(fold, row, look) for row, fold in enumerate(folds))
        probabilities = np.mean([one.calibrated for one in answers], axis=0)
        column = int(probabilities.argmax())
        label_set, no_set = self._label_set(answers, sha256)
        labels = self.bundle.labels.names
        return Reading(
            film=Film(
                *(path, name, sha256, film.facts.format, film.size, film.spacing_mm, film.dicom)
            ),
            bundle_id=self.bundle.bundle_id,
            title=str(self.bundle.configuration),
            intended_use=self.bundle.intended_use,
            labels=labels,
            probabilities=probabilities,
            networks=answers,
            learned_from_it=learned,
            label_set=label_set,
            doubts=doubts(labels[column], labels, answers, label_set, self.bundle.quorum),
            heatmap=self._heatmap(look, column, name),
            placement=look.placement,
            measurement=None if measured is None else measured.measurement,
            regions=None if measured is None else measured.regions,
            warnings=self._warnings(film, answers, learned),
            not_run=(*no_set, *self._not_run(film, answers)),
        )

    def _found_spine(self, measured: Measured | None, name: str) -> Spine | None:
        """Where the finder sees the spine, for a bundle whose networks are shown films by it."""
        if not self.bundle.preprocessing.needs_spine or measured is None:
            return None
        marked = measured.regions
        box = None if marked is None else marked.spine_box
        if marked is None or box is None:
            raise SpondylError(
                f"{name}: its networks are shown films by their spine, and none was found "
                f"({measured.measurement.refusal})",
                "Give the film's spine mask with --regions.",
            )
        return Spine(box, marked.image_size, marked.made_by)

    def _answer(self, fold: int, row: int, look: Look) -> NetworkAnswer:
        logits = look.logits[row]
        if not np.isfinite(logits).all():
            raise SpondylError(
                f"the network of fold {fold} gives no finite answer to this film",
                "Its values are beyond what the network can take; look at the film.",
            )
        detector = self.detectors.get(fold)
        energy_p = distance_p = refused = None
        if detector is not None:
            found = detector.score(detecting.Seen(look.pooled[[row]], logits[None]))
            energy_p, distance_p = float(found.energy_p[0]), float(found.distance_p[0])
            refused = bool(found.refused[0])
        plain = torch.from_numpy(logits).softmax(dim=0).numpy()
        calibrated = self.bundle.calibration_set.calibrated(logits)
        return NetworkAnswer(fold, logits, plain, calibrated, energy_p, distance_p, refused)

    def _label_set(
        self, answers: Sequence[NetworkAnswer], sha256: str
    ) -> tuple[LabelSet | None, tuple[str, ...]]:
        """The labels that cannot be ruled out; or nothing, and why."""
        known, answered = self.bundle.calibration_set, [one.fold for one in answers]
        judged_by = None
        if len(answered) == 1 and answered[0] in self.bundle.tested_on(sha256):
            judged_by = answered[0]
        elif set(answered) != set(self.bundle.folds):
            return None, ("which labels cannot be ruled out: not all networks could be asked",)
        p_values = known.p_values({one.fold: one.logits for one in answers}, judged_by)
        kept = known.not_ruled_out(p_values)
        return LabelSet(kept, tuple(map(float, p_values)), known.alpha), ()

    def _heatmap(self, look: Look, column: int, name: str) -> Heatmap:
        method = self.engine.method
        return Heatmap(
            name,
            look.signed(column),
            self.bundle.labels.names[column],
            method.title,
            self.engine.layer,
            self.bundle.bundle_id,
            method.rectified,
            method.unit,
        )

    def _warnings(
        self, film: Pixels, answers: Sequence[NetworkAnswer], learned: Sequence[int]
    ) -> tuple[str, ...]:
        said = list(trained_on.strange_in(film, self.bundle.trained_on))
        if all(one.fold in learned for one in answers):
            said.append(
                "every network learned from this very file, so what they say is in part memory"
            )
        if film.rgb is not None and self.bundle.preprocessing.colour == "grey":
            said.append("the picture has colours; the networks were shown its greys")
        height, width = self.bundle.preprocessing.size
        if film.size[0] < height or film.size[1] < width:
            said.append(
                f"the film is smaller ({film.size[0]} × {film.size[1]} pixels) than what the "
                f"networks look at ({height} × {width}), so it was enlarged"
            )
        return tuple(said)

    def _not_run(self, film: Pixels, answers: Sequence[NetworkAnswer]) -> tuple[str, ...]:
        said = list(trained_on.not_compared(film, self.bundle.trained_on))
        if not any(one.fold in self.detectors for one in answers):
            why = next(one.why_no_detector for one in self.bundle.members)
            said.append(f"whether the film is like the training films: {why}")
        if self.finder is None:
            said.append("angles: no spine finder was asked")
        return tuple(said)


def read(
    path: str | Path,
    bundle: str | Path | Bundle,
    *,
    name: str | None = None,
    device: str = "auto",
    measure: bool = True,
    method: str = METHOD,
) -> Reading:
    """What the networks of `bundle`, a folder, make of the film at `path`.

    `name` is what the film is called in all that is written of the reading; "film" where it is not
    given, since file names may name patients. With `measure` the spine finder that comes along
    measures the film. For many films open the bundle once: `Reader.of(opening.load(folder))`.
    Raises `SpondylError` for a file that is no film and a folder that is no bundle.
    """
    opened = bundle if isinstance(bundle, Bundle) else opening.load(Path(bundle))
    called = FILM if name is None else safe(name) or FILM
    finder = finders.load(finders.shipped_path(), device_on(device)) if measure else None
    return Reader.of(opened, device, method, finder).read(Path(path), called)
