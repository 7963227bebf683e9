"""`export_page`: a bundle as a folder with a web page that reads films and sends them nowhere.

The page runs the exported graph by ONNX Runtime Web, WebAssembly on one thread, which asks no
special headers of a server: any that hands out files will do, and no page's script loads from
`file://`. All runs on the page's own thread, and the page stands still for as long as a film is
read. A worker would not have that price, but it obeys the policy of its own server's answer and not
the one in the page, and that policy is what keeps a film from leaving.

The runtime is not ours and not in this package: whoever exports names the folder where npm's
package was unpacked. What is copied is proven to be there first; its version and hashes are noted.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spondyl.errors import SpondylError
from spondyl.files import new_folder, refuse_unless_free, sha256_of_file, write_json
from spondyl.progress import Track, silently
from spondyl.reading.bundle import Bundle
from spondyl.reading.exporting import exporting
from spondyl.reading.exporting.about import About, Precision
from spondyl.reading.exporting.exporting import METHOD, Exported

PACKAGE, TRIED = "onnxruntime-web", "1.30.0"
"""The runtime, and the version that the page was tested with."""
RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
PAGE_FILES = (
    *("index.html", "page.css", "page.js"),
    *("film.js", "reader.js", "placement.js", "heat.js"),
)
GRAPH, ABOUT, RAMP, RUNTIME = "reader.onnx", "about.json", "ramp.png", "runtime"
_LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE")
_NOTICES = ("ThirdPartyNotices.txt", "README.md")
_FETCH = (
    f"Fetch it with `npm pack {PACKAGE}@{TRIED}`, unpack what comes, and give its folder "
    "package/dist with --runtime."
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """ONNX Runtime Web as npm packs it, proven to have what a page needs."""

    dist: Path
    """The folder of `RUNTIME_FILES`."""
    version: str
    licence: Path | None
    """The package's own file; None where it only names MIT, as it does today."""

    @classmethod
    def found(cls, folder: Path | None) -> Runtime:
        """The runtime in `folder`, the package's `dist` or the package itself.

        Raises `SpondylError` where it is not there (None: nobody named it), lacks a file, or states
        no licence.
        """
        if folder is None:
            raise SpondylError(
                f"a page needs {PACKAGE}, which is not part of spondyl, and no --runtime is given",
                _FETCH,
            )
        dist = folder / "dist" if (folder / "dist").is_dir() else folder
        missing = [name for name in RUNTIME_FILES if not (dist / name).is_file()]
        if missing:
            raise SpondylError(f"{folder}: no {', no '.join(missing)} in it", _FETCH)
        package = dist.parent
        stated = _stated(package)
        kept = [package / name for name in _LICENCES if (package / name).is_file()]
        if not kept and stated.get("license") != "MIT":
            raise SpondylError(
                f"{package}: has no licence file and does not say that it is MIT, so what may be "
                "done with it is not known",
                _FETCH,
            )
        return cls(dist, str(stated.get("version", "")), kept[0] if kept else None)

    def copy(self, to: Path) -> None:
        """Its files into the new folder `to`, with licence and notices."""
        to.mkdir()
        for name in RUNTIME_FILES:
            shutil.copyfile(self.dist / name, to / name)
        for name in ("package.json", *_NOTICES):
            if (self.dist.parent / name).is_file():
                shutil.copyfile(self.dist.parent / name, to / name)
        if self.licence is None:
            (to / "LICENSE").write_text(_own_file("runtime-licence.txt"), encoding="utf-8")
        else:
            shutil.copyfile(self.licence, to / "LICENSE")

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        hashes = {name: sha256_of_file(self.dist / name) for name in RUNTIME_FILES}
        return {"package": PACKAGE, "version": self.version, "sha256": hashes}


def export_page(
    bundle: Bundle,
    out: Path,
    *,
    runtime: Runtime,
    method: str = METHOD,
    precision: Precision = "float32",
    check: Sequence[Path] = (),
    calibrate: Sequence[Path] = (),
    track: Track = silently,
) -> Exported:
    """Writes `bundle` into the new folder `out` as a page with all that it needs.

    The rest is as for `exporting.export`, whose graph is in it as `reader.onnx`. Raises
    `SpondylError` as that does, and for a bundle whose networks are shown films by their spine,
    which a page does not know.
    """
    refuse_unless_free(out)
    if bundle.preprocessing.needs_spine:
        raise SpondylError(
            f"{bundle.folder}: its networks are shown films by the spine's mask, and a page has no "
            "mask of a film",
            "Export it with --format onnx and give `box`, or read with `spondyl read`.",
        )
    with new_folder(out) as draft:
        made = exporting.export(
            bundle,
            draft / GRAPH,
            method=method,
            precision=precision,
            check=check,
            calibrate=calibrate,
            track=track,
        )
        for name in PAGE_FILES:
            (draft / name).write_text(_own_file(name), encoding="utf-8")
        (draft / RAMP).write_bytes(ramp())
        runtime.copy(draft / RUNTIME)
        write_json(draft / ABOUT, _said(made.about, made.n_bytes, runtime))
    return replace(made, path=out)


def ramp() -> bytes:
    """A PNG of 16 × 16 pixels with all greys in order, and a gamma that a reader must not apply:
    by it the page finds out whether its browser decodes pictures as `data.pixels` does."""
    stream = io.BytesIO()
    told = PngInfo()
    told.add(b"gAMA", (100_000).to_bytes(4, "big"))  # PNG, section 11.3.2.2: linear
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(greys).save(stream, "PNG", pnginfo=told)
    return stream.getvalue()


def _said(about: About, n_bytes: int, runtime: Runtime) -> dict[str, Any]:
    """What the page says and needs of the graph; all else stands in the graph's metadata."""
    return {
        **{"notice": about.notice, "intended_use": about.intended_use, "title": about.title},
        **{"bundle_id": about.bundle_id, "labels": about.labels, "n_networks": len(about.folds)},
        **{"method": about.method_title, "layer": about.layer, "unit": about.unit},
        **{"rectified": about.rectified, "temperature": about.temperature},
        **{"precision": about.precision, "measured": about.measured},
        "preprocessing": {name: about.preprocessing[name] for name in ("size", "fit", "colour")},
        "made_by": f"{about.made_by} {about.spondyl_version}",
        "graph": {"file": GRAPH, "n_bytes": n_bytes, "graph_sha256": about.graph_sha256},
        "runtime": runtime.as_dict(),
    }


def _stated(package: Path) -> dict[str, Any]:
    """The package's package.json; `SpondylError` where it is another package's, or none."""
    path = package / "package.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpondylError(
            f"{path}: cannot be read, so version and licence of the runtime are not known", _FETCH
        ) from error
    if not isinstance(stated, dict) or stated.get("name") != PACKAGE:
        raise SpondylError(f"{path}: is not of {PACKAGE}", _FETCH)
    return stated


def _own_file(name: str) -> str:
    """The text of a file beside this module."""
    folder = resources.files("spondyl.reading.exporting").joinpath("page_files")
    return folder.joinpath(name).read_text("utf-8")
