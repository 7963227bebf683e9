"""What references reported is at second hand, and what is not stated says so."""

from spondyl.report.published import load
from spondyl.report.published_references import NOT_STATED, references

STATED = {
    "Fraiwan et al. 2022": "96.73",
    "Güneş et al.": "92 to 99",
    "Saravagi et al.": "92 to 99",
    "Chen et al.": "92.0",
    "Takahashi et al.": "70.4",
}


def test_only_accuracies_that_the_article_states_are_there():
    for one in references():
        if one.work in STATED:
            assert STATED[one.work] in one.accuracy
        else:
            assert one.accuracy == NOT_STATED


def test_every_work_that_the_article_compares_itself_with_is_there_once():
    works = [one.work for one in references()]
    assert len(set(works)) == len(works)
    past = {work for row in load("ahmad2026").past_work for work in row.work.split("; ")}
    assert past <= set(works)


def test_no_field_is_left_to_be_guessed():
    for one in references():
        fields = (one.network, one.task, one.data, one.n, one.protocol, one.explanation, one.where)
        assert all(fields), one.work
