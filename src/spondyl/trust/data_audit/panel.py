"""The films of an audit, how they are seen, and the probes that stand on them.

Whatever is asked of a film is asked of the same films in the same folds, so figures can be set side
by side; only what needs a spine mask stands on fewer, and says on how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spondyl.data import cohort as cohorts
from spondyl.data import regions
from spondyl.data.cohort import Cohort
from spondyl.data.radiograph import NOT_STATED, Radiograph, View
from spondyl.data.regions import Regions
from spondyl.data.spines import NO_SPINES, Spine, Spines
from spondyl.errors import SpondylError
from spondyl.progress import Track, silently
from spondyl.trust.checks import Evidence
from spondyl.trust.data_audit import alarms, artefact_probes, probing, sight
from spondyl.trust.data_audit import features as frozen
from spondyl.trust.data_audit import probes as questions
from spondyl.trust.data_audit.features import Body
from spondyl.trust.data_audit.probes import Asked, NotAsked
from spondyl.trust.data_audit.probing import N_SHUFFLES, Films, Folding, FoldsName, Probe, Probed
from spondyl.trust.data_audit.remedies import Remedy
from spondyl.trust.data_audit.sight import Sight
from spondyl.trust.metrics import Floats

FOLDS: tuple[FoldsName, ...] = ("plain", "grouped")


@dataclass(frozen=True, slots=True)
class Marked:
    """What an audit keeps of a film's spine mask."""

    spine: Spine
    shape: Floats
    """`probes.mask_shape` of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How an audit asks, and what it is given besides the films."""

    n_folds: int = 5
    seed: int = 0
    n_shuffles: int = N_SHUFFLES
    regions: Path | None = None
    """Folder of spine masks, as `data.regions.save` writes them."""
    views: Mapping[str, View] = field(default_factory=dict)
    """image_id → view as a finder found it, for films whose view nobody stated."""
    body: Body | None = None
    """A frozen network to be asked for features."""
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Remedied:
    """The probes of what is seen, under grouped folds, of the same films before and after."""

    name: str
    what: str
    n_films: int
    before: tuple[Probed, ...]
    after: tuple[Probed, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The films that are probed, as they are seen, and their folds."""

    plan: Plan
    radiographs: tuple[Radiograph, ...]
    films: Films
    marked: Mapping[str, Marked]
    sight: Sight
    asked: tuple[Asked, ...]
    """Of all films; those of spines stand on the films with a mask."""
    folded: Mapping[FoldsName, Folding]

    @classmethod
    def of(cls, cohort: Cohort, plan: Plan, track: Track = silently) -> Panel:
        """All films of `cohort`, or those of random groups where there are too many to probe.

        Raises `SpondylError` for films and masks that cannot be read, fewer than two folds, labels
        with fewer groups than folds, and a remedy whose masks are not given.
        """
        refuse_impossible(plan)
        if problems := cohorts.too_few_groups(cohort.radiographs, cohort.labels, plan.n_folds):
            raise SpondylError.of(problems, str(cohort.root))
        every = _films(cohort)
        kept = {every.image_ids[row] for row in probing.sampled(every, plan.seed)}
        stated = cohort.only(kept)
        radiographs = tuple(_with_view(film, plan.views) for film in stated.radiographs)
        films = _films(stated)
        marked = _marked(plan.regions, radiographs, track)
        grid = None if plan.body is None else plan.body.preprocessing
        spines: Spines = {image_id: one.spine for image_id, one in marked.items()}
        seen = sight.seen(radiographs, spines=spines, grid=grid, track=track)
        asked = (
            questions.of_files(radiographs),
            questions.of_people(radiographs),
            questions.of_stated("view", radiographs),
            questions.of_stated("site", radiographs),
            *_of_sight(seen, plan, track),
        )
        folded = {
            name: Folding.draw(films, name, plan.n_folds, plan.seed, plan.n_shuffles)
            for name in FOLDS
        }
        return cls(plan, radiographs, films, marked, seen, asked, folded)

    @property
    def probes(self) -> list[Probe]:
        """Those of `asked` that could be asked."""
        return [one for one in self.asked if isinstance(one, Probe)]

    @property
    def counted(self) -> Evidence:
        """What lies on the films, by label."""
        return artefact_probes.counted(self.sight.artefacts, self.films.truth, self.films.labels)

    @property
    def beside(self) -> dict[str, Evidence]:
        """More to show of some checks, by name."""
        names = [self.films.labels.names[column] for column in self.films.truth]
        shown = dict.fromkeys(artefact_probes.NAMES, self.counted)
        for name in ("view", "site"):
            values = [getattr(film, name) for film in self.radiographs]
            shown[name] = alarms.crossed(f"Films by {name} and label", values, names)
        return shown

    def spine_probes(self, track: Track) -> tuple[list[NotAsked], list[Probed]]:
        """What the surroundings and the shape of spines tell, on the films that have a mask."""
        _, films = self._with_mask()
        why = "no spine masks were given" if self.plan.regions is None else ""
        if not why and _too_few(films, self.plan.n_folds):
            why = f"{len(films)} films with a mask: too few groups of a label for the folds"
        if why:
            return [questions.not_asked(n, why) for n in ("spine-hidden", "mask-shape")], []
        hidden = [picture for picture in self.sight.surroundings if picture is not None]
        shapes = [self.marked[image_id].shape for image_id in films.image_ids]
        asked = [questions.of_hidden(np.stack(hidden)), questions.of_masks(np.stack(shapes))]
        plan, probed = self.plan, []
        for name in track(FOLDS, "probing spines", len(FOLDS)):
            folding = Folding.draw(films, name, plan.n_folds, plan.seed, plan.n_shuffles)
            probed += [probing.probe(one, folding, plan.seed) for one in asked]
        return [], sorted(probed, key=lambda one: one.name, reverse=True)

    def remedied(self, remedy: Remedy, probed: Sequence[Probed], track: Track) -> Remedied:
        """What is seen, asked again under `remedy` in the same folds."""
        films, taken, folding = self.films, list(self.radiographs), self.folded["grouped"]
        names = {one.name for one in _of_pictures_only(self.asked)}
        before = [one for one in probed if one.folds == "grouped" and one.name in names]
        plan, spines = self.plan, NO_SPINES
        if remedy.crop == "spine":
            spines = {image_id: one.spine for image_id, one in self.marked.items()}
            rows, films = self._with_mask()
            taken = [self.radiographs[row] for row in rows]
            folding = Folding.draw(films, "grouped", plan.n_folds, plan.seed, plan.n_shuffles)
            values = [replace(one, values=one.values[rows]) for one in self.probes]
            before = [probing.probe(p, folding, plan.seed) for p in values if p.name in names]
        grid = None if plan.body is None else plan.body.preprocessing
        seen = sight.seen(taken, remedy, spines, grid, track)
        asked = [one for one in _of_sight(seen, plan, track) if isinstance(one, Probe)]
        after = tuple(
            probing.probe(one, folding, plan.seed)
            for one in track(asked, f"probing: {remedy.name}", len(asked))
        )
        return Remedied(remedy.name, remedy.what, len(films), tuple(before), after)

    def _with_mask(self) -> tuple[list[int], Films]:
        """Rows of the films that have a mask, and they themselves."""
        films = self.films
        rows = [row for row, image_id in enumerate(films.image_ids) if image_id in self.marked]
        return rows, Films(
            films.labels,
            tuple(films.image_ids[row] for row in rows),
            tuple(films.group_ids[row] for row in rows),
            films.truth[rows],
        )


def _of_sight(seen: Sight, plan: Plan, track: Track) -> list[Asked]:
    """The probes of what is seen of films."""
    asked: list[Asked] = [
        *questions.of_pictures(seen.pictures),
        *artefact_probes.of_artefacts(seen.artefacts),
    ]
    if plan.body is None or seen.images is None:
        why = "no network's weights were given"
        return [*asked, *(questions.not_asked(name, why) for name in frozen.PARTS)]
    return [*asked, *frozen.of_parts(plan.body, seen.images, track)]


def _of_pictures_only(asked: Sequence[Asked]) -> list[Asked]:
    """Without the probes of what was stated of files and people, which no remedy changes."""
    return [one for one in asked if one.name not in questions.STATED]


def _films(cohort: Cohort) -> Films:
    films = cohort.radiographs
    return Films(
        cohort.labels,
        tuple(film.image_id for film in films),
        tuple(film.group_id for film in films),
        np.array([cohort.labels.column(film.label or "") for film in films], np.int64),
    )


def _with_view(film: Radiograph, views: Mapping[str, View]) -> Radiograph:
    found = views.get(film.image_id, NOT_STATED)
    return replace(film, view=found) if film.view == NOT_STATED else film


def _marked(root: Path | None, films: Sequence[Radiograph], track: Track) -> dict[str, Marked]:
    if root is None:
        return {}

    def keep(found: Regions) -> Marked | None:
        box, mask = found.spine_box, found.spine_mask
        if box is None or mask is None:
            return None
        spine = Spine(box, found.image_size, found.made_by)
        return Marked(spine, questions.mask_shape(mask))

    every = regions.of_films(root, films, keep, track)
    return {image_id: one for image_id, one in every.items() if one is not None}


def _too_few(films: Films, n_folds: int) -> bool:
    """Whether some label has fewer groups than folds."""
    pairs = {(label, group) for label, group in zip(films.truth, films.group_ids, strict=True)}
    groups = [sum(one == label for one, _ in pairs) for label in range(len(films.labels))]
    return min(groups) < n_folds


def refuse_impossible(plan: Plan) -> None:
    """Raises `SpondylError` for what cannot be asked of any films: fewer than two folds, a remedy
    whose masks are not given."""
    if plan.n_folds < 2:
        raise SpondylError(f"{plan.n_folds} folds: nothing to probe", "Ask for two folds or more.")
    needy = [remedy.name for remedy in plan.remedies if remedy.crop == "spine"]
    if needy and plan.regions is None:
        raise SpondylError(
            f"remedy {needy[0]}: needs spine masks, and none are given",
            "Give the folder of the films' masks with --regions, or leave the remedy out.",
        )
    if plan.regions is not None:
        regions.refuse_unless_folder(plan.regions)
