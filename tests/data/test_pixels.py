"""The door for pixels: one film is one array however it is stored, and bad files are refused."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from spondyl.data import pixels
from spondyl.errors import SpondylError

RNG = np.random.default_rng(7)
GREY8 = RNG.integers(0, 256, (16, 12), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (16, 12), dtype=np.uint16)
COLOUR8 = RNG.integers(0, 256, (16, 12, 3), dtype=np.uint8)
COLOUR16 = RNG.integers(0, 65536, (16, 12, 3), dtype=np.uint16)


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_by_hand(samples: np.ndarray, *extra: bytes) -> bytes:
    """A PNG written from the standard: for what no writer at hand can write."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[1 if samples.ndim == 2 else samples.shape[2]]
    depth = 8 * samples.dtype.itemsize
    height, width = samples.shape[:2]
    rows = samples.astype(samples.dtype.newbyteorder(">"))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *extra, chunk(b"IDAT", data))
    ) + chunk(b"IEND", b"")


def png_that_claims(height: int, width: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def saved(folder: Path, image: Image.Image, name: str, **options: object) -> Path:
    path = folder / name
    image.save(path, **options)
    return path


def bytes_of(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def refusal(path: Path | str) -> SpondylError:
    with pytest.raises(SpondylError) as caught:
        pixels.read(path)
    for line in (caught.value.message, caught.value.hint):
        assert line
        assert "\n" not in line
    assert caught.value.message.startswith(f"{path}: ")
    return caught.value


# --- one film, one array -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.png", {}),
        ("film.tif", {}),
        ("film.tif", {"compression": "tiff_lzw"}),
        ("film.tif", {"compression": "tiff_adobe_deflate"}),
        ("film.tif", {"compression": "packbits"}),
        ("film.tif", {"big_tiff": True}),
        ("film.jpg", None),
    ],
)
def test_an_8_bit_film_is_its_values_over_255_whichever_the_format(tmp_path, name, options):
    film = Image.fromarray(GREY8)
    if options is None:  # JPEG loses: the oracle is its own decoded file
        film = Image.open(saved(tmp_path, film, name, quality=95))
        expected = np.asarray(film)
    else:
        saved(tmp_path, film, name, **options)
        expected = GREY8
    read = pixels.read(tmp_path / name)
    assert read.grey.dtype == np.float32
    assert np.array_equal(read.grey, expected.astype(np.float32) / np.float32(255))
    assert read.rgb is None
    assert read.size == (16, 12)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_a_16_bit_film_is_its_values_over_65535_as_png_and_as_tiff(tmp_path, options):
    Image.fromarray(GREY16).save(tmp_path / "film.png")
    tifffile.imwrite(tmp_path / "film.tif", GREY16, photometric="minisblack", **options)
    expected = GREY16.astype(np.float32) / np.float32(65535)
    assert np.array_equal(pixels.read(tmp_path / "film.png").grey, expected)
    assert np.array_equal(pixels.read(tmp_path / "film.tif").grey, expected)


def test_a_palette_film_reads_as_its_grey_twin(tmp_path):
    palette = Image.fromarray(GREY8).convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    for name in ("film.png", "film.tif"):
        read = pixels.read(saved(tmp_path, palette, name))
        assert read.rgb is None
        assert np.array_equal(read.grey, np.asarray(palette.convert("L"), np.float32) / 255)


def test_three_equal_channels_are_a_grey_film_and_one_differing_pixel_makes_it_colour(tmp_path):
    stacked = np.dstack([GREY8] * 3)
    twin = pixels.read(saved(tmp_path, Image.fromarray(stacked), "grey.png"))
    assert twin.rgb is None
    assert np.array_equal(twin.grey, GREY8.astype(np.float32) / np.float32(255))
    stacked[3, 4, 2] ^= 1
    coloured = pixels.read(saved(tmp_path, Image.fromarray(stacked), "colour.png"))
    assert coloured.rgb is not None
    assert np.array_equal(coloured.rgb, stacked.astype(np.float32) / np.float32(255))


def test_grey_of_a_colour_film_is_the_luma_that_pillow_rounds(tmp_path):
    film = Image.fromarray(COLOUR8)
    read = pixels.read(saved(tmp_path, film, "film.png"))
    assert np.abs(read.grey - np.asarray(film.convert("L")) / 255).max() <= 0.51 / 255
    assert read.grey.min() >= 0
    assert read.grey.max() <= 1


@pytest.mark.parametrize("samples", [COLOUR16, np.dstack([GREY16] * 3)], ids=["colour", "grey"])
def test_16_bit_colour_keeps_its_16_bits_as_png_and_as_tiff(tmp_path, samples):
    (tmp_path / "film.png").write_bytes(png_by_hand(samples))
    tifffile.imwrite(tmp_path / "film.tif", samples, photometric="rgb")
    tifffile.imwrite(tmp_path / "small.tif", samples, photometric="rgb", compression="zlib")
    planes = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    expected = samples.astype(np.float32) / np.float32(65535)
    for name in ("film.png", "film.tif", "small.tif", "planes.tif"):
        read = pixels.read(tmp_path / name)
        assert read.facts.mode == "RGB;16"
        if read.rgb is None:
            assert np.array_equal(read.grey, expected[..., 0])
        else:
            assert np.array_equal(read.rgb, expected)


@pytest.mark.parametrize("samples", [GREY8, GREY16, GREY8 > 100], ids=["8", "16", "1"])
def test_a_tiff_whose_white_is_zero_reads_as_its_twin_whose_black_is_zero(tmp_path, samples):
    full = {"b": 1, "u": np.iinfo(samples.dtype).max if samples.dtype.kind == "u" else 1}
    stored = ~samples if samples.dtype.kind == "b" else full["u"] - samples
    tifffile.imwrite(tmp_path / "white0.tif", stored, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "black0.tif", samples, photometric="minisblack")
    black = pixels.read(tmp_path / "black0.tif").grey
    assert np.abs(pixels.read(tmp_path / "white0.tif").grey - black).max() < 1e-6
    assert np.allclose(black, samples / full[samples.dtype.kind], atol=1e-6)


def test_a_1_bit_film_is_zeros_and_ones(tmp_path):
    bits = Image.fromarray(GREY8 > 100)
    for name, options in (
        ("film.png", {}),
        ("film.tif", {}),
        ("g4.tif", {"compression": "group4"}),
    ):
        assert np.array_equal(pixels.read(saved(tmp_path, bits, name, **options)).grey, GREY8 > 100)


def test_transparent_is_black_and_opaque_changes_nothing(tmp_path):
    alpha = np.full_like(GREY8, 255)
    alpha[:4] = 0
    alpha[4:6] = 51
    expected = GREY8 / 255 * (alpha / 255)
    grey_alpha = Image.merge("LA", [Image.fromarray(GREY8), Image.fromarray(alpha)])
    for name in ("film.png", "film.tif"):
        read = pixels.read(saved(tmp_path, grey_alpha, name))
        assert np.allclose(read.grey, expected, atol=1e-6)
        assert np.array_equal(read.grey[6:], GREY8[6:].astype(np.float32) / np.float32(255))
    colour = Image.fromarray(COLOUR8)
    colour.putalpha(Image.fromarray(alpha))
    expected = COLOUR8 / 255 * (alpha / 255)[..., None]
    for name in ("colour.png", "colour.tif"):
        assert np.allclose(pixels.read(saved(tmp_path, colour, name)).rgb, expected, atol=1e-6)


def test_16_bit_alpha_is_laid_over_black_too(tmp_path):
    alpha = GREY16[::-1]
    expected = COLOUR16 / 65535 * (alpha / 65535)[..., None]
    four = np.dstack([COLOUR16, alpha])
    (tmp_path / "film.png").write_bytes(png_by_hand(four))
    tifffile.imwrite(tmp_path / "film.tif", four, photometric="rgb", extrasamples=["unassalpha"])
    for name in ("film.png", "film.tif"):
        assert np.allclose(pixels.read(tmp_path / name).rgb, expected, atol=1e-6)
    (tmp_path / "grey.png").write_bytes(png_by_hand(np.dstack([GREY16, alpha])))
    read = pixels.read(tmp_path / "grey.png")
    assert read.rgb is None
    assert np.allclose(read.grey, GREY16 / 65535 * (alpha / 65535), atol=1e-6)


def test_a_fourth_sample_that_is_no_alpha_is_left_out_and_one_multiplied_in_is_not_again(tmp_path):
    four = np.dstack([COLOUR16, GREY16])
    for meaning in ("unspecified", "assocalpha"):
        tifffile.imwrite(tmp_path / "film.tif", four, photometric="rgb", extrasamples=[meaning])
        read = pixels.read(tmp_path / "film.tif")
        assert np.array_equal(read.rgb, COLOUR16.astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_value_of_a_png_is_black(tmp_path, depth):
    samples = (GREY8 if depth == 8 else GREY16).copy()
    key = int(samples[5, 5])
    (tmp_path / "film.png").write_bytes(
        png_by_hand(samples, chunk(b"tRNS", struct.pack(">H", key)))
    )
    read = pixels.read(tmp_path / "film.png").grey
    full = np.float32(2**depth - 1)
    expected = np.where(samples == key, 0, samples.astype(np.float32) / full)
    assert np.array_equal(read, expected.astype(np.float32))


def test_a_palette_with_a_transparent_entry_is_black_there(tmp_path):
    palette = Image.fromarray(GREY8 // 64).convert("L").quantize(4)
    palette.info["transparency"] = palette.getpixel((0, 0))
    path = saved(tmp_path, palette, "film.png", transparency=palette.getpixel((0, 0)))
    read = pixels.read(path).grey
    assert (read[np.asarray(palette) == palette.getpixel((0, 0))] == 0).all()


def test_a_cmyk_jpeg_is_not_a_negative(tmp_path):
    film = Image.fromarray(GREY8).resize((64, 64)).convert("RGB")
    path = saved(tmp_path, film.convert("CMYK"), "film.jpg", quality=95)
    assert np.abs(pixels.read(path).grey - np.asarray(film.convert("L")) / 255).mean() < 0.03


def test_a_jpeg_in_tiff_reads(tmp_path):
    film = Image.fromarray(GREY8).resize((64, 64)).convert("RGB")
    path = saved(tmp_path, film, "film.tif", compression="jpeg", quality=95)
    assert np.abs(pixels.read(path).grey - np.asarray(film.convert("L")) / 255).mean() < 0.03


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_rotation_stands_the_film_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    for stored, name in [(GREY8, "8"), (GREY16, "16")]:
        expected = np.asarray(_rotated_by_the_book(stored, orientation))
        film = Image.fromarray(stored)
        for suffix in (".png", ".tif"):
            path = saved(tmp_path, film, name + suffix, exif=exif)
            read = pixels.read(path)
            assert np.array_equal(
                read.grey, expected.astype(np.float32) / np.iinfo(stored.dtype).max
            )
            assert (read.facts.height, read.facts.width) == read.size
            assert pixels.facts(path) == read.facts


def _rotated_by_the_book(stored: np.ndarray, orientation: int) -> np.ndarray:
    """EXIF 2.32, 4.6.5.1: which side of the scene the stored 0th row and 0th column are."""
    height, width = stored.shape
    rows, columns = np.mgrid[0:height, 0:width]
    down, right = rows, columns
    up, left = height - 1 - rows, width - 1 - columns
    row, column = {
        1: (down, right),
        2: (down, left),
        3: (up, left),
        4: (up, right),
        5: (right, down),
        6: (right, up),
        7: (left, up),
        8: (left, down),
    }[orientation]
    scene = np.zeros((row.max() + 1, column.max() + 1), stored.dtype)
    scene[row, column] = stored
    return scene


@pytest.mark.parametrize("orientation", [3, 6])
def test_16_bit_colour_and_jpeg_are_stood_upright_too(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    turned = np.dstack([_rotated_by_the_book(COLOUR16[..., c], orientation) for c in range(3)])
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "film.png").write_bytes(png_by_hand(COLOUR16, chunk(b"eXIf", block)))
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(tmp_path / "film.tif", COLOUR16, photometric="rgb", extratags=[tag])
    for name in ("film.png", "film.tif"):
        read = pixels.read(tmp_path / name)
        assert np.array_equal(read.rgb, turned.astype(np.float32) / np.float32(65535))
        assert (read.facts.height, read.facts.width) == read.size
    jpeg = saved(tmp_path, Image.fromarray(GREY8), "film.jpg", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(jpeg))
    assert np.array_equal(pixels.read(jpeg).grey, np.asarray(upright, np.float32) / np.float32(255))


def test_a_rotation_stated_after_the_pixels_of_a_png_counts(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    block = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    whole = png_by_hand(GREY8)
    (tmp_path / "film.png").write_bytes(whole[:-12] + block + whole[-12:])
    assert pixels.read(tmp_path / "film.png").size == (12, 16)
    assert pixels.facts(tmp_path / "film.png").height == 12


def test_an_orientation_that_exif_does_not_know_is_none(tmp_path):
    exif = Image.Exif()
    exif[274] = 99
    assert pixels.read(saved(tmp_path, Image.fromarray(GREY8), "f.png", exif=exif)).size == (16, 12)


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 20), st.integers(8, 20), st.integers(0, 2**32 - 1))
def test_any_lossless_format_gives_the_same_array(height, width, seed):
    film = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("a.png", "b.tif", "c.png", "d.tif", "e.png")]
        Image.fromarray(film).save(paths[0])
        tifffile.imwrite(paths[1], 255 - film, photometric="miniswhite")
        Image.fromarray(np.dstack([film] * 3)).save(paths[2])
        tifffile.imwrite(paths[3], film * np.uint16(257), photometric="minisblack")
        paths[4].write_bytes(png_by_hand(np.dstack([film * np.uint16(257)] * 3)))
        first, *rest = [pixels.read(path) for path in paths]
    for other in rest:
        assert other.rgb is None
        assert np.allclose(other.grey, first.grey, atol=1e-7)


# --- what is known without looking ---------------------------------------------------------------


def test_facts_are_those_of_the_file_and_need_no_decoding(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOUR8), "film.png", dpi=(300, 150))
    facts = pixels.facts(path)
    assert (facts.format, facts.height, facts.width, facts.mode) == ("PNG", 16, 12, "RGB")
    assert facts.n_bytes == path.stat().st_size
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.dpi == pytest.approx(300, abs=0.1)
    assert pixels.read(path).facts == facts
    broken = tmp_path / "broken.png"
    broken.write_bytes(png_by_hand(GREY8)[:-30])
    assert pixels.facts(broken).height == 16
    refusal(broken)


def test_dots_per_inch_follow_the_rotation_and_are_none_where_not_stated(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    film = Image.fromarray(GREY8)
    assert pixels.facts(saved(tmp_path, film, "a.jpg", exif=exif, dpi=(300, 150))).dpi == 150
    assert pixels.facts(saved(tmp_path, film, "b.jpg", exif=exif)).dpi is None
    assert pixels.facts(saved(tmp_path, film, "c.png")).dpi is None
    assert pixels.facts(saved(tmp_path, film, "d.tif", dpi=(300, 150))).dpi == 300


def test_dots_per_inch_are_never_taken_for_millimetres_on_the_patient(tmp_path):
    path = saved(tmp_path, Image.fromarray(GREY8), "film.jpg", dpi=(254, 254))
    assert pixels.read(path).spacing_mm is None


def test_arrays_cannot_be_written_to(tmp_path):
    read = pixels.read(saved(tmp_path, Image.fromarray(COLOUR8), "film.png"))
    for array in (read.grey, read.rgb):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_the_content_counts_and_not_the_name(tmp_path):
    path = saved(tmp_path, Image.fromarray(GREY8), "film.jpg", format="PNG")
    assert pixels.read(path).facts.format == "PNG"
    assert pixels.read(str(path)).size == (16, 12)


# --- refusals ------------------------------------------------------------------------------------


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "film.png").message
    assert "is a folder" in refusal(tmp_path).message
    assert "cannot be read" in refusal("film\0.png").message
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal(tmp_path / "pipe").message
    (tmp_path / "loop").symlink_to("loop")
    refusal(tmp_path / "loop")


def test_a_file_whose_rights_forbid_reading_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.fromarray(GREY8), "film.png")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert "Permission denied" in refusal(path).message


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"not a film at all", "is not an image"),
        (b"\0" * 500, "is not an image"),
        (b"\0" * 128 + b"DICM" + b"\0" * 100, "DICOM"),
        (b"II*\0" + b"\0" * 124 + b"DICM", "DICOM"),
        (b"%PDF-1.7", "PDF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\xff\xd8\xff", "cannot be decoded as JPEG"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded as PNG"),
        (b"II*\0", "cannot be decoded as TIFF"),
        (b"II*\0\xff\xff\xff\x7f", "cannot be decoded as TIFF"),
    ],
)
def test_what_is_no_film_is_refused_by_what_it_is(tmp_path, content, expected):
    path = tmp_path / "film.jpg"
    path.write_bytes(content)
    assert expected in refusal(path).message


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "WEBP"])
def test_other_formats_are_refused_and_the_accepted_ones_named(tmp_path, file_format):
    path = tmp_path / "film.png"
    path.write_bytes(bytes_of(Image.fromarray(GREY8), file_format))
    error = refusal(path)
    assert file_format.casefold() in error.message.casefold()
    assert "JPEG, PNG, TIFF and DICOM" in error.hint


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_a_file_of_several_pictures_is_refused(tmp_path, file_format):
    frames = [Image.fromarray(GREY8), Image.fromarray(255 - GREY8)]
    path = tmp_path / "film"
    path.write_bytes(bytes_of(frames[0], file_format, save_all=True, append_images=frames[1:]))
    assert "2 pictures" in refusal(path).message


def test_of_a_jpeg_with_a_preview_behind_it_the_film_is_read(tmp_path):
    film = Image.fromarray(GREY8)
    path = saved(tmp_path, film, "film.jpg", format="MPO", save_all=True, append_images=[film])
    assert pixels.read(path).size == (16, 12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint32, np.int32, np.int8])
def test_a_tiff_whose_black_and_white_are_not_stated_is_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "film.tif", GREY8.astype(dtype))
    refusal(tmp_path / "film.tif")


def test_a_12_bit_tiff_is_refused_rather_than_read_too_dark(tmp_path):
    packed = np.zeros((16, 18), np.uint8)
    tifffile.imwrite(tmp_path / "film.tif", packed)
    content = bytearray((tmp_path / "film.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "film.tif") as file:
        tags = file.pages.first.tags
        places = {code: tags[code].valueoffset for code in (256, 258)}
    content[places[258]] = 12
    content[places[256]] = 12
    (tmp_path / "film.tif").write_bytes(content)
    assert "whole numbers" in refusal(tmp_path / "film.tif").message


@pytest.mark.parametrize(("height", "width"), [(20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded_and_without_a_word_of_pillow(
    tmp_path, height, width
):
    path = tmp_path / "film.png"
    path.write_bytes(png_that_claims(height, width))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "over the limit of 200 million" in refusal(path).message
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3


def test_a_film_that_pillow_would_warn_of_is_read_without_a_word(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.fromarray(GREY8), "film.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pixels.read(path).size == (16, 12)


@pytest.mark.parametrize(("height", "width"), [(7, 100), (100, 7), (1, 1)])
def test_a_picture_too_small_to_be_a_film_is_refused(tmp_path, height, width):
    film = Image.fromarray(RNG.integers(0, 256, (height, width), dtype=np.uint8))
    assert "too small" in refusal(saved(tmp_path, film, "film.png")).message


def test_a_picture_of_no_size_is_refused(tmp_path):
    (tmp_path / "film.png").write_bytes(png_that_claims(0, 10))
    refusal(tmp_path / "film.png")


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_film_is_refused(tmp_path, value):
    film = Image.fromarray(np.full((16, 12), value, np.uint8))
    assert "same value" in refusal(saved(tmp_path, film, "film.png")).message


def _files() -> dict[str, bytes]:
    larger = RNG.integers(0, 256, (64, 48), dtype=np.uint8)
    grey, colour = Image.fromarray(larger), Image.fromarray(np.dstack([larger, larger, ~larger]))
    deep = io.BytesIO()
    tifffile.imwrite(deep, COLOUR16, photometric="rgb")
    return {
        "jpeg": bytes_of(grey, "JPEG"),
        "progressive": bytes_of(colour, "JPEG", progressive=True),
        "png": bytes_of(grey, "PNG"),
        "16-bit colour png": png_by_hand(COLOUR16),
        "tiff": bytes_of(grey, "TIFF"),
        "lzw": bytes_of(colour, "TIFF", compression="tiff_lzw"),
        "16-bit colour tiff": deep.getvalue(),
    }


FILES = _files()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7, 0.9])
def test_a_truncated_file_is_refused(tmp_path, kind, kept):
    path = tmp_path / "film"
    path.write_bytes(FILES[kind][: int(len(FILES[kind]) * kept)])
    refusal(path)


def test_16_bit_colour_whose_checksum_is_wrong_is_refused(tmp_path):
    content = bytearray(png_by_hand(COLOUR16))
    content[content.find(b"IEND") - 5] ^= 1
    (tmp_path / "film.png").write_bytes(content)
    assert "damaged" in refusal(tmp_path / "film.png").message


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
def test_a_damaged_file_is_read_within_range_or_refused_in_one_line(kind, damage, kept):
    content = bytearray(FILES[kind])
    for where, value in damage:
        content[int(where * (len(content) - 1))] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film")
        path.write_bytes(content[: int(kept * len(content))])
        said = ""
        try:
            grey = pixels.read(path).grey
        except SpondylError as error:
            said, grey = error.message, np.zeros(1)
    assert "\n" not in said
    assert grey.min() >= 0
    assert grey.max() <= 1
