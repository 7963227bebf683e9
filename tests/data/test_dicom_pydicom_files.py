"""pydicom's own test files, beside decoders that have nothing to do with ours: dcmtk and GDCM.

Most of those files are no radiographs and are refused as such at the door; their pixels go the same
way nevertheless, so here they are let in.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from spondyl.data import pixels
from spondyl.data.dicom import decoding, kinds
from spondyl.data.dicom import film as dicom_film
from spondyl.errors import SpondylError

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
"""Those that come with the package; nothing is fetched."""

FILMS = {
    *("GDCMJ2K_TextGBR.dcm", "JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm"),
    *("SC_jpeg_no_color_transform.dcm", "SC_jpeg_no_color_transform_2.dcm"),
    *("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+n2.dcm"),
    *("SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm"),
    *("SC_rgb_gdcm_KY.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm"),
    *("SC_rgb_jpeg.dcm", "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_dcmd.dcm"),
    *("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"),
    *("SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_ybr_full_422_uncompressed.dcm"),
    "image_dfl.dcm",
}
"""Secondary captures of one frame: read at the door."""
NO_FILMS = {
    "CT_small.dcm": "no radiograph (CT Image)",
    "DICOMDIR-empty.dcm": "DICOMDIR",
    "ExplVR_BigEnd.dcm": "no radiograph (Ultrasound Image)",
    "JPEG2000.dcm": "its modality is NM",
    "MR_small.dcm": "no radiograph (MR Image)",
    "MR_truncated.dcm": "no radiograph (MR Image)",
    "SC_rgb_rle_2frame.dcm": "holds 2 frames",
    "SC_rgb_rle_32bit.dcm": "its pixels take 32 bits",
    "SC_rgb_small_odd.dcm": "3 × 3 pixels is too small",
    "empty_charset_LEI.dcm": "does not say what kind of object it is",
    "liver_1frame.dcm": "no radiograph (Segmentation)",
    "meta_missing_tsyntax.dcm": "does not state its transfer syntax",
    "no_meta.dcm": "is not an image",  # a byte before its first element
    "no_meta_group_length.dcm": "no radiograph (RT Image)",
    "reportsi.dcm": "no radiograph (Basic Text SR)",
    "rtdose.dcm": "no radiograph (RT Dose)",
    "rtplan.dcm": "no radiograph (RT Plan)",
    "rtstruct.dcm": "no radiograph (RT Structure Set)",
    "test-SR.dcm": "no radiograph (Comprehensive SR)",
    "waveform_ecg.dcm": "no radiograph (12-lead ECG Waveform)",
}
PICTURES = (
    *(FILMS - {"SC_rgb_jpeg.dcm"}),  # whose meta header is wrong: dcmtk cannot read it
    *("693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "J2K_pixelrep_mismatch.dcm"),
    *("JPEG-lossy.dcm", "JPEG2000.dcm", "JPGExtended.dcm", "MR_small.dcm", "MR_small_RLE.dcm"),
    *("MR_small_bigendian.dcm", "MR_small_expb.dcm", "MR_small_implicit.dcm"),
    *("MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm"),
    *("SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd_jpeg.dcm"),
    *("examples_jpeg2k.dcm", "examples_overlay.dcm", "examples_palette.dcm"),
    "examples_rgb_color.dcm",
)
"""All files of one frame, of 8 or 16 bits, that the other decoders can read."""

JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
UNPACKERS = {
    **dict.fromkeys(("50", "51", "57", "70"), "dcmdjpeg"),
    **dict.fromkeys(("80", "81"), "dcmdjpls"),
    **dict.fromkeys(("90", "91"), "gdcmconv"),
}
"""By the last number of the transfer syntax's UID."""
RENDERERS = {"dcmdjpeg": "dcmj2pnm", "dcmdjpls": "dcml2pnm"}


@pytest.fixture
def all_let_in(monkeypatch):
    monkeypatch.setattr(kinds, "refuse_unless_film", lambda *_: None)


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (dcmtk, libgdcm-tools)")
    return found


def ran(program: str, *arguments: object) -> None:
    command = [needed(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def syntax_of(path: Path) -> str:
    return str(pydicom.dcmread(path).file_meta.TransferSyntaxUID)


def unpacker(syntax: str) -> str | None:
    if syntax == "1.2.840.10008.1.2.5":
        return "dcmdrle"
    return UNPACKERS.get(syntax.removeprefix("1.2.840.10008.1.2.4."))


def unpacked(path: Path, folder: Path) -> Path:
    """The same object with native pixels, by a program that is not ours."""
    program = unpacker(syntax_of(path))
    assert program is not None
    to = folder / "native.dcm"
    ran(program, *(["--raw"] if program == "gdcmconv" else []), path, to)
    return to


def ours(path: Path) -> tuple[np.ndarray, dicom_film.DicomFilm]:
    with path.open("rb") as stream:
        film = dicom_film.opened(stream, path)
        return dicom_film.decoded(film, path)[0], film


def pnm(path: Path) -> np.ndarray:
    """A picture in ASCII (P2 or P3), divided by its largest value."""
    lines = path.read_text().splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    width, height, largest = map(int, words[1:4])
    shape = (height, width) if words[0] == "P2" else (height, width, 3)
    return np.array(words[4:], dtype=float).reshape(shape) / largest


def levels_of(dataset: pydicom.Dataset) -> list[str]:
    """dcm2pnm's options for the steps that are taken here."""
    if dataset.SamplesPerPixel == 1 and "VOILUTSequence" in dataset:
        return ["+Wl", "1"]
    if dataset.SamplesPerPixel == 1 and "WindowWidth" in dataset:
        return ["+Wi", "1"]
    return ["-W"]


# --- at the door ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FILMS))
def test_secondary_captures_are_read(name):
    read = pixels.read(FILES / name)
    assert read.facts.format == "DICOM"
    assert read.dicom.modality not in kinds._NO_FILMS


@pytest.mark.parametrize("name", NO_FILMS)
def test_all_else_is_refused_by_its_name(name):
    path = FILES / name
    if not path.is_file():
        path = next(FILES.rglob(name))
    with pytest.raises(SpondylError) as caught:
        pixels.read(path)
    assert NO_FILMS[name] in caught.value.message
    assert caught.value.hint


def test_every_file_of_pydicom_is_read_or_refused_in_words():
    paths = [path for path in FILES.rglob("*") if path.is_file()]
    read, refused = set(), {}
    for path in paths:
        try:
            pixels.read(path)
        except SpondylError as error:
            refused[path] = error
        else:
            read.add(path.name)
    assert len(paths) > 100
    assert read >= FILMS
    assert all(error.message.startswith(f"{path}: ") for path, error in refused.items())
    assert all(error.hint for error in refused.values())


# --- beside other decoders -----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_pixels_agree_with_dcmtk_after_the_same_steps(tmp_path, name, all_let_in):
    path = FILES / name
    found, film = ours(path)
    program = RENDERERS.get(unpacker(film.facts.transfer_syntax_uid) or "", "dcm2pnm")
    deep = film.layout.bits_stored > 8
    options = ["-O", *levels_of(film.dataset), "+opw" if deep else "+opb"]
    is_2000 = film.facts.transfer_syntax_uid in JPEG_2000
    ran(program, *options, unpacked(path, tmp_path) if is_2000 else path, tmp_path / "shown.pnm")
    steps = 65_535 if deep else 255
    difference = np.abs(found - pnm(tmp_path / "shown.pnm")) * steps
    # It cuts where we do not round at all; uncompressed YBR it turns to RGB in whole numbers.
    native_ybr = film.layout.photometric.startswith("YBR") and program == "dcm2pnm"
    assert difference.max() < (2 if native_ybr and not is_2000 else 1.01)


def slowly(path: Path) -> np.ndarray:
    """The stored values of native little-endian pixels, sample by sample (PS3.5, 8.1 and 8.2)."""
    dataset = pydicom.dcmread(path)
    content, n_bytes, bits = dataset.PixelData, dataset.BitsAllocated // 8, dataset.BitsStored
    shape = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    planes = dataset.SamplesPerPixel == 3 and dataset.PlanarConfiguration == 1
    above, is_signed = dataset.HighBit + 1 - bits, dataset.PixelRepresentation == 1
    values = np.empty(shape, dtype=int)
    for at, index in enumerate(np.ndindex(shape[2], *shape[:2]) if planes else np.ndindex(shape)):
        raw = int.from_bytes(content[at * n_bytes : (at + 1) * n_bytes], "little")
        raw = (raw >> above) & (2**bits - 1)
        if is_signed and raw >= 2 ** (bits - 1):
            raw -= 2**bits
        values[(*index[1:], index[0]) if planes else index] = raw
    return values[..., 0] if shape[2] == 1 else values


PACKED = tuple(name for name in sorted(PICTURES) if unpacker(syntax_of(FILES / name)))


@pytest.mark.parametrize("name", [*PACKED, "SC_rgb_jpeg.dcm"])
def test_stored_values_are_those_that_another_decoder_unpacks(tmp_path, name, all_let_in):
    path = FILES / name
    if name == "SC_rgb_jpeg.dcm":
        ran("gdcmconv", "--raw", path, tmp_path / "native.dcm")
        expected = slowly(tmp_path / "native.dcm")
    else:
        expected = slowly(unpacked(path, tmp_path))
    with path.open("rb") as stream:
        film = dicom_film.opened(stream, path)
        syntax = film.facts.transfer_syntax_uid
        found = decoding.stored(film.pixels, film.layout, syntax, path)
    np.testing.assert_array_equal(found.values, expected)
