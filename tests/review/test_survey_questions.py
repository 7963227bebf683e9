"""Questions in TOML: the paper's come along, and every fault of a file is named at once."""

import tomllib

import pytest

from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.errors import SpondylError
from spondyl.review import questions

DIAGNOSIS = """
[[question]]
key = "diagnosis"
text = "What is it?"
kind = "one of"
phase = "unaided"
diagnosis = true
"""


def parsed(text, labels=SPINE_LABELS):
    return questions.parse(tomllib.loads(text), labels, "asked.toml")


def refusal(text):
    with pytest.raises(SpondylError) as refused:
        parsed(text)
    assert all(problem.hint for problem in refused.value.problems)
    return " | ".join([refused.value.message, *(p.hint for p in refused.value.problems)])


def test_the_paper_asks_its_three_sections():
    asked = questions.of_the_paper(SPINE_LABELS)
    required = {
        phase: [q.key for q in asked if q.required and q.phase == phase]
        for phase in ("unaided", "aided")
    }
    assert required == {
        "unaided": [
            "diagnosis",
            "difficulty",
            "severity",
            "reliable",
            "another_view",
            "measurement",
        ],
        "aided": ["structures", "attention"],
    }
    assert [q.key for q in asked if q.looks_right] == ["attention"]


def test_a_diagnosis_offers_the_labels_of_whatever_data_set():
    asked = questions.of_the_paper(LabelSet.of(["normal", "fracture"]))
    assert next(q.options for q in asked if q.diagnosis) == ("normal", "fracture")


def test_known_spellings_of_labels_become_the_labels():
    (asked,) = parsed(DIAGNOSIS + 'options = ["Healthy", "Scol", "listhesis"]')
    assert asked.options == SPINE_LABELS.names


def test_other_options_than_the_labels_are_no_diagnosis():
    assert "the labels are normal, scoliosis" in refusal(
        DIAGNOSIS + 'options = ["healthy", "ill", "scoliosis"]'
    )


def test_a_mistyped_key_is_answered_with_the_nearest_one():
    said = refusal(DIAGNOSIS + "requird = false")
    assert "requird is not a key" in said
    assert "Did you mean required?" in said


def test_all_faults_are_named_at_once():
    said = refusal(
        DIAGNOSIS.replace("unaided", "blind")
        + '[[question]]\nkey = "Bad Key"\ntext = "?"\nkind = "scale"\nphase = "aided"\n'
        + '[[question]]\nkey = "b"\ntext = "?"\nkind = "yes or no"\nphase = "aided"\n'
        + 'options = ["ja", "nein"]\n[questions]\n'
    )
    for fault in ("questions: not a key", "phase", "'Bad Key'", "without two", "takes no options"):
        assert fault in said


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (DIAGNOSIS, "is the key of 2 questions"),
        (DIAGNOSIS.replace('"diagnosis"', '"second"'), "more than one diagnosis is unaided"),
        (
            '[[question]]\nkey = "a"\ntext = "?"\nkind = "yes or no"\nphase = "aided"\n'
            "required = false",
            "no aided question is required",
        ),
        (
            '[[question]]\nkey = "a"\ntext = "?"\nkind = "yes or no"\nphase = "unaided"\n'
            "looks_right = true",
            "looks_right is not of this kind",
        ),
        (
            '[[question]]\nkey = "a"\ntext = "?"\nkind = "any of"\nphase = "unaided"\n'
            'options = ["x", "X "]',
            "stands in it twice",
        ),
        (
            '[[question]]\nkey = "a"\ntext = "?"\nkind = "any of"\nphase = "unaided"\n'
            'options = ["x; y", "z"]',
            "holds '; '",
        ),
        (
            2 * '[[question]]\nkey = "a"\ntext = "?"\nkind = "yes or no"\nphase = "aided"\n'
            "looks_right = true\n",
            "more than one question has looks_right",
        ),
    ],
)
def test_questions_that_do_not_go_together_are_refused(more, fault):
    assert fault in refusal(DIAGNOSIS + more)


@pytest.mark.parametrize("text", ["", "question = 3", "[question]\nkey = 'a'", "question = [1]"])
def test_a_file_without_questions_is_refused(text):
    assert "question" in refusal(text)


def test_a_survey_without_a_diagnosis_is_refused():
    assert "asks for the diagnosis" in refusal(
        DIAGNOSIS.replace("diagnosis = true", 'options = ["a", "b"]')
    )


def test_the_hash_knows_wording_options_and_order():
    asked = questions.of_the_paper(SPINE_LABELS)
    same = questions.sha256_of_questions(questions.of_the_paper(SPINE_LABELS))
    assert questions.sha256_of_questions(asked) == same
    assert questions.sha256_of_questions(asked[::-1]) != same


def test_a_file_is_read_and_a_missing_one_said(tmp_path):
    (tmp_path / "q.toml").write_text(DIAGNOSIS, encoding="utf-8")
    assert questions.read(tmp_path / "q.toml", SPINE_LABELS)[0].diagnosis
    with pytest.raises(SpondylError, match="cannot be read"):
        questions.read(tmp_path / "none.toml", SPINE_LABELS)
