"""Initial weights learned from films like ours: the body of a bundle, a spine finder's encoder.

A bundle is named by its folder, and by the fold whose network is meant where its bodies differ:
`BUNDLE#2`. Which of five fine-tuned bodies begins is a choice that changes results, so it is never
made here; a body that all folds share, or that of the only network, needs no choice. What is read
is proven: the bundle's id against all that it says, the file of tensors against the hash in it.

Whoever learned from films of this cohort has seen those that are tested, and may answer from
memory. A bundle names the films that it learned from by their hashes, those of its own initial
weights included, so this is found and refused, unless the spec accepts it (`films_seen_before`). A
spine finder names none: one that learned from more than drawn films is refused likewise. The price:
films are known by their bytes, so a crop of one, or another of its patient's, is not found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
from torch import Tensor

from spondyl.data.cohort import Cohort
from spondyl.errors import Problem, SpondylError
from spondyl.files import read_json, sha256_of_file, sha256_of_json

BUNDLE, BODY = "bundle.json", "body.safetensors"
_NOT_IN_ID = ("bundle_id", "created")
_AGAIN = "Make the bundle again with `spondyl study bundle`, or copy it again from its source."


@dataclass(frozen=True, slots=True)
class BundleOrigin:
    """A file of tensors that is in a bundle, and what the bundle says of it."""

    file: Path
    bundle_id: str
    network: str
    """Name with its cut."""
    learned_from: frozenset[str]
    """SHA-256 of the files of all films that any of its networks learned from."""

    @property
    def called(self) -> str:
        """The file as results name it: the bundle's id, and its name in there."""
        return f"{self.bundle_id}/{self.file.name}"

    def tensors(self) -> dict[str, Tensor]:
        """The body's tensors as our networks call them, and those of the head beside them.

        Raises `SpondylError` for a file that is not the one which the bundle was made with.
        """
        try:
            held = safetensors.torch.load_file(self.file)
        except (OSError, safetensors.SafetensorError) as error:
            raise SpondylError(f"{self.file}: cannot be read ({error})", _AGAIN) from error
        return {name.removeprefix("body.").removeprefix("head."): t for name, t in held.items()}


def tensor_file(architecture: str, path: Path) -> Path:
    """The file of tensors that `path` means for a network of this architecture: itself, or that of
    a bundle's folder, or of one of its folds, FOLDER#FOLD.

    Raises `SpondylError` for a bundle of another network, one whose bodies differ where no fold is
    named, and a fold that it has not. A path that is no bundle comes back as it is.
    """
    folder, fold = _taken_apart(path)
    if not (folder / BUNDLE).is_file():
        return path
    said = _document(folder)
    if said["network"].partition(":")[0] != architecture:
        raise SpondylError(
            f"{folder}: a bundle of {said['network']}, which cannot begin {architecture}",
            f"Give weights of {architecture}.",
        )
    folds = [str(member["fold"]) for member in said["members"]]
    if fold is not None and fold not in folds:
        raise SpondylError(f"{folder}: no fold {fold!r}", f"Its folds: {', '.join(folds)}.")
    if said["body_sha256"] is not None:
        return folder / BODY
    if fold is None and len(folds) > 1:
        raise SpondylError(
            f"{folder}: the networks of its {len(folds)} folds have different bodies",
            f"Name one of them: {folder}#{folds[0]}, or another of {', '.join(folds)}.",
        )
    return folder / f"weights-{fold or folds[0]}.safetensors"


def bundle_of(file: Path) -> BundleOrigin | None:
    """What a bundle says of one of its files of tensors; None for a file in no bundle.

    Raises `SpondylError` where bundle or file were changed since it was made.
    """
    if not (file.parent / BUNDLE).is_file():
        return None
    said = _document(file.parent)
    hashes = {f"weights-{one['fold']}.safetensors": one["sha256"] for one in said["members"]}
    hashes[BODY] = said["body_sha256"]
    if hashes.get(file.name) is None:
        raise SpondylError(f"{file}: no file of the bundle beside it", _AGAIN)
    if sha256_of_file(file) != hashes[file.name]:
        raise SpondylError(f"{file}: changed since the bundle was made", _AGAIN)
    learned = (sha256 for member in said["members"] for sha256 in member["learned_from"])
    return BundleOrigin(file, said["bundle_id"], said["network"], frozenset(learned))


def films_seen(file: Path) -> frozenset[str] | None:
    """SHA-256 of the radiographs that the weights in `file` were learned from, as far as a bundle
    says so; empty for files that say nothing, such as ImageNet's. None for a spine finder that
    learned from films which it does not name."""
    if origin := bundle_of(file):
        return origin.learned_from
    about = _finder(file)
    drawn_alone = about is None or about.get("spec", {}).get("films") == "phantoms"
    return frozenset() if drawn_alone else None


def taught_before(files: Iterable[Path]) -> tuple[str, ...]:
    """SHA-256 of all films that initial weights name as theirs, sorted."""
    return tuple(sorted({sha256 for file in files for sha256 in films_seen(file) or ()}))


def facts_of_films_seen(
    files: Mapping[str, Path], cohort: Cohort, where_any: Literal["refuse", "accept"]
) -> dict[str, Any]:
    """What a study says of films of its cohort that initial weights (a file for each network) were
    learned from: how many by network, or "not known"; nothing where there are none.

    Raises `SpondylError` that names these networks unless such films are accepted.
    """
    hashes = frozenset(film.file.sha256 for film in cohort.radiographs)
    found: dict[str, Any] = {}
    problems = []
    for network, file in files.items():
        seen = films_seen(file)
        n = None if seen is None else len(seen & hashes)
        if n == 0:
            continue
        found[network] = "not known" if n is None else n
        said = (
            "its initial weights were learned from films that they do not name"
            if n is None
            else f"its initial weights were learned from {n} of the cohort's {len(hashes)} films"
        )
        hint = 'Begin from others, or set films_seen_before = "accept" and say so with the results.'
        problems.append(Problem(network, said, hint))
    if problems and where_any == "refuse":
        raise SpondylError.of(problems, "initial weights that may know the tested films")
    return {"films_seen_before": found} if found else {}


def _taken_apart(path: Path) -> tuple[Path, str | None]:
    before, mark, fold = path.name.rpartition("#")
    if not mark or path.exists():
        return path, None
    return path.with_name(before), fold


def _document(folder: Path) -> dict[str, Any]:
    """What `bundle.json` says, proven against its id and known to have what is read here."""
    said = read_json(folder / BUNDLE)
    try:
        content = {key: value for key, value in said.items() if key not in _NOT_IN_ID}
        changed = sha256_of_json(content) != said["bundle_id"]
        for key in ("network", "body_sha256"):
            said[key]
        for member in said["members"]:
            member["fold"], member["sha256"], member["learned_from"]
    except (KeyError, TypeError, AttributeError) as error:
        raise SpondylError(f"{folder / BUNDLE}: not a bundle ({error})", _AGAIN) from error
    if changed:
        raise SpondylError(f"{folder / BUNDLE}: changed since the bundle was made", _AGAIN)
    document: dict[str, Any] = said
    return document


def _finder(file: Path) -> dict[str, Any] | None:
    """What travels with a spine finder's weights; None for any other file."""
    if file.is_dir():
        return None
    try:
        with safetensors.safe_open(file, "pt") as opened:
            header = opened.metadata() or {}
    except (OSError, safetensors.SafetensorError):
        return None  # some other checkpoint
    if header.get("kind") != "spondyl spine finder":
        return None
    try:
        about = json.loads(header["about"])
    except (KeyError, ValueError) as error:
        raise SpondylError(f"{file}: a damaged spine finder", "Train it again.") from error
    return about if isinstance(about, dict) else {}
