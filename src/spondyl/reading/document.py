"""A reading as JSON, for programs: every number of the record, and nothing of whose film it is.

What could lead to the patient (path, unique identifiers, age, sex, the patient's pseudonym) is
written only if `identify` asks for it. The heatmap stands there by its facts; its values are in the
files that the caller names, so that a line of JSON stays a line. What is no number becomes null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from spondyl.data.dicom.facts import DicomFacts
from spondyl.measure.measurement import NOTICE, as_json
from spondyl.reading.record import SCHEMA_VERSION, Film, NetworkAnswer, Reading
from spondyl.trust.plain import plain

IDENTIFYING = (
    "sop_instance_uid",
    "study_uid",
    "series_uid",
    "age_years",
    "sex",
    "patient_key",
)
"""Fields of `DicomFacts` that speak of the patient, or lead to one."""
_TECHNICAL_UIDS = ("sop_class_uid", "transfer_syntax_uid")
"""Names of kinds, alike in all films of a kind."""


def document(
    reading: Reading, identify: bool = False, files: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The reading, ready for JSON, with `schema_version`.

    `files` are names of what was written beside it, such as {"overlay": "film.png"}. Points and
    sizes are as in the record, but `corners`, which are [x, y] as measurements have them. With
    `identify` the film's path, identifiers, and the patient's age, sex and pseudonym are there too.
    """
    return plain(
        {
            "schema_version": SCHEMA_VERSION,
            "film": _film(reading.film, identify),
            "answer": reading.answer,
            "doubts": reading.doubts,
            "likeliest": reading.likeliest,
            "probabilities": _by_label(reading, reading.probabilities),
            "label_set": _label_set(reading),
            "votes": reading.votes,
            "networks": [_network(reading, one) for one in reading.networks],
            "learned_from_this_film": reading.learned_from_it,
            "measurement": _measurement(reading),
            "heatmap": _heatmap(reading),
            "placement": asdict(reading.placement),
            "warnings": reading.warnings,
            "not_run": reading.not_run,
            "files": dict(files or {}),
            "bundle": {"id": reading.bundle_id, "title": reading.title},
            "intended_use": reading.intended_use,
            "notice": NOTICE,
        }
    )


def _film(film: Film, identify: bool) -> dict[str, Any]:
    return {
        "name": film.name,
        "sha256": film.sha256,
        "format": film.format,
        "size": film.size,
        "spacing_mm": film.spacing_mm,
        "dicom": None if film.dicom is None else _dicom(film.dicom, identify),
        **({"path": str(film.path)} if identify else {}),
    }


def _dicom(facts: DicomFacts, identify: bool) -> dict[str, Any]:
    left_out = () if identify else (*IDENTIFYING, *_TECHNICAL_UIDS)
    return {name: value for name, value in asdict(facts).items() if name not in left_out}


def _network(reading: Reading, one: NetworkAnswer) -> dict[str, Any]:
    return {
        "fold": one.fold,
        "logits": _by_label(reading, one.logits),
        "probabilities": _by_label(reading, one.probabilities),
        "calibrated": _by_label(reading, one.calibrated),
        "energy_p": one.energy_p,
        "distance_p": one.distance_p,
        "strangeness_p": one.strangeness_p,
        "refused": one.refused,
    }


def _label_set(reading: Reading) -> dict[str, Any] | None:
    found = reading.label_set
    if found is None:
        return None
    return {
        "labels": found.labels,
        "p_values": _by_label(reading, found.p_values),
        "alpha": found.alpha,
    }


def _measurement(reading: Reading) -> dict[str, Any] | None:
    """As `spondyl measure` has it, but that its film is called as the reading calls it."""
    made, marked = reading.measurement, reading.regions
    if made is None:
        return None
    has_corners = marked is not None and marked.landmarks is not None
    row = as_json(made, marked, made.vertebrae) if has_corners else made.as_dict()
    row.pop("mask_png", None)
    return row | {"image_id": reading.film.name}


def _heatmap(reading: Reading) -> dict[str, Any]:
    heatmap = reading.heatmap
    return {
        "label": heatmap.label,
        "method": heatmap.method,
        "layer": heatmap.layer,
        "unit": heatmap.unit,
        "rectified": heatmap.rectified,
        "peak": heatmap.peak,
        "grid": heatmap.signed.shape,
    }


def _by_label(reading: Reading, values: Any) -> dict[str, Any]:
    return dict(zip(reading.labels, list(values), strict=True))
