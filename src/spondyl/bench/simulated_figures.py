"""Figures of a survey's analysis that have a truth where readers are simulated, and that truth.

Truths are sums over the model of `review.simulated` and not what many surveys came to, so that an
analysis that errs cannot bear witness for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from spondyl.review.agreement import Agreement, Analytic, Floats
from spondyl.review.analysis.against_labels import AgainstLabels
from spondyl.review.analysis.analysis import Analysis
from spondyl.review.analysis.predicting import ScoreFound
from spondyl.review.analysis.shares import Share
from spondyl.review.analysis.times import Slope
from spondyl.review.simulated import IDLE, TELLING, Simulation
from spondyl.trust.intervals import Interval, NotRun

BY = ", by "
"""Between a figure and the source of its second interval."""

Ends = Interval | Analytic | Slope
"""What has a low and a high end."""


def figures(made: Analysis) -> Iterator[tuple[str, Ends]]:
    """(figure, interval) of what has a truth and an interval; a figure's second interval is named
    after its source (`BY`)."""
    parts = (_between, _again, _decoys, _with_networks, _labels, _scores, _times)
    for figure, ends in (one for part in parts for one in part(made)):
        if not isinstance(ends, NotRun):
            yield figure, ends


def truths(simulation: Simulation) -> dict[str, float]:
    """The true value of each figure of a room of three readers and two networks."""
    ann, bob, _ = readers = simulation.readers
    skill, network = ann.skill * bob.skill, dict(simulation.networks)["vgg16"]
    pairs = [a.skill * b.skill for a, b in combinations(readers, 2)]
    decoys = float(np.mean([one.accepts_decoy for one in readers]))
    real = float(np.mean([one.accepts_real for one in readers]))
    by_experts, by_data_set = accuracies(simulation, network)
    return {
        "Cohen's kappa, diagnosis": skill,
        "Cohen's kappa, linear weights, difficulty": skill,
        "Cohen's kappa, quadratic weights, difficulty": skill,
        "Fleiss' kappa, diagnosis": simulation.fleiss,
        "Krippendorff's alpha, nominal, diagnosis": simulation.fleiss,
        "Krippendorff's alpha, ordinal, difficulty": simulation.fleiss,
        "percent agreement, diagnosis": float(np.mean([same(simulation, p) for p in pairs])),
        "Cohen's kappa, looks right": simulation.map_kappa(0, 1),
        "a reader with themselves, weighted kappa, difficulty": bob.skill**2,
        "readers with themselves, same diagnosis": float(
            np.mean([same(simulation, one.skill**2) for one in readers])
        ),
        "decoys called right": decoys,
        "own heatmaps − decoys called right": real - decoys,
        "own heatmaps − decoys of another label": real - decoys,
        "own heatmaps − decoys called right, one reader": bob.accepts_real - bob.accepts_decoy,
        "reader and network, kappa": ann.skill * network,
        "reader and data set, kappa": ann.skill * simulation.label_skill,
        "accuracy on the experts' labels": by_experts,
        "accuracy on the data set's labels, same films": by_data_set,
        "difference of the two accuracies": by_experts - by_data_set,
        "AUC of a score that readers follow": ann.auc,
        "AUC of a score that nobody follows": 0.5,
        "diagnoses changed by heatmaps": ann.persuaded
        * (1 - same(simulation, ann.skill * network)),
        "seconds after ten films, times": ann.quickens,
    }


def same(simulation: Simulation, known: float) -> float:
    """How often two give one label who both know it with probability `known`."""
    return known + (1 - known) * simulation.chance


def accuracies(simulation: Simulation, skill: float) -> tuple[float, float]:
    """A network's accuracy on what more than half of the readers say, and on the data set's labels
    of the same films, summed over every way in which votes can fall."""
    k, readers = len(simulation.shares), simulation.readers
    by_experts = by_data_set = whole = 0.0
    for state, share in enumerate(simulation.shares):
        network, label = (_says(simulation, one, state) for one in (skill, simulation.label_skill))
        votes = {(0,) * k: share}
        for reader in readers:
            votes = _with_vote(votes, _says(simulation, reader.skill, state))
        for counts, chance in votes.items():
            most = int(np.argmax(counts))
            if 2 * counts[most] > len(readers):
                whole += chance
                by_experts += chance * float(network[most])
                by_data_set += chance * float(network @ label)
    return by_experts / whole, by_data_set / whole


def _says(simulation: Simulation, skill: float, state: int) -> Floats:
    """(labels,) probability of each answer about a film in `state`."""
    shares = np.array(simulation.shares)
    return np.asarray(skill * np.eye(len(shares))[state] + (1 - skill) * shares)


def _with_vote(
    votes: Mapping[tuple[int, ...], float], says: Floats
) -> dict[tuple[int, ...], float]:
    """Chances of all counts of votes by label, with one reader more."""
    found: dict[tuple[int, ...], float] = {}
    for counts, chance in votes.items():
        for place, probability in enumerate(says):
            more = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
            found[more] = found.get(more, 0.0) + chance * float(probability)
    return found


_Part = Iterator[tuple[str, Ends | NotRun]]


def _between(made: Analysis) -> _Part:
    if isinstance(made.between_readers, NotRun):
        return
    asked = {one.question: one for one in made.between_readers}
    diagnosis, scale, heatmap = (asked[key] for key in ("diagnosis", "difficulty", "attention"))
    yield from _agreed("percent agreement, diagnosis", diagnosis.percent)
    yield from _agreed("Fleiss' kappa, diagnosis", diagnosis.fleiss)
    yield from _agreed("Krippendorff's alpha, nominal, diagnosis", diagnosis.alpha_nominal)
    yield from _agreed("Krippendorff's alpha, ordinal, difficulty", scale.alpha_ordinal)
    for named, one in (("diagnosis", diagnosis), ("looks right", heatmap)):
        if not isinstance(one.pairs, NotRun):
            yield from _agreed(f"Cohen's kappa, {named}", one.pairs[0].plain)
    if not isinstance(scale.pairs, NotRun):
        pair = scale.pairs[0]
        yield from _agreed("Cohen's kappa, linear weights, difficulty", pair.linear)
        yield from _agreed("Cohen's kappa, quadratic weights, difficulty", pair.quadratic)


def _again(made: Analysis) -> _Part:
    for one in () if isinstance(made.self_agreement, NotRun) else made.self_agreement:
        if (one.question, one.reader) == ("difficulty", "bob"):
            named = "a reader with themselves, weighted kappa, difficulty"
            yield from _agreed(named, one.weighted)
        if (one.question, one.reader) == ("diagnosis", None):
            yield from _of_share("readers with themselves, same diagnosis", one.same)


def _decoys(made: Analysis) -> _Part:
    for one in () if isinstance(made.decoys, NotRun) else made.decoys:
        if one.reader == "bob":
            yield "own heatmaps − decoys called right, one reader", one.interval
        if one.reader is None:
            yield from _of_share("decoys called right", one.decoys)
            yield "own heatmaps − decoys called right", one.interval
            for kind in one.kinds:
                if kind.kind == "other label":
                    yield "own heatmaps − decoys of another label", kind.interval


def _with_networks(made: Analysis) -> _Part:
    for one in () if isinstance(made.with_networks, NotRun) else made.with_networks:
        if (one.network, one.reader) == ("vgg16", "ann"):
            yield from _agreed("reader and network, kappa", one.kappa)
    for change in () if isinstance(made.changes, NotRun) else made.changes:
        if (change.network, change.reader) == ("vgg16", "ann"):
            yield from _of_share("diagnoses changed by heatmaps", change.changed)


def _labels(made: Analysis) -> _Part:
    labels = made.against_labels
    if not isinstance(labels, AgainstLabels):
        return
    yield from _agreed("reader and data set, kappa", labels.readers[0].kappa)
    (network,) = (one for one in labels.networks if one.network == "vgg16")
    yield from _of_share("accuracy on the experts' labels", network.by_experts)
    yield from _of_share("accuracy on the data set's labels, same films", network.by_data_set)
    yield "difference of the two accuracies", network.interval
    yield f"difference of the two accuracies{BY}Newcombe's formula", network.by_formula


def _scores(made: Analysis) -> _Part:
    named = {TELLING: "that readers follow", IDLE: "that nobody follows"}
    for one in () if isinstance(made.scores, NotRun) else made.scores:
        if isinstance(one.found, ScoreFound):
            yield f"AUC of a score {named[one.score]}", one.found.interval


def _times(made: Analysis) -> _Part:
    if not isinstance(made.times, NotRun) and made.times.learning:
        yield "seconds after ten films, times", made.times.learning[0].slope


def _agreed(figure: str, made: Agreement | NotRun) -> _Part:
    if isinstance(made, Agreement):
        yield figure, made.interval
        yield f"{figure}{BY}formula", made.analytic


def _of_share(figure: str, made: Share | NotRun) -> _Part:
    """With the interval to read: over films where a film gives several answers, else Wilson's."""
    if isinstance(made, Share):
        yield figure, made.wilson if isinstance(made.by_film, NotRun) else made.by_film
