"""The codes that our DICOM objects speak in, and where each of them was found.

A code of a standard stands here only where its number was read in a published table; the tests hold
those of the DICOM standard against pydicom's copy of its context groups. What no table has - a
conformal set, a vote, a label of somebody's own - gets a private code with its own name. The price
is that a program which does not know us can show such an item, but not understand it; a standard
code with a slightly other meaning would be understood wrongly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from pydicom.sr.coding import Code

from spondyl.data.labels import NORMAL, SCOLIOSIS, SPONDYLOLISTHESIS
from spondyl.measure.cobb import CurveSide
from spondyl.reading.record import DoubtKind
from spondyl.reading.words import shown

PRIVATE_SCHEME: Final = "99SPONDYL"
"""PS3.16 section 8.2: designators that begin with 99 are private."""
LONGEST = 64
"""Characters of a text of VR LO, such as a code's meaning."""


@dataclass(frozen=True, slots=True)
class Found:
    """A code of a standard with the tables in which it was read."""

    code: Code
    found_in: tuple[str, ...]
    """One alone where no second table was at hand that is not a copy of the first."""


def _sct(value: str, meaning: str, *found_in: str) -> Found:
    return Found(Code(value, "SCT", meaning), found_in)


def _dcm(value: str, meaning: str, found_in: str) -> Found:
    return Found(Code(value, "DCM", meaning), (found_in,))


_FHIR_COPY = "DICOM terminology in FHIR, value set of the same context group"

LABELS: dict[str, Found] = {
    NORMAL: _sct("17621005", "Normal", "PS3.16 CID 222", "PS3.16 CID 242"),
    SCOLIOSIS: _sct(
        "298382003",
        "Scoliosis deformity of spine",
        "HL7 FHIR value set SyntheaSpinaBifidaVS",
        "Endeavour Health information model, concept sct#298382003",
    ),
    SPONDYLOLISTHESIS: _sct(
        "274152003",
        "Spondylolisthesis",
        "table of SNOMED CT to ICD-10-CM, beside M43.10",
        "ontology of spine pathologies, SNOMEDMapping 274152003",
    ),
}
"""What a label of the bundle is called as a finding."""

VERTEBRAE: dict[str, Found] = {
    name: _sct(value, f"{name} vertebra", "PS3.16 CID 7603", _FHIR_COPY)
    for name, value in {
        "T1": "64864005", "T2": "53733008", "T3": "1626008", "T4": "73071006",
        "T5": "56401006", "T6": "45296009", "T7": "62487009", "T8": "11068009",
        "T9": "82687006", "T10": "7610001", "T11": "12989004", "T12": "23215003",
        "L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002",
        "L5": "49668003",
    }.items()
}  # fmt: skip

SIDES: dict[CurveSide, Found] = {
    "left": _sct("7771000", "Left", "PS3.16 CID 244"),
    "right": _sct("24028007", "Right", "PS3.16 CID 244"),
}

SPINE = _sct("421060004", "Spine", "PS3.16 CID 4", "PS3.16 CID 4031")
COBB_ANGLE = _sct("285285000", "Cobb angle", "PS3.16 CID 218", "PS3.16 CID 7550")
LOWER_UNCERTAINTY = _sct("371885007", "-, range of lower measurement uncertainty", "PS3.16 CID 225")
UPPER_UNCERTAINTY = _sct("371886008", "+, range of upper measurement uncertainty", "PS3.16 CID 225")
PLAIN_RADIOGRAPHY = _sct("168537006", "Plain radiography", "PS3.16 CID 10005")
QUANTITY = _sct("246205007", "Quantity", "PS3.3 section C.7.6.16.2.11, Quantity Definition")

FINDING = _dcm("121071", "Finding", "PS3.16 TID 1501")
PROBABILITY = _dcm("122157", "Probability", "PS3.16 Annex D")
VISUAL_EXPLANATION = _dcm("130401", "Visual explanation", "PS3.16 Annex D")
CLASS_ACTIVATION = _dcm("130402", "Class activation", "PS3.16 CID 217")
GRADIENT_CLASS_ACTIVATION = _dcm("130403", "Gradient-weighted class activation", "PS3.16 CID 217")
SALIENCY = _dcm("130404", "Saliency", "PS3.16 CID 217")
SOURCE_IMAGE = _dcm("121322", "Source image for image processing operation", "PS3.16 CID 7202")
FILM = _dcm("121324", "Source image", "PS3.16 CID 7060")
OTHER_MODALITY = _dcm("OT", "Other", "PS3.16 CID 32")
ALGORITHM_NAME = _dcm("111001", "Algorithm Name", "PS3.16 TID 4019")
ALGORITHM_VERSION = _dcm("111003", "Algorithm Version", "PS3.16 TID 4019")
ARTIFICIAL_INTELLIGENCE = _dcm("123110", "Artificial Intelligence", "PS3.16 CID 7162")
PROCESSING_EQUIPMENT = _dcm("109102", "Processing Equipment", "PS3.16 CID 7005")
DEIDENTIFYING_EQUIPMENT = _dcm("109104", "De-identifying Equipment", "PS3.16 CID 7005")
BASIC_PROFILE = _dcm("113100", "Basic Application Confidentiality Profile", "PS3.16 CID 7050")
CLEAN_STRUCTURED_CONTENT = _dcm("113104", "Clean Structured Content Option", "PS3.16 CID 7050")
CLEAN_DESCRIPTORS = _dcm("113105", "Clean Descriptors Option", "PS3.16 CID 7050")

QUALITATIVE_EVALUATIONS = Found(
    Code("C0034375", "UMLS", "Qualitative Evaluations"),
    ("HL7 mapping of DICOM SR to FHIR, TID 1500", "dcmjs, MeasurementReport"),
)
NO_UNITS = Found(Code("1", "UCUM", "no units"), ("PS3.16 CID 7181",))
DEGREE = Found(Code("deg", "UCUM", "Degree"), ("PS3.16 CID 7183",))

METHODS: dict[str, Found] = {
    "CAM": CLASS_ACTIVATION,
    "Score-CAM": CLASS_ACTIVATION,
    "Recipro-CAM": CLASS_ACTIVATION,
    "Recipro-CAM, Gaussian": CLASS_ACTIVATION,
    "Grad-CAM": GRADIENT_CLASS_ACTIVATION,
    "Grad-CAM++": GRADIENT_CLASS_ACTIVATION,
    "HiResCAM": GRADIENT_CLASS_ACTIVATION,
    "XGrad-CAM": GRADIENT_CLASS_ACTIVATION,
    "LayerCAM": GRADIENT_CLASS_ACTIVATION,
}
"""By a method's title: maps that weigh the network's activations, by gradients or without. All
other maps are a saliency, the standard's word for the weight of a place in an answer."""

_DOUBTS: dict[DoubtKind, str] = {
    "unlike the training films": "NA-STRANGER",
    "several labels": "NA-SEVERAL",
    "no label": "NA-NO-LABEL",
    "likeliest label ruled out": "NA-RULED-OUT",
    "networks disagree": "NA-DISAGREE",
}
DOUBTS: dict[DoubtKind, Code] = {
    kind: Code(value, PRIVATE_SCHEME, f"No answer: {kind}") for kind, value in _DOUBTS.items()
}


def private(value: str, meaning: str) -> Code:
    """A code of our own, with a value of at most 16 characters."""
    if not 0 < len(value) <= 16:
        raise ValueError(f"{value!r} is no code value of 1 to 16 characters")
    return Code(value, PRIVATE_SCHEME, short(meaning))


def short(text: str) -> str:
    """`text` as a value of VR LO: one line of at most 64 characters, without the backslash that
    parts values."""
    return shown(text).replace("\\", "/")[:LONGEST]


def of_label(label: str) -> Code:
    """What the label is called as a finding; a private code of its own name where `LABELS` does
    not know it."""
    known = LABELS.get(label.casefold())
    return known.code if known else named("LABEL", label, label)


def named(kind: str, name: str, meaning: str) -> Code:
    """A private code for what `kind` (at most 7 characters) is called `name`: one name, one
    code."""
    return private(f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:8]}", meaning)


def of_method(title: str) -> Code:
    """What the standard calls a heatmap of the method with this title (CID 217)."""
    return METHODS.get(title, SALIENCY).code
