"""What a raster file may ask for: memory, scans, pieces and pictures, judged before decoding."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from damaged.bombs import jpeg_of_scans, plain_fields, png, tiff, tiff_of_many_directories
from damaged.sound import chunk, films
from PIL import Image

from spondyl.data import pixels, png_chunks
from spondyl.data.jpeg_scans import n_scans
from spondyl.errors import SpondylError

GREY, COLOUR, RGBA = 0, 2, 6
"""Colour types of PNG."""


def refusal(tmp_path, content: bytes) -> str:
    path = tmp_path / "film"
    path.write_bytes(content)
    with pytest.raises(SpondylError) as of_facts:
        pixels.facts(path)
    with pytest.raises(SpondylError) as of_pixels:
        pixels.read(path)
    assert of_facts.value.message == of_pixels.value.message
    assert of_pixels.value.hint
    return of_pixels.value.message


@pytest.mark.parametrize(
    ("depth", "kind", "most"),
    [(1, GREY, 142), (8, GREY, 142), (16, GREY, 90), (8, COLOUR, 37), (16, RGBA, 37)],
)
def test_a_film_may_have_as_many_pixels_as_decode_within_a_gigabyte(tmp_path, depth, kind, most):
    """In millions; a header that claims a million more is refused unread."""
    path = tmp_path / "film.png"
    path.write_bytes(png(1000, most * 1000, depth, kind, zlib.compress(b"\0")))
    assert pixels.facts(path).width == most * 1000
    more = png(1000, (most + 1) * 1000, depth, kind, zlib.compress(b"\0"))
    assert "1 GB is the limit" in refusal(tmp_path, more)


def test_a_film_with_gigabytes_behind_it_is_refused(tmp_path):
    path = tmp_path / "film.jpg"
    path.write_bytes(films()["JPEG", "baseline"])
    with path.open("ab") as stream:
        stream.truncate(1100 * 2**20)  # takes no room on the disc
    with pytest.raises(SpondylError, match="1 GB is the limit"):
        pixels.read(path)


@pytest.mark.parametrize("n_passes", [0, 20, 91])
def test_scans_are_counted_as_they_are_written(tmp_path, n_passes):
    assert counted(jpeg_of_scans(72, 56, 0)) == 6  # libjpeg's script for grey
    content = jpeg_of_scans(72, 56, n_passes)
    assert counted(content) == min(6 + n_passes, 101)
    if n_passes < 91:
        (tmp_path / "film.jpg").write_bytes(content)
        assert pixels.read(tmp_path / "film.jpg").size == (72, 56)


def counted(content: bytes) -> int:
    with io.BufferedReader(io.BytesIO(content)) as stream:
        return n_scans(stream, 100)


def test_scans_of_a_preview_and_of_what_lies_behind_are_not_the_film_s():
    film = films()["JPEG", "baseline"]
    preview = film[2:] * 3
    segment = struct.pack(">BBH", 0xFF, 0xE1, len(preview) + 2) + preview
    assert counted(film) == 1
    assert counted(film[:2] + segment + film[2:]) == 1
    assert counted(film + film) == 1
    assert counted(films()["JPEG", "restart"]) == 1


def test_a_jpeg_of_a_thousand_scans_is_refused(tmp_path):
    assert "more than 100 scans" in refusal(tmp_path, jpeg_of_scans(4000, 4000, 1000))


def test_a_tiff_in_too_many_pieces_is_refused(tmp_path):
    n = (5120 // 16) ** 2
    fields = [one for one in plain_fields(5120, 5120) if one[0] not in (273, 278)]
    tiles = [(322, 3, 1, 16), (323, 3, 1, 16), (324, 4, n, 8), (325, 4, n, 8)]
    content = tiff(*fields, *tiles, data=bytes(4 * n) * 2)
    assert f"{n} pieces" in refusal(tmp_path, content)


def test_pictures_are_counted_no_further_than_needed(tmp_path):
    frames = [Image.fromarray(np.full((16, 16), i, np.uint8)) for i in range(120)]
    stream = io.BytesIO()
    frames[0].save(stream, "TIFF", save_all=True, append_images=frames[1:])
    assert "more than 99 pictures" in refusal(tmp_path, stream.getvalue())
    refusal(tmp_path, tiff_of_many_directories(100_000))


def test_opencv_is_given_true_lengths_and_the_chunks_of_pixels_alone(tmp_path):
    """It would make room for whatever a chunk claims, and say what it thinks of a profile."""
    plain = films()["PNG", "16 bit colour"]
    extra = chunk(b"iCCP", b"icc\0\0bad") + chunk(b"gAMA", b"\0\0\0\0")
    longer = struct.pack(">I4s", 2**31 - 1, b"tEXt") + b"a film"
    path = tmp_path / "film.png"
    for content in (
        plain,
        plain[:33] + extra + plain[33:],
        plain[:-12] + longer,
        plain[:-12] + struct.pack(">I", 2**31 - 1) + plain[-8:],
    ):
        path.write_bytes(content)
        with path.open("rb") as stream:
            assert png_chunks.of_pixels(stream) == plain


def test_pixels_that_claim_gigabytes_are_refused_before_opencv_makes_room(tmp_path):
    plain = films()["PNG", "16 bit colour"]
    claim = plain[:33] + struct.pack(">I", 2**31 - 1) + plain[37:]
    path = tmp_path / "film.png"
    path.write_bytes(claim)
    with pytest.raises(SpondylError, match="IDAT claims more than the file holds"):
        pixels.read(path)


def test_the_exif_of_a_png_is_found_and_the_stream_left_where_it_was(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(films()["PNG", "8 bit, text, ICC, EXIF"])
    with path.open("rb") as stream:
        stream.seek(20)
        assert png_chunks.exif(stream).startswith((b"MM", b"II"))
        assert stream.tell() == 20


def test_a_16_bit_colour_film_with_a_bad_profile_is_the_same_film(tmp_path, capfd):
    plain = films()["PNG", "16 bit colour"]
    found = []
    for extra in (b"", chunk(b"gAMA", b"\0\0\0\0") + chunk(b"sBIT", b"\x11\0\xff")):
        (tmp_path / "film.png").write_bytes(plain[:33] + extra + plain[33:])
        found.append(pixels.read(tmp_path / "film.png"))
    assert np.array_equal(found[0].rgb, found[1].rgb)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("where", ["strip", "directory"])
def test_libtiff_is_not_heard(tmp_path, capfd, where):
    stream = io.BytesIO()
    film = np.random.default_rng(0).integers(0, 256, (64, 48), dtype=np.uint8)
    tifffile.imwrite(stream, film, compression="zlib", photometric="minisblack")
    content = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        strip = file.pages.first.dataoffsets[0]
        depth = file.pages.first.tags[277].valueoffset
    content[strip + 100 if where == "strip" else depth] ^= 8
    path = tmp_path / "film.tif"
    path.write_bytes(content)
    with pytest.raises(SpondylError):
        pixels.read(path)
    assert capfd.readouterr().err == ""
