"""What a reader may see and say: the film alone first, nothing skipped, nothing of anybody else."""

from dataclasses import replace

import hypothesis
import pytest
from drawn_surveys import answer, first_offered, next_step, survey, tiny_item, tiny_survey
from hypothesis import strategies as st

from spondyl.errors import SpondylError
from spondyl.review import orders
from spondyl.review.course import progress, reached, step_at, steps
from spondyl.review.records import Question
from spondyl.review.standing import Shown, counting, standings
from spondyl.review.taking import joined, refuse_unless_due, refuse_unless_offered

SURVEY = survey()


def to_step(of, step, reader="a", value_of=first_offered):
    """Answers to all that a step requires."""
    return [
        answer(of, reader, step.item.item_id, q.key, value_of(q), step.map_id)
        for q in step.questions
        if q.required
    ]


def walked(of, reader, n):
    """The first n steps of a course, and the answers given there."""
    given, seen = [], []
    for _ in range(n):
        step = next_step(of, reader, given)
        if step is None:
            break
        seen.append(step)
        for one in to_step(of, step, reader):
            refuse_unless_due(of, given, one)
            given.append(one)
    return seen, given


def test_a_film_is_met_alone_then_with_each_of_its_heatmaps():
    seen, given = walked(SURVEY, "a", 10_000)
    expected = []
    for item in orders.items(SURVEY, "a"):
        expected.append((item.item_id, None))
        expected += [(item.item_id, m.map.map_id) for m in orders.maps(SURVEY, "a", item)]
    assert [(step.item.item_id, step.map_id) for step in seen] == expected
    assert next_step(SURVEY, "a", given) is None


def test_a_reader_goes_on_where_they_stopped():
    course, _ = walked(SURVEY, "a", 10_000)
    for n in (0, 1, 2, 5):
        _, given = walked(SURVEY, "a", n)
        here = next_step(SURVEY, "a", given)
        assert (here.item, here.map_id) == (course[n].item, course[n].map_id)
        assert here.lacking == tuple(q.key for q in here.questions if q.required)


def test_a_half_answered_page_lacks_the_other_half():
    first = next_step(SURVEY, "a", [])
    given = to_step(SURVEY, first)[:2]
    here = next_step(SURVEY, "a", given)
    assert here.lacking == first.lacking[2:]
    assert dict(here.answered) == {one.question: one.value for one in given}


def test_no_heatmap_is_open_before_the_film_was_judged_alone():
    first = next_step(SURVEY, "a", [])
    maps = orders.maps(SURVEY, "a", first.item)
    given = to_step(SURVEY, first)
    for n in range(len(given)):
        for masked in maps:
            with pytest.raises(SpondylError, match="not open to you"):
                step_at(SURVEY, "a", given[:n], first.item.item_id, masked.map.map_id)
            aided = answer(SURVEY, "a", first.item.item_id, "attention", "yes", masked.map.map_id)
            with pytest.raises(SpondylError, match="not open to you"):
                refuse_unless_due(SURVEY, given[:n], aided)
    assert step_at(SURVEY, "a", given, first.item.item_id, maps[0].map.map_id).phase == "aided"


def test_no_film_is_open_before_the_one_before_is_done():
    first, *_ = steps(SURVEY, "a", [])
    for later in steps(SURVEY, "a", [])[1:]:
        with pytest.raises(SpondylError, match="not open to you"):
            refuse_unless_due(SURVEY, [], to_step(SURVEY, later)[0])
    refuse_unless_due(SURVEY, [], to_step(SURVEY, first)[0])


@hypothesis.given(st.integers(1, 3), st.integers(0, 99), st.data())
@hypothesis.settings(max_examples=60)
def test_whatever_is_tried_no_heatmap_and_no_film_is_answered_before_its_time(films, seed, data):
    items = [tiny_item(f"i{n}", n % 3) for n in range(films)]
    items += [tiny_item("r0", 0, "i0")] if films > 1 else []
    asked = [q for q in SURVEY.questions if q.key in ("diagnosis", "remark", "attention")]
    made = tiny_survey(items, asked, seed)
    pages = [(item.item_id, m) for item in items for m in (None, *(m.map_id for m in item.maps))]
    given = []
    for _ in range(25):
        item_id, map_id = data.draw(st.sampled_from(pages))
        key = "attention" if map_id else data.draw(st.sampled_from(["diagnosis", "remark"]))
        value = {"attention": "yes", "diagnosis": "normal", "remark": "seen"}[key]
        tried = answer(made, "a", item_id, key, value, map_id)
        done = {(a.item_id, a.map_id) for a in given if a.question != "remark"}
        before = []  # by the definition: all pages that the reader has to leave behind
        for item in orders.items(made, "a"):
            before += [(item.item_id, None)]
            before += [(item.item_id, m.map.map_id) for m in orders.maps(made, "a", item)]
        before = before[: before.index((item_id, map_id))]
        if set(before) <= done:
            refuse_unless_due(made, given, tried)
            given.append(tried)
        else:
            with pytest.raises(SpondylError, match="not open to you"):
                refuse_unless_due(made, given, tried)


def test_answers_of_another_reader_open_nothing():
    _, given = walked(SURVEY, "b", 10_000)
    assert next_step(SURVEY, "a", given) == next_step(SURVEY, "a", [])
    assert progress(SURVEY, "a", given).steps_done == 0


def test_answers_to_another_survey_open_nothing():
    _, given = walked(SURVEY, "a", 4)
    other = [replace(one, survey_id="other") for one in given]
    assert next_step(SURVEY, "a", other) == next_step(SURVEY, "a", [])
    with pytest.raises(SpondylError, match="another survey"):
        refuse_unless_due(SURVEY, [], other[0])


def test_a_reader_may_go_back_and_say_more():
    seen, given = walked(SURVEY, "a", 5)
    back = step_at(SURVEY, "a", given, seen[0].item.item_id)
    more = answer(SURVEY, "a", back.item.item_id, "diagnosis", "spondylolisthesis")
    refuse_unless_due(SURVEY, given, more)
    again = step_at(SURVEY, "a", [*given, more], back.item.item_id)
    assert dict(again.answered)["diagnosis"] == "spondylolisthesis"
    assert len(reached(SURVEY, "a", given)) == 6


def test_a_question_that_may_be_left_out_holds_nobody_up():
    seen, _ = walked(SURVEY, "a", 2)
    assert "remark" in [q.key for q in seen[0].questions]
    assert seen[1].phase == "aided"


def test_progress_counts_films_and_heatmaps():
    made = tiny_survey([tiny_item("i1", 2), tiny_item("i2", 1), tiny_item("i3")])
    for n, items in ((0, 0), (10_000, 3)):
        _, given = walked(made, "a", n)
        here = progress(made, "a", given)
        assert (here.items_done, here.items) == (items, 3)
        assert (here.steps_done, here.steps) == (min(n, 6), 6)
    order = orders.items(made, "a")
    _, given = walked(made, "a", 1 + len(order[0].maps))
    assert progress(made, "a", given).items_done == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_id": "i999"}, "not open to you"),
        ({"question": "nothing"}, "not asked here"),
        ({"question": "attention"}, "not asked here"),
        ({"phase": "aided"}, "another phase"),
        ({"value": "fracture"}, "not offered"),
        ({"seconds": float("nan")}, "no number of seconds"),
        ({"seconds": -1.0}, "no number of seconds"),
        ({"seconds": 1e9}, "no number of seconds"),
        ({"answer_id": "x"}, "no usable identifier"),
        ({"answer_id": "' OR 1=1 --"}, "no usable identifier"),
    ],
)
def test_what_no_page_would_send_is_refused(change, said):
    good = to_step(SURVEY, next_step(SURVEY, "a", []))[0]
    refuse_unless_due(SURVEY, [], good)
    with pytest.raises(SpondylError, match=said):
        refuse_unless_due(SURVEY, [], replace(good, **change))


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("one of", "b", True),
        ("one of", "b; c", False),
        ("one of", "", False),
        ("scale", "a", True),
        ("scale", "1", False),
        ("any of", "a; c", True),
        ("any of", "c; a", False),
        ("any of", "a; a", False),
        ("any of", "", False),
        ("any of", "a;c", False),
        ("yes or no", "no", True),
        ("yes or no", "No", False),
        ("free text", "grüße\nΣ 骨 <script>", True),
        ("free text", "  ", False),
        ("free text", "x" * 4001, False),
        ("free text", "\x00", False),
        ("free text", "\ud800", False),
    ],
)
def test_a_value_is_one_that_was_offered(kind, value, fits):
    options = ("a", "b", "c") if kind in ("one of", "any of", "scale") else ()
    question = Question("q", "?", kind, "unaided", options)
    if fits:
        refuse_unless_offered(question, value)
    else:
        with pytest.raises(SpondylError):
            refuse_unless_offered(question, value)


def test_chosen_options_are_joined_in_the_order_of_the_question():
    question = Question("q", "?", "any of", "unaided", ("a", "b", "c"))
    assert joined(question, ["c", "a"]) == "a; c"
    assert joined(replace(question, required=False), []) == ""
    with pytest.raises(SpondylError, match="not offered"):
        joined(question, ["a", "d"])


MET = tiny_survey([tiny_item("i1", 2), tiny_item("i2", 2), tiny_item("i9", 2, "i1")])


def test_a_film_that_comes_again_was_seen_with_its_heatmaps():
    given = answers_of(
        ("a", "i1", None, "diagnosis", "normal"),
        ("a", "i9", None, "diagnosis", "scoliosis"),
        ("a", "i9", None, "diagnosis", "normal"),
        ("b", "i9", None, "diagnosis", "normal"),
    )
    shown = [Shown(MET.survey_id, "a", "i1", "i1m0", 1, "2026")]
    standing = [standings(MET, given, shown)[one.answer_id] for one in given]
    assert [s.blind for s in standing] == [True, False, False, True]
    assert [s.counts for s in standing] == [True, True, False, True]


def answers_of(*rows):
    """(reader, item, map, question, value) each, in the order in which they came."""
    return [
        replace(answer(SURVEY, reader, item, question, value, m), answer_id=f"answer-{n}")
        for n, (reader, item, m, question, value) in enumerate(rows)
    ]


def test_of_a_film_alone_the_first_answer_counts_and_of_a_heatmap_the_last():
    given = answers_of(
        ("a", "i1", None, "diagnosis", "normal"),
        ("a", "i1", None, "diagnosis", "scoliosis"),
        ("a", "i1", "m1", "attention", "yes"),
        ("a", "i1", None, "diagnosis", "spondylolisthesis"),
        ("a", "i1", "m1", "attention", "no"),
        ("b", "i1", None, "diagnosis", "normal"),
    )
    standing = [standings(MET, given, ())[one.answer_id] for one in given]
    assert [s.blind for s in standing] == [True, True, False, False, False, True]
    assert [s.last for s in standing] == [False, False, False, True, True, True]
    assert counting(MET, given, ()) == (given[0], given[4], given[5])


def test_what_is_first_said_after_a_heatmap_was_handed_out_is_not_blind():
    given = answers_of(
        ("b", "i1", None, "diagnosis", "normal"),
        ("a", "i1", None, "diagnosis", "normal"),
        ("a", "i1", None, "remark", "a curve"),
        ("a", "i2", None, "remark", "none"),
    )
    shown = [
        Shown(SURVEY.survey_id, "a", "i1", "m1", 1, "2026"),
        Shown(SURVEY.survey_id, "a", "i1", "m2", 3, "2025"),
    ]
    standing = [standings(MET, given, shown)[one.answer_id] for one in given]
    assert [s.blind for s in standing] == [True, True, False, True]
    assert [s.counts for s in standing] == [True, True, False, True]
