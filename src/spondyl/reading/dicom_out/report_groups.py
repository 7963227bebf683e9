"""The measurement groups of a report (PS3.16 TID 1501): classification, angles, one for each curve.

A probability is a number between 0 and 1 without a unit. The standard's "Probability" stands only
beside the Finding that it is of; the probability of any other label has a name of its own, so it
can never be read as that of the finding. An interval is written as the standard's two ranges of
measurement uncertainty, below and above the angle, with the share of films that it is meant for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from highdicom.sr import (
    AlgorithmIdentification,
    ContentSequence,
    FindingSite,
    ImageContentItem,
    MeasurementsAndQualitativeEvaluations,
    NumContentItem,
    QualitativeEvaluation,
    RelationshipTypeValues,
    TextContentItem,
    TrackingIdentifier,
)
from highdicom.sr import Measurement as Number
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from spondyl.measure.cobb import Curve, Interval
from spondyl.measure.measurement import Measurement
from spondyl.reading.dicom_out import codes
from spondyl.reading.dicom_out.envelope import MANUFACTURER, new_uid
from spondyl.reading.record import Reading
from spondyl.reading.words import shown

IN_SET = codes.private("IN-SET", "Label that cannot be ruled out")
NOTHING = codes.private("NOTHING", "None of the labels")
SET_RATE = codes.private("SET-RATE", "Share of films whose label the set may miss")
NETWORKS = codes.private("NETWORKS", "Networks that answered")
INTERVAL_LEVEL = codes.private("LEVEL", "Share of films whose angle the interval holds")
UPPER_END = codes.private("UPPER-END", "Upper end vertebra")
APEX = codes.private("APEX", "Apical vertebra")
LOWER_END = codes.private("LOWER-END", "Lower end vertebra")
CONVEX = codes.private("CONVEX-SIDE", "Side of the convexity, if shown face to face")
AT_EDGE = codes.private("AT-EDGE", "End of the curve")
MAY_GO_ON = codes.private("MAY-GO-ON", "May go on beyond the vertebrae that were found")
CURVE = codes.private("CURVE", "Curve of the spine in the frontal plane")
SECOND_ANGLE = codes.private("ANGLE-2", "Second angle as AASCE 2019 defines it")
THIRD_ANGLE = codes.private("ANGLE-3", "Third angle as AASCE 2019 defines it")
NOT_MEASURED = codes.private("NOT-MEASURED", "Why nothing was measured")
ANGLES: Final = (codes.COBB_ANGLE.code, SECOND_ANGLE, THIRD_ANGLE)

Group = MeasurementsAndQualitativeEvaluations


def groups(reading: Reading, heatmap: Dataset, overlay: Dataset) -> list[Group]:
    """Classification first, then what was measured from the top of the spine down."""
    made = [_classification(reading, heatmap, overlay)]
    if reading.measurement is not None:
        made += [_angles(reading.measurement)]
        made += [
            _curve(curve, number, reading.measurement)
            for number, curve in enumerate(reading.measurement.curves, 1)
        ]
    return made


def probability_of(label: str) -> Code:
    """What the probability of a label is called, be it answered or not."""
    return codes.named("PROB", label, f"Probability of {label}")


def p_value_of(label: str) -> Code:
    """What the label's p value in the conformal set is called."""
    return codes.named("PVAL", label, f"Conformal p value of {label}")


def votes_for(label: str) -> Code:
    """What the number of networks that call a label is called."""
    return codes.named("VOTES", label, f"Networks that call {label}")


def _classification(reading: Reading, heatmap: Dataset, overlay: Dataset) -> Group:
    group = Group(
        tracking_identifier=TrackingIdentifier(new_uid(), "classification"),
        finding_type=None if reading.answer is None else codes.of_label(reading.answer),
        finding_sites=[FindingSite(codes.SPINE.code)],
        algorithm_id=AlgorithmIdentification(
            name=shown(reading.title),
            version=reading.bundle_id,
            parameters=[f"heatmap: {reading.heatmap.method} at {reading.heatmap.layer}"],
            family=codes.ARTIFICIAL_INTELLIGENCE.code,
            manufacturer=MANUFACTURER,
        ),
        measurements=_numbers(reading),
        qualitative_evaluations=_set(reading),
    )
    for image in (heatmap, overlay):
        group[0].ContentSequence.append(_explanation(image))
    return group


def _numbers(reading: Reading) -> list[Number]:
    """Probabilities, p values and rate of the set, votes."""
    made = []
    if reading.answer is not None:
        made.append(_number(codes.PROBABILITY.code, reading.probability))
    for label, probability in zip(reading.labels, reading.probabilities, strict=True):
        made.append(_number(probability_of(label), float(probability)))
    if reading.label_set is not None:
        made.append(_number(SET_RATE, reading.label_set.alpha))
        for label, p_value in zip(reading.labels, reading.label_set.p_values, strict=True):
            made.append(_number(p_value_of(label), p_value))
    made.append(_number(NETWORKS, len(reading.networks)))
    made += [_number(votes_for(label), votes) for label, votes in reading.votes.items()]
    return made


def _set(reading: Reading) -> list[QualitativeEvaluation]:
    if reading.label_set is None:
        return []
    inside = [codes.of_label(label) for label in reading.label_set.labels] or [NOTHING]
    return [QualitativeEvaluation(IN_SET, label) for label in inside]


def _explanation(image: Dataset) -> ImageContentItem:
    return ImageContentItem(
        name=codes.VISUAL_EXPLANATION.code,
        referenced_sop_class_uid=image.SOPClassUID,
        referenced_sop_instance_uid=image.SOPInstanceUID,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )


def _angles(measurement: Measurement) -> Group:
    """The three angles, or the sentence that says why there are none."""
    numbers = []
    intervals = measurement.interval_degrees or (None, None, None)
    for name, degrees, interval in zip(
        ANGLES, measurement.cobb_degrees or (), intervals, strict=False
    ):
        numbers.append(_angle(name, degrees, interval))
    group = Group(
        tracking_identifier=TrackingIdentifier(new_uid(), "angles"),
        finding_sites=[FindingSite(codes.SPINE.code)],
        algorithm_id=_finder(measurement),
        measurements=[*numbers, *_level(measurement)],
    )
    if measurement.refusal is not None:
        group[0].ContentSequence.append(
            TextContentItem(
                NOT_MEASURED, shown(measurement.refusal), RelationshipTypeValues.CONTAINS
            )
        )
    return group


def _curve(curve: Curve, number: int, measurement: Measurement) -> Group:
    places = [
        QualitativeEvaluation(name, codes.VERTEBRAE[vertebra].code)
        for name, vertebra in (
            (UPPER_END, curve.upper),
            (APEX, curve.apex),
            (LOWER_END, curve.lower),
        )
    ]
    if curve.at_edge:
        places.append(QualitativeEvaluation(AT_EDGE, MAY_GO_ON))
    return Group(
        tracking_identifier=TrackingIdentifier(new_uid(), f"curve {number}"),
        finding_type=CURVE,
        finding_sites=[FindingSite(codes.SPINE.code)],
        algorithm_id=_finder(measurement),
        measurements=[
            _angle(codes.COBB_ANGLE.code, curve.cobb_degrees, curve.interval_degrees),
            *(_level(measurement) if curve.interval_degrees is not None else ()),
        ],
        qualitative_evaluations=[
            *places,
            QualitativeEvaluation(CONVEX, codes.SIDES[curve.side].code),
        ],
    )


def _angle(name: Code, degrees: float, interval: Interval | None) -> Number:
    angle = Number(name, degrees, codes.DEGREE.code)
    if interval is not None:
        low, high = interval
        angle[0].ContentSequence = ContentSequence(
            [
                _range(codes.LOWER_UNCERTAINTY.code, degrees - low),
                _range(codes.UPPER_UNCERTAINTY.code, high - degrees),
            ]
        )
    return angle


def _range(name: Code, degrees: float) -> NumContentItem:
    """A property of an angle (TID 310), in degrees; highdicom's own has no unit."""
    kind = RelationshipTypeValues.HAS_PROPERTIES
    return NumContentItem(name, degrees, codes.DEGREE.code, relationship_type=kind)


def _level(measurement: Measurement) -> Sequence[Number]:
    if measurement.interval_level is None:
        return ()
    return (_number(INTERVAL_LEVEL, measurement.interval_level),)


def _finder(measurement: Measurement) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name="spine finder", version=measurement.made_by, manufacturer=MANUFACTURER
    )


def _number(name: Code, value: float) -> Number:
    return Number(name, value, codes.NO_UNITS.code)
