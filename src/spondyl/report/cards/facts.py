"""Sentences that a run can say of itself, each made from its records and none written for it.

They are what `known.Known` holds. Where `words` says a thing for the report already, it is asked,
so that card, checklist and report cannot tell of one training in two ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from spondyl.data.labels import TOGETHER, LabelSet
from spondyl.data.radiograph import NOT_STATED, Radiograph
from spondyl.explain.study.record import Explanations
from spondyl.learn import frozen_maps, networks
from spondyl.learn.outcome import Configuration, Protocol, WeightsRecord
from spondyl.learn.spec import StudySpec
from spondyl.learn.strategies import STRATEGIES
from spondyl.learn.study import Study
from spondyl.reading.bundle import bare_network
from spondyl.report import words
from spondyl.report.contents import ClassCount, CohortFacts

EXCLUSIVE = (
    "Every film bears one label, and the labels are treated as exclusive; scoliosis and "
    "spondylolisthesis can occur in one patient, and such a patient cannot be told here."
)
COMBINED = (
    "Every film bears one label; one with a plus is a combination of findings. A patient with a "
    "combination that is none of the labels cannot be told here."
)
_SHOWN = {"size", "fit", "colour", "crop", "crop_margin", "hide"}


def of_method(
    spec: StudySpec, configuration: Configuration, weights: WeightsRecord | None
) -> dict[str, str]:
    """What a spec and a configuration say without a film, by field of `Known`."""
    strategy = STRATEGIES[configuration.strategy]
    family = networks.parse(configuration.network).architecture.family.name
    stated = spec.model_dump(mode="json")
    seen = _sentences(stated, _SHOWN)
    return {
        "configuration": str(configuration),
        "approach": f"Deep learning: an image classifier ({configuration.network}, family "
        f"{family}) under the strategy “{configuration.strategy}”.",
        "preprocessing": seen[0],
        "shown": " ".join(seen[1:]) or "The whole film is shown.",
        "predictors": "The pixels of one film, and nothing that is stated of the patient.",
        "network": f"{configuration.network}; {strategy.description}.",
        "parameters": _parameters(configuration, spec),
        "initial_weights": _initial(weights),
        "training": _training(stated, configuration),
        "selection": " ".join(_sentences({"protocols": [configuration.protocol]}, ("protocols",))),
        "imbalance": "Classes weigh in the loss by films / (classes × films of the class)."
        if spec.class_weights == "balanced"
        else "Each epoch draws films with replacement, every class equally often."
        if spec.sampling == "balanced"
        else "None: films weigh alike, whatever their class; nothing was resampled.",
        "fairness": "None was taken: age, sex and site play no part in training or choice.",
        "exclusive": exclusive(spec.labels),
        "output": f"A probability for each of {len(spec.labels)} labels "
        f"({', '.join(spec.labels)}), adding up to 1 (softmax); the film is called the most "
        "probable one. There is no other threshold.",
    }


def _initial(weights: WeightsRecord | None) -> str:
    if weights is None:
        return ""
    return "Drawn at random." if weights.source == "random" else f"Read from {weights}."


def _sentences(spec: Mapping[str, Any], keys: Iterable[str]) -> tuple[str, ...]:
    """What the report says of these keys alone; its last sentence is of scores, and left out."""
    return words.methods({key: spec[key] for key in keys})[:-1]


def _training(spec: Mapping[str, Any], configuration: Configuration) -> str:
    about = {**spec, "strategies": [configuration.strategy]}
    return " ".join(_sentences(about, about.keys() - _SHOWN - {"folds", "protocols"}))


def _parameters(configuration: Configuration, spec: StudySpec) -> str:
    """How many parameters there are and how many of them are learned; none is allocated."""
    with torch.device("meta"):
        network = bare_network(configuration, len(spec.labels))
    head = networks.n_parameters([network.head])
    whole = head + networks.n_parameters([network.body])
    written = 0 if configuration.strategy == "zero-shot" else head
    learned = {"head": written, "all": whole}.get(STRATEGIES[configuration.strategy].learned)
    if learned is None:
        _, upper = frozen_maps.parted(network, spec.unfrozen_stages)
        learned = networks.n_parameters([upper])
    return f"{whole:,} parameters, of which {learned:,} are learned."


def exclusive(names: Sequence[str]) -> str:
    """What labels that exclude each other, or are combinations, cannot say."""
    return COMBINED if any(TOGETHER in name for name in names) else EXCLUSIVE


def of_films(study: Study) -> dict[str, str]:
    """What a study says of its films; a fact that no film states is ""."""
    cohort = study.cohort
    films, names = cohort.radiographs, cohort.labels.names
    facts = CohortFacts.of(cohort.root.name, cohort.sha256, cohort.labels, films)
    return {
        "films": f"{facts.n_films} films in {_groups(facts.n_groups)}, “{facts.name}”.",
        "classes": "; ".join(map(_class, facts.classes)) + ".",
        "labels": f"One of {len(names)} labels for each film, as its folder or the manifest "
        f"states it: {', '.join(names)}. {exclusive(names)}",
        "origin": _origin(films),
        "limitations": f"{_origin(films)} Nothing here was tested on films of another collection. "
        f"{exclusive(names)}",
        "sites": _counted("Site", [film.site for film in films]),
        "views": _counted("View", [film.view for film in films]),
        "people": _people(films, cohort.labels),
        "missing": _missing(films),
        "copies": _copies(study),
        "left_out": _left_out(study),
    }


def _class(one: ClassCount) -> str:
    return f"{one.label} {one.n_films} films in {_groups(one.n_groups)}"


def _groups(n: int) -> str:
    return "1 group" if n == 1 else f"{n} groups"


def _counted(what: str, values: Sequence[str]) -> str:
    """How often each value occurs; "" where none is stated."""
    if set(values) <= {NOT_STATED}:
        return ""
    return f"{what}: {', '.join(f'{value} {n}' for value, n in sorted(Counter(values).items()))}."


def _people(films: Sequence[Radiograph], labels: LabelSet) -> str:
    by_label = {name: [f for f in films if f.label == name] for name in labels.names}
    told = [_ages(films), _counted("Sex", [film.sex for film in films])]
    if not any(told):
        return ""
    rows = [
        f"{name}: {_ages(some) or 'age not stated.'} "
        f"{_counted('Sex', [film.sex for film in some]) or 'Sex not stated.'}"
        for name, some in by_label.items()
        if some
    ]
    return " ".join([*filter(None, told), "By label:", *rows])


def _ages(films: Sequence[Radiograph]) -> str:
    ages = [film.age_years for film in films if film.age_years is not None]
    if not ages:
        return ""
    return (
        f"Age {min(ages):g} to {max(ages):g} years, median {float(np.median(ages)):g} "
        f"(stated for {len(ages)} of {len(films)} films)."
    )


def _missing(films: Sequence[Radiograph]) -> str:
    absent = {
        "age": sum(film.age_years is None for film in films),
        "sex": sum(film.sex == NOT_STATED for film in films),
        "view": sum(film.view == NOT_STATED for film in films),
        "site": sum(film.site == NOT_STATED for film in films),
    }
    counted = ", ".join(f"{name} {n}" for name, n in absent.items())
    return f"Not stated, of {len(films)} films: {counted}. Nothing was imputed; no network used it."


def _copies(study: Study) -> str:
    if not study.spec.find_duplicates:
        return "Films that show one picture were not looked for."
    n = sum(len(group.image_ids) for group in study.duplicates)
    return (
        "Films that show one picture were looked for by local features, aligned, and taken for one "
        "where fine detail agrees nearly everywhere: "
        + (f"{n} films in {_groups(len(study.duplicates))}." if n else "none was found.")
    )


def _left_out(study: Study) -> str:
    about: Mapping[str, Any] = study.facts.get("regions") or {"left_out": {}, "made_by": []}
    absent: Mapping[str, int] = about["left_out"]
    others: Mapping[str, int] = study.facts.get("other_labels", {}).get("left_out", {})
    told = []
    if any(absent.values()):
        made_by = ", ".join(about["made_by"])
        told.append(f"Left out for want of a spine mask ({made_by}): {_by_label(absent)}.")
    if others:
        told.append(f"Left out, since the task is about other labels: {_by_label(others)}.")
    return " ".join(told) or "Of the films that were given none was left out."


def _by_label(films: Mapping[str, int]) -> str:
    return ", ".join(f"{label} {n}" for label, n in films.items())


def of_partitions(study: Study, protocol: Protocol) -> dict[str, str]:
    """Who was learned from, who steered and who judged."""
    splits, folds = study.splits, [study.splits.folds[fold] for fold in study.spec.folds_run]
    parts: tuple[Literal["train", "tune", "test"], ...] = ("train", "tune", "test")
    sizes = ", ".join(f"{part} {span_of([len(getattr(f, part)) for f in folds])}" for part in parts)
    steered = (
        "the tune part steered"
        if protocol == "nested"
        else "the test part steered too, and the tune part was learned from"
    )
    whole = len(folds) == study.spec.folds_per_repeat
    judged = "each film" if whole else "each film of the folds that were run"
    if splits.test_share is not None:
        judged = "each film that was held out"
    drawn = "" if splits.repeats == 1 else " All that follows is of the first draw of folds."
    chosen = "" if protocol == "nested" else "; but the judged films chose when it was stopped"
    return {
        "partitions": f"Folds: {splits.scheme}, seed {splits.seed}: {sizes} films in a fold; "
        f"{steered}." + ("" if whole else f" Only {len(folds)} of the folds were run.") + drawn,
        "disjoint": "By group: a group is the patient where stated, else a film with its copies; "
        "that no group is in two parts of a fold was proven.",
        "ensembling": "None: each film is judged by the one network of its fold.",
        "updating": "None: no network was changed after it was judged.",
        "evaluation": f"Internal only: {judged} was judged once, by a network that learned from "
        f"neither it nor any film of its group{chosen}. The films that judge are of the same "
        "collection as those that teach.",
        "external": "None in this run.",
    }


def _origin(films: Sequence[Radiograph]) -> str:
    sites = {film.site for film in films} - {NOT_STATED}
    if not sites:
        return "The films state no site: take them for those of one hospital."
    absent = sum(film.site == NOT_STATED for film in films)
    return f"Sites stated: {len(sites)}; not stated for {absent} of {len(films)} films."


def of_explanations(explained: Explanations) -> str:
    """Which heatmaps were made."""
    named = ", ".join(" = ".join(same) for same in explained.about.pictures)
    return (
        f"Heatmaps of {len(explained.about.image_ids)} films by {named}, scored beside maps that "
        "know nothing of the answer."
    )


def of_run(versions: Mapping[str, str]) -> dict[str, str]:
    """With what it was made."""
    return {
        "software": ", ".join(f"{name} {said}" for name, said in versions.items()) + ".",
        "code": f"spondyl {versions.get('spondyl', '')}".rstrip() + " (Apache-2.0).",
    }


def span_of(counts: Sequence[int]) -> str:
    """Counts as "68" or "67–68"."""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"
