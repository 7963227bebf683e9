"""The paper's tables, agreement by question, labels and networks: small surveys counted by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hand_filled import LABELS, NETWORKS, Sheet, again, decoy, item, survey
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from spondyl.review.agreement import Resampling
from spondyl.review.analysis.against_labels import against_labels, selection
from spondyl.review.analysis.analysis import analyse
from spondyl.review.analysis.between_readers import between_readers
from spondyl.review.analysis.cases import cases
from spondyl.review.analysis.sections import film_tables, map_tables
from spondyl.review.analysis.self_agreement import self_agreement
from spondyl.review.analysis.shares import paired_difference, share
from spondyl.trust.intervals import NotRun

NORMAL, CURVED, SLIPPED = LABELS
FEW = Resampling(seed=1, n_resamples=200)


def table_of(tables, question, network=None, films="all"):
    return next(t for t in tables if (t.question, t.network, t.films) == (question, network, films))


def options_of(answered):
    return {one.option: (one.share.n_yes, one.share.n) for one in answered.options}


@pytest.mark.parametrize(("yes", "n"), [(0, 6), (3, 7), (6, 6), (1, 40)])
def test_a_share_has_wilson_s_interval_as_statsmodels_has_it(yes, n):
    made = share([True] * yes + [False] * (n - yes), [f"film {i}" for i in range(n)], FEW)
    low, high = proportion_confint(yes, n, method="wilson")
    assert (made.wilson.low, made.wilson.high) == pytest.approx((low, high))
    assert isinstance(made.by_film, NotRun), "each film gave one answer"


def test_a_share_of_several_answers_a_film_is_resampled_over_films():
    films = [f"film {i}" for i in range(12)]
    once = [i % 3 == 0 for i in range(12)]
    made = share(once * 5, films * 5, FEW)
    assert made.wilson.high - made.wilson.low < 0.25
    assert made.by_film.high - made.by_film.low > 0.35
    assert made.by_film.n_units == 12


def pairs(both: int, new: int, old: int, neither: int):
    """(before, after, films) of so many films."""
    before = [True] * both + [False] * new + [True] * old + [False] * neither
    after = [True] * (both + new) + [False] * (old + neither)
    return before, after, [f"film {i}" for i in range(len(before))]


def test_the_interval_of_a_paired_difference_holds_it_at_the_stated_rate_where_few_films_differ():
    """Every outcome of 40 films, by its probability: 0.72 right both times, 0.06 gained, 0.02
    lost; Newcombe's interval, and the plain normal one that he warns of."""
    n, chances = 40, (0.72, 0.06, 0.02, 0.2)
    held = normal = 0.0
    for gained, lost in itertools.product(range(12), range(8)):
        for both in range(15, n - gained - lost + 1):
            counts = (both, gained, lost, n - both - gained - lost)
            chance = stats.multinomial.pmf(counts, n, chances)
            if chance > 1e-7:
                made = paired_difference(*pairs(*counts), 0.95)
                held += chance * (made.low <= 0.04 <= made.high)
                half = 1.96 * np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
                normal += chance * (abs((gained - lost) / n - 0.04) <= half)
    assert 0.94 < held < 0.99
    assert normal < held


def test_newcombe_s_own_example_has_his_interval():
    """Fifty specimens on two media, 20 grown on both, 12 and 2 on one, 16 on neither."""
    made = paired_difference(*pairs(20, 12, 2, 16), 0.95)
    assert (made.low, made.high) == pytest.approx((0.0562, 0.3292), abs=5e-5)


def test_a_paired_difference_turns_its_sign_with_its_order_and_wants_one_answer_a_film():
    before, after, films = pairs(20, 6, 1, 5)
    made = paired_difference(before, after, films, 0.95)
    turned = paired_difference(after, before, films, 0.95)
    assert (made.low, made.high) == pytest.approx((-turned.high, -turned.low))
    assert made.low < 5 / 32 < made.high
    assert "one film" in paired_difference(before, after, ["a"] * 32, 0.95).why


def test_section_one_counts_each_reader_and_all_together():
    sheet = Sheet(survey(item(0), item(1), item(2)))
    sheet.diagnoses("ann", NORMAL, CURVED, CURVED).diagnoses("bob", NORMAL, None, SLIPPED)
    for place, value in (("i0", "easy"), ("i1", "hard"), ("i2", "hard")):
        sheet.say("ann", place, "hard", value)
    sheet.say("ann", "i0", "signs", "curve; step").say("ann", "i1", "signs", "")
    tables = film_tables(sheet.counted(), FEW)
    diagnosis = table_of(tables, "diagnosis")
    assert options_of(diagnosis.pooled) == {NORMAL: (2, 5), CURVED: (2, 5), SLIPPED: (1, 5)}
    assert [(one.reader, one.n, one.n_missing) for one in diagnosis.readers] == [
        ("ann", 3, 0),
        ("bob", 2, 1),
    ]
    hard = table_of(tables, "hard")
    assert hard.readers[0].middle == "hard"
    assert hard.pooled.n_missing == 3
    assert options_of(table_of(tables, "signs").pooled) == {"curve": (1, 2), "step": (1, 2)}
    assert "free text" in table_of(tables, "remark").pooled.options.why
    assert "no answer" in hard.readers[1].options.why


def test_sections_two_and_three_are_of_one_network_each_by_whether_it_was_wrong():
    items = (
        item(0, NORMAL, (CURVED, NORMAL)),
        item(1, CURVED, (CURVED, NORMAL)),
        decoy(item(2, NORMAL, (NORMAL, NORMAL)), 0),
        item(3, None, (NORMAL, NORMAL)),
    )
    sheet = Sheet(survey(*items))
    for place, value in (
        *(("i0m0", "no"), ("i0m1", "yes"), ("i1m0", "yes"), ("i1m1", "no")),
        *(("i2m0", "yes"), ("i2m1", "yes"), ("i3m0", "yes"), ("i3m1", "no")),
    ):
        sheet.say("ann", place, "right", value)
    tables = map_tables(sheet.counted(), FEW)

    def yes(network, films):
        return options_of(table_of(tables, "right", network, films).pooled)["yes"]

    first, second = NETWORKS
    assert yes(first, "all") == (2, 3), "the decoy is not its heatmap"
    assert (yes(first, "wrong"), yes(first, "right")) == ((0, 1), (1, 1))
    assert yes(second, "all") == (2, 4)
    assert (yes(second, "wrong"), yes(second, "right")) == ((0, 1), (2, 2))


def test_every_wrongly_predicted_film_is_a_row_with_all_that_was_said_of_it():
    items = (item(0, NORMAL, (CURVED, NORMAL)), item(1, CURVED, (CURVED, CURVED)))
    sheet = Sheet(survey(*items, again(items[0], 2)))
    sheet.diagnoses("ann", CURVED, CURVED, NORMAL)
    sheet.say("ann", "i0", "remark", "mild, at the boundary")
    sheet.say("ann", "i0m0", "right", "yes")
    (row,) = cases(sheet.counted())
    assert (row.item_id, row.truth, row.wrong) == ("i0", NORMAL, (NETWORKS[0],))
    assert [(one.question, one.value) for one in row.said] == [
        ("diagnosis", CURVED),
        ("remark", "mild, at the boundary"),
    ]
    assert [(m.network, m.predicted, m.wrong) for m in row.maps] == [
        (NETWORKS[0], CURVED, True),
        (NETWORKS[1], NORMAL, False),
    ]
    assert [(one.reader, one.value) for one in row.maps[0].said] == [("ann", "yes")]


def voted(*votes, truths=None, predicted=None):
    """A survey of as many films, and what each reader said of them."""
    n = len(votes[0])
    truths, predicted = truths or [NORMAL] * n, predicted or [(NORMAL, CURVED)] * n
    sheet = Sheet(survey(*(item(i, truths[i], predicted[i]) for i in range(n))))
    for reader, said in zip(("ann", "bob", "cat", "dan"), votes, strict=False):
        sheet.diagnoses(reader, *said)
    return sheet.counted()


def test_a_consensus_is_what_more_than_half_say_and_ties_are_counted_out():
    made = against_labels(
        voted(
            [NORMAL, NORMAL, NORMAL, CURVED, None],
            [NORMAL, CURVED, CURVED, CURVED, None],
            [CURVED, CURVED, SLIPPED, None, None],
        ),
        FEW,
    )
    assert [one.consensus for one in made.films] == [NORMAL, CURVED, None, CURVED, None]
    assert (made.n_consensus, made.n_tied, made.n_unread) == (3, 1, 1)
    assert made.films[2].votes == ((NORMAL, 1), (CURVED, 1), (SLIPPED, 1))


def test_two_of_four_is_no_majority():
    made = against_labels(voted([NORMAL], [NORMAL], [CURVED], [SLIPPED]), FEW)
    assert made.films[0].consensus is None


def test_networks_are_scored_on_both_labels_over_the_same_films():
    truths = [NORMAL, NORMAL, CURVED, CURVED, NORMAL, CURVED]
    predicted = [(p, NORMAL) for p in (CURVED, CURVED, CURVED, NORMAL, NORMAL, CURVED)]
    said = [CURVED, CURVED, CURVED, CURVED, CURVED, None]
    made = against_labels(voted(said, truths=truths, predicted=predicted), FEW)
    first, second = made.networks
    assert first.n_films == 5
    assert (first.by_data_set.n_yes, first.by_experts.n_yes) == (2, 3)
    assert (first.n_gained, first.n_lost) == (2, 1)
    assert first.difference == pytest.approx(1 / 5)
    assert first.test.p_value == pytest.approx(mcnemar([[0, 2], [1, 0]], exact=True).pvalue)
    assert (second.by_data_set.n_yes, second.by_experts.n_yes) == (3, 0)


def test_each_reader_stands_against_the_data_set_as_scikit_learn_would_have_it():
    truths = [NORMAL, CURVED, SLIPPED, NORMAL, CURVED, SLIPPED, CURVED]
    said = [NORMAL, CURVED, CURVED, NORMAL, NORMAL, SLIPPED, CURVED]
    made = against_labels(voted(said, truths=truths), FEW)
    (reader,) = made.readers
    assert reader.counts == ((2, 0, 0), (1, 2, 0), (0, 1, 1))
    assert reader.same.n_yes == 5
    assert reader.kappa.value == pytest.approx(cohen_kappa_score(truths, said))
    assert made.consensus.counts == reader.counts, "one reader is of one mind"


def test_the_choice_of_films_is_said_in_words():
    items = [item(0, NORMAL, (CURVED, NORMAL), why="wrong"), item(1, why="right")]
    said = selection(items)
    assert said.startswith(
        "2 films were chosen: 1 because a network missed the data set's label and 1 because all "
        "networks met it. At least one network missed the data set's label of 1 of them."
    )
    assert "not of the data set" in said
    assert "are a sample" in selection([item(0), item(1)])


def test_agreement_is_of_each_question_as_its_kind_allows():
    sheet = Sheet(survey(*(item(i) for i in range(8))))
    for i in range(8):
        for reader, turn in (("ann", 0), ("bob", i % 4 == 0)):
            sheet.say(reader, f"i{i}", "diagnosis", LABELS[(i + turn) % 3])
            sheet.say(reader, f"i{i}", "hard", ("easy", "fair", "hard")[(i + turn) % 3])
            sheet.say(reader, f"i{i}", "signs", "curve" if i % 2 else "curve; step")
            sheet.say(reader, f"i{i}", "remark", "none")
            for place in range(2):
                sheet.say(reader, f"i{i}m{place}", "right", "yes" if i % 3 else "no")
    made = {(one.question, one.option): one for one in between_readers(sheet.counted(), FEW)}
    assert set(made) == {
        *(("diagnosis", None), ("hard", None), ("right", None)),
        *(("signs", "curve"), ("signs", "step")),
    }
    labels = made["diagnosis", None]
    said = [i % 3 for i in range(8)], [(i + (i % 4 == 0)) % 3 for i in range(8)]
    assert labels.pairs[0].plain.value == pytest.approx(cohen_kappa_score(*said))
    assert isinstance(labels.alpha_ordinal, NotRun)
    scale = made["hard", None].pairs[0]
    assert scale.quadratic.value == pytest.approx(cohen_kappa_score(*said, weights="quadratic"))
    assert made["signs", "step"].alpha_nominal.value == 1
    assert "chance alone" in made["signs", "curve"].fleiss.why
    assert (made["right", None].percent.n_rows, made["right", None].percent.n_films) == (16, 8)


def test_a_reader_is_compared_with_themselves_on_films_and_heatmaps_that_are_the_same():
    firsts = [decoy(item(0), 0), *(item(i) for i in range(1, 6))]
    sheet = Sheet(survey(*firsts, *(again(one, 10 + i) for i, one in enumerate(firsts))))
    said = [NORMAL, CURVED, CURVED, SLIPPED, NORMAL, CURVED]
    then = [NORMAL, CURVED, NORMAL, SLIPPED, CURVED, CURVED]
    sheet.diagnoses("ann", *said, *then)
    for number in (0, 10, 1, 11):
        for place in range(2):
            sheet.say("ann", f"i{number}m{place}", "right", "no" if number == 10 else "yes")
    made = {
        one.question: one for one in self_agreement(sheet.counted(), FEW) if one.reader == "ann"
    }
    assert (made["diagnosis"].same.n_yes, made["diagnosis"].same.n) == (4, 6)
    assert made["diagnosis"].kappa.value == pytest.approx(cohen_kappa_score(said, then))
    assert (made["right"].same.n_yes, made["right"].same.n) == (2, 3), "a decoy is not repeated"
    assert "no answer" in made["hard"].same.why


def test_without_repeats_there_is_no_self_agreement():
    assert "repeats no film" in self_agreement(Sheet(survey(item(0))).counted(), FEW).why


def test_an_analysis_of_one_reader_on_three_films_says_what_it_could_not_do():
    """The paper's own survey: one surgeon, few films."""
    sheet = Sheet(survey(*(item(i, NORMAL, (CURVED, NORMAL)) for i in range(3))))
    sheet.diagnoses("ann", CURVED, NORMAL, CURVED)
    made = analyse(sheet.survey, sheet.answers, (), n_resamples=100)
    assert "two readers" in made.between_readers.why
    assert "repeats" in made.self_agreement.why
    assert "decoy" in made.decoys.why
    assert "scores" in made.scores.why
    assert "after a heatmap" in made.changes.why
    assert made.against_labels.networks[0].by_experts.n_yes == 2
    assert "3 films" in made.against_labels.networks[0].interval.why
    assert [len(one.maps) for one in made.cases] == [2, 2, 2]


def test_a_survey_that_nobody_answered_is_analysed_too():
    made = analyse(survey(item(0), decoy(item(1))), [], (), n_resamples=100)
    assert made.extent.readers == ()
    assert made.times.why == "there is no answer"
    assert isinstance(made.against_labels.networks[0].by_experts, NotRun)
    assert isinstance(made.decoys[0].test, NotRun)


def test_in_which_order_readers_took_turns_changes_nothing():
    sheet = Sheet(survey(*(item(i) for i in range(7))))
    sheet.diagnoses("ann", *[NORMAL, CURVED] * 3, NORMAL).diagnoses("bob", *[NORMAL] * 6, CURVED)
    first = analyse(sheet.survey, sheet.answers, (), n_resamples=100).as_dict()
    turns = sheet.answers[7:] + sheet.answers[:7]
    assert {one.reader for one in turns[:7]} == {"bob"}
    assert analyse(sheet.survey, turns, (), n_resamples=100).as_dict() == first


def test_an_analysis_says_how_much_it_rests_on():
    first = decoy(item(0))
    sheet = Sheet(survey(first, item(1), again(first, 2)))
    sheet.say("ann", "i0", "hard", "easy").say("ann", "i0", "hard", "fair")
    sheet.answers.append(replace(sheet.answers[0]))
    extent = analyse(sheet.survey, sheet.answers, (), n_resamples=100).extent
    assert (extent.n_films, extent.n_repeats, extent.n_maps, extent.n_decoys) == (2, 1, 3, 1)
    assert (extent.n_answers, extent.n_counted) == (2, 1)
