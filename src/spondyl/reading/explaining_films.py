"""A film before the networks of a bundle: what they say of it, and where they look.

A film that the study knew is shown to those networks that did not learn from it, as in the study; a
new film to all. Where several look, a heatmap is the mean of their signed maps, taken before the
ReLU in which a method may end, so that networks that disagree cancel; the probabilities are the
mean of theirs. For a method that is linear in the logit the mean map is the map of the mean logit.
The price: a film that every network learned from has none that did not. It is explained by all, and
says so, because what they show of it is in part what they remember.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spondyl.data import pixels, spines
from spondyl.data.placement import Placement
from spondyl.data.spines import Spine, SpineOf
from spondyl.errors import SpondylError
from spondyl.explain import explaining
from spondyl.explain.explaining import explain, named
from spondyl.explain.feature_map import at_rest
from spondyl.explain.heatmap import Heatmap
from spondyl.learn.heads import PooledLinear
from spondyl.learn.networks import Network
from spondyl.reading.bundle import Bundle

PREDICTED, ALL = "predicted", "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every film."""

    methods: tuple[str, ...]
    """Names in `explaining.METHODS`, each once."""
    labels: tuple[str, ...]
    """Names of labels, each once; empty for the predicted one."""
    fold: int | None = None
    """The one fold whose network answers, whatever it learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmExplained:
    """What the networks of a bundle make of one film."""

    path: Path
    sha256: str
    placement: Placement
    folds: tuple[int, ...]
    """The folds whose networks answered."""
    learned_from_it: tuple[int, ...]
    """Of all folds of the bundle, those whose network had this file in its training part."""
    probabilities: NDArray[np.float64]
    """(folds, labels) of each network that answered, rows summing to 1."""
    heatmaps: tuple[tuple[str, Heatmap], ...]
    """(name of the method, map), methods in the order asked, labels within them."""

    @property
    def mean_probabilities(self) -> NDArray[np.float64]:
        """(labels,) mean over the networks, summing to 1."""
        return np.asarray(self.probabilities.mean(axis=0))


def asked_of(
    bundle: Bundle, methods: Sequence[str], labels: Sequence[str], fold: int | None = None
) -> Asked:
    """What is asked, proven to be answerable by `bundle`.

    `labels` are names, or "predicted" alone, or "all" alone. Raises `SpondylError` for unknown
    methods, labels and folds.
    """
    if fold is not None and fold not in bundle.folds:
        raise SpondylError(
            f"fold {fold}: not in the bundle", f"Its folds: {', '.join(map(str, bundle.folds))}."
        )
    names = tuple(dict.fromkeys(named(method).name for method in methods))
    return Asked(names, _labels(bundle, labels), fold)


def networks_for(bundle: Bundle, asked: Asked, device: torch.device) -> dict[int, Network]:
    """The networks that may answer, by fold; `SpondylError` for a method that they do not admit."""
    folds = bundle.folds if asked.fold is None else (asked.fold,)
    networks = bundle.networks(device, folds)
    _, upper = networks[folds[0]].explained_parts()
    for method in asked.methods:
        if named(method).linear_only and not isinstance(upper, PooledLinear):
            raise SpondylError(
                f"{named(method).title} is not defined for {bundle.configuration.network}: its "
                "head is not pooling and one linear layer",
                "Use grad-cam.",
            )
    return networks


def spines_for(
    bundle: Bundle,
    regions: Path | None,
    image_ids: Mapping[Path, str],
    *,
    by_finder: bool = False,
) -> SpineOf:
    """What says where the spine lies in each film: masks in the folder `regions`, where `bundle`
    cannot show a film without; `image_ids` says what each film is called there. Nothing says so
    where a spine finder is asked instead (`by_finder`).

    Raises `SpondylError` where such a folder is needed and not given, or given and not needed.
    """
    needed = bundle.preprocessing.needs_spine
    if needed and regions is None and not by_finder:
        raise SpondylError(
            f"{bundle.folder}: its networks are shown films by their spine masks, and none are "
            "given",
            "Give the folder of the films' masks with --regions.",
        )
    if regions is not None and not needed:
        raise SpondylError(
            f"{regions}: spine masks are given, and the bundle's networks are shown whole films",
            "Leave --regions out.",
        )
    return spines.unknown if regions is None else spines.lookup(regions, image_ids)


def explain_film(
    path: Path,
    bundle: Bundle,
    networks: Mapping[int, Network],
    asked: Asked,
    spine: Spine | None = None,
) -> FilmExplained:
    """What `networks`, those of `bundle` by fold, make of the film in a file.

    Raises `SpondylError` for a file that is no film, for a film whose `spine` is needed and not
    known, and where a method has no map for it.
    """
    film = pixels.read(path)
    sha256 = film.facts.sha256
    image, placement = _on_grid(film, bundle, networks, spine)
    learned = bundle.learned_from(sha256)
    folds = tuple(fold for fold in networks if fold not in learned) or tuple(networks)
    answering = [networks[fold] for fold in folds]
    probabilities = np.stack([_probabilities(network, image) for network in answering])
    labels = asked.labels or (bundle.labels.names[int(probabilities.mean(axis=0).argmax())],)
    heatmaps = [
        (method, heatmap)
        for method in asked.methods
        for heatmap in _heatmaps(path.name, image, answering, bundle, method, labels)
    ]
    return FilmExplained(path, sha256, placement, folds, learned, probabilities, tuple(heatmaps))


def same_pictures(networks: Mapping[int, Network], asked: Asked) -> tuple[tuple[str, ...], ...]:
    """The methods asked for in groups that draw one picture on these networks."""
    return explaining.same_picture(next(iter(networks.values())), asked.methods)


def _labels(bundle: Bundle, asked: Sequence[str]) -> tuple[str, ...]:
    if list(asked) == [PREDICTED]:
        return ()
    if list(asked) == [ALL]:
        return bundle.labels.names
    unknown = [label for label in asked if bundle.labels.resolve(label) is None]
    if unknown or not asked:
        raise SpondylError(
            f"label {', '.join(map(repr, unknown)) or '(none)'}: not among those of the bundle",
            f"Its labels: {', '.join(bundle.labels.names)}; or {PREDICTED}, or {ALL}.",
        )
    return tuple(dict.fromkeys(str(bundle.labels.resolve(label)) for label in asked))


def _on_grid(
    film: pixels.Pixels, bundle: Bundle, networks: Mapping[int, Network], spine: Spine | None
) -> tuple[Tensor, Placement]:
    """The film (1, 3, h, w), normalised, on the networks' device, and where it lies.

    It passes through half precision, in which a study keeps its films (`PreparedFilms`), so that
    its films meet the very numbers they met there.
    """
    canvas, placement = bundle.preprocessing.apply(film, spine)
    device = next(next(iter(networks.values())).parameters()).device
    image = torch.from_numpy(canvas).half()[None].to(device)
    return bundle.preprocessing.normalised(image), placement


def _probabilities(network: Network, image: Tensor) -> NDArray[np.float64]:
    """(labels,) softmax of the logits of one image, in float64."""
    with at_rest(network) as still, torch.inference_mode():
        return still(image)[0].double().softmax(dim=0).cpu().numpy()


def _heatmaps(
    image_id: str,
    image: Tensor,
    networks: Sequence[Network],
    bundle: Bundle,
    method: str,
    labels: Sequence[str],
) -> list[Heatmap]:
    """For each label the mean of the networks' signed maps."""
    columns = [bundle.labels.column(label) for label in labels]
    images = image.expand(len(columns), -1, -1, -1)
    answers = [explain(network, images, columns, method) for network in networks]
    signed = torch.stack([answer.signed for answer in answers]).mean(dim=0)
    mean = explaining.Explained(signed, answers[0].logits, answers[0].method, answers[0].layer)
    return [
        mean.heatmap(row, image_id, label, bundle.bundle_id) for row, label in enumerate(labels)
    ]
