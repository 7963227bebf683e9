"""What a paper says of its heatmaps holds here where our films say so, and nowhere else."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.explain.score_table import Row, ScoreTable
from spondyl.learn.outcome import Outcome, WeightsRecord
from spondyl.learn.predictions import PredictionTable
from spondyl.report import claims, published
from spondyl.report.claims import OF_PLACE, Claim, Comparison, PublishedClaims, Trained
from spondyl.report.claims_table import claims_table
from spondyl.trust.heatmap_scores import Average
from spondyl.trust.intervals import Interval

N = 30
"""Films: ten of each class, one to a group."""
LABELS = SPINE_LABELS.names
FILMS = tuple(f"film{i:02d}" for i in range(N))
TRUTH = {film: LABELS[i % 3] for i, film in enumerate(FILMS)}
AHMAD = claims.load("ahmad2026")
ASKED = [(claim, one) for claim in AHMAD.claims for one in claim.comparisons]

ABOVE_CHANCE = Comparison(
    of="resnet50 fine-tuning", on="normal", score="energy", expected="higher", than="chance"
)
TWO_NETWORKS = Comparison(
    **{"of": "resnet50 scratch", "on": "every class", "score": "effective-area"},
    **{"expected": "higher", "than": "resnet50 fine-tuning"},
)
TWO_CLASSES = Comparison(
    **{"of": "resnet50 fine-tuning", "on": "scoliosis", "score": "energy"},
    **{"expected": "higher", "than": "normal"},
)


def ran(trained, protocol="paper", wrong=(), groups=FILMS, random_parts=()):
    """An outcome that is right of every film but those in `wrong`."""
    truth = np.array([LABELS.index(TRUTH[film]) for film in FILMS])
    said = [(t + (film in wrong)) % 3 for t, film in zip(truth, FILMS, strict=True)]
    predictions = PredictionTable(
        SPINE_LABELS, FILMS, tuple(groups), np.arange(N) % 5, truth, np.eye(3)[said]
    )
    weights = WeightsRecord(trained.network, "file", "w.pth", "ab", 9, 2, random_parts)
    if trained.strategy == "scratch":
        weights = WeightsRecord(trained.network, "random", "", "", 0, 11, ("layer1", "layer2"))
    return Outcome(trained.under(protocol), weights, (), predictions)


def scored(outcome, values, maker="grad-cam"):
    """Scores of an outcome's maps, `values(score, class, i)`; where they have a chance, 0.2."""
    rows = []
    told = outcome.predictions
    for i, (film, group) in enumerate(zip(FILMS, told.group_ids, strict=True)):
        asked = LABELS[told.predicted[i]]
        for score in claims.ScoreName.__args__:
            value = values(score, TRUTH[film], i)
            if value is not None:
                rows.append(Row(film, group, asked, maker, score, value))
                if score in OF_PLACE:
                    rows.append(Row(film, group, asked, maker, f"{score}-chance", 0.2))
    return ScoreTable(tuple(rows))


def noise(i, scale=0.02):
    return scale * (-1) ** i * (1 + i % 4)


def verdict(comparison, *studied):
    """What comes of one comparison; `studied` are (outcome, its table or None)."""
    claim = Claim(id="c", section="1", said="So it is.", comparisons=(comparison,))
    (found,) = claims.verdicts(
        PublishedClaims(maker="grad-cam", claims=(claim,)),
        [outcome for outcome, _ in studied],
        {outcome.configuration: table for outcome, table in studied if table is not None},
    )
    return found


def study_for(comparison, sign):
    """A study in which `of` lies on the side `sign` of what it is compared with."""

    def values(trained):
        def value(score, label, i):
            first = trained == comparison.of and comparison.on in (label, claims.EVERY_CLASS)
            return 0.2 + (0.3 * sign if first else 0.0) + noise(i)

        return value

    return [(out := ran(one), scored(out, values(one))) for one in comparison.trained]


@pytest.mark.parametrize(("claim", "comparison"), ASKED, ids=lambda one: getattr(one, "id", ""))
def test_every_claim_can_hold_and_can_fail(claim, comparison):
    claimed = 1 if comparison.expected == "higher" else -1
    assert verdict(comparison, *study_for(comparison, claimed)).word == "holds"
    assert verdict(comparison, *study_for(comparison, -claimed)).word == "does not hold"
    assert verdict(comparison, *study_for(comparison, 0)).word == "undecided"


def test_a_study_of_the_paper_answers_every_claim_that_can_be_tested():
    networks = {one for _, comparison in ASKED for one in comparison.trained}
    outcomes = [ran(one) for one in networks]
    tables = {
        out.configuration: scored(out, lambda s, label, i: 0.5 + noise(i)) for out in outcomes
    }
    words = [one.word for one in claims.verdicts(AHMAD, outcomes, tables)]
    assert "not run" not in words
    untestable = [claim for claim in AHMAD.claims if claim.not_testable]
    assert words.count("cannot be tested by a score") == len(untestable) > 0
    assert len(words) == len(ASKED) + len(untestable)


def test_a_difference_is_the_mean_over_films_of_what_exceeds_chance():
    outcome = ran(ABOVE_CHANCE.of, wrong=("film03",))
    found = verdict(ABOVE_CHANCE, (outcome, scored(outcome, lambda s, label, i: i / 100)))
    kept = [i for i in range(N) if TRUTH[FILMS[i]] == "normal" and i != 3]
    assert found.measured.mean == pytest.approx(fmean(i / 100 - 0.2 for i in kept))
    assert found.measured.n_films == (9,)


def test_networks_are_compared_on_the_films_that_both_got_right_and_have_a_map_of():
    one, other = (
        ran(trained, wrong=wrong)
        for trained, wrong in zip(TWO_NETWORKS.trained, (("film00",), ("film01",)), strict=True)
    )
    films = np.random.default_rng(0).normal(0, 100, N)
    found = verdict(
        TWO_NETWORKS,
        (one, scored(one, lambda s, label, i: films[i] + 0.1 + noise(i))),
        (other, scored(other, lambda s, label, i: None if i == 2 else films[i])),
    )
    assert found.measured.n_films == (27,)
    assert found.measured.mean == pytest.approx(fmean(0.1 + noise(i) for i in range(3, N)))
    assert found.word == "holds"  # though films differ a thousandfold more than networks do


def test_a_film_called_something_else_is_not_of_its_class():
    wrong = tuple(film for film in FILMS if TRUTH[film] == "normal")
    outcome = ran(ABOVE_CHANCE.of, wrong=wrong)
    found = verdict(ABOVE_CHANCE, (outcome, scored(outcome, lambda s, label, i: 0.9)))
    assert found.word == "not run"
    assert "got no scored film of normal right" in found.because


def test_the_interval_of_two_classes_is_that_of_resampling_each():
    rng = np.random.default_rng(4)
    drawn = rng.gamma(2, 0.1, N) + np.array([0.1 * (TRUTH[film] == "scoliosis") for film in FILMS])
    outcome = ran(TWO_CLASSES.of)
    found = verdict(TWO_CLASSES, (outcome, scored(outcome, lambda s, label, i: drawn[i])))
    ours, theirs = ([drawn[i] for i in range(N) if i % 3 == k] for k in (1, 0))
    chance = random.Random(5)
    differences = [
        fmean(chance.choices(ours, k=len(ours))) - fmean(chance.choices(theirs, k=len(theirs)))
        for _ in range(4000)
    ]
    low, high = np.quantile(differences, [0.025, 0.975])
    interval = found.measured.interval
    assert found.measured.n_films == (10, 10)
    assert found.measured.mean == pytest.approx(fmean(ours) - fmean(theirs))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_the_difference_of_two_means_is_never_surer_than_either():
    wide = Average("", 0.5, Interval(0.3, 0.6, 0.95, "group bootstrap", 9, 2000), 9, 9)
    sure = Average("", 0.1, Interval(0.1, 0.1, 0.95, "group bootstrap", 7, 2000), 7, 7)
    found = claims.unpaired(wide, sure)
    assert (found.low, found.high) == pytest.approx((0.2, 0.5))
    assert found.n_units == 7
    turned = claims.unpaired(sure, wide)
    assert (turned.low, turned.high) == pytest.approx((-0.5, -0.2))


@pytest.mark.parametrize(("n_groups", "word"), [(5, "undecided"), (6, "holds")])
def test_a_few_groups_decide_nothing_however_much_they_agree(n_groups, word):
    outcome = ran(ABOVE_CHANCE.of, groups=[f"g{i // 3 % n_groups}" for i in range(N)])
    found = verdict(ABOVE_CHANCE, (outcome, scored(outcome, lambda s, label, i: 0.9)))
    assert found.word == word
    assert ("too few" in found.because) == (word == "undecided")


def test_a_missing_mask_is_told_from_a_missing_map():
    outcome = ran(ABOVE_CHANCE.of)
    unmarked = scored(outcome, lambda s, label, i: 0.5 if s not in OF_PLACE else None)
    found = verdict(ABOVE_CHANCE, (outcome, unmarked))
    assert (found.word, found.measured) == ("not run", None)
    assert "a marked spine" in found.because
    other = verdict(ABOVE_CHANCE, (outcome, scored(outcome, lambda *_: 0.5, maker="edges")))
    assert "were not scored" in other.because


def test_what_was_not_run_is_named_with_its_reason():
    one, other = (ran(trained) for trained in TWO_NETWORKS.trained)
    absent = replace(other, predictions=None, not_run="its weights are not here")
    table = scored(one, lambda s, label, i: 0.5)
    found = verdict(TWO_NETWORKS, (one, table), (absent, None))
    assert found.because == f"{other.configuration} was not run (its weights are not here)"
    assert verdict(TWO_NETWORKS, (one, table)).because == (
        f"{other.configuration.network} · {other.configuration.strategy} is not in this study"
    )
    assert "were not scored" in verdict(TWO_NETWORKS, (one, table), (other, None)).because


def test_a_cut_network_is_not_the_papers():
    outcome = ran(Trained(network="resnet50:layer3", strategy="fine-tuning"))
    found = verdict(ABOVE_CHANCE, (outcome, scored(outcome, lambda s, label, i: 0.9)))
    assert found.word == "not run"


def test_both_networks_are_of_one_protocol_the_papers_where_it_can_be():
    def study(*protocols):
        outcomes = [ran(one, p) for one in TWO_NETWORKS.trained for p in protocols]
        return [(out, scored(out, lambda s, label, i: 0.5)) for out in outcomes]

    assert verdict(TWO_NETWORKS, *study("nested", "paper")).measured.protocol == "paper"
    assert verdict(TWO_NETWORKS, *study("nested")).measured.protocol == "nested"
    half = [*study("nested"), *study("paper")[:1]]
    assert verdict(TWO_NETWORKS, *half).measured.protocol == "nested"


def test_maps_at_chance_seldom_decide_a_claim_either_way():
    called = 0
    for seed in range(60):
        values = np.random.default_rng(seed).normal(0.2, 0.1, N)
        outcome = ran(ABOVE_CHANCE.of)
        table = scored(outcome, lambda s, label, i, values=values: float(values[i]))
        called += verdict(ABOVE_CHANCE, (outcome, table)).word != "undecided"
    assert 0 < called <= 9  # 3 expected; with ten films the bootstrap is too sure of itself


def test_the_table_shows_words_answer_and_caveat_of_every_verdict():
    outcomes = [
        ran(Trained(network="resnet50", strategy="fine-tuning"), random_parts=("layer4",)),
        ran(Trained(network="resnet50", strategy="scratch")),
    ]
    tables = {
        out.configuration: scored(out, lambda s, label, i: 0.5 + noise(i)) for out in outcomes
    }
    verdicts = claims.verdicts(AHMAD, outcomes, tables)
    table = claims_table(published.load("ahmad2026"), verdicts)
    said = [f"{one.claim.said} ({one.claim.section})" for one in verdicts]
    assert [row[1] for row in table.rows] == said
    for row, one in zip(table.rows, verdicts, strict=True):
        assert row[-1].startswith(one.word)
        assert ("+" in row[3] or "-" in row[3]) == (one.measured is not None)
        if one.measured:
            assert ("layer4 at random" in row[0]) == ("fine-tuning" in row[0])
            assert "layer1" not in row[0]  # from scratch, nothing is missing
    n = sum(one.measured is not None for one in verdicts)
    assert any(f"{n} differences were judged" in note for note in table.notes)
    assert any("logits" in note for note in table.notes)


def test_a_row_says_what_was_expected_of_which_networks():
    outcome = ran(TWO_CLASSES.of)
    found = verdict(TWO_CLASSES, (outcome, scored(outcome, lambda s, label, i: 0.5)))
    (row,) = claims_table(published.load("ahmad2026"), [found]).rows
    assert row[2] == (
        "scoliosis: share of the heat on the spine, less its chance; higher than on normal"
    )
    assert row[0] == "resnet50 · fine-tuning, paper"
    assert row[4] == "10 and 10"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"score": "beauty"}, "score"),
        ({"of": "resnet51 fine-tuning"}, "resnet51"),
        ({"of": "resnet50 prayer"}, "strategy"),
        ({"than": "sciatica"}, "sciatica"),
        ({"on": "sciatica"}, "on"),
        ({"expected": "nicer"}, "expected"),
        ({"score": "peak"}, "no chance"),
        ({"than": "normal"}, "itself"),
        ({"than": "resnet50 fine-tuning"}, "itself"),
        ({"on": "every class", "than": "normal"}, "every class"),
        ({"because": "so"}, "because"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_refused(changed, said):
    good = {
        **{"of": "resnet50 fine-tuning", "on": "normal", "score": "energy"},
        **{"expected": "higher", "than": "chance"},
    }
    assert Comparison.model_validate(good) == ABOVE_CHANCE
    with pytest.raises((ValueError, SpondylError), match=said):
        Comparison.model_validate(good | changed)


def test_a_claim_has_comparisons_or_a_reason_and_not_both():
    with pytest.raises(ValueError, match="reason"):
        Claim(id="c", section="1", said="So it is.")
    with pytest.raises(ValueError, match="reason"):
        Claim(
            **{"id": "c", "section": "1", "said": "So it is.", "comparisons": (ABOVE_CHANCE,)},
            not_testable="one film",
        )


def test_no_comparison_is_made_twice_and_no_claim_has_anothers_name():
    asked = [comparison for _, comparison in ASKED]
    assert len(set(asked)) == len(asked)
    assert len({claim.id for claim in AHMAD.claims}) == len(AHMAD.claims)


def test_the_claims_speak_of_the_papers_six_networks_and_of_each():
    spoken_of = {
        (one.network, one.strategy) for _, comparison in ASKED for one in comparison.trained
    }
    paper = published.load("ahmad2026").configurations
    assert spoken_of == {(row.network, row.strategy) for row in paper}


def test_claims_are_kept_of_every_publication_and_refused_of_others():
    for name in published.names():
        assert claims.load(name).claims
    with pytest.raises(SpondylError, match="zzz"):
        claims.load("zzz")
