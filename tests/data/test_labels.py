"""Labels that are combinations of findings: how they are spelled, and which are none."""

import itertools

import pytest

from spondyl.data import cohort as cohorts
from spondyl.data.labels import SPINE_LABELS, LabelSet
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError

BOTH = "scoliosis + spondylolisthesis"
WITH_BOTH = LabelSet.of((*SPINE_LABELS.names, BOTH))


@pytest.mark.parametrize(
    "spelling",
    [
        *(BOTH, "spondylolisthesis + scoliosis", "Scoliosis;Spondylolisthesis", "spond+scol"),
        *("AIS ; olisthesis", "scoliosis;spondylolisthesis;scoliosis"),
    ],
)
def test_findings_in_any_order_and_known_spelling_are_their_combination(spelling):
    assert WITH_BOTH.resolve(spelling) == BOTH


@pytest.mark.parametrize("spelling", ["scoliosis", "scol", "N", "kyphosis", "", "no finding"])
def test_a_single_word_means_what_it_meant_without_combinations(spelling):
    assert WITH_BOTH.resolve(spelling) == SPINE_LABELS.resolve(spelling)


@pytest.mark.parametrize(
    "spelling", ["normal;scoliosis", "scoliosis;kyphosis", "scoliosis,spondylolisthesis?no", ";"]
)
def test_what_names_anything_but_findings_of_ours_is_no_label(spelling):
    assert WITH_BOTH.resolve(spelling) is None


def test_without_a_label_for_it_a_combination_is_none_of_ours_but_is_understood():
    assert SPINE_LABELS.resolve(BOTH) is None
    assert SPINE_LABELS.together(BOTH) == ("scoliosis", "spondylolisthesis")
    assert SPINE_LABELS.combinations == ()


def test_findings_are_what_labels_are_made_of_and_normal_is_none():
    assert SPINE_LABELS.findings == ("scoliosis", "spondylolisthesis")
    assert LabelSet.of(("healthy", "a", "c + b", "a + b")).findings == ("a", "c", "b")
    assert WITH_BOTH.holding("scoliosis") == (False, True, False, True)


@pytest.mark.parametrize(
    "names",
    [
        *(("a", "b + c", "c + b"), ("a", "b + b"), ("normal", "normal + a"), ("a", "a + ")),
        *(("a", "healthy + b"), ("a + b",)),
    ],
)
def test_combinations_that_are_none_or_read_alike_are_refused(names):
    with pytest.raises(SpondylError):
        LabelSet.of(names)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """A function that writes a manifest of six drawn films with the given label cells."""
    folder = tmp_path_factory.mktemp("manifest")
    drawn = output.save(folder / "drawn", drawing.cohort(6, 0, size=(64, 48))) / "films"
    films = sorted(path.relative_to(folder).as_posix() for path in drawn.rglob("*.png"))
    numbers = itertools.count()

    def written(*cells):
        path = folder / f"{next(numbers)}.csv"
        rows = [f"{film},{cell}" for film, cell in zip(films, cells, strict=True)]
        path.write_text("\n".join(["path,label", *rows]))
        return path

    return written


CELLS = ("normal", "scol", "spond", "scol;spond", "spond + scol", "normal")


def test_a_label_cell_with_two_findings_is_read_as_their_combination(manifest):
    read = cohorts.read(manifest(*CELLS), WITH_BOTH)
    assert read.counts == {"normal": 2, "scoliosis": 1, "spondylolisthesis": 1, BOTH: 2}


def test_a_combination_that_is_no_label_is_refused_once_with_its_count(manifest):
    with pytest.raises(SpondylError) as refused:
        cohorts.read(manifest(*CELLS))
    (problem,) = refused.value.problems
    assert f"'{BOTH}' is none of the labels, and that of 2 films" in problem.what
    assert problem.where == "line 5"
    assert f'other_labels = ["{BOTH}"]' in problem.hint


def test_a_combination_with_normal_in_it_is_an_unknown_label(manifest):
    with pytest.raises(SpondylError, match="unknown label 'normal;scol'"):
        cohorts.read(manifest(*CELLS[:5], "normal;scol"), WITH_BOTH)
