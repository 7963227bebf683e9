"""One column of 0 and 1 for each finding, in place of a label."""

import itertools

import pytest

from spondyl.data import findings, manifest
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.errors import SpondylError

BOTH = LabelSet.of(("normal", "scoliosis", "spondylolisthesis", "scoliosis + spondylolisthesis"))


@pytest.fixture
def listing(tmp_path):
    def of(text, labels=BOTH, **more):
        (tmp_path / "films.csv").write_text(text, encoding="utf-8")
        return manifest.listed(tmp_path / "films.csv", labels, **more)

    return of


def test_a_row_of_findings_is_the_label_that_a_cell_with_their_names_would_be(listing):
    for scoliosis, slip in itertools.product("01", repeat=2):
        named = ";".join(name for name, has in (("scol", scoliosis), ("spond", slip)) if has == "1")
        by_columns = listing(f"path,Scoliosis,spond\na.png,{scoliosis},{slip}\n")
        by_cell = listing(f'path,label\na.png,"{named or "normal"}"\n')
        assert not by_columns.problems
        assert by_columns.entries == by_cell.entries


@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("TRUE", "false"), ("Yes", "no")]
)
def test_yes_and_no_are_spelled_in_several_ways(listing, yes, no):
    found = listing(f"path,scoliosis,spondylolisthesis\na.png,{yes},{no}\nb.png,{no},{no}\n")
    assert [film.label for film in found.entries] == ["scoliosis", "normal"]


def test_a_column_for_normal_may_be_there_if_it_agrees(listing):
    good = "path,normal,scoliosis,spondylolisthesis\na.png,1,0,0\nb.png,0,1,0\n"
    assert [film.label for film in listing(good).entries] == ["normal", "scoliosis"]
    bad = "path,normal,scoliosis,spondylolisthesis\na.png,1,1,0\nb.png,0,0,0\n"
    assert all("normal is" in one.what for one in listing(bad).problems)
    assert [one.where for one in listing(bad).problems] == ["line 2", "line 3"]


def test_a_finding_without_its_column_is_refused_and_not_taken_for_absent(listing):
    (problem,) = listing("path,scoliosis\na.png,1\nb.png,0\n").problems
    assert problem.where == "line 1"
    assert "no column for 'spondylolisthesis'" in problem.what


def test_a_manifest_without_any_label_says_so_once_and_not_of_every_film(listing):
    (problem,) = listing("path,sex\na.png,male\nb.png,male\n").problems
    assert problem.where == "line 1"
    assert "no column 'label'" in problem.what


def test_where_no_label_is_needed_such_a_column_is_passed_over_as_any_other(listing):
    found = listing("path,scoliosis\na.png,1\n", require_labels=False)
    assert not found.problems
    assert (found.entries[0].label, found.ignored) == (None, ("column 'scoliosis'",))


@pytest.mark.parametrize("cell", ["2", "maybe", "-1", "0.5"])
def test_a_cell_that_is_neither_is_a_problem_of_its_line(listing, cell):
    found = listing(f"path,scoliosis,spondylolisthesis\na.png,1,0\nb.png,{cell},0\n")
    (problem,) = found.problems
    assert problem.where == "line 3"
    assert "neither 0 nor 1" in problem.what


def test_one_empty_cell_beside_others_is_a_problem_and_a_row_of_them_an_unlabelled_film(listing):
    text = "path,scoliosis,spondylolisthesis\na.png,,1\nb.png,,\n"
    found = listing(text, require_labels=False)
    assert [one.where for one in found.problems] == ["line 2"]
    assert found.entries[1].label is None
    assert "has no label" in listing(text).problems[1].what


def test_a_label_column_stands_before_them_and_they_are_named_as_passed_over(listing):
    found = listing("path,label,scoliosis,spondylolisthesis\na.png,normal,1,0\n")
    assert [film.label for film in found.entries] == ["normal"]
    assert found.ignored == ("column 'scoliosis'", "column 'spondylolisthesis'")


def test_two_columns_of_one_finding_are_refused():
    with pytest.raises(SpondylError, match="more than one column is of 'scoliosis'"):
        findings.columns(["path", "scol", "AIS", "spond"], SPINE_LABELS)


def test_a_combination_that_is_no_label_is_counted_as_one_of_a_cell_is(listing):
    found = listing("path,scoliosis,spondylolisthesis\na.png,1,1\nb.png,1,1\n", labels=SPINE_LABELS)
    (problem,) = found.problems
    assert "none of the labels, and that of 2 films" in problem.what
