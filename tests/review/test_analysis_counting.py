"""Which answers count, from stories of readers who change their minds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_filled import Sheet, again, decoy, item, survey

from spondyl.errors import SpondylError
from spondyl.review import export
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


def test_a_first_word_after_a_heatmap_was_handed_over_is_not_blind_though_nothing_was_said_of_it():
    sheet = Sheet(survey(item(0)))
    sheet.show("ann", "i0m0").say("ann", "i0", "diagnosis", CURVED)
    sheet.say("bob", "i0", "diagnosis", CURVED)
    assert value(sheet, "diagnosis") is None
    assert value(sheet, "diagnosis", reader="bob") == CURVED
    assert [a.reader for a in sheet.counted().after.values()] == ["ann"]


def test_a_repeat_s_heatmap_shows_the_film_too():
    first = replace(item(0), maps=())
    sheet = Sheet(survey(first, item(1), again(item(0), 2)))
    sheet.show("ann", "i2m0").say("ann", "i0", "diagnosis", CURVED)
    assert value(sheet, "diagnosis") is None


def test_of_a_repeat_the_first_word_before_its_own_heatmaps_counts_though_it_is_not_blind():
    sheet = Sheet(survey(item(0), item(1), again(item(0), 2)))
    sheet.say("ann", "i0", "diagnosis", NORMAL).say("ann", "i0m0", "right", "yes")
    sheet.say("ann", "i2", "diagnosis", CURVED).say("ann", "i2m0", "right", "yes")
    sheet.say("ann", "i2", "diagnosis", NORMAL)
    assert value(sheet, "diagnosis", place=2) == CURVED
    assert sheet.counted().after == {}, "what is said of a repeat is no change of mind"


def test_the_export_and_the_analysis_count_the_same_answers_whatever_readers_do():
    rng = np.random.default_rng(4)
    asked = survey(item(0), decoy(item(1)), again(item(0), 2))
    said = {"diagnosis": (NORMAL, CURVED), "hard": ("easy", "hard"), "remark": ("", "a curve")}
    said |= {"signs": ("", "curve"), "right": ("yes", "no")}
    for _ in range(40):
        sheet = Sheet(asked)
        for _ in range(30):
            key = str(rng.choice(list(said)))
            places = [m.map_id for i in asked.items for m in i.maps]
            place = str(rng.choice(places if key == "right" else ["i0", "i1", "i2"]))
            if rng.random() < 0.1:
                sheet.show("ann", str(rng.choice(places)))
            sheet.say(str(rng.choice(["ann", "bob"])), place, key, str(rng.choice(said[key])))
        table = export.rows(asked, sheet.answers, sheet.shown)
        exported = {row["answer"] for row in table if row["counts"] == "yes"}
        counted = {answer.answer_id for answer in sheet.counted().counts.values()}
        assert exported == counted == by_definition(sheet)


def by_definition(sheet: Sheet) -> set[str]:
    """The answers that count, each looked at by itself."""
    found = set()
    films = {i.item_id: i.film_sha256 for i in sheet.survey.items}
    for at, answer in enumerate(sheet.answers):
        same = [
            (place, one)
            for place, one in enumerate(sheet.answers)
            if (one.reader, one.item_id, one.map_id, one.question)
            == (answer.reader, answer.item_id, answer.map_id, answer.question)
        ]
        if answer.phase == "aided":
            if at == max(place for place, _ in same):
                found.add(answer.answer_id)
            continue
        repeat = answer.item_id == "i2"

        def blinds(one, answer=answer, repeat=repeat):
            here = one.item_id == answer.item_id
            film = here if repeat else films[one.item_id] == films[answer.item_id]
            return one.reader == answer.reader and film

        before = [a for a in sheet.answers[:at] if a.phase == "aided" and blinds(a)]
        n_before = sum(a.reader == answer.reader for a in sheet.answers[:at])
        handed = [one for one in sheet.shown if blinds(one) and one.after <= n_before]
        pieced = answer.question in ("remark", "signs")
        earlier = [
            one for place, one in same if place < at and (one.value or one.question == "signs")
        ]
        if not before and not handed and not earlier and not pieced:
            found.add(answer.answer_id)
        if not before and not handed and pieced:
            found -= {one.answer_id for _, one in same}
            found |= {answer.answer_id} if answer.value or answer.question == "signs" else set()
    return found


def test_a_heatmap_of_another_film_blinds_nobody_to_this_one():
    sheet = Sheet(survey(item(0), item(1)))
    sheet.say("ann", "i1m0", "right", "yes").say("ann", "i0", "diagnosis", CURVED)
    sheet.say("bob", "i0m0", "right", "yes")
    assert value(sheet, "diagnosis") == CURVED


def test_order_is_that_in_which_answers_were_kept_whatever_clocks_say():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "hard", "hard", at="2026-01-01T10:00:00Z")
    sheet.say("ann", "i0", "hard", "easy", at="2026-01-01T10:00:00.500000+00:00")
    sheet.say("ann", "i0", "hard", "fair", at="2026-01-01T10:30:00+01:00")
    assert value(sheet, "hard") == "hard"


def test_an_answer_that_was_sent_twice_is_one():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "hard", "easy").say("ann", "i0", "hard", "hard")
    sheet.answers.append(replace(sheet.answers[0], at="2026-01-02T00:00:00Z"))
    assert value(sheet, "hard") == "easy"


def test_of_a_text_and_of_boxes_the_last_state_before_a_heatmap_counts():
    sheet = Sheet(survey(item(0)))
    sheet.say("ann", "i0", "remark", "The cur").say("ann", "i0", "remark", "The curve is slight")
    sheet.say("ann", "i0", "signs", "curve").say("ann", "i0", "signs", "curve; step")
    sheet.show("ann", "i0m0").say("ann", "i0", "remark", "The heatmap").say(
        "ann", "i0", "signs", ""
    )
    assert value(sheet, "remark") == "The curve is slight"
    assert value(sheet, "signs") == "curve; step"
    sheet = Sheet(survey(item(0))).say("ann", "i0", "remark", "slip").say("ann", "i0", "remark", "")
    assert value(sheet, "remark") is None, "it was taken back"


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
    counted = count(survey(first, item(1), again(first, 2)), [], ())
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
        ("i0m0", "right", "yes", {"phase": "unaided"}, "is aided, and was answered unaided"),
        ("i0", "hard", "easy", {"phase": "aided"}, "is unaided, and was answered aided"),
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
