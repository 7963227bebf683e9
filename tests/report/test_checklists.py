"""Checklists: every published number once, nothing claimed that the run does not know."""

import csv
import io
from dataclasses import fields, replace

import pytest
from pydantic import ValidationError
from report_facts import invented_study

from spondyl.report.cards import checklists
from spondyl.report.cards.checklists import AUTHORS, Item
from spondyl.report.cards.known import FACTS, Known
from spondyl.report.tables import as_csv
from spondyl.trust.checks import Check, not_run

NOTHING = Known(configuration="c", approach="")
AUTHORS_ALONE = {
    "claim_2024": {"2", "4", "5", "6", "11", "15", "16", "17", "18", "21", "34", "44"},
    "tripod_ai": {"1", "2", "3a", "3c", "4", "5b", "6c", "8b", "8c", "17", "18a", "18b", "18c"}
    | {"18d", "19", "25", "27b", "27c"},
}


@pytest.fixture(scope="module")
def known(outcomes) -> Known:
    return Known.of(invented_study(), outcomes[0])


def answers(name, known):
    filled = checklists.fill(checklists.load(name), known)
    return {one.item.number: one for one in filled.answers}


def test_claim_has_its_44_items_in_order():
    numbers = [item.number for item in checklists.load("claim_2024").items]
    assert numbers == [str(n) for n in range(1, 45)]


def test_tripod_ai_has_its_27_items_with_their_letters_in_order():
    letters = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef"}
    letters |= {20: "abc", 23: "ab", 27: "abc"}
    expected = [f"{n}{letter}" for n in range(1, 28) for letter in letters.get(n, [""])]
    assert [item.number for item in checklists.load("tripod_ai").items] == expected


@pytest.mark.parametrize("name", checklists.NAMES)
def test_what_only_the_authors_know_is_never_answered_by_a_run(name, known):
    full = Known(**dict.fromkeys(FACTS, "something"))
    for some in (known, full):
        found = answers(name, some)
        alone = {number for number, one in found.items() if one.answered == "by the authors"}
        assert alone >= AUTHORS_ALONE[name]
    assert alone == AUTHORS_ALONE[name]


@pytest.mark.parametrize("name", checklists.NAMES)
def test_who_knows_nothing_hands_every_item_to_the_authors(name):
    nothing = replace(NOTHING, intended_use="")
    for one in answers(name, nothing).values():
        assert one.answered == "by the authors"
        assert one.text == f"{AUTHORS}: {one.item.asks}."


@pytest.mark.parametrize("name", checklists.NAMES)
def test_counts_add_up_to_the_items_and_stand_in_the_sentence(name, known):
    filled = checklists.fill(checklists.load(name), known)
    counts = filled.counts
    assert sum(counts.values()) == len(filled.answers)
    assert filled.said.startswith(f"{counts['by the run']} of {len(filled.answers)} items")
    assert f"{counts['in part']} in part" in filled.said
    assert f"{counts['by the authors']} are for the authors" in filled.said


def test_an_item_of_which_one_fact_is_missing_is_answered_in_part(known):
    item = next(i for i in checklists.load("claim_2024").items if i.number == "37")
    assert item.known == ("performance", "calibration")
    assert answers("claim_2024", known)["37"].answered == "by the run"
    without = answers("claim_2024", replace(known, calibration=""))["37"]
    assert without.answered == "in part"
    assert known.performance in without.text
    assert AUTHORS in without.text


def test_what_an_audit_adds_is_quoted(known):
    assert answers("claim_2024", known)["30"].answered == "by the authors"
    told = replace(known, robustness="A dark border changed 3 of 60 answers.")
    assert answers("claim_2024", told)["30"].text == told.robustness


def test_a_fact_that_no_run_has_is_refused():
    with pytest.raises(ValidationError, match="no facts of a run: ethics"):
        Item(number="1", section="s", asks="a", known=("ethics",))


def test_results_stand_in_the_answers_with_their_intervals(known):
    found = answers("tripod_ai", known)
    assert known.performance in found["23a"].text
    assert "%" in known.performance
    assert "–" in known.performance
    assert found["23a"].answered == "in part"  # subgroups were not looked at


def test_a_configuration_that_was_not_run_claims_no_results(outcomes):
    known = Known.of(invented_study(), outcomes[3])
    assert known.performance == known.calibration == known.failures == known.metrics == ""
    assert answers("claim_2024", known)["37"].answered == "by the authors"
    assert known.initial_weights == ""


def test_facts_count_films_groups_and_what_nobody_stated(known):
    assert known.films == "30 films in 29 groups, “films”."
    assert "normal 10 films in 9 groups" in known.classes
    assert known.sites == known.views == ""
    assert "take them for those of one hospital" in known.origin
    assert "age 10, sex 30, view 30, site 30" in known.missing
    assert "Age 20 to 39 years, median 29.5 (stated for 20 of 30 films)" in known.people
    assert "2 films in 1 group." in known.copies


def test_frozen_bodies_learn_their_heads_parameters_only(outcomes):
    study = invented_study()
    probe, scratch = (Known.of(study, outcomes[i]).parameters for i in (0, 2))
    # 2048 pooled channels and a bias for each of 3 labels
    assert probe == "23,514,179 parameters, of which 6,147 are learned."
    assert scratch == "134,272,835 parameters, of which 134,272,835 are learned."


def test_judged_films_that_steered_are_not_hidden(outcomes):
    nested, paper = (Known.of(invented_study(), outcomes[i]) for i in (0, 2))
    assert "the test part steered too" in paper.partitions
    assert "chose when it was stopped" in paper.evaluation
    assert "the tune part steered" in nested.partitions
    assert "leans upwards" in paper.selection


def test_alarms_and_what_was_not_run_become_limitations_and_passes_do_not(known):
    checks = (
        Check("frame", "Does a frame tell it?", "fail", "It does."),
        Check("copies", "Are there copies?", "pass", "There are none."),
        not_run("site", "Does the hospital tell it?", "no film states its site"),
    )
    told = known.audited(checks).limitations
    assert told.startswith(known.limitations)
    assert "A check failed: Does a frame tell it? It does." in told
    assert "A check was not run: Does the hospital tell it? no film states its site" in told
    assert "copies" not in told


def test_every_fact_is_a_text(known):
    assert all(isinstance(getattr(known, field.name), str) for field in fields(Known))
    assert not any("nan" in getattr(known, name).split() for name in FACTS)


@pytest.mark.parametrize("name", checklists.NAMES)
def test_table_and_markdown_hold_the_same_answers(name, known):
    filled = checklists.fill(checklists.load(name), known)
    table = checklists.as_table(filled)
    rows = list(csv.DictReader(io.StringIO(as_csv(table))))
    lines = [x for x in checklists.render(filled).splitlines() if x.startswith("| ")]
    lines = [x for x in lines if not x.startswith(("| item", "| ---"))]
    assert len(rows) == len(lines) == len(filled.answers)
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(f"| {row['item']} |")
        assert row["answered"] in line


def test_a_name_with_a_pipe_does_not_break_a_row(known):
    odd = replace(known, films="films of a | b\nand <c>.")
    text = checklists.render(checklists.fill(checklists.load("claim_2024"), odd))
    row = next(line for line in text.splitlines() if line.startswith("| 7 |"))
    assert r"a \| b and \<c\>." in row
