"""What a study found and how it was done, in sentences made from its records.

Decision: no sentence is written by hand for a study, so none can say more than its figures. The
best configuration is named with how many films set it apart from the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spondyl.data.labels import TOGETHER
from spondyl.learn.outcome import Outcome
from spondyl.learn.vision_language import prompts
from spondyl.report.contents import ReportContents
from spondyl.report.result_tables import verdict
from spondyl.report.summary import Compared, Scored, best, majority_share
from spondyl.trust import metrics
from spondyl.trust.intervals import NotRun

_TRAINED = {"scratch", "fine-tuning", "feature-extraction", "two-stage", "fixmatch"}
_SOLVED = {"probe", "random-features"}

_PROTOCOLS = {
    "nested": "Protocol “nested”: within each training part some groups are set aside (“tune”); "
    "they choose the strength, the learning rate and when to stop. The tested fold has chosen "
    "nothing.",
    "paper": "Protocol “paper”: the tested fold itself also chooses the strength, the learning "
    "rate and when to stop, so its accuracy leans upwards. It stands here for comparison "
    "with the paper only.",
}

_HIDDEN = {
    "inside": "Only a frame of 16 pixels in 224 round the input is shown; all within it is black.",
    "spine": "The columns of each film that hold its spine mask are black in all rows; how wide "
    "they are still tells how far the spine sways.",
    "centre": "The middle half of the input's width, where most spines are, is black.",
    "sides": "Only the middle half of the input's width is shown; the rest is black.",
}


def headline(
    contents: ReportContents, scored: Sequence[Scored], compared: Sequence[Compared]
) -> tuple[str, ...]:
    """The study in a few sentences; says so where nothing was run."""
    cohort, n_all = contents.cohort, len(contents.outcomes)
    films = f"{cohort.n_films} films in {cohort.n_groups} groups ({cohort.name})"
    top = best(scored)
    if top is None:
        return (f"None of {_count(n_all, 'configuration')} ran on {films}: there are no figures.",)
    absent = n_all - len(scored)
    rest = f" Not run: {absent}, shown below with the reason." if absent else ""
    first = f"{len(scored)} of {_count(n_all, 'configuration')} ran on {films}.{rest}"
    told = [first]
    told += [_best_of_draws(top)] if top.repeated else [_best(top), *_runner_up(top, compared)]
    if top.outcome.configuration.is_steered:
        told.append("The tested films also steered it, so its accuracy leans upwards.")
    elif any(one.outcome.configuration.is_steered for one in scored):
        told.append("Configurations that the tested films steered (“paper”) were not asked.")
    if started := _random_start(contents.outcomes):
        told.append(started)
    told.append("These figures speak of this collection of films only, and not of other hospitals.")
    return tuple(told)


def methods(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The protocol in sentences, of whatever the resolved spec states."""
    strategies = set(spec.get("strategies", ()))
    told = [*_films(spec), *_folds(spec)]
    told += [_PROTOCOLS[name] for name in spec.get("protocols", ()) if name in _PROTOCOLS]
    if strategies & _SOLVED:
        told.append(
            "Strategies “probe” and “random-features”: the body stays as it is, its feature map is "
            "averaged over the film, and a logistic regression with an L2 penalty is solved to its "
            "end; the tune part chooses the penalty."
        )
    if strategies & _TRAINED:
        told += [*_descent(spec), *_augmentation(spec)]
    told += _unlabelled(spec)
    told += _prompts(spec)
    some = spec.get("scheme") == "hold-out" or spec.get("only_folds")
    judged = "each film that is tested" if some else "every film"
    once = "once in every draw" if spec.get("repeats", 1) > 1 else "once"
    told.append(
        f"Scores are computed from out-of-fold predictions: {judged} is judged {once}, by a "
        "network that was not fitted on it or on any film of its group."
    )
    return tuple(told)


def _best(top: Scored) -> str:
    scores = top.pooled
    flawless = scores.n_correct in (0, scores.n)
    # All groups right have no spread to resample; a proportion's own interval still has a width.
    interval = top.accuracy_wilson if flawless else top.accuracy_groups
    over = "films, Wilson" if flawless else "groups"
    majority = metrics.confusion(top.table).sum(axis=1).argmax()
    return (
        f"Most often right: {top.name}, in {_percent(scores.accuracy)} of films "
        f"({scores.n - scores.n_correct} of {scores.n} wrong; 95 % interval over {over}: "
        f"{_percent(interval.low)} to {_percent(interval.high)}). Always saying "
        f"“{top.table.labels.names[majority]}” is right in {_percent(majority_share(top.table))}."
    )


def _best_of_draws(top: Scored) -> str:
    assert top.repeated is not None
    accuracy = top.repeated.scores["accuracy"]
    sure = accuracy.of_folds
    interval = (
        f"no interval: {sure.why}"
        if isinstance(sure, NotRun)
        else f"95 % interval of its mean over folds, corrected for their overlap: "
        f"{_percent(sure.low)} to {_percent(sure.high)}"
    )
    return (
        f"Most often right over {top.repeated.n_draws} draws of the folds: {top.name}, in "
        f"{_percent(accuracy.mean)} of films on average ({_percent(min(accuracy.of_draws))} to "
        f"{_percent(max(accuracy.of_draws))} in single draws; {interval}). Heatmaps, galleries and "
        "every table that does not say otherwise are of the first draw, in which it was right in "
        f"{_percent(top.pooled.accuracy)}."
    )


def _runner_up(top: Scored, compared: Sequence[Compared]) -> list[str]:
    """The comparison of the best with whichever comes nearest; nothing where it stands alone."""
    near = [c for c in compared if c.pair.first == top.name]
    if not near:
        return []
    closest = min(near, key=lambda c: c.pair.first_only - c.pair.second_only)
    pair = closest.pair
    if pair.decided_by == 0:
        return [f"{pair.second} is right on the very same films."]
    return [
        f"It was picked for being the highest, which flatters it. What sets it apart from "
        f"{pair.second} is decided by {_count(pair.decided_by, 'film')} of {pair.n_films}: "
        f"{verdict(closest)} (corrected p {closest.p_holm:.2g})."
    ]


def _random_start(outcomes: Sequence[Outcome]) -> str:
    run = [o for o in outcomes if o.predictions is not None and o.weights is not None]
    if run and all(o.weights and o.weights.source == "random" for o in run):
        return "Every network that was run started from random weights: none was pretrained."
    return ""


def _films(spec: Mapping[str, Any]) -> list[str]:
    if "size" not in spec:
        return []
    height, width = spec["size"]
    fit = {
        "stretch": "stretched",
        "letterbox": "fitted without distortion, borders filled,",
    }.get(str(spec.get("fit")), "resized")
    colour = {"grey": "in grey", "as stored": "with the colours of the file"}
    shown = colour.get(str(spec.get("colour")), "")
    told = [f"Films are {fit} to {height} × {width} pixels {shown}".rstrip() + "."]
    if spec.get("crop") == "spine":
        told.append(
            "Before that each film is cropped to the box round its spine mask, with "
            f"{100 * spec['crop_margin']:g} % of the box's longer side added on every side, as far "
            "as the film reaches. What is left of the box's shape tells the curve."
        )
    if (hidden := spec.get("hide")) in _HIDDEN:
        told.append(_HIDDEN[hidden])
    return told


def _folds(spec: Mapping[str, Any]) -> list[str]:
    if "folds" not in spec:
        return []
    copies = (
        " Films that show one picture are found and share a group."
        if spec.get("find_duplicates")
        else " Copies of a film are not looked for."
    )
    seed = spec.get("seed", "not stated")
    parted = f"{spec['folds']} folds, stratified by label"
    if spec.get("scheme") == "hold-out":
        share = f"{100 * spec['test_share']:g} % of each label's films"
        parted = f"Hold-out of at most {share}, which tables and figures call a fold"
    return [
        f"{parted}; films of a group are never parted (seed {seed}).{copies}",
        *_drawn(spec),
    ]


def _drawn(spec: Mapping[str, Any]) -> list[str]:
    """How often films were divided, which of them, and what labels with a plus are."""
    told = []
    if (repeats := spec.get("repeats", 1)) > 1:
        told.append(f"The films are divided {repeats} times, and everything is learned anew.")
    if others := spec.get("other_labels"):
        told.append(
            f"Films of {', '.join(others)} are divided with all others and then left out, so that "
            "the parts are those of the task that has these labels too."
        )
    if any(TOGETHER in name for name in spec.get("labels", ())):
        told.append(
            "A label with a plus is a combination of findings, learned as a class of its own "
            "(label powerset, Tsoumakas & Katakis 2007); other combinations cannot be predicted."
        )
    return told


def _descent(spec: Mapping[str, Any]) -> list[str]:
    keys = ("batch_size", "learning_rate", "plateau_patience", "plateau_factor", "epochs")
    if any(key not in spec for key in (*keys, "learning_rate_floor", "stop_patience")):
        return []
    return [
        f"Trained strategies: cross-entropy, Adam, batches of {spec['batch_size']}, learning rate "
        f"{spec['learning_rate']:g}, times {spec['plateau_factor']:g} after "
        f"{spec['plateau_patience']} epochs without a lower steering loss, not below "
        f"{spec['learning_rate_floor']:g}; stopped after {spec['stop_patience']} such epochs or "
        f"{spec['epochs']} in all. The epoch with the lowest steering loss is kept.",
        *_two_stage(spec),
        *_switches(spec),
    ]


def _two_stage(spec: Mapping[str, Any]) -> list[str]:
    if "two-stage" not in spec.get("strategies", ()):
        return []
    n, views = spec["unfrozen_stages"], spec.get("views")
    seen = f" {views} stored views of each film instead of new ones" if views else ""
    return [
        "Strategy “two-stage”: first a logistic regression on frozen features as the head, solved "
        "on the training part, its strength chosen by the tune part; then the last "
        f"{'stage' if n == 1 else f'{n} stages'} of the body and that head, at "
        f"{spec['second_rate']:g} times the learning rate for {spec['second_epochs']} epochs at "
        f"most{seen and ', on' + seen}. Where no epoch has a lower tune loss than the solved head, "
        "that is kept."
    ]


def _unlabelled(spec: Mapping[str, Any]) -> list[str]:
    """How films without a label teach."""
    strategies = spec.get("strategies", ())
    told = []
    if "pseudo-labels" in strategies:
        told.append(
            "Strategy “pseudo-labels”: a logistic regression on frozen features, averaged over the "
            "film, labels the unlabelled films that it is sure of, and is solved anew with them "
            "(Lee 2013); the tune part chooses the penalty, what is sure, what they weigh, and "
            "whether they are used at all."
        )
    if "fixmatch" in strategies:
        told.append(
            f"Strategy “fixmatch” (Sohn et al. 2020): {spec['fixmatch_ratio']} unlabelled films in "
            "a step for each labelled one; where the network gives a label in an ordinary view a "
            f"probability of {spec['fixmatch_threshold']:g} or more, a strongly changed view "
            f"(contrast, gamma, a hole) must get it too, with weight {spec['fixmatch_weight']:g}."
        )
    return told


def _prompts(spec: Mapping[str, Any]) -> list[str]:
    """What is said to a text tower, label by label, and that nothing is learned."""
    names = spec.get(prompts.NAMES)
    if prompts.STRATEGY not in spec.get("strategies", ()) or not names:
        return []
    templates, labels = spec[prompts.TEMPLATES], spec.get("labels", tuple(names))
    said = prompts.asked(templates, names, labels)
    listed = "; ".join(f"{label}: {', '.join(words)}" for label, words in said.names)
    return [
        "Strategy “zero-shot” (Radford et al. 2021): nothing is learned from any film. A film's "
        "logit for a label is the scaled cosine between it and the mean of the label's prompts, as "
        f"the model's two towers embed them. Prompts, {said}: the templates "
        f"{', '.join(f'“{one}”' for one in templates)}, with {listed}."
    ]


def _switches(spec: Mapping[str, Any]) -> list[str]:
    """What was switched on and is off by default."""
    told = []
    if spec.get("views") and "feature-extraction" in spec.get("strategies", ()):
        told.append(
            f"Feature extraction: each epoch draws from stored features of {spec['views']} "
            "augmented views of each film, not from views made anew."
        )
    if spec.get("films_seen_before") == "accept":
        told.append(
            "Initial weights may have been learned from films of this very cohort, which was "
            "accepted: figures of films that they know may lean upwards."
        )
    if spec.get("sampling") == "balanced":
        told.append(
            "An epoch draws as many films as there are, with replacement, every class equally "
            "often."
        )
    if spec.get("class_weights") == "balanced":
        told.append("Classes weigh in every loss by films / (classes × films of the class).")
    if spec.get("precision", "32-true") != "32-true":
        told.append(f"Training steps in precision {spec['precision']}; judged in single precision.")
    return told


def _augmentation(spec: Mapping[str, Any]) -> list[str]:
    phrases: dict[str, Callable[[Any], str]] = {
        "flip": lambda v: f"flipped left to right with probability {v:g}",
        "rotate_degrees": lambda v: f"rotated within ±{v:g}°",
        "translate": lambda v: f"shifted within ±{100 * v:g} %",
        "zoom": lambda v: f"scaled to {100 * v[0]:g}–{100 * v[1]:g} %",
        "shear_degrees": lambda v: f"sheared within ±{v:g}°",
        "brightness": lambda v: f"brightened within ±{100 * v:g} %",
        "contrast": lambda v: f"changed in contrast within ±{100 * v:g} %",
    }
    said = [say(spec[key]) for key, say in phrases.items() if spec.get(key)]
    drawn = f"{', '.join(said)}, anew in every epoch" if said else "not changed"
    return [f"Training films are {drawn}."]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
