"""Decoys, changed minds, scores and times against slow definitions and other libraries."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hand_filled import AFTER, LABELS, NETWORKS, QUESTIONS, Sheet, decoy, item, survey
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar

from spondyl.review.agreement import Resampling
from spondyl.review.analysis.decoys import decoys
from spondyl.review.analysis.film_tests import dealt, exchangeable, sign_test, two_sided
from spondyl.review.analysis.predicting import predict
from spondyl.review.analysis.times import medians, times
from spondyl.review.analysis.with_networks import changes, with_networks
from spondyl.trust.intervals import NotRun

NORMAL, CURVED, SLIPPED = LABELS
FEW = Resampling(seed=1, n_resamples=200)


def judged(own: list[str], false: list[str]):
    """One reader's answers about heatmaps of the first network, real ones and decoys."""
    real = [item(i) for i in range(len(own))]
    made = [decoy(item(len(own) + i)) for i in range(len(false))]
    sheet = Sheet(survey(*real, *made))
    for one, value in zip((*real, *made), (*own, *false), strict=True):
        sheet.say("ann", f"{one.item_id}m0", "right", value)
    return sheet


def test_decoys_of_one_reader_and_network_are_tested_as_fisher_would():
    own, false = ["yes"] * 9 + ["no"] * 3, ["yes"] * 2 + ["no"] * 6
    both, alone = decoys(judged(own, false).counted(), Resampling(1, 20_000))
    assert (alone.real.n_yes, alone.real.n, alone.decoys.n_yes, alone.decoys.n) == (9, 12, 2, 8)
    assert alone.difference == pytest.approx(9 / 12 - 2 / 8)
    tails = [
        stats.fisher_exact([[9, 3], [2, 6]], alternative=side).pvalue
        for side in ("less", "greater")
    ]
    assert alone.test.p_value == pytest.approx(min(1, 2 * min(tails)), abs=0.01)
    assert both.test.p_value == alone.test.p_value
    assert "9 of 12 real heatmaps right, and 2 of 8 decoys" in alone.meaning
    assert "not shown" in alone.meaning


def test_a_reader_who_takes_no_decoy_is_said_to_tell_them_apart():
    _, alone = decoys(judged(["yes"] * 10, ["no"] * 10).counted(), FEW)
    assert alone.test.p_value < 0.01
    assert "They tell the two apart" in alone.meaning
    assert isinstance(alone.interval, NotRun), "no resample differs, which is no certainty"


def test_a_reader_who_prefers_decoys_is_said_to():
    _, alone = decoys(judged(["no"] * 10, ["yes"] * 10).counted(), FEW)
    assert "Decoys look right to them more often" in alone.meaning


def test_a_film_with_both_kinds_is_compared_with_itself():
    sheet = Sheet(survey(*(decoy(item(i), i % 2) for i in range(8))))
    said = ["yes no"] * 5 + ["no yes"] + ["yes yes"] * 2
    for i, pair in enumerate(said):
        own, false = pair.split()
        sheet.say("ann", f"i{i}m{1 - i % 2}", "right", own)
        sheet.say("ann", f"i{i}m{i % 2}", "right", false)
    alone = decoys(sheet.counted(), FEW)[1]
    assert (alone.paired.n_higher, alone.paired.n_lower, alone.paired.n_films) == (5, 1, 8)
    assert alone.paired.p_value == pytest.approx(mcnemar([[0, 5], [1, 0]], exact=True).pvalue)


def test_decoys_on_right_films_are_held_against_right_films_only():
    wrong = [item(i, NORMAL, (CURVED, NORMAL)) for i in range(6)]
    right = [item(10 + i) for i in range(6)]
    false = [decoy(item(20 + i)) for i in range(6)]
    sheet = Sheet(survey(*wrong, *right, *false))
    for one, value in [*((w, "no") for w in wrong), *((r, "yes") for r in (*right, *false))]:
        sheet.say("ann", f"{one.item_id}m0", "right", value)
    _, alone = decoys(sheet.counted(), FEW)
    assert alone.films == "right"
    assert (alone.real.n_yes, alone.real.n) == (6, 6)
    assert alone.difference == 0
    with_a_wrong_one = Sheet(survey(*wrong, *right, *false, decoy(item(30, CURVED))))
    with_a_wrong_one.answers = sheet.answers
    assert decoys(with_a_wrong_one.counted(), FEW)[1].films == "all"


def test_kinds_of_decoys_are_counted_apart():
    made = [decoy(item(0)), decoy(item(1), kind="randomised network"), item(2)]
    sheet = Sheet(survey(*made))
    for one, value in zip(made, ("yes", "no", "yes"), strict=True):
        sheet.say("ann", f"{one.item_id}m0", "right", value)
    kinds = decoys(sheet.counted(), FEW)[1].kinds
    assert [(one.kind, one.share.n_yes, one.share.n) for one in kinds] == [
        ("other label", 1, 1),
        ("randomised network", 0, 1),
    ]
    assert [one.difference for one in kinds] == [0, 1]
    assert "1 film: fewer than 5" in kinds[0].interval.why
    assert kinds[0].labels == (), "an old survey does not know what its decoys are of"


def test_one_kind_of_decoy_against_the_real_heatmaps_is_what_it_would_be_without_the_other():
    rng = np.random.default_rng(2)
    real = [item(i) for i in range(12)]
    other = [decoy(item(i)) for i in range(12, 20)]
    random = [decoy(item(i), kind="randomised network") for i in range(20, 27)]
    said = {one.item_id: str(rng.choice(["yes", "no"])) for one in (*real, *other, *random)}

    def of(items):
        sheet = Sheet(survey(*items))
        for one in items:
            sheet.say("ann", f"{one.item_id}m0", "right", said[one.item_id])
        return decoys(sheet.counted(), FEW)[1]

    together = of([*real, *other, *random])
    for place, made in enumerate((of([*real, *other]), of([*real, *random]))):
        kind = together.kinds[place]
        assert kind.share == made.decoys
        assert kind.difference == pytest.approx(made.difference)
        assert (kind.interval, kind.test.p_value) == (made.interval, made.test.p_value)


def test_decoys_of_another_label_are_counted_by_what_was_said_and_what_was_drawn():
    def of(number: int, label: str, drawn_label: str):
        made = decoy(item(number, label, (label, label)))
        maps = (replace(made.maps[0], drawn_label=drawn_label), made.maps[1])
        return replace(made, maps=maps)

    made = [of(0, NORMAL, CURVED), of(1, NORMAL, CURVED), of(2, CURVED, SLIPPED)]
    sheet = Sheet(survey(*made, item(3)))
    for one, value in zip(made, ("yes", "no", "yes"), strict=True):
        sheet.say("ann", f"{one.item_id}m0", "right", value)
    (kind,) = decoys(sheet.counted(), FEW)[0].kinds
    found = [(one.label, one.drawn_label, one.share.n_yes, one.share.n) for one in kind.labels]
    assert found == [(NORMAL, CURVED, 1, 2), (CURVED, SLIPPED, 1, 1)]


def test_ten_readers_of_one_film_are_one_film_to_the_sign_test():
    made = sign_test(["a"] * 10 + ["b"] * 10, [1.0] * 10 + [-1.0] * 4 + [1.0] * 6)
    assert (made.n_films, made.n_higher, made.n_lower) == (2, 2, 0)
    assert made.p_value == 0.5


def test_dealing_moves_films_whole_and_only_among_their_like():
    films = ["a", "a", "b", "b", "c", "d", "d", "e"]
    networks = ["x", "y", "y", "x", "x", "x", "y", "y"]
    groups = exchangeable(films, networks)
    assert [group.tolist() for group in groups] == [[[0, 1], [3, 2], [5, 6]]]
    source = dealt(groups, 8, Resampling(2, 500))
    assert (np.sort(source, axis=1) == np.arange(8)).all()
    assert (source[:, [4, 7]] == [4, 7]).all(), "no film is like these"
    partner = {0: 1, 3: 2, 5: 6}
    assert all(partner[x] == y for x, y in source[:, [0, 1]])
    assert len({tuple(row) for row in source}) == 6


def test_a_two_sided_p_value_counts_the_observed_deal():
    assert two_sided(3.0, np.array([1.0, 2.0, 0.0, 1.0])) == pytest.approx(2 / 5)
    assert two_sided(1.0, np.array([1.0, 1.0, np.nan])) == 1


def test_blind_agreement_with_a_network_is_of_the_first_diagnosis():
    predicted = [NORMAL, CURVED, CURVED, SLIPPED, NORMAL, CURVED, CURVED]
    said = [NORMAL, CURVED, NORMAL, SLIPPED, CURVED, CURVED, NORMAL]
    sheet = Sheet(survey(*(item(i, NORMAL, (p, NORMAL)) for i, p in enumerate(predicted))))
    sheet.diagnoses("ann", *said).diagnoses("ann", *predicted)
    made = next(
        one
        for one in with_networks(sheet.counted(), FEW)
        if (one.network, one.reader) == (NETWORKS[0], "ann")
    )
    assert made.same.n_yes == 4
    assert made.kappa.value == pytest.approx(cohen_kappa_score(said, predicted))


def test_changes_after_a_heatmap_are_counted_by_where_they_lead():
    items = [item(i, NORMAL, (CURVED, NORMAL)) for i in range(4)]
    sheet = Sheet(survey(*items, questions=(*QUESTIONS, AFTER)))
    sheet.diagnoses("ann", NORMAL, CURVED, NORMAL, SLIPPED)
    for i, later in enumerate((CURVED, NORMAL, NORMAL, CURVED)):
        sheet.say("ann", f"i{i}m0", "after", later)
    made = next(
        one
        for one in changes(sheet.counted(), FEW)
        if (one.network, one.reader) == (NETWORKS[0], "ann")
    )
    assert (made.changed.n_yes, made.changed.n) == (3, 4)
    assert (made.n_to_network, made.n_from_network) == (2, 1)
    assert (made.n_to_label, made.n_from_label) == (1, 1)
    assert made.network_test.p_value == 1


def test_whoever_goes_back_to_the_film_after_its_heatmaps_has_changed_their_mind():
    sheet = Sheet(survey(item(0, NORMAL, (CURVED, CURVED)), item(1)))
    sheet.diagnoses("ann", NORMAL, NORMAL).say("ann", "i0m0", "right", "yes")
    assert isinstance(changes(sheet.counted(), FEW), NotRun)
    sheet.say("ann", "i0", "diagnosis", CURVED)
    made = changes(sheet.counted(), FEW)[1]
    assert (made.network, made.reader, made.n_to_network) == (None, "ann", None)
    assert (made.changed.n_yes, made.changed.n, made.n_from_label) == (1, 2, 1)


def test_a_slip_that_was_put_right_before_any_heatmap_is_no_changed_mind():
    sheet = Sheet(survey(item(0), item(1))).diagnoses("ann", CURVED, NORMAL)
    sheet.diagnoses("ann", NORMAL, None).say("ann", "i0m0", "right", "yes")
    sheet.say("ann", "i1m0", "right", "yes").say("ann", "i1", "diagnosis", NORMAL)
    made = changes(sheet.counted(), FEW)[1]
    assert (made.changed.n_yes, made.changed.n) == (0, 2)


def scored(seed: int, n_films=12, effect=0.0):
    rng = np.random.default_rng(seed)
    items, sheet_says = [], []
    for i in range(n_films):
        one = item(i)
        values = rng.random(2)
        maps = tuple(
            replace(m, scores=(("spine", float(v)), ("flat", 1.0)))
            for m, v in zip(one.maps, values, strict=True)
        )
        items.append(replace(one, maps=maps))
        for place, reader in itertools.product(range(2), ("ann", "bob")):
            yes = rng.random() < 0.5 + effect * (values[place] - 0.5)
            sheet_says.append((reader, f"i{i}m{place}", "yes" if yes else "no", values[place]))
    sheet = Sheet(survey(*items))
    for reader, place, value, _ in sheet_says:
        sheet.say(reader, place, "right", value)
    return sheet, [value == "yes" for *_, value, _ in sheet_says], [v for *_, v in sheet_says]


def test_a_score_s_auc_is_that_of_all_answers():
    sheet, yes, values = scored(3)
    spine, flat = predict(sheet.counted(), FEW)
    assert spine.found.auc == pytest.approx(roc_auc_score(yes, values))
    assert (spine.found.n_maps, spine.found.n_films) == (24, 12)
    assert spine.found.n_yes + spine.found.n_no == 48
    assert "the same score" in flat.found.why
    assert spine.found.p_holm == spine.found.p_value, "one score was tested"


def test_a_score_that_answers_follow_is_found_and_one_that_they_do_not_is_not_too_often():
    found = predict(scored(4, 40, effect=0.9)[0].counted(), FEW)[0].found
    assert found.p_value < 0.01
    assert found.interval.low > 0.5
    idle = [predict(scored(100 + s, 10)[0].counted(), FEW)[0].found.p_value for s in range(40)]
    assert sum(p < 0.05 for p in idle) <= 6, "binomial: more than 6 of 40 has probability 0.003"


def test_scores_of_decoys_do_not_count():
    sheet, _, _ = scored(5)
    fewer = survey(decoy(sheet.survey.items[0], 1), *sheet.survey.items[1:])
    sheet.survey = fewer
    assert predict(sheet.counted(), FEW)[0].found.n_maps == 23


def test_one_answer_for_all_heatmaps_leaves_nothing_to_predict():
    sheet = scored(6)[0]
    sheet.answers = [replace(a, value="yes") for a in sheet.answers]
    assert 'all 48 answers are "yes"' in predict(sheet.counted(), FEW)[0].found.why


def test_a_resampled_median_is_that_of_the_repeated_values():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 9, 11).astype(float)
    drawn = rng.integers(0, 3, (50, 11)).astype(float)
    drawn[0] = 0
    made = medians(values, drawn)
    assert np.isnan(made[0])
    for row, one in zip(drawn[1:], made[1:], strict=True):
        assert one == np.median(np.repeat(values, row.astype(int)))


def test_times_are_of_first_answers_and_learning_of_their_order():
    sheet = Sheet(survey(*(item(i) for i in range(9))))
    course = [40.0, 30.0, 35.0, 20.0, 22.0, 18.0, 12.0, 9.0, 10.0]
    for i, seconds in enumerate(course):
        sheet.say("ann", f"i{8 - i}", "diagnosis", NORMAL, seconds)
    sheet.say("ann", "i0", "diagnosis", CURVED, 500.0).say("ann", "i0m0", "right", "yes", 3.0)
    made = times(sheet.counted(), FEW)
    found = {(one.phase, one.question, one.reader): one for one in made.medians}
    assert found["unaided", "diagnosis", "ann"].median == np.median(course)
    assert found["unaided", None, None].n == 9
    assert found["aided", None, "ann"].median == 3
    assert isinstance(found["aided", None, "ann"].interval, NotRun)
    (ann,) = made.learning
    assert (ann.first_third, ann.last_third) == (35, 10)
    slopes = [
        (np.log(course[j]) - np.log(course[i])) / (j - i)
        for i, j in itertools.combinations(range(9), 2)
    ]
    assert ann.slope.ratio_per_ten == pytest.approx(np.exp(10 * np.median(slopes)))
    assert ann.slope.low < ann.slope.ratio_per_ten < ann.slope.high < 1


def test_two_diagnoses_are_no_course():
    sheet = Sheet(survey(item(0), item(1))).diagnoses("ann", NORMAL, CURVED)
    assert times(sheet.counted(), FEW).learning == ()
