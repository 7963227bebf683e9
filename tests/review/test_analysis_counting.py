"""Which answers count, from stories of readers who change their minds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hand_filled import Sheet, again, decoy, item, survey

from spondyl.errors import SpondylError
from spondyl.review.analysis.counting import Row, count

NORMAL, CURVED = "normal", "scoliosis"


def value(sheet: Sheet, key: str, place: int = 0, on_map: int | None = None, reader="ann"):
    counted = sheet.counted()
    one = sheet.survey.items[place]
    question = next(q for q in sheet.survey.questions if q.key == key)
    return counted.value(reader, Row(one, None if on_map is None else one.maps[on_map]), question)


def test_what_is_said_of_the_film_alone_stays_what_was_said_first():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "diagnosis", NORMAL).say("ann", "i0", "hard", "easy")
    sheet.say("ann", "i0", "diagnosis", CURVED).say("ann", "i0", "hard", "fair")
    assert value(sheet, "diagnosis") == NORMAL
    assert value(sheet, "hard") == "easy"


def test_about_a_heatmap_the_last_word_counts():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0m1", "right", "yes").say("ann", "i0m1", "right", "no")
    assert value(sheet, "right", on_map=1) == "no"
    assert value(sheet, "right", on_map=0) is None


def test_a_diagnosis_after_a_heatmap_is_no_blind_one():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0m0", "right", "yes").say("ann", "i0", "diagnosis", CURVED)
    assert value(sheet, "diagnosis") is None
    assert [a.value for a in sheet.counted().after.values()] == [CURVED]


def test_a_heatmap_of_another_film_blinds_nobody_to_this_one():
    sheet = Sheet(survey(item(0), item(1)))
    sheet.say("ann", "i1m0", "right", "yes").say("ann", "i0", "diagnosis", CURVED)
    sheet.say("bob", "i0m0", "right", "yes")
    assert value(sheet, "diagnosis") == CURVED


def test_order_is_by_the_server_s_clock_and_not_by_the_list():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "hard", "hard", at="2026-01-01T10:00:00Z")
    sheet.say("ann", "i0", "hard", "easy", at="2026-01-01T10:00:00.500000+00:00")
    sheet.say("ann", "i0", "hard", "fair", at="2026-01-01T10:30:00+01:00")
    assert value(sheet, "hard") == "fair"


def test_an_answer_that_was_sent_twice_is_one():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "hard", "easy").say("ann", "i0", "hard", "hard")
    sheet.answers.append(replace(sheet.answers[0], at="2026-01-02T00:00:00Z"))
    assert value(sheet, "hard") == "easy"


def test_an_empty_remark_says_nothing():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "remark", "")
    assert value(sheet, "remark") is None


def test_none_of_the_signs_is_an_answer():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "signs", "")
    assert value(sheet, "signs") == ""


def test_repeats_and_decoys_are_no_rows_of_the_tables():
    first = decoy(item(0), 1)
    counted = count(survey(first, item(1), again(first, 2)), [])
    assert [row.item.item_id for row in counted.film_rows()] == ["i0", "i1"]
    assert [row.map.map_id for row in counted.map_rows()] == ["i0m0", "i1m0", "i1m1"]
    assert [row.map.map_id for row in counted.map_rows(decoys=True)] == ["i0m1"]
    assert [(a.item_id, b.item_id) for a, b in counted.repeats] == [("i0", "i2")]


@pytest.mark.parametrize(
    ("place", "question", "said", "changes", "what"),
    [
        ("i9", "hard", "easy", {}, "item i9"),
        ("i0", "colour", "red", {}, "question colour"),
        ("i0", "hard", "impossible", {}, "'impossible' is none of easy, fair, hard"),
        ("i0", "signs", "curve; tail", {}, "none of curve, step"),
        ("i0", "right", "yes", {}, "map None"),
        ("i0m0", "hard", "easy", {}, "map i0m0"),
        ("i0m0", "right", "yes", {"phase": "unaided"}, "was answered unaided"),
        ("i0", "hard", "easy", {"survey_id": "t"}, "survey t"),
        ("i0", "hard", "easy", {"seconds": float("nan")}, "nan seconds"),
        ("i0", "hard", "easy", {"at": "noon"}, "'noon' is no time"),
    ],
)
def test_an_answer_that_is_not_of_this_survey_is_refused_by_name(
    place, question, said, changes, what
):
    sheet = Sheet(survey(item(0))).say("ann", place, question, said, **changes)
    with pytest.raises(SpondylError, match=what) as refused:
        sheet.counted()
    assert "answer-0" in refused.value.message


def test_all_faults_are_named_at_once():
    sheet = Sheet(survey(item(0))).say("ann", "i9", "hard", "easy").say("ann", "i0", "hard", "x")
    with pytest.raises(SpondylError, match="2 problems"):
        sheet.counted()
