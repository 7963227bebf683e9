"""The stored values of a film, whatever its transfer syntax (PS3.5, annex A and section 8).

imagecodecs decodes: libjpeg-turbo, CharLS and OpenJPEG, which are kept up, take damaged data
without falling over, and have licences like ours. A codestream is decoded only where its own header
agrees with the film's. Bits beyond those stored (overlays of old) are cut, and the sign is that of
the highest bit stored, or of the codestream's own depth where that is less. JPEG is taken out of
YCbCr by its decoder, as it is for files; other colours are left to `colour`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from spondyl.data.dicom import codestreams, fragments, run_lengths
from spondyl.data.dicom.codestreams import Codestream
from spondyl.data.dicom.elements import PixelElement
from spondyl.data.dicom.layout import Layout
from spondyl.errors import SpondylError


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """The values of a film as stored."""

    values: NDArray[np.integer[Any]]
    """(H, W), or (H, W, 3) for colour: 8 or 16 bits, signed where the film's are."""
    photometric: str
    """What they mean, which a decoder of JPEG may have changed to RGB."""
    notes: tuple[str, ...] = ()


_PLAIN = {
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.1.99": "<",
    "1.2.840.10008.1.2.2": ">",
}
"""Transfer syntaxes without compression of the pixels, and their order of bytes."""
_RUN_LENGTHS = "1.2.840.10008.1.2.5"
_PROCESSES = {
    "1.2.840.10008.1.2.4.50": ("baseline",),
    "1.2.840.10008.1.2.4.51": ("baseline", "extended"),
    "1.2.840.10008.1.2.4.57": ("lossless",),
    "1.2.840.10008.1.2.4.70": ("lossless",),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS",),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS",),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.201": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.202": ("JPEG 2000",),
    "1.2.840.10008.1.2.4.203": ("JPEG 2000",),
}
"""Transfer syntaxes of one codestream, and the processes that it may be of. The last three are
High-Throughput JPEG 2000, which OpenJPEG decodes too."""
_MAY_BE_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (51, 81, 91, 203))
"""Of more than 8 bits; what is lost may lift a value above the bits that are stored."""
SYNTAXES = frozenset((*_PLAIN, _RUN_LENGTHS, *_PROCESSES))
"""UIDs of the transfer syntaxes that are read."""


def refuse_syntax(syntax: str, path: str | Path) -> None:
    """Raises `SpondylError` for a transfer syntax that is not read."""
    if syntax in SYNTAXES:
        return
    known = UID(syntax).name
    name = known if known != syntax else f"the transfer syntax {syntax[:64]}"
    raise SpondylError(
        f"{path}: is stored as {name}, which is not read",
        "Store it uncompressed, or as JPEG, JPEG-LS, JPEG 2000 or RLE.",
    )


def stored(pixels: PixelElement, layout: Layout, syntax: str, path: str | Path) -> Stored:
    """The values of the film as stored; other faults than ours pass through.

    Raises `SpondylError` where pixels are missing.
    """
    if syntax in _PLAIN:
        return _native(pixels, layout, _PLAIN[syntax], path)
    packed = fragments.joined(pixels, layout, path)
    if syntax == _RUN_LENGTHS:
        return Stored(_whole(run_lengths.decoded(packed, layout), layout), layout.photometric)
    return _of_codestream(packed, layout, syntax)


def _native(pixels: PixelElement, layout: Layout, order: str, path: str | Path) -> Stored:
    content, more = fragments.native(pixels, layout, path)
    kind = np.dtype(f"{order}u{layout.bits_allocated // 8}")
    if order == ">" and kind.itemsize == 1 and pixels.is_words:  # two pixels a word (PS3.5, 8.1.1)
        content = np.frombuffer(content + b"\0" * (len(content) % 2), "<u2").byteswap().tobytes()
    n_values = layout.n_samples * (2 if layout.photometric == "YBR_FULL_422" else 3) // 3
    flat = np.frombuffer(content, kind, n_values).astype(kind.newbyteorder("="), copy=False)
    notes = () if more < 2 else (f"{more} bytes behind the film's pixels were left out",)
    if layout.photometric == "YBR_FULL_422":
        return Stored(_whole(_from_422(flat, layout), layout), "YBR_FULL", notes)
    shaped: NDArray[Any]
    if layout.samples == 1:
        shaped = flat.reshape(layout.rows, layout.columns)
    elif layout.is_planar:
        shaped = flat.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0)
    else:
        shaped = flat.reshape(layout.rows, layout.columns, 3)
    return Stored(_whole(shaped, layout), layout.photometric, notes)


def _from_422(flat: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Y Y Cb Cr for each two pixels of a row (PS3.3 C.7.6.3.1.2), Cb and Cr given to both."""
    if layout.columns % 2:
        raise ValueError("rows of an odd length cannot share colours by two")
    pairs = flat.reshape(layout.rows, layout.columns // 2, 4)
    full = np.empty((layout.rows, layout.columns, 3), flat.dtype)
    full[..., 0] = pairs[..., :2].reshape(layout.rows, layout.columns)
    full[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=1)
    return full


def _of_codestream(packed: bytes, layout: Layout, syntax: str) -> Stored:
    processes = _PROCESSES[syntax]
    is_2000 = processes == ("JPEG 2000",)
    one = codestreams.jpeg_2000(packed) if is_2000 else codestreams.jpeg(packed)
    _compare(one, layout, processes)
    notes: tuple[str, ...] = ()
    photometric = layout.photometric
    if is_2000:
        photometric = "RGB" if photometric in ("YBR_ICT", "YBR_RCT") else photometric
        values = imagecodecs.jpeg2k_decode(one.data, numthreads=1)
    elif one.process == "JPEG-LS":
        values = imagecodecs.jpegls_decode(one.data)
    elif one.process == "lossless" or one.components == 1:
        as_it_is = "RGB" if one.components == 3 else None
        values = imagecodecs.jpeg8_decode(one.data, colorspace=as_it_is, outcolorspace=as_it_is)
    else:
        values, notes = _colour_jpeg(one, photometric)
        photometric = "RGB"
    is_twos_complement = layout.is_signed and values.dtype.kind == "u"
    if syntax in _MAY_BE_LOSSY and not is_twos_complement:
        values = np.clip(values, layout.lowest, layout.highest)
    return Stored(_whole(values, layout, one.precision), photometric, notes)


def _colour_jpeg(one: Codestream, photometric: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """RGB of a lossy colour JPEG; what its own marker says goes before the film's header."""
    by_header = "RGB" if photometric == "RGB" else "YBR"
    notes: tuple[str, ...] = ()
    if one.colour not in (None, by_header):
        notes = (f"its JPEG says that it is {one.colour}, its header {photometric}",)
    source = "RGB" if (one.colour or by_header) == "RGB" else "YCBCR"
    values = imagecodecs.jpeg8_decode(one.data, colorspace=source, outcolorspace="RGB")
    return values, notes


def _compare(one: Codestream, layout: Layout, processes: tuple[str, ...]) -> None:
    if one.process not in processes:
        raise ValueError(f"it is {one.process}, where the header says {' or '.join(processes)}")
    if (one.rows, one.columns) != (layout.rows, layout.columns):
        raise ValueError(
            f"its compressed picture has {one.rows} × {one.columns} pixels, its header says "
            f"{layout.rows} × {layout.columns}"
        )
    if one.components != layout.samples:
        raise ValueError(
            f"its compressed picture has {one.components} components, its header says "
            f"{layout.samples}"
        )
    if not 2 <= one.precision <= layout.bits_allocated:
        raise ValueError(
            f"its compressed picture has {one.precision} bits, its header makes room for "
            f"{layout.bits_allocated}"
        )


def _whole(values: NDArray[Any], layout: Layout, precision: int = 16) -> NDArray[Any]:
    """`values` cut to the stored bits, with their sign; at least as many bits as they need."""
    shape = (layout.rows, layout.columns, 3)[: 2 if layout.samples == 1 else 3]
    if values.shape != shape or values.dtype.kind not in "iu":
        raise ValueError(f"its decoded pixels are {values.shape}, not {shape}")
    bits = min(layout.bits_stored, precision)
    shift = max(layout.high_bit + 1 - bits, 0) if precision >= layout.bits_allocated else 0
    width = values.dtype.itemsize * 8
    raw = values.view(f"u{values.dtype.itemsize}")
    if shift:
        raw = raw >> shift
    if bits < width:
        raw = raw & (2**bits - 1)
    if not layout.is_signed:
        return raw
    up = width - bits
    signed = (raw << up).view(f"i{values.dtype.itemsize}")
    shifted: NDArray[Any] = signed >> up
    return shifted
