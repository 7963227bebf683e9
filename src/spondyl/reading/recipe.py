"""How a reader is made, in words that another process can follow.

A `Reader` holds networks on a device and cannot be sent anywhere; a recipe is a few words and
paths, alike on every machine that sees the same files, and is proven by the bundle's id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spondyl.data.spines import SpineOf
from spondyl.errors import SpondylError
from spondyl.explain.explaining import named
from spondyl.files import sha256_of_file, sha256_of_json
from spondyl.learn.fabrics import device_on
from spondyl.measure import finder as finders
from spondyl.reading import explaining_films, onnx_reader, opening
from spondyl.reading.bundle import Bundle
from spondyl.reading.engines import Engine, TorchEngine
from spondyl.reading.reading import METHOD, Reader

ENGINES = ("torch", "onnx")


def unheard(line: str) -> None:
    """Hears a line and does nothing."""
    del line


@dataclass(frozen=True, slots=True)
class Recipe:
    """A bundle, and all that was asked of how it reads."""

    bundle: Path
    bundle_id: str
    engine: str = "torch"
    device: str = "auto"
    method: str = METHOD
    graph: Path | None = None
    """Of the engine onnx; None for the one in the cache."""
    finder: Path | None = None
    """File of the spine finder; None where none is asked."""
    regions: Path | None = None
    """Folder of the films' spine masks."""

    @property
    def file_hashes(self) -> tuple[str | None, str | None, str | None]:
        """SHA-256 of the graph's and of the finder's file, and of the path of the masks."""
        return (
            None if self.graph is None else sha256_of_file(self.graph),
            None if self.finder is None else sha256_of_file(self.finder),
            None if self.regions is None else sha256_of_json(str(self.regions.absolute())),
        )

    @property
    def anywhere(self) -> Recipe:
        """The same with absolute paths."""
        return replace(
            self,
            bundle=self.bundle.absolute(),
            graph=None if self.graph is None else self.graph.absolute(),
            finder=None if self.finder is None else self.finder.absolute(),
            regions=None if self.regions is None else self.regions.absolute(),
        )

    def opened(self) -> Bundle:
        """The bundle; `SpondylError` where another one lies there than the one that is meant."""
        found = opening.load(self.bundle)
        if found.bundle_id != self.bundle_id:
            raise SpondylError(
                f"{self.bundle}: the bundle {found.bundle_id[:12]}, meant is {self.bundle_id[:12]}",
                "All machines have to see the same bundle under the same path.",
            )
        return found

    def reader(self, opened: Bundle, say: Callable[[str], None] = unheard) -> Reader:
        """The reader of `opened`, which is this recipe's bundle; `say` hears what takes long.

        Raises `SpondylError` for a device, method, graph or finder that cannot be had.
        """
        finder = None
        if self.finder is not None:
            finder = finders.load(self.finder, device_on(self.device))
        return Reader.by(self.looking(opened, say), opened, finder)

    def looking(self, opened: Bundle, say: Callable[[str], None] = unheard) -> Engine:
        """The engine that sends films through the networks of `opened`."""
        if self.engine == "torch":
            return TorchEngine.of(opened, self.device, self.method)
        if self.graph is None and not onnx_reader.cached(opened, self.method).is_file():
            say("exporting the bundle to the cache, once")
        return onnx_reader.engine(opened, self.method, self.graph)

    def spine_of(self, opened: Bundle, image_ids: Mapping[Path, str]) -> SpineOf:
        """What says where the spine lies in the films that are called by `image_ids`."""
        by_finder = self.regions is None and self.finder is not None
        return explaining_films.spines_for(opened, self.regions, image_ids, by_finder=by_finder)

    def refuse_unless_sound(self) -> None:
        """Raises `SpondylError` for what can be seen to be wrong before anything is opened."""
        if self.engine not in ENGINES:
            raise SpondylError(
                f"engine {self.engine!r}: not known", f"One of {', '.join(ENGINES)}."
            )
        if self.device not in ("auto", "cpu", "cuda"):
            raise SpondylError(f"device {self.device!r}: not known", "One of auto, cpu, cuda.")
        if self.graph is not None and self.engine != "onnx":
            raise SpondylError("--graph without --engine onnx: nothing reads it", "Give both.")
        if self.device == "cuda" and self.engine == "onnx":
            raise SpondylError(
                "--device cuda: the onnx engine runs on the CPU", "Use --engine torch."
            )
        named(self.method)
