"""A case of bad input, and the sound cohort, spec and study that it spoils."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPEC = {
    "networks": '["test_resnet:layer2"]',
    "strategies": '["random-features"]',
    "folds": "2",
    "size": "[32, 32]",
    "find_duplicates": "false",
    "heatmaps": '"none"',
    "gallery_films": "0",
}
"""A study of a second, each value as TOML."""


@dataclass(frozen=True)
class Place:
    """A folder of its own for each case; what was made once for all is copied into it."""

    root: Path
    drawn: Path
    """A sound cohort of 36 films in class folders."""
    weights: Path
    """Sound weights of test_resnet, as safetensors."""
    done: Path
    """A finished study of `drawn` with `weights`."""
    bundled: Path
    """The bundle of that study."""

    @property
    def films(self) -> Path:
        """The cohort's copy, free to be spoiled."""
        if not (self.root / "films").exists():
            shutil.copytree(self.drawn, self.root / "films")
        return self.root / "films"

    @property
    def masks(self) -> Path:
        """The films' regions, a copy free to be spoiled."""
        if not (self.root / "masks").exists():
            shutil.copytree(self.drawn.parent / "regions", self.root / "masks")
        return self.root / "masks"

    def film(self, label: str = "normal") -> Path:
        """One film of a class."""
        return min((self.films / label).iterdir())

    def spec(self, **changes: str | None) -> Path:
        """A spec with values, as TOML, put in or (None) taken out."""
        values = {**SPEC, **changes}
        lines = [f"{key} = {value}\n" for key, value in values.items() if value is not None]
        return self.file("study.toml", "".join(lines))

    def file(self, name: str, content: str | bytes) -> Path:
        """A file of this content."""
        path = self.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def finished(self) -> Path:
        """The finished study's copy, free to be spoiled."""
        return shutil.copytree(self.done, self.root / "done")

    def bundle(self) -> Path:
        """The bundle's copy, free to be spoiled."""
        return shutil.copytree(self.bundled, self.root / "bundle")

    def run(self, *more: object, spec: Path | None = None, out: Path | None = None) -> list[object]:
        """The words of `study run`."""
        words = ["study", "run", spec or self.spec(), "--cohort", self.films]
        return [*words, "--out", out or self.root / "out", "--device", "cpu", *more]


@dataclass(frozen=True)
class Case:
    """One kind of bad input: `make` makes it and returns the command's words."""

    name: str
    make: Callable[[Place], list[object]]
    says: str
    """Part of the error."""
    hints: str = ""
    """Part of the hint."""
    at_once: bool = False
    """Whether nothing may have begun before the error."""
