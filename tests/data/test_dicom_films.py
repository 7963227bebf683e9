"""DICOM through the door for pixels: one film is one array, whatever it is stored as."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from dicom_films import (
    CR,
    DX,
    DX_FOR_PROCESSING,
    SECONDARY_CAPTURE,
    codestream,
    film,
    read_back,
    saved,
    written,
)
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pack_bits
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from spondyl.data import pixels
from spondyl.data.dicom import decoding

RNG = np.random.default_rng(11)
DOWN, ACROSS = np.mgrid[:40, :30]
SMOOTH8 = (DOWN * 3 + ACROSS * 2).astype(np.uint8)
NOISE8 = RNG.integers(0, 256, (40, 30), dtype=np.uint8)
NOISE12 = RNG.integers(0, 4096, (40, 30), dtype=np.uint16)
NOISE16 = RNG.integers(0, 65_536, (40, 30), dtype=np.uint16)
COLOUR8 = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)
COLOUR16 = RNG.integers(0, 65_536, (40, 30, 3), dtype=np.uint16)

PLAIN = (
    *(ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian),
    DeflatedExplicitVRLittleEndian,
)
LOSSLESS = (
    *PLAIN,
    *(RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless),
)
LOSSES = {
    JPEGBaseline8Bit: (2, None),
    JPEGExtended12Bit: (2, 2),
    JPEGLSNearLossless: (2, 2),
    JPEG2000: (4, 30),
    HTJ2K: (2, 2),
}
"""Levels by which the writer of the tests may change a smooth film of 8 and of 12 bits."""


def as_png(folder, values: np.ndarray):
    path = folder / "film.png"
    Image.fromarray(values).save(path)
    return pixels.read(path)


# --- one film, one array -------------------------------------------------------------------------


@pytest.mark.parametrize("values", [NOISE8, NOISE16], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
def test_the_same_film_as_png_and_monochrome1_gives_the_same_pixels(tmp_path, syntax, values):
    expected = as_png(tmp_path, values).grey
    turned = np.iinfo(values.dtype).max - values
    for name, stored in (("MONOCHROME2", values), ("MONOCHROME1", turned)):
        path = tmp_path / f"{name}.dcm"
        written(path, stored, CR, syntax, PhotometricInterpretation=name)
        np.testing.assert_array_equal(pixels.read(path).grey, expected)


def test_every_16_bit_value_is_turned_round_to_the_last_bit(tmp_path):
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    expected = as_png(tmp_path, every).grey
    for name, stored in (("MONOCHROME2", every), ("MONOCHROME1", 65_535 - every)):
        path = written(tmp_path / "film.dcm", stored, PhotometricInterpretation=name)
        np.testing.assert_array_equal(pixels.read(path).grey, expected)


def test_a_window_over_all_that_the_bits_can_hold_changes_nothing(tmp_path):
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    path = written(tmp_path / "film.dcm", every, DX, WindowCenter=32_768, WindowWidth=65_536)
    np.testing.assert_array_equal(pixels.read(path).grey, as_png(tmp_path, every).grey)


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_the_range_without_a_window_is_what_the_stored_bits_can_hold(tmp_path, bits):
    values = NOISE16 >> (17 - bits)  # one bit less than could be used, so the film stays dark
    path = written(tmp_path / "film.dcm", values, BitsStored=bits)
    expected = (values / (2**bits - 1)).astype(np.float32)
    np.testing.assert_array_equal(pixels.read(path).grey, expected)


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_signed_pixels_go_from_their_least_to_their_largest_value(tmp_path, syntax, bits):
    values = (NOISE16.astype(np.int32) >> (16 - bits)) - 2 ** (bits - 1)
    kept = values.astype(np.int8 if bits == 8 else np.int16)
    path = written(tmp_path / "film.dcm", kept, CR, syntax, BitsStored=bits)
    expected = (values + 2 ** (bits - 1)) / (2**bits - 1)
    np.testing.assert_array_equal(pixels.read(path).grey, expected.astype(np.float32))


@pytest.mark.parametrize("syntax", [*PLAIN, RLELossless], ids=lambda syntax: syntax.name)
def test_bits_beside_the_stored_ones_are_cut_as_the_high_bit_says(tmp_path, syntax):
    rubbish = RNG.integers(0, 4, NOISE12.shape, dtype=np.uint16)
    stored = (NOISE12 << 2) | rubbish | (rubbish << 14)
    path = written(tmp_path / "film.dcm", stored, CR, syntax, BitsStored=12, HighBit=13)
    expected = (NOISE12 / 4095).astype(np.float32)
    np.testing.assert_array_equal(pixels.read(path).grey, expected)


def test_the_sign_is_that_of_the_high_bit_and_not_of_the_word(tmp_path):
    values = NOISE12.astype(np.int16) - 2048
    stored = values.view(np.uint16) & 0x0FFF  # nothing above the twelve bits
    path = written(tmp_path / "film.dcm", stored, BitsStored=12, PixelRepresentation=1)
    expected = ((values + 2048) / 4095).astype(np.float32)
    np.testing.assert_array_equal(pixels.read(path).grey, expected)


# --- transfer syntaxes ---------------------------------------------------------------------------


def test_every_transfer_syntax_that_is_claimed_is_tried_here():
    assert {*LOSSLESS, *LOSSES, HTJ2KLosslessRPCL} == decoding.SYNTAXES


@pytest.mark.parametrize("syntax", LOSSES, ids=lambda syntax: syntax.name)
def test_lossy_films_are_as_near_as_their_writer_left_them(tmp_path, syntax):
    loss8, loss12 = LOSSES[syntax]
    path = written(tmp_path / "film.dcm", SMOOTH8, CR, syntax)
    assert np.abs(pixels.read(path).grey * 255 - SMOOTH8).max() <= loss8 + 0.01
    if loss12 is not None:
        smooth = SMOOTH8.astype(np.uint16) * 16
        path = written(tmp_path / "film.dcm", smooth, CR, syntax, BitsStored=12)
        assert np.abs(pixels.read(path).grey * 4095 - smooth).max() <= loss12 + 0.01


def test_high_throughput_jpeg_2000_in_rpcl_order_is_read_as_any(tmp_path):
    fragment = codestream(NOISE12, HTJ2KLossless, 12)
    path = written(
        tmp_path / "film.dcm",
        NOISE12,
        CR,
        HTJ2KLosslessRPCL,
        BitsStored=12,
        PixelData=encapsulate([fragment]),
    )
    np.testing.assert_array_equal(pixels.read(path).grey, (NOISE12 / 4095).astype(np.float32))


def test_a_value_that_a_lossy_codec_lifts_too_high_stays_white(tmp_path):
    stored = np.full((16, 16), 4095, np.uint16)
    stored[::2] = 4097  # as a codec with room for sixteen bits may give back twelve
    stored[0, 0] = 0
    path = written(tmp_path / "film.dcm", stored, CR, JPEGLSNearLossless, BitsStored=12)
    grey = pixels.read(path).grey
    assert grey[1:].min() > 0.999
    assert grey[0, 0] == 0


def test_a_frame_in_many_fragments_is_one_picture(tmp_path):
    whole = codestream(NOISE12, JPEGLSLossless, 12)
    parts = encapsulate([whole], fragments_per_frame=5)
    path = written(tmp_path / "a.dcm", NOISE12, CR, JPEGLSLossless, BitsStored=12, PixelData=parts)
    np.testing.assert_array_equal(pixels.read(path).grey, (NOISE12 / 4095).astype(np.float32))


# --- colour --------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [COLOUR8, COLOUR16], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
def test_rgb_is_read_as_the_same_picture_in_a_file(tmp_path, syntax, values):
    path = written(tmp_path / "film.dcm", values, SECONDARY_CAPTURE, syntax)
    read = pixels.read(path)
    full = np.iinfo(values.dtype).max
    np.testing.assert_array_equal(read.rgb, np.divide(values, full, dtype=np.float32))
    if values.dtype == np.uint8:
        expected = as_png(tmp_path, values)
        np.testing.assert_array_equal(read.rgb, expected.rgb)
        np.testing.assert_array_equal(read.grey, expected.grey)


def test_colours_plane_by_plane_are_the_same_picture(tmp_path):
    planes = np.moveaxis(COLOUR8, -1, 0).tobytes()
    path = written(
        tmp_path / "film.dcm",
        COLOUR8,
        SECONDARY_CAPTURE,
        PlanarConfiguration=1,
        PixelData=planes,
    )
    np.testing.assert_array_equal(pixels.read(path).rgb, as_png(tmp_path, COLOUR8).rgb)


def ybr_of(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """PS3.3 C.7.6.3.1.2, from its equations."""
    return (
        0.2990 * red + 0.5870 * green + 0.1140 * blue,
        -0.1687 * red - 0.3313 * green + 0.5000 * blue + 128,
        0.5000 * red - 0.4187 * green - 0.0813 * blue + 128,
    )


def test_ybr_full_is_turned_back_by_the_standards_equations(tmp_path):
    colours = RNG.integers(60, 200, (12, 10, 3))
    ybr = np.array([[ybr_of(*pixel) for pixel in row] for row in colours])
    path = written(
        tmp_path / "film.dcm",
        np.rint(ybr).astype(np.uint8),
        SECONDARY_CAPTURE,
        PhotometricInterpretation="YBR_FULL",
    )
    assert np.abs(pixels.read(path).rgb * 255 - colours).max() < 1.6  # rounding of three values


def test_ybr_full_422_shares_its_colours_by_two(tmp_path):
    y = RNG.integers(0, 256, (10, 8), dtype=np.uint8)
    packed = np.full((10, 4, 4), 128, np.uint8)
    packed[..., 0], packed[..., 1] = y[:, ::2], y[:, 1::2]
    read = pixels.read(
        written(
            tmp_path / "film.dcm",
            np.zeros((10, 8, 3), np.uint8),
            SECONDARY_CAPTURE,
            PhotometricInterpretation="YBR_FULL_422",
            PixelData=packed.tobytes(),
        )
    )
    assert read.rgb is None
    np.testing.assert_array_equal(read.grey, (y / 255).astype(np.float32))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_each_value_its_colour(tmp_path, bits):
    palette = RNG.integers(0, 2**bits, (200, 3))
    index = RNG.integers(0, 230, (12, 10), dtype=np.uint8)
    tables = {}
    for channel, name in enumerate(("Red", "Green", "Blue")):
        entries = palette[:, channel].astype("<u2" if bits == 16 else "u1").tobytes()
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [200, 10, bits]
        tables[f"{name}PaletteColorLookupTableData"] = entries
    path = written(
        tmp_path / "film.dcm",
        index,
        SECONDARY_CAPTURE,
        PhotometricInterpretation="PALETTE COLOR",
        **tables,
    )
    expected = [[palette[min(max(int(i) - 10, 0), 199)] for i in row] for row in index]
    np.testing.assert_allclose(pixels.read(path).rgb, np.array(expected) / (2**bits - 1), atol=1e-7)


def test_a_colour_jpeg_is_the_picture_that_its_file_is(tmp_path):
    smooth = np.stack([SMOOTH8, SMOOTH8[::-1], SMOOTH8[:, ::-1]], axis=-1)
    (tmp_path / "film.jpg").write_bytes(codestream(smooth, JPEGBaseline8Bit, 8))
    expected = pixels.read(tmp_path / "film.jpg")
    for photometric in ("YBR_FULL_422", "YBR_FULL", "RGB"):
        path = written(
            tmp_path / "film.dcm",
            smooth,
            SECONDARY_CAPTURE,
            JPEGBaseline8Bit,
            PhotometricInterpretation=photometric,
        )
        read = pixels.read(path)
        np.testing.assert_array_equal(read.rgb, expected.rgb)
        said = any("JPEG says that it is YBR" in note for note in read.dicom.notes)
        assert said == (photometric == "RGB")


# --- files without a head ------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", PLAIN[:3], ids=lambda syntax: syntax.name)
def test_an_old_file_without_preamble_and_meta_header_is_read(tmp_path, syntax):
    path = saved(tmp_path / "film.dcm", film(NOISE12, CR, syntax, BitsStored=12))
    whole = path.read_bytes()
    meta_length = int.from_bytes(whole[140:144], "little")
    bare, with_meta = tmp_path / "bare", tmp_path / "meta"
    bare.write_bytes(whole[144 + meta_length :])
    with_meta.write_bytes(whole[132:])
    for old in (bare, with_meta):
        read = pixels.read(old)
        assert read.dicom.transfer_syntax_uid == syntax
        np.testing.assert_array_equal(read.grey, pixels.read(path).grey)


def test_a_meta_header_without_transfer_syntax_leaves_it_to_the_first_element(
    tmp_path,
):
    dataset = film(NOISE12, BitsStored=12)
    path = saved(tmp_path / "film.dcm", dataset)
    whole = path.read_bytes()
    uid = b"1.2.840.10008.1.2.1\0"
    at = whole.index(b"\x02\x00\x10\x00UI")
    path.write_bytes(whole[:at] + whole[at + 8 + len(uid) :])
    assert pixels.read(path).dicom.transfer_syntax_uid == ExplicitVRLittleEndian


def test_what_a_film_is_may_stand_in_its_meta_header_alone(tmp_path):
    dataset = film(NOISE12, BitsStored=12)
    del dataset.SOPClassUID, dataset.SOPInstanceUID
    dicom = pixels.read(saved(tmp_path / "film.dcm", dataset)).dicom
    assert dicom.sop_class_uid == CR
    assert dicom.sop_instance_uid


# --- the films of the tests -----------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is missing")
@pytest.mark.parametrize("sop_class", [CR, DX, DX_FOR_PROCESSING, SECONDARY_CAPTURE])
def test_an_independent_validator_finds_no_error_in_them(tmp_path, sop_class):
    path = written(tmp_path / "film.dcm", NOISE12, sop_class, BitsStored=12)
    said = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
    assert "Error" not in said


# --- what else is in a file ----------------------------------------------------------------------


def test_the_facts_of_a_film_are_those_of_its_header(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE12, DX, BitsStored=12)
    header = pixels.header(path)
    assert (header.facts.format, header.facts.mode) == ("DICOM", "MONOCHROME2;12")
    assert (header.facts.height, header.facts.width) == NOISE12.shape
    assert header.facts.n_bytes == path.stat().st_size
    assert header.facts.dpi is None
    read = pixels.read(path)
    assert read.facts == header.facts == pixels.facts(path)
    assert read.dicom == header.dicom


def test_an_icon_before_the_film_is_not_taken_for_it(tmp_path):
    icon = film(NOISE8[:8, :8])
    del icon.file_meta
    path = written(tmp_path / "film.dcm", NOISE12, BitsStored=12, IconImageSequence=[icon])
    np.testing.assert_array_equal(pixels.read(path).grey, (NOISE12 / 4095).astype(np.float32))


def test_an_overlay_is_left_out_and_that_is_said(tmp_path):
    dataset = film(NOISE12, BitsStored=12)
    group = 0x6000
    dataset.add_new((group, 0x0010), "US", 40)
    dataset.add_new((group, 0x0011), "US", 30)
    dataset.add_new((group, 0x0040), "CS", "G")
    dataset.add_new((group, 0x0050), "SS", [1, 1])
    dataset.add_new((group, 0x0100), "US", 1)
    dataset.add_new((group, 0x0102), "US", 0)
    dataset.add_new((group, 0x3000), "OW", pack_bits(np.ones(1200, np.uint8)))
    read = pixels.read(saved(tmp_path / "film.dcm", dataset))
    np.testing.assert_array_equal(read.grey, (NOISE12 / 4095).astype(np.float32))
    assert any("overlay" in note for note in read.dicom.notes)


def test_one_frame_of_a_multi_frame_object_is_a_film(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE8, "1.2.840.10008.5.1.4.1.1.7.2", NumberOfFrames=1)
    np.testing.assert_array_equal(pixels.read(path).grey, as_png(tmp_path, NOISE8).grey)


def test_reading_says_nothing_on_the_terminal(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE8)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"051Y", b"51Jx").replace(b"20210401", b"2021-4-1"))
    assert read_back(path) is not None
    code = (
        "import logging, sys\nfrom spondyl.data import pixels\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "print(pixels.read(sys.argv[1]).dicom.age_years)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_films_read_at_once_leave_the_warnings_of_the_process_as_they_were(tmp_path):
    paths = [written(tmp_path / f"{number}.dcm", NOISE8) for number in range(8)]
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(pixels.read, paths * 4))
    assert warnings.filters == before
    assert all(np.array_equal(one.grey, read[0].grey) for one in read)
