"""DICOM that is refused: objects that are no films, headers that lie, pixels that are not there."""

from __future__ import annotations

import itertools
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_films import CR, SECONDARY_CAPTURE, bytes_of, codestream, film, written
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from spondyl.data import pixels
from spondyl.data.dicom.layout import LARGEST_SAMPLES
from spondyl.errors import SpondylError

NOISE = np.random.default_rng(6).integers(0, 256, (40, 30), dtype=np.uint8)
PACKED = (RLELossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)
STORAGE = "1.2.840.10008.5.1.4.1.1."


def refusal(path: Path) -> SpondylError:
    with pytest.raises(SpondylError) as caught:
        pixels.read(path)
    for line in (caught.value.message, caught.value.hint):
        assert line
        assert "\n" not in line
    assert caught.value.message.startswith(f"{path}: ")
    return caught.value


def message_of(path: Path) -> str:
    return refusal(path).message.removeprefix(f"{path}: ")


# --- what is no film -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("2", "CT Image"),
        ("4", "MR Image"),
        ("1.2", "Digital Mammography X-Ray Image - For Presentation"),
        ("1.3", "Digital Intra-Oral X-Ray Image - For Presentation"),
        ("12.1.1", "Enhanced XA Image"),
        ("66.4", "Segmentation"),
        ("88.33", "Comprehensive SR"),
        ("11.1", "Grayscale Softcopy Presentation State"),
        ("481.3", "RT Structure Set"),
        ("104.1", "Encapsulated PDF"),
    ],
)
def test_an_object_that_is_no_film_is_refused_by_its_name(tmp_path, number, name):
    found = message_of(written(tmp_path / "film.dcm", NOISE, STORAGE + number))
    assert found.startswith("is DICOM, but no radiograph (")
    assert name.split(" - ")[0] in found


def test_an_unknown_class_is_refused_by_its_number(tmp_path):
    assert "(SOP class 1.2.3.4)" in message_of(written(tmp_path / "film.dcm", NOISE, "1.2.3.4"))


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "NM", "MG"])
def test_a_capture_of_another_modality_is_refused(tmp_path, modality):
    path = written(tmp_path / "film.dcm", NOISE, SECONDARY_CAPTURE, Modality=modality)
    assert f"its modality is {modality}" in message_of(path)


@pytest.mark.parametrize("number", ["1", "1.1", "1.1.1", "7", "7.2", "7.3", "12.1", "12.2"])
def test_radiographs_and_captures_of_one_frame_are_films(tmp_path, number):
    path = written(tmp_path / "film.dcm", NOISE, STORAGE + number, Modality="RG")
    np.testing.assert_array_equal(pixels.read(path).grey, (NOISE / 255).astype(np.float32))


def test_several_frames_are_refused_with_a_hint(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE, NumberOfFrames=12)
    error = refusal(path)
    assert "holds 12 frames" in error.message
    assert "Export the frame" in error.hint


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.106", "1.2.840.113619.5.2", "1.2.3", "x"],
)
def test_another_transfer_syntax_is_refused_by_its_name(tmp_path, syntax):
    path = written(tmp_path / "film.dcm", NOISE)
    old, new = (uid + "\0" * (len(uid) % 2) for uid in (ExplicitVRLittleEndian, syntax))
    old, new = (struct.pack("<H", len(uid)) + uid.encode() for uid in (old, new))
    path.write_bytes(path.read_bytes().replace(b"UI" + old, b"UI" + new))
    assert "which is not read" in message_of(path)


# --- headers that lie ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Rows": 0}, "how many rows and columns"),
        ({"Columns": None}, "how many rows and columns"),
        ({"Rows": 41}, "41 × 30 pixels are 1230 bytes; it has 1200"),
        ({"Rows": 65_535, "Columns": 65_535}, "over the limit of 80 million"),
        ({"BitsAllocated": 1, "BitsStored": 1}, "take 1 bits"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "take 12 bits"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "take 32 bits"),
        ({"BitsStored": 9}, "9 bits stored in 8"),
        ({"BitsStored": 0, "HighBit": 0}, "0 bits stored in 8"),
        ({"HighBit": 8}, "is bit 8"),
        ({"BitsStored": 6, "HighBit": 3}, "is bit 3"),
        ({"PixelRepresentation": 2}, "neither signed nor unsigned"),
        ({"SamplesPerPixel": 3}, "do not make MONOCHROME2"),
        ({"SamplesPerPixel": 2}, "do not make MONOCHROME2"),
        ({"PhotometricInterpretation": "RGB"}, "do not make RGB"),
        ({"PhotometricInterpretation": "CMYK"}, "is CMYK"),
        ({"PhotometricInterpretation": ""}, "is not stated"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "without a descriptor"),
        ({"NumberOfFrames": 0}, "claims 0 frames"),
        ({"PixelData": None}, "with no pixels"),
    ],
)
def test_a_header_that_lies_is_refused_in_words(tmp_path, changes, expected):
    path = written(tmp_path / "film.dcm", NOISE, **changes)
    assert expected in message_of(path)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    changes = {"Rows": 0, "PixelRepresentation": 5, "PhotometricInterpretation": "HSV"}
    found = message_of(written(tmp_path / "film.dcm", NOISE, **changes))
    assert len(found.split("; ")) == 3


@pytest.mark.parametrize("syntax", PACKED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("changes", [{"Rows": 41}, {"Rows": 4000, "Columns": 4000}])
def test_a_compressed_picture_of_another_size_is_not_decoded(tmp_path, syntax, changes):
    path = written(tmp_path / "film.dcm", NOISE, CR, syntax, **changes)
    found = message_of(path)
    assert "its header says" in found or "end too early" in found


def test_a_compressed_picture_of_another_process_is_not_decoded(tmp_path):
    for inside, outside in itertools.permutations(PACKED, 2):
        content = encapsulate([codestream(NOISE, inside, 8)])
        path = written(tmp_path / "film.dcm", NOISE, CR, outside, PixelData=content)
        assert "cannot be decoded as DICOM" in message_of(path)


@pytest.mark.parametrize("syntax", PACKED, ids=lambda syntax: syntax.name)
def test_a_film_cut_short_anywhere_is_refused(tmp_path, syntax):
    whole = bytes_of(film(NOISE, CR, syntax))
    path = tmp_path / "film.dcm"
    start = whole.index(b"\xe0\x7f\x10\x00")
    for end in (*range(0, len(whole) - 9, 97), start, start + 12, len(whole) - 9, len(whole) - 8):
        path.write_bytes(whole[:end])
        refusal(path)


def test_native_pixels_cut_by_one_are_refused(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE)
    path.write_bytes(path.read_bytes()[:-1])
    assert "1200 bytes; it has 1199" in message_of(path)


def test_a_jpeg_that_ends_inside_its_fragment_is_refused(tmp_path):
    whole = codestream(NOISE, JPEGBaseline8Bit, 8)
    content = encapsulate([whole[: len(whole) // 2]])
    path = written(tmp_path / "film.dcm", NOISE, CR, JPEGBaseline8Bit, PixelData=content)
    assert "end too early" in message_of(path)


# --- what asks for much --------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    """A sequence in a sequence …, of undefined length each, none of them closed."""
    item = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    return (item + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


def with_element(element: bytes) -> bytes:
    """A sound film with `element` before its pixels."""
    whole = bytes_of(film(NOISE))
    at = whole.index(b"\xe0\x7f\x10\x00")
    return whole[:at] + element + whole[at:]


def deflated_bomb() -> bytes:
    whole = bytes_of(film(NOISE, CR, DeflatedExplicitVRLittleEndian))
    meta_end = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    parts = [packer.compress(bytes(2**20)) for _ in range(300)]
    return whole[:meta_end] + b"".join((*parts, packer.flush()))


def with_view_codes(n_items: int) -> bytes:
    """A sound film but for a view code of `n_items` empty items, whose length is stated."""
    whole = bytes_of(film(NOISE))
    at = whole.index(b"\x28\x00\x02\x00US")
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * n_items
    return (
        whole[:at]
        + struct.pack("<HH2sHI", 0x0054, 0x0220, b"SQ", 0, len(items))
        + items
        + whole[at:]
    )


BOMBS = {
    "10,000 nested sequences": lambda: with_element(nested(10_000)),
    "a private element of 4 GB": lambda: with_element(
        struct.pack("<HH2sHI", 0x0041, 0x1001, b"OB", 0, 0xFFFFFFF0)
    ),
    "a patient's number of 4 GB": lambda: bytes_of(film(NOISE)).replace(
        b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00UN"
    ),
    "300 MB of deflated zeros": deflated_bomb,
    "a million items of a sequence": lambda: with_element(
        struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
        + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 1_000_000
    ),
    "200,000 elements": lambda: with_element(
        struct.pack("<HH2sH", 0x0041, 0x1001, b"LO", 0) * 200_000
    ),
    "a palette of nothing": lambda: bytes_of(
        film(
            NOISE,
            SECONDARY_CAPTURE,
            PhotometricInterpretation="PALETTE COLOR",
            RedPaletteColorLookupTableDescriptor=[0, 0, 16],
            RedPaletteColorLookupTableData=b"\0\0",
        )
    ),
    "a million empty fragments": lambda: bytes_of(
        film(
            NOISE,
            CR,
            JPEGBaseline8Bit,
            PixelData=struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 1_000_000,
        )
    ),
}


def peak_mb(afresh: bool = False) -> float:
    """The most memory that this process has held, or holds since the last time it was asked so."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("no /proc, so how much memory was held cannot be asked")
    if afresh:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (one for one in status if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_asks_for_much_is_refused_at_no_cost(tmp_path, name):
    path = tmp_path / "film.dcm"
    path.write_bytes(BOMBS[name]())
    before, start = peak_mb(afresh=True), time.process_time()
    refusal(path)
    assert time.process_time() - start < 5  # of a core; how busy the machine is does not count
    assert peak_mb() - before < 600


def test_the_longest_sequence_that_is_kept_does_not_hold_a_film_up(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(with_view_codes(124_000))
    start = time.process_time()
    assert pixels.read(path).dicom.view == "frontal"
    assert time.process_time() - start < 10
    path.write_bytes(with_view_codes(126_000))
    assert "claims 1008000 bytes" in message_of(path)


def test_what_is_said_of_a_damaged_file_can_be_printed(tmp_path):
    path = written(tmp_path / "film.dcm", NOISE)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"1.2.840.10008.1.2.1\0", b"1.2\0\x83\x8b\n.\x1b[31m.1.2.1", 1))
    assert refusal(path).message.isprintable()


def test_a_jpeg_2000_that_claims_all_that_is_allowed_is_refused_by_its_header(tmp_path):
    side = int(LARGEST_SAMPLES**0.5)
    whole = bytearray(codestream(NOISE, JPEG2000, 8))
    struct.pack_into(">II", whole, 8, side, side)  # Xsiz, Ysiz; tiles stay 30 × 40
    content = encapsulate([bytes(whole)])
    changes = {"Rows": side, "Columns": side, "PixelData": content}
    path = written(tmp_path / "film.dcm", NOISE, CR, JPEG2000, **changes)
    assert "more tiles than" in message_of(path)


def test_a_blank_film_is_refused(tmp_path):
    path = written(tmp_path / "film.dcm", np.full((40, 30), 7, np.uint8))
    assert "every pixel has the same value" in message_of(path)


def test_a_dicomdir_is_refused_with_a_hint_to_its_films(tmp_path):
    directory = film(NOISE, "1.2.840.10008.1.3.10", PixelData=None)
    directory.DirectoryRecordSequence = [Dataset()]
    path = tmp_path / "DICOMDIR"
    path.write_bytes(bytes_of(directory))
    error = refusal(path)
    assert "is a DICOMDIR" in error.message
    assert "the films that it lists" in error.hint
