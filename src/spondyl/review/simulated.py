"""Surveys answered by simulated readers whose agreement is known, for examples and for proof.

The model. Every film has a state for each question about it, drawn from known shares. Whoever is
asked, reader, network or data set, knows the state with a probability of their own, their skill,
and otherwise draws from the same shares, each time anew. Two with skills a and b then say the same
for a reason with probability a · b, and otherwise like two who draw independently from the same
shares, which is what chance means in every kappa. So Cohen's kappa, weighted or not, and
Krippendorff's alpha of the two are a · b, Fleiss' kappa of several is the mean of their pairs', and
a reader's agreement with themselves is a².

A heatmap of a network's own is called right with a probability that rises with its score, a decoy
with another that does not. The price of a model that can be solved: nothing in it is hard for one
reader and easy for another, and no film is easier than the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import combinations, count

import numpy as np

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.review import orders
from spondyl.review.questions import YES_NO, of_the_paper
from spondyl.review.records import Answer, Item, Map, MapKind, Question, Survey

TELLING, IDLE = "telling", "idle"
"""Scores of simulated heatmaps: one that readers' answers follow, and one that nothing follows."""

SIMULATED_METHOD = "simulated"

AFTER = Question(
    "after",
    "What is your diagnosis now?",
    "one of",
    "aided",
    SPINE_LABELS.names,
    diagnosis=True,
)
_START = datetime(2026, 1, 1, 9, tzinfo=UTC)
_DECOYS: tuple[MapKind, ...] = ("other label", "randomised network")


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """How one reader answers; probabilities, but where said."""

    name: str
    skill: float
    accepts_real: float = 0.75
    """The mean over heatmaps of networks' own."""
    accepts_decoy: float = 0.25
    follows_score: float = 0.0
    """How much more often a heatmap of score 1 is called right than one of score 0."""
    persuaded: float = 0.0
    """Of taking over the network's label after its heatmap."""
    seconds: float = 20.0
    """Median time of an answer at the start."""
    quickens: float = 1.0
    """By what the time is multiplied over ten films."""

    def __post_init__(self) -> None:
        furthest = min(self.accepts_real, 1 - self.accepts_real)
        if abs(self.follows_score) / 2 > furthest:
            raise ValueError(f"{self.name}: {self.follows_score} leads outside 0 … 1")

    @property
    def auc(self) -> float:
        """Of `TELLING` for this reader's "looks right", by integration over scores in 0 … 1."""
        accepts = self.accepts_real
        return 0.5 + self.follows_score / (12 * accepts * (1 - accepts))


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is simulated."""

    readers: tuple[SimulatedReader, ...]
    networks: tuple[tuple[str, float], ...] = (("resnet50-fine-tuned", 0.9), ("vgg16", 0.8))
    """(configuration, skill)."""
    n_films: int = 60
    n_repeats: int = 0
    n_decoys: int = 0
    """Films of which one network's heatmap is a decoy."""
    labels: LabelSet = SPINE_LABELS
    shares: tuple[float, ...] = (0.3, 0.4, 0.3)
    """Of the labels."""
    label_skill: float = 0.9
    """Of the data set's labels."""
    missing: float = 0.0
    """Probability that a question is left without an answer."""

    @property
    def chance(self) -> float:
        """Two who draw independently give the same label with this probability."""
        return float(np.square(self.shares).sum())

    @property
    def fleiss(self) -> float:
        """Fleiss' kappa of all readers about a film."""
        pairs = [a.skill * b.skill for a, b in combinations(self.readers, 2)]
        return float(np.mean(pairs))

    def accuracy(self, network: str) -> float:
        """Of a configuration by the data set's labels."""
        known = dict(self.networks)[network] * self.label_skill
        return known + (1 - known) * self.chance

    def map_kappa(self, first: int, second: int) -> float:
        """Cohen's kappa of two readers, by place, about networks' own heatmaps: their answers
        have nothing in common but the score."""
        a, b = self.readers[first], self.readers[second]
        beyond_chance = a.follows_score * b.follows_score / 6
        return beyond_chance / (
            a.accepts_real * (1 - b.accepts_real) + b.accepts_real * (1 - a.accepts_real)
        )


def simulate(simulation: Simulation, seed: int) -> tuple[Survey, tuple[Answer, ...]]:
    """The paper's survey over films that do not exist, and every reader's answers to it.

    Raises ValueError where more is asked for than there are films.
    """
    if max(simulation.n_repeats, simulation.n_decoys) > simulation.n_films:
        raise ValueError(f"{simulation.n_films} films for all repeats and decoys")
    rng = np.random.default_rng(seed)
    survey, states = _survey(simulation, seed, rng)
    answers = [
        answer
        for reader in simulation.readers
        for answer in _answers(simulation, survey, states, reader, rng)
    ]
    return survey, tuple(answers)


def _survey(
    simulation: Simulation, seed: int, rng: np.random.Generator
) -> tuple[Survey, dict[str, dict[str, str]]]:
    """The survey, and the state of each film by question's key."""
    questions = of_the_paper(simulation.labels)
    if any(reader.persuaded for reader in simulation.readers):
        questions += (replace(AFTER, options=simulation.labels.names),)
    states: dict[str, dict[str, str]] = {}
    items = []
    with_decoy = set(rng.permutation(simulation.n_films)[: simulation.n_decoys].tolist())
    for number in range(simulation.n_films):
        film = sha256(f"{seed} {number}".encode()).hexdigest()
        states[film] = {
            q.key: _drawn(simulation, q, rng)
            for q in questions
            if q.phase == "unaided" and q.kind != "free text"
        }
        items.append(_item(simulation, number, film, states[film], number in with_decoy, rng))
    repeated = rng.permutation(simulation.n_films)[: simulation.n_repeats]
    again = [
        _again(items[number], simulation.n_films + place) for place, number in enumerate(repeated)
    ]
    survey = Survey(
        f"simulated-{seed}",
        "Simulated readers",
        simulation.labels.names,
        questions,
        (*items, *again),
        seed,
        _START.isoformat(),
    )
    return survey, states


def _item(
    simulation: Simulation,
    number: int,
    film: str,
    state: dict[str, str],
    with_decoy: bool,
    rng: np.random.Generator,
) -> Item:
    label = state["diagnosis"]
    predicted = tuple(
        (network, _said(simulation, label, skill, rng)) for network, skill in simulation.networks
    )
    decoy = int(rng.integers(len(predicted))) if with_decoy else None
    maps = []
    for place, (network, said) in enumerate(predicted):
        kind: MapKind = _DECOYS[int(rng.integers(2))] if place == decoy else "network"
        scores = ((TELLING, float(rng.random())), (IDLE, float(rng.random())))
        map_id = f"i{number:03}m{place}"
        drawn = said
        if kind == "other label":
            drawn = next(name for name in simulation.labels.names if name != said)
        maps.append(
            Map(map_id, network, said, kind, f"{map_id}.png", scores, drawn, SIMULATED_METHOD)
        )
    truth = _said(simulation, label, simulation.label_skill, rng)
    name = f"i{number:03}"
    return Item(name, f"{name}.png", film, truth, predicted, tuple(maps), why="sample")


def _again(first: Item, number: int) -> Item:
    """The same film once more, with the networks' own heatmaps."""
    maps = tuple(
        replace(one, map_id=f"i{number:03}m{place}", kind="network", drawn_label=one.label)
        for place, one in enumerate(first.maps)
    )
    return replace(first, item_id=f"i{number:03}", maps=maps, repeats=first.item_id, why="repeat")


def _answers(
    simulation: Simulation,
    survey: Survey,
    states: dict[str, dict[str, str]],
    reader: SimulatedReader,
    rng: np.random.Generator,
) -> Iterator[Answer]:
    """One reader's answers, film after film in an order of their own."""
    at, numbers = _START, count()
    for place, item in enumerate(orders.items(survey, reader.name)):
        blind: dict[str, str] = {}
        for question, one in _asked(survey.questions, item):
            if question.kind == "free text" or rng.random() < simulation.missing:
                continue
            if one is None:
                value = _known(simulation, question, states[item.film_sha256], reader.skill, rng)
                blind[question.key] = value
            else:
                value = _of_map(question, one, reader, blind.get("diagnosis"), rng)
            slower = reader.quickens ** (place / 10) * np.exp(0.3 * rng.standard_normal())
            seconds = round(float(reader.seconds * slower), 2)
            at += timedelta(seconds=seconds)
            yield Answer(
                f"{reader.name}-{next(numbers)}",
                survey.survey_id,
                reader.name,
                item.item_id,
                one.map_id if one else None,
                question.phase,
                question.key,
                value,
                seconds,
                at.isoformat(timespec="microseconds"),
            )


def _asked(questions: Sequence[Question], item: Item) -> Iterator[tuple[Question, Map | None]]:
    """In the order in which they are asked: the film alone, then heatmap after heatmap."""
    yield from ((question, None) for question in questions if question.phase == "unaided")
    for one in item.maps:
        yield from ((question, one) for question in questions if question.phase == "aided")


def _of_map(
    question: Question,
    one: Map,
    reader: SimulatedReader,
    blind: str | None,
    rng: np.random.Generator,
) -> str:
    yes, no = YES_NO
    if question.diagnosis:
        stays = blind is not None and rng.random() >= reader.persuaded
        return blind if stays and blind is not None else one.label
    accepts = reader.accepts_decoy
    if one.kind == "network":
        accepts = reader.accepts_real + reader.follows_score * (dict(one.scores)[TELLING] - 0.5)
    return yes if rng.random() < accepts else no


def _known(
    simulation: Simulation,
    question: Question,
    state: dict[str, str],
    skill: float,
    rng: np.random.Generator,
) -> str:
    """The state with probability `skill`, or a draw from its shares."""
    return state[question.key] if rng.random() < skill else _drawn(simulation, question, rng)


def _drawn(simulation: Simulation, question: Question, rng: np.random.Generator) -> str:
    """A label by its share; of other questions every option alike."""
    if question.diagnosis:
        return str(rng.choice(simulation.labels.names, p=simulation.shares))
    options = question.options or YES_NO
    return options[int(rng.integers(len(options)))]


def _said(simulation: Simulation, label: str, skill: float, rng: np.random.Generator) -> str:
    """`label` with probability `skill`, or one by its share."""
    known = rng.random() < skill
    return label if known else str(rng.choice(simulation.labels.names, p=simulation.shares))
