"""From stored values to grey, pixel by pixel as PS3.3 C.11 defines it, beside the table of ours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dicom_films import CR, DX, DX_FOR_PROCESSING, film, written
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from spondyl.data import pixels
from spondyl.data.dicom import grey, layout
from spondyl.errors import SpondylError

EVERY12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)
RF = "1.2.840.10008.5.1.4.1.1.12.2"


def table(first: int, entries: list[int], bits: int, packed: bool = False) -> Dataset:
    """One item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65_536, first, bits])
    kind = "<u1" if packed else "<u2"
    item.add_new("LUTData", "OW", np.array(entries, kind).tobytes())
    return item


def read(tmp_path, stored: np.ndarray, sop_class: str = CR, **changes: object) -> pixels.Pixels:
    changes = {"BitsStored": 12, **changes}
    return pixels.read(written(tmp_path / "film.dcm", stored, sop_class, **changes))


def linear(x: float, centre: float, width: float) -> float:
    """C.11.2.1.2.1, with 0 and 1 for the least and the largest output."""
    if x <= centre - 0.5 - (width - 1) / 2:
        return 0.0
    if x > centre - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (centre - 0.5)) / (width - 1) + 0.5


def linear_exact(x: float, centre: float, width: float) -> float:
    """C.11.2.1.3.2."""
    if x <= centre - width / 2:
        return 0.0
    if x > centre + width / 2:
        return 1.0
    return (x - centre) / width + 0.5


def sigmoid(x: float, centre: float, width: float) -> float:
    """C.11.2.1.3.1."""
    return 1 / (1 + math.exp(min(-4 * (x - centre) / width, 700)))


FUNCTIONS = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}


def looked_up(x: float, first: int, entries: list[int], bits: int) -> float:
    """C.11.1.1.1: what is below gets the first entry, what is above the last."""
    place = round(x) - first
    entry = entries[0] if place < 0 else entries[min(place, len(entries) - 1)]
    return entry / (2**bits - 1)


# --- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("centre", "width"), [(2048, 4096), (1000, 300), (1000.5, 1), (1, 2), (-100, 900), (3000, 1.5)]
)
def test_a_window_is_the_standards_formula(tmp_path, function, centre, width, photometric):
    found = read(
        tmp_path,
        EVERY12,
        WindowCenter=centre,
        WindowWidth=width,
        VOILUTFunction=function,
        PhotometricInterpretation=photometric,
    )
    expected = np.vectorize(lambda x: FUNCTIONS[function](float(x), centre, width))(EVERY12)
    expected = 1 - expected if photometric == "MONOCHROME1" else expected
    np.testing.assert_allclose(found.grey, expected, atol=1e-6)
    assert found.dicom.notes == ()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_window_is_of_values_after_the_rescale(tmp_path, function):
    stored = (EVERY12.astype(np.int16) - 2048).reshape(64, 64)
    found = read(
        tmp_path,
        stored,
        RescaleSlope=0.5,
        RescaleIntercept=-300,
        WindowCenter=-400,
        WindowWidth=600,
        VOILUTFunction=function,
    )
    rescaled = stored * 0.5 - 300
    expected = np.vectorize(lambda x: FUNCTIONS[function](x, -400, 600))(rescaled)
    np.testing.assert_allclose(found.grey, expected, atol=1e-6)


def test_the_first_of_several_windows_is_used_and_that_is_said(tmp_path):
    several = {"WindowCenter": [1000, 2000, 3000], "WindowWidth": [300, 400, 500]}
    found = read(tmp_path, EVERY12, **several)
    first = read(tmp_path, EVERY12, WindowCenter=1000, WindowWidth=300)
    np.testing.assert_array_equal(found.grey, first.grey)
    assert found.dicom.notes == ("it states 3 windows of levels; the first was used",)


@pytest.mark.parametrize("width", [0, -100, 0.5])
def test_a_window_of_no_width_is_not_applied_and_that_is_said(tmp_path, width):
    found = read(tmp_path, EVERY12, WindowCenter=1000, WindowWidth=width)
    np.testing.assert_array_equal(found.grey, read(tmp_path, EVERY12).grey)
    assert "which is none" in found.dicom.notes[0]


def test_a_window_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(SpondylError, match="of the kind CUBIC, which is not defined"):
        read(tmp_path, EVERY12, WindowCenter=1000, WindowWidth=9, VOILUTFunction="CUBIC")


# --- look-up tables ------------------------------------------------------------------------------


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("first", "n_entries", "bits"), [(0, 4096, 12), (500, 300, 16), (0, 4096, 10), (4000, 4, 8)]
)
@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
def test_a_look_up_table_gives_each_value_its_entry(
    tmp_path, sequence, first, n_entries, bits, photometric
):
    entries = np.random.default_rng(first).integers(0, 2**bits, n_entries).tolist()
    item = table(first, entries, bits)
    found = read(tmp_path, EVERY12, PhotometricInterpretation=photometric, **{sequence: [item]})
    expected = np.vectorize(lambda x: looked_up(float(x), first, entries, bits))(EVERY12)
    expected = 1 - expected if photometric == "MONOCHROME1" else expected
    np.testing.assert_allclose(found.grey, expected, atol=1e-6)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
@pytest.mark.parametrize("representation", ["US", "OW"])
def test_entries_are_read_in_every_order_of_bytes(tmp_path, syntax, representation):
    entries = np.random.default_rng(1).integers(0, 4096, 4096)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    as_bytes = entries.astype(order).tobytes()
    data = entries.tolist() if representation == "US" else as_bytes
    item.add_new("LUTData", representation, data)
    dataset = {"VOILUTSequence": [item]}
    path = written(tmp_path / "film.dcm", EVERY12, CR, syntax, BitsStored=12, **dataset)
    expected = (entries / 4095).astype(np.float32).reshape(64, 64)
    np.testing.assert_allclose(pixels.read(path).grey, expected, atol=1e-7)


def test_entries_of_eight_bits_may_be_packed_two_to_a_word(tmp_path):
    entries = np.random.default_rng(2).integers(0, 256, 4096).tolist()
    plain = read(tmp_path, EVERY12, VOILUTSequence=[table(0, entries, 8)])
    packed = read(tmp_path, EVERY12, VOILUTSequence=[table(0, entries, 8, packed=True)])
    np.testing.assert_array_equal(plain.grey, packed.grey)


def test_a_table_of_65536_entries_is_written_with_the_number_0(tmp_path):
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    entries = every.ravel()[::-1].tolist()
    found = read(tmp_path, every, BitsStored=16, VOILUTSequence=[table(0, entries, 16)])
    expected = ((65_535 - every) / 65_535).astype(np.float32)
    np.testing.assert_array_equal(found.grey, expected)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_table_for_signed_values_may_begin_below_zero(tmp_path, syntax):
    stored = EVERY12.astype(np.int16) - 2048
    entries = np.random.default_rng(3).integers(0, 4096, 1000).tolist()
    path = written(
        tmp_path / "film.dcm",
        stored,
        CR,
        syntax,
        BitsStored=12,
        VOILUTSequence=[table(-700, entries, 12)],
    )
    expected = np.vectorize(lambda x: looked_up(float(x), -700, entries, 12))(stored)
    np.testing.assert_allclose(pixels.read(path).grey, expected, atol=1e-6)


def test_a_table_goes_before_a_window_and_that_is_said(tmp_path):
    entries = list(range(4095, -1, -1))
    two = [table(0, entries, 12), table(0, [0, 1], 12)]
    window = {"WindowCenter": 100, "WindowWidth": 50}
    found = read(tmp_path, EVERY12, VOILUTSequence=two, **window)
    np.testing.assert_array_equal(found.grey, ((4095 - EVERY12) / 4095).astype(np.float32))
    assert found.dicom.notes == (
        "it states 2 tables and 1 window of levels; the first table was used",
    )


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (table(0, [0, 300], 8), "entries exceed its 8 bits"),
        (table(0, [0, 1], 17), "of 17 bits"),
        (Dataset(), "without a descriptor"),
    ],
)
def test_a_damaged_table_is_refused_and_not_passed_over(tmp_path, item, expected):
    with pytest.raises(SpondylError, match=expected):
        read(tmp_path, EVERY12, VOILUTSequence=[item])


def test_a_table_that_is_cut_short_is_refused(tmp_path):
    item = table(0, list(range(50)), 12)
    item.LUTDescriptor = [500, 0, 12]
    with pytest.raises(SpondylError, match="500 entries in 100 bytes"):
        read(tmp_path, EVERY12, ModalityLUTSequence=[item])


# --- modality ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.1, 7), (3.7, 0), (2**-9, 1e6)])
def test_a_rescale_without_a_window_changes_nothing(tmp_path, slope, intercept):
    """The range follows the values, so what was darkest stays darkest."""
    found = read(tmp_path, EVERY12, RescaleSlope=slope, RescaleIntercept=intercept)
    np.testing.assert_allclose(found.grey, EVERY12 / np.float32(4095), atol=1e-6)


def test_a_rescale_downwards_turns_the_film_round(tmp_path):
    found = read(tmp_path, EVERY12, RescaleSlope=-1, RescaleIntercept=4095)
    np.testing.assert_array_equal(found.grey, ((4095 - EVERY12) / 4095).astype(np.float32))


def test_fluoroscopy_in_logarithms_is_shown_without_its_modality_table(tmp_path):
    changes = {
        "ModalityLUTSequence": [table(0, list(range(4095, -1, -1)), 12)],
        "PixelIntensityRelationship": "LOG",
    }
    found = read(tmp_path, EVERY12, RF, **changes)
    np.testing.assert_array_equal(found.grey, (EVERY12 / 4095).astype(np.float32))
    assert "not applied" in found.dicom.notes[0]
    of_cr = read(tmp_path, EVERY12, CR, **changes)
    np.testing.assert_array_equal(of_cr.grey, ((4095 - EVERY12) / 4095).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(
    signed=st.booleans(),
    bits=st.integers(2, 12),
    slope=st.sampled_from((-2.0, -0.5, 1.0, 0.25, 3.0)),
    intercept=st.integers(-2000, 2000),
    centre=st.integers(-3000, 3000),
    width=st.integers(1, 5000),
    function=st.sampled_from(sorted(FUNCTIONS)),
    inverse=st.booleans(),
)
def test_all_steps_together_are_the_steps_one_after_another(
    signed, bits, slope, intercept, centre, width, function, inverse
):
    stored = np.zeros((8, 8), np.int16 if signed else np.uint16)
    dataset = film(
        stored,
        BitsStored=bits,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        WindowCenter=centre,
        WindowWidth=width,
        VOILUTFunction=function,
        PhotometricInterpretation="MONOCHROME1" if inverse else "MONOCHROME2",
    )
    stated = layout.of(dataset, "film")
    found, notes = grey.table_of(stated, dataset, is_little=True)
    lowest = -(2 ** (bits - 1)) if signed else 0
    assert (stated.lowest, len(found)) == (lowest, 2**bits)
    for place, value in enumerate(found.tolist()):
        y = FUNCTIONS[function]((lowest + place) * slope + intercept, centre, width)
        assert value == pytest.approx(1 - y if inverse else y, abs=1e-6)
    assert notes == ()


# --- presentation --------------------------------------------------------------------------------


def test_a_film_is_never_inverted_twice(tmp_path):
    turned = 4095 - EVERY12
    changes = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    found = read(tmp_path, turned, DX, WindowCenter=2048, WindowWidth=4096, **changes)
    np.testing.assert_array_equal(found.grey, (EVERY12 / 4095).astype(np.float32))
    assert found.dicom.notes == ()


@pytest.mark.parametrize(
    ("photometric", "shape"), [("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")]
)
def test_a_shape_that_contradicts_the_photometric_interpretation_is_named(
    tmp_path, photometric, shape
):
    changes = {"PhotometricInterpretation": photometric}
    found = read(tmp_path, EVERY12, DX, PresentationLUTShape=shape, **changes)
    plain = read(tmp_path, EVERY12, CR, **changes)
    np.testing.assert_array_equal(found.grey, plain.grey)
    assert "contradicts" in found.dicom.notes[0]


def test_a_film_for_processing_is_read_and_said_to_be_one(tmp_path):
    found = read(tmp_path, EVERY12, DX_FOR_PROCESSING)
    assert any("for processing" in note for note in found.dicom.notes)
    assert any("more radiation" in note for note in found.dicom.notes)


# --- padding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_whatever_is_white(tmp_path, photometric):
    changes = {"PhotometricInterpretation": photometric}
    plain = read(tmp_path, EVERY12, **changes).grey
    one = read(tmp_path, EVERY12, PixelPaddingValue=100, **changes)
    expected = np.where(EVERY12 == 100, 0, plain)
    np.testing.assert_array_equal(one.grey, expected)
    assert "pixels of the value 100 are padding" in one.dicom.notes[0]
    limits = {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000}
    several = read(tmp_path, EVERY12, **limits, **changes)
    np.testing.assert_array_equal(several.grey, np.where(EVERY12 >= 4000, 0, plain))


def test_padding_that_no_pixel_can_have_is_none(tmp_path):
    found = read(tmp_path, EVERY12, PixelPaddingValue=5000)
    np.testing.assert_array_equal(found.grey, read(tmp_path, EVERY12).grey)
    assert found.dicom.notes == ()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_padding_of_signed_pixels_has_their_sign(tmp_path, syntax):
    stored = EVERY12.astype(np.int16) - 2048
    changes = {"BitsStored": 12, "PixelPaddingValue": -2000}
    found = pixels.read(written(tmp_path / "film.dcm", stored, CR, syntax, **changes))
    plain = pixels.read(written(tmp_path / "film.dcm", stored, CR, syntax, BitsStored=12))
    np.testing.assert_array_equal(found.grey, np.where(stored == -2000, 0, plain.grey))


# --- values that are none ------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["WindowCenter", "WindowWidth", "RescaleSlope"])
@pytest.mark.parametrize("value", [b"wide", b"nan ", b"-inf"])
def test_a_level_that_is_no_number_is_refused_and_not_passed_over(tmp_path, keyword, value):
    changes = {"WindowCenter": 1234, "WindowWidth": 1234, "RescaleSlope": 1234, keyword: 7777}
    path = written(tmp_path / "film.dcm", EVERY12, BitsStored=12, **changes)
    path.write_bytes(path.read_bytes().replace(b"7777", value, 1))
    with pytest.raises(SpondylError, match="no number"):
        pixels.read(path)


def test_an_empty_second_value_is_none(tmp_path):
    path = written(
        tmp_path / "film.dcm", EVERY12, BitsStored=12, WindowCenter=[1000, 22], WindowWidth=500
    )
    path.write_bytes(path.read_bytes().replace(b"1000\\22 ", b"1000\\   "))
    plain = read(tmp_path / "plain", EVERY12, WindowCenter=1000, WindowWidth=500)
    np.testing.assert_array_equal(pixels.read(path).grey, plain.grey)
