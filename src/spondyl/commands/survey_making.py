"""A survey of a finished study's heatmaps, whole or not at all: films are chosen, then drawn.

What sees networks and what knows surveys meet only here: `review.selecting` says which films and
heatmaps are wished for, `reading.survey_pictures` draws them. Everything that can be refused is
refused before anything is drawn. Heatmaps are JPEG, a tenth of a PNG's size; films stay PNG.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spondyl.errors import SpondylError
from spondyl.files import refuse_unless_free
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration, Outcome
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.reading import survey_pictures
from spondyl.reading.survey_pictures import MapAsked, MapDrawn
from spondyl.review import folder, proving, questions, selecting
from spondyl.review.choosing import Candidate, Choice
from spondyl.review.folder import SurveyFolder
from spondyl.review.records import Survey
from spondyl.review.selecting import Drawn, Selection, Wish
from spondyl.review.store import utc_now


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be asked about; numbers as in `choosing.Choice`."""

    configurations: tuple[str, ...] = ()
    """Names (`configured`); none for all, where one or two are finished."""
    wrong: int | None = None
    right: int = 0
    sample: int = 0
    repeats: int = 0
    decoys: int = 0
    seed: int = 0
    """Of the choice, of every order, and of random weights."""
    questions: Path | None = None
    """None for the paper's."""
    title: str = "Radiographs and heatmaps"
    """What readers see, so it names no network."""
    method: str = "grad-cam"


@dataclass(frozen=True, slots=True)
class Made:
    """A survey, and what its maker has to know of it."""

    folder: SurveyFolder
    without_heat: tuple[Wish, ...]
    """Heatmaps that show none, which a reader sees at once."""

    @property
    def lines(self) -> Iterator[str]:
        """What is in it, in words."""
        survey = self.folder.survey
        maps = [m for item in survey.items for m in item.maps]
        why = Counter(item.why for item in survey.items)
        yield f"survey {survey.survey_id}: {len(survey.items)} films to be read"
        yield "  " + ", ".join(f"{n} {reason}" for reason, n in sorted(why.items()))
        yield f"  {len(maps)} heatmaps, {sum(m.kind != 'network' for m in maps)} of them decoys"
        n_scored = sum(bool(m.scores) for m in maps)
        hint = "" if n_scored else "; `spondyl study explain` gives a study some, before this"
        yield f"  {n_scored} with the study's own scores{hint}"


def make(
    run: Path, out: Path, wanted: Wanted, device: str = "auto", track: Track = silently
) -> Made:
    """The survey of the study in `run`, written as the new folder `out`, whose name it bears.

    Raises `SpondylError` where `out` is taken or can name no survey, for configurations that are
    not finished, questions with faults, more films than there are, and as `survey_pictures.maps`.
    """
    refuse_unless_free(out)
    survey_id = survey_id_of(out)
    study = studies.load(run)
    labels = study.cohort.labels
    asked = wanted.questions
    of = questions.read(asked, labels) if asked else questions.of_the_paper(labels)
    chosen = configured(run, study.outcomes(), wanted.configurations)
    choice = _choice(chosen, wanted)
    selection = _as_jpeg(selecting.select(candidates(study, chosen), labels.names, choice))
    items = selection.items
    survey = Survey(survey_id, wanted.title, labels.names, of, items, wanted.seed, utc_now())
    proving.refuse_unsound(survey, str(out))
    maps = _maps(study, chosen, selection, wanted, device, track)
    films = survey_pictures.films(study, [image_id for image_id, _ in selection.films], track)
    pictures = {file: films[image_id] for image_id, file in selection.films}
    pictures |= {file: made.jpeg for file, made in maps.items()}
    drawn = {file: Drawn(made.label, made.method, made.scores) for file, made in maps.items()}
    survey = replace(survey, items=selecting.as_drawn(items, drawn))
    without = tuple(wish for wish in selection.wishes if not maps[wish.file].has_heat)
    return Made(folder.save(out, survey, pictures), without)


def survey_id_of(out: Path) -> str:
    """The name of the folder `out` as that of a survey; `SpondylError` where it can be none."""
    name = "-".join(re.findall(r"[a-z0-9]+", out.absolute().name.casefold()))
    if not 0 < len(name) <= 64:
        raise SpondylError(
            f"{out}: its name cannot be a survey's", "Call the folder like spines-2026."
        )
    return name


def configured(run: Path, outcomes: Sequence[Outcome], names: Sequence[str]) -> list[Outcome]:
    """The finished outcomes that are named, in that order: by a network where that is enough, or by
    network, strategy and protocol as in resnet50_fine-tuning_nested.

    Without `names` all, where one or two are finished. Raises `SpondylError` where more are, where
    none is, and for a name that fits none or several.
    """
    finished = [one for one in outcomes if one.predictions is not None]
    there = ", ".join(one.configuration.slug for one in finished) or "none"
    if not finished:
        raise SpondylError(
            f"{run}: no configuration is finished", "Run `spondyl study run` to its end first."
        )
    if not names and len(finished) > 2:
        raise SpondylError(
            f"{run}: {len(finished)} configurations are finished, and readers see a heatmap of "
            "each one that is asked about",
            f"Name some with --configurations: {there}.",
        )
    found = []
    for name in names:
        fitting = [one for one in finished if name in _names(one.configuration)]
        if len(fitting) != 1:
            how_many = f"{len(fitting)} are finished" if fitting else "none is finished"
            raise SpondylError(f"configuration {name!r}: {how_many}", f"Name one of: {there}.")
        found += fitting
    return found or finished


def candidates(study: Study, chosen: Sequence[Outcome]) -> tuple[Candidate, ...]:
    """Every film that was judged, and what each chosen configuration said of it out of fold."""
    labels = study.cohort.labels.names
    said: dict[str, dict[str, str]] = {}
    for one in chosen:
        table = one.predictions
        assert table is not None
        for image_id, column in zip(table.image_ids, table.predicted, strict=True):
            said.setdefault(image_id, {})[str(one.configuration)] = labels[int(column)]
    return tuple(
        Candidate(
            film.image_id, film.file.sha256, film.group_id, str(film.label), said[film.image_id]
        )
        for film in study.cohort.radiographs
        if film.image_id in said
    )


def _names(configuration: Configuration) -> tuple[str, ...]:
    return configuration.slug, str(configuration), configuration.network


def _choice(chosen: Sequence[Outcome], wanted: Wanted) -> Choice:
    return Choice(
        tuple(str(one.configuration) for one in chosen),
        wanted.seed,
        wanted.wrong,
        wanted.right,
        wanted.sample,
        wanted.repeats,
        wanted.decoys,
    )


def _as_jpeg(selection: Selection) -> Selection:
    def named(file: str) -> str:
        return file.removesuffix(".png") + ".jpg"

    items = (
        replace(item, maps=tuple(replace(m, file=named(m.file)) for m in item.maps))
        for item in selection.items
    )
    wishes = (replace(wish, file=named(wish.file)) for wish in selection.wishes)
    return replace(selection, items=tuple(items), wishes=tuple(wishes))


def _maps(
    study: Study,
    chosen: Sequence[Outcome],
    selection: Selection,
    wanted: Wanted,
    device: str,
    track: Track,
) -> dict[str, MapDrawn]:
    """The heatmaps of a selection by file."""
    named = {str(one.configuration): one.configuration for one in chosen}
    asked = [
        MapAsked(wish.image_id, named[wish.network], _labels(study, wish), wish.kind)
        for wish in selection.wishes
    ]
    maps = survey_pictures.maps(study, asked, wanted.method, wanted.seed, device, track)
    return {wish.file: made for wish, made in zip(selection.wishes, maps, strict=True)}


def _labels(study: Study, wish: Wish) -> tuple[str, ...]:
    """What the map is really for; of the decoy "other label" any label will do but the one that
    readers are told."""
    others = [name for name in study.cohort.labels.names if name != wish.label]
    more = others if wish.kind == "other label" else []
    return tuple(dict.fromkeys((wish.drawn_label, *more)))
