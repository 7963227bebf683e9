"""Simulated readers of known agreement: the analysis finds the truth within its intervals.

Truths come from the definition of each figure, by sums and integrals over the model, and not from
the formulas in `simulated` (which are held against them first).
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy import integrate

from spondyl.bench.simulated_figures import truths
from spondyl.bench.simulated_surveys import NETWORKS, READERS, ROOMS, Covered, found, run
from spondyl.review.analysis.analysis import analyse
from spondyl.review.krippendorff import squared_distances
from spondyl.review.simulated import SimulatedReader, Simulation, simulate

ROOM = ROOMS["80 films"]
FIVE = (0.2,) * 5
"""Shares of the words of a scale."""


def says(skill: float, shares) -> np.ndarray:
    """(states, answers) probability of each answer in each state."""
    k = len(shares)
    return skill * np.eye(k) + (1 - skill) * np.tile(shares, (k, 1))


def joint(first: float, second: float, shares) -> np.ndarray:
    """(k, k) probability of what two say of one film."""
    a, b = says(first, shares), says(second, shares)
    return sum(p * np.outer(a[t], b[t]) for t, p in enumerate(shares))


def kappa(table: np.ndarray, power: int | None = None) -> float:
    """1 - observed / expected disagreement, by the distance of places to a power."""
    k = len(table)
    cost = np.array(
        [
            [float(i != j) if power is None else abs(i - j) ** power for j in range(k)]
            for i in range(k)
        ]
    )
    by_chance = np.outer(table.sum(1), table.sum(0))
    return 1 - (table * cost).sum() / (by_chance * cost).sum()


def fleiss(skills, shares) -> float:
    """Of many films: mean agreement of pairs against the shares of all answers."""
    pairs = [joint(a, b, shares) for a, b in itertools.combinations(skills, 2)]
    observed = np.mean([np.trace(pair) for pair in pairs])
    answers = np.mean([np.asarray(shares) @ says(skill, shares) for skill in skills], axis=0)
    return (observed - (answers**2).sum()) / (1 - (answers**2).sum())


def ordinal_alpha(skills, shares) -> float:
    """Of many films: the coincidence matrix that pairs of answers tend to."""
    pairs = [joint(a, b, shares) for a, b in itertools.permutations(skills, 2)]
    table = np.mean(pairs, axis=0)
    n_said = table.sum(0)
    cost = squared_distances(n_said, "ordinal")
    return 1 - (table * cost).sum() / (np.outer(n_said, n_said) * cost).sum()


def accepts(reader: SimulatedReader, score: float) -> float:
    return reader.accepts_real + reader.follows_score * (score - 0.5)


def auc(reader: SimulatedReader) -> float:
    """P(a score with a yes lies above one with a no)."""
    yes = integrate.quad(lambda s: accepts(reader, s), 0, 1)[0]
    above = integrate.dblquad(
        lambda low, high: accepts(reader, high) * (1 - accepts(reader, low)), 0, 1, 0, lambda h: h
    )[0]
    return above / (yes * (1 - yes))


def map_kappa(first: SimulatedReader, second: SimulatedReader) -> float:
    def both(*answers: bool) -> float:
        def at(score: float) -> float:
            chances = accepts(first, score), accepts(second, score)
            return float(
                np.prod([p if a else 1 - p for p, a in zip(chances, answers, strict=True)])
            )

        return integrate.quad(at, 0, 1)[0]

    return kappa(np.array([[both(a, b) for b in (False, True)] for a in (False, True)]))


def rescored(network: float, skills, label: float, shares) -> tuple[float, float]:
    """A network's accuracy on the readers' majority and on the data set's label, over films that
    have a majority: every way in which all of them can answer."""
    k, places = len(shares), range(len(shares))
    by_label = by_experts = whole = 0.0
    for state, share in enumerate(shares):
        chances = [says(skill, shares)[state] for skill in (network, label, *skills)]
        for said in itertools.product(range(k), repeat=len(chances)):
            votes = [said[2:].count(place) for place in places]
            if 2 * max(votes) > len(skills):
                chance = share * float(np.prod([p[a] for p, a in zip(chances, said, strict=True)]))
                whole += chance
                by_label += chance * (said[0] == said[1])
                by_experts += chance * (said[0] == int(np.argmax(votes)))
    return by_experts / whole, by_label / whole


@pytest.mark.parametrize("shares", [ROOM.shares, FIVE, (0.9, 0.1)])
def test_two_readers_agree_beyond_chance_by_the_product_of_their_skills(shares):
    table = joint(0.9, 0.8, shares)
    for power in (None, 1, 2):
        assert kappa(table, power) == pytest.approx(0.9 * 0.8)
    assert ordinal_alpha([0.9, 0.8], shares) == pytest.approx(0.72)
    assert fleiss([0.9, 0.8, 0.7], shares) == pytest.approx(ROOM.fleiss)
    assert ordinal_alpha([0.9, 0.8, 0.7], shares) == pytest.approx(ROOM.fleiss)


def test_what_a_simulation_says_of_itself_is_what_its_definition_gives():
    for place, (name, skill) in enumerate(NETWORKS):
        assert ROOM.accuracy(name) == pytest.approx(
            np.trace(joint(skill, ROOM.label_skill, ROOM.shares)), rel=1e-9
        ), place
    assert READERS[0].auc == pytest.approx(auc(READERS[0]))
    assert ROOM.map_kappa(0, 1) == pytest.approx(map_kappa(*READERS[:2]))
    uneven = Simulation(
        (SimulatedReader("x", 1, 0.6, 0, 0.7), SimulatedReader("y", 1, 0.8, 0, 0.3))
    )
    assert uneven.map_kappa(0, 1) == pytest.approx(map_kappa(*uneven.readers))


def test_a_simulated_survey_is_drawn_from_its_seed_and_nothing_else():
    assert simulate(ROOM, 5) == simulate(ROOM, 5)
    assert simulate(ROOM, 5) != simulate(ROOM, 6)


def test_a_simulated_survey_has_the_repeats_and_decoys_that_were_asked_for():
    survey, answers = simulate(ROOM, 1)
    assert Counter(item.why for item in survey.items) == {"sample": 80, "repeat": 40}
    kinds = Counter(m.kind == "network" for item in survey.items for m in item.maps)
    assert kinds == {True: 240 - 24, False: 24}
    assert {answer.reader for answer in answers} == {"ann", "bob", "cat"}
    with pytest.raises(ValueError, match="3 films"):
        simulate(Simulation(READERS, n_films=3, n_repeats=4), 1)


def test_probabilities_beyond_one_are_refused():
    with pytest.raises(ValueError, match="outside"):
        SimulatedReader("x", 0.5, accepts_real=0.9, follows_score=0.5)


def numbers(record, where="analysis"):
    """(where, number) of every number in a record."""
    if dataclasses.is_dataclass(record):
        for field in dataclasses.fields(record):
            yield from numbers(getattr(record, field.name), f"{where}.{field.name}")
    elif isinstance(record, tuple):
        for place, one in enumerate(record):
            yield from numbers(one, f"{where}[{place}]")
    elif isinstance(record, float):
        yield where, record


@pytest.mark.parametrize("missing", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("n_films", [1, 6, 20])
def test_no_figure_is_nan_however_little_was_answered(n_films, missing):
    small = Simulation(
        READERS, n_films=n_films, n_repeats=n_films // 2, n_decoys=n_films // 2, missing=missing
    )
    for seed in range(3):
        made = analyse(*simulate(small, seed), (), n_resamples=60)
        assert [where for where, number in numbers(made) if not math.isfinite(number)] == []
        json.dumps(made.as_dict(), allow_nan=False)


def by_definition() -> dict[str, float]:
    """The truth of every figure of the room."""
    skills, shares = [reader.skill for reader in READERS], ROOM.shares
    pair, scale = joint(*skills[:2], shares), joint(*skills[:2], FIVE)
    pairs = [joint(a, b, shares) for a, b in itertools.combinations(skills, 2)]
    experts, label = rescored(0.8, skills, ROOM.label_skill, shares)
    with_network = joint(0.9, 0.8, shares)
    return {
        "Cohen's kappa, diagnosis": kappa(pair),
        "Cohen's kappa, linear weights, difficulty": kappa(scale, 1),
        "Cohen's kappa, quadratic weights, difficulty": kappa(scale, 2),
        "Fleiss' kappa, diagnosis": fleiss(skills, shares),
        "Krippendorff's alpha, nominal, diagnosis": fleiss(skills, shares),
        "Krippendorff's alpha, ordinal, difficulty": ordinal_alpha(skills, FIVE),
        "percent agreement, diagnosis": float(np.mean([np.trace(one) for one in pairs])),
        "Cohen's kappa, looks right": map_kappa(*READERS[:2]),
        "a reader with themselves, weighted kappa, difficulty": kappa(joint(0.8, 0.8, FIVE), 2),
        "readers with themselves, same diagnosis": float(
            np.mean([np.trace(joint(skill, skill, shares)) for skill in skills])
        ),
        "decoys called right": 0.3,
        "own heatmaps − decoys called right": 0.7 - 0.3,
        "own heatmaps − decoys of another label": 0.7 - 0.3,
        "own heatmaps − decoys called right, one reader": 0.7 - 0.2,
        "reader and network, kappa": kappa(with_network),
        "reader and data set, kappa": kappa(joint(0.9, ROOM.label_skill, shares)),
        "accuracy on the experts' labels": experts,
        "accuracy on the data set's labels, same films": label,
        "difference of the two accuracies": experts - label,
        "AUC of a score that readers follow": auc(READERS[0]),
        "AUC of a score that nobody follows": 0.5,
        "diagnoses changed by heatmaps": 0.3 * (1 - np.trace(with_network)),
        "seconds after ten films, times": 0.85,
    }


def test_the_bench_s_truths_are_what_the_definitions_give():
    assert truths(ROOM) == pytest.approx(by_definition())


def covered(seeds: range, n_resamples: int) -> dict[str, list[bool]]:
    hits = defaultdict(list)
    for seed in seeds:
        for one in found(ROOM, seed, n_resamples):
            hits[one.figure].append(one.holds)
    return hits


def test_the_analysis_finds_the_truth_of_simulated_readers_at_about_the_stated_rate():
    """Of 8 surveys no figure misses its truth four times, which a rate of 0.95 does once in 2500;
    all figures together do not miss one in ten."""
    hits = covered(range(8), n_resamples=200)
    misses = {figure: hit.count(False) for figure, hit in hits.items()}
    assert len(hits) >= 25
    assert all(number < 4 for number in misses.values()), misses
    assert sum(misses.values()) < 0.1 * sum(len(hit) for hit in hits.values()), misses


def test_a_bench_of_surveys_counts_what_its_intervals_held_and_says_on_what():
    tiny = {"12 films": Simulation(READERS, NETWORKS, n_films=12, n_repeats=6, n_decoys=4)}
    made = run(3, 1, 0, tiny, n_resamples=40)
    expected = [one for seed in range(3) for one in found(tiny["12 films"], seed, 40)]
    for one in made.coverages:
        those = [each for each in expected if each.figure == one.figure]
        assert (one.n, one.n_held) == (len(those), sum(each.holds for each in those))
        low, high = one.interval
        assert low <= one.share <= high
    assert sum(one.n for one in made.coverages) == len(expected)
    written = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert (written["n_surveys"], len(written["coverages"])) == (3, len(made.coverages))
    assert made.date in " ".join(made.lines)
    assert "cores" in made.hardware
    assert isinstance(made, Covered)


@pytest.mark.slow
def test_over_many_surveys_every_figure_s_interval_holds_its_truth_at_about_the_stated_rate():
    """Stated is 0.95. Over 200 of these (`spondyl bench survey --seed 1000`) the mean of all
    figures was 0.934 and the lowest 0.885. Newcombe's errs on the wide side."""
    hits = covered(range(1000, 1250), n_resamples=300)
    rates = {figure: float(np.mean(hit)) for figure, hit in hits.items()}
    assert all(rate >= 0.84 for rate in rates.values()), rates
    assert 0.92 <= float(np.mean(list(rates.values()))) <= 0.965, rates
