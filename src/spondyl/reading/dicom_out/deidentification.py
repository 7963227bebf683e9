"""The Basic Application Level Confidentiality Profile (PS3.15 Annex E), for what we write.

Every element of a finished object is looked up, sequences within sequences included: `ACTIONS` has
what Table E.1-1 names, `UNNAMED` what it does not, and an element that stands in neither stops the
writing. So a new attribute cannot slip through; the price is that whoever adds one has to look it
up first. Two options go with the profile, because content and descriptions are kept that are wholly
our own and were never the patient's: Clean Structured Content and Clean Descriptors. Pixels are not
cleaned: a film that says that its pixels name somebody is refused.

Identifiers become a keyed hash of what they were. The key is random, made once a run and never
written, so that all objects of a run refer to each other as before, two films of one study stay in
one study, and nobody, we included, finds the way back.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID

from spondyl.errors import SpondylError
from spondyl.reading.dicom_out import codes
from spondyl.reading.dicom_out.envelope import coded, uid_of

DUMMY_DATE, DUMMY_TIME, DUMMY_TEXT = "19000101", "000000", "REMOVED"


class Deed(Enum):
    """What is done to an attribute, which is one of what its action in Table E.1-1 allows."""

    REMOVE = "X"
    EMPTY = "Z"
    REPLACE_UID = "U"
    DUMMY = "D"
    KEEP_CLEAN = "C"
    """Its value is ours and never the patient's; of a sequence, each item is treated by itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of Table E.1-1, and what we make of it."""

    action: str
    """Of the Basic Profile, as the table spells it; after "C:" that of an option."""
    deed: Deed


ACTIONS: dict[str, Rule] = {
    "AccessionNumber": Rule("Z", Deed.EMPTY),
    "AcquisitionContextSequence": Rule("X/Z", Deed.EMPTY),
    "ContentCreatorName": Rule("Z/D", Deed.EMPTY),
    "ContentDate": Rule("Z/D", Deed.DUMMY),
    "ContentSequence": Rule("D, C: Clean Structured Content", Deed.KEEP_CLEAN),
    "ContentTime": Rule("Z/D", Deed.DUMMY),
    "ContributionDateTime": Rule("X", Deed.REMOVE),
    "ContributionDescription": Rule("X, C: Clean Descriptors", Deed.KEEP_CLEAN),
    "DerivationDescription": Rule("X, C: Clean Descriptors", Deed.KEEP_CLEAN),
    "DeviceSerialNumber": Rule("X/Z/D", Deed.DUMMY),
    "DimensionOrganizationUID": Rule("U", Deed.REPLACE_UID),
    "FrameOfReferenceUID": Rule("U", Deed.REPLACE_UID),
    "InstanceCreationDate": Rule("X/D", Deed.REMOVE),
    "InstanceCreationTime": Rule("X/Z/D", Deed.REMOVE),
    "IssuerOfPatientID": Rule("X", Deed.REMOVE),
    "MediaStorageSOPInstanceUID": Rule("U", Deed.REPLACE_UID),
    "PatientBirthDate": Rule("Z", Deed.EMPTY),
    "PatientID": Rule("Z/D", Deed.DUMMY),
    "PatientName": Rule("Z", Deed.EMPTY),
    "PatientSex": Rule("Z", Deed.EMPTY),
    "ReferencedPerformedProcedureStepSequence": Rule("X/Z/D", Deed.EMPTY),
    "ReferencedSOPInstanceUID": Rule("U", Deed.REPLACE_UID),
    "ReferringPhysicianName": Rule("Z", Deed.EMPTY),
    "SOPInstanceUID": Rule("U", Deed.REPLACE_UID),
    "SeriesDescription": Rule("X, C: Clean Descriptors", Deed.KEEP_CLEAN),
    "SeriesInstanceUID": Rule("U", Deed.REPLACE_UID),
    "SourceImageSequence": Rule("X/Z/U*", Deed.KEEP_CLEAN),
    "StudyDate": Rule("Z", Deed.EMPTY),
    "StudyDescription": Rule("X", Deed.REMOVE),
    "StudyID": Rule("Z", Deed.EMPTY),
    "StudyInstanceUID": Rule("U", Deed.REPLACE_UID),
    "StudyTime": Rule("Z", Deed.EMPTY),
    "UID": Rule("U", Deed.REPLACE_UID),
}
"""The rows of PS3.15 Table E.1-1 that concern our objects, by keyword; editions 2024b and 2026c."""

_UNNAMED = """
BitsAllocated BitsStored BodyPartExamined BurnedInAnnotation CodeMeaning CodeValue
CodingSchemeDesignator CodingSchemeIdentificationSequence CodingSchemeName
CodingSchemeResponsibleOrganization Columns CompletionFlag ConceptCodeSequence
ConceptNameCodeSequence ContentDescription ContentLabel ContentQualification
ContentTemplateSequence ContinuityOfContent ContributingEquipmentSequence ConversionType
CurrentRequestedProcedureEvidenceSequence DerivationCodeSequence DerivationImageSequence
DimensionDescriptionLabel DimensionIndexPointer DimensionIndexSequence DimensionIndexValues
DimensionOrganizationSequence DoubleFloatRealWorldValueFirstValueMapped
DoubleFloatRealWorldValueLastValueMapped FileMetaInformationGroupLength
FileMetaInformationVersion FloatPixelData FloatingPointValue FrameContentSequence FrameType
FrameVOILUTSequence FunctionalGroupPointer HighBit ImageType ImplementationClassUID
ImplementationVersionName InstanceNumber LUTExplanation LUTLabel Laterality
LossyImageCompression LossyImageCompressionMethod LossyImageCompressionRatio Manufacturer
ManufacturerModelName MappingResource MeasuredValueSequence MeasurementUnitsCodeSequence
MediaStorageSOPClassUID Modality NumberOfFrames NumericValue ParametricMapFrameTypeSequence
PatientOrientation PerFrameFunctionalGroupsSequence PerformedProcedureCodeSequence
PhotometricInterpretation PixelData PixelMeasuresSequence PixelRepresentation
PixelValueTransformationSequence PlanarConfiguration PlaneOrientationSequence
PlanePositionSequence PositionReferenceIndicator PreliminaryFlag PresentationLUTShape
PurposeOfReferenceCodeSequence QuantityDefinitionSequence RealWorldValueIntercept
RealWorldValueMappingSequence RealWorldValueSlope RecognizableVisualFeatures
ReferencedInstanceSequence ReferencedSOPClassUID ReferencedSOPSequence
ReferencedSeriesSequence RelationshipType RescaleIntercept RescaleSlope RescaleType Rows
SOPClassUID SamplesPerPixel SeriesNumber SharedFunctionalGroupsSequence SoftwareVersions
SpatialLocationsPreserved SpecificCharacterSet TemplateIdentifier TextValue TransferSyntaxUID
ValueType VerificationFlag VolumetricProperties WindowCenter WindowWidth
"""
UNNAMED = frozenset(_UNNAMED.split())
"""Attributes of our objects that Table E.1-1 does not name, so that they stay."""


@dataclass(frozen=True, slots=True)
class Deidentification:
    """One run of it: what was one before is one afterwards."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def uid(self, original: str) -> UID:
        """What takes the place of an identifier, below 2.25."""
        return uid_of(hmac.digest(self.key, original.encode(), "sha256"))

    def patient_id(self, patient_id: str, issuer: str) -> str:
        """A pseudonym of 16 hexadecimal digits; "" for nobody's number."""
        if not patient_id:
            return ""
        named = f"{len(issuer)}:{issuer}{patient_id}".encode()
        return hmac.digest(self.key, named, "sha256").hex()[:16]


def deidentify(made: FileDataset, run: Deidentification, *, pixels_are_clean: bool) -> None:
    """Takes the patient out of an object, in place, and says in it how.

    `pixels_are_clean` where it shows no pixel of a film, or the film's file says that they name
    nobody; else the object does not claim that the identity is removed.

    Raises `SpondylError` for an object with an attribute that was never looked up.
    """
    pseudonym = run.patient_id(made.PatientID, made.get("IssuerOfPatientID", ""))
    for part in (made.file_meta, made):
        _treat(part, run)
    made.PatientID = pseudonym
    _state(made, pixels_are_clean)


def _treat(made: Dataset, run: Deidentification) -> None:
    for element in list(made):
        rule = ACTIONS.get(element.keyword)
        if rule is None and element.keyword not in UNNAMED:
            raise SpondylError(
                f"what is to become of {element.name} {element.tag} in a de-identified file is not "
                "known",
                "Nothing was written. Tell us, and write without de-identification until then.",
            )
        match rule.deed if rule else Deed.KEEP_CLEAN:
            case Deed.REMOVE:
                del made[element.tag]
            case Deed.EMPTY:
                element.value = [] if element.VR == "SQ" else ""
            case Deed.REPLACE_UID:
                element.value = run.uid(str(element.value))
            case Deed.DUMMY:
                element.value = {"DA": DUMMY_DATE, "TM": DUMMY_TIME}.get(element.VR, DUMMY_TEXT)
            case Deed.KEEP_CLEAN:
                for item in element.value if element.VR == "SQ" else ():
                    _treat(item, run)


def _state(made: Dataset, pixels_are_clean: bool) -> None:
    """The attributes of the module Patient (PS3.3 C.7.1.1), and who did it."""
    methods = ["PS3.15 Basic Profile, of attributes that spondyl writes"]
    if not pixels_are_clean:
        methods.append("Pixels not examined: the film states nothing of annotations")
    used: Sequence[Code] = [codes.BASIC_PROFILE.code, codes.CLEAN_DESCRIPTORS.code]
    if "ContentSequence" in made:
        used = [*used, codes.CLEAN_STRUCTURED_CONTENT.code]
    made.PatientIdentityRemoved = "YES" if pixels_are_clean else "NO"
    made.DeidentificationMethod = methods
    made.DeidentificationMethodCodeSequence = [coded(code) for code in used]
    made.LongitudinalTemporalInformationModified = "REMOVED"
    by = deepcopy(made.ContributingEquipmentSequence[0])
    by.PurposeOfReferenceCodeSequence = [coded(codes.DEIDENTIFYING_EQUIPMENT.code)]
    by.ContributionDescription = "De-identified"
    made.ContributingEquipmentSequence.append(by)
