"""A look at a folder of films before any study: what is in it, what is wrong, all at once."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from spondyl.data import check
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check") / "drawn"
    return output.save(folder, drawing.cohort(18, 0, size=(64, 48))) / "films"


@pytest.fixture
def films(clean, tmp_path):
    """A folder of films to do harm to."""
    return shutil.copytree(clean, tmp_path / "films")


def found(path, folds=5):
    return check.check(path, SPINE_LABELS, folds)


def first_film(folder):
    return min(folder.iterdir())


def test_a_clean_folder_has_its_films_counted_and_no_problem(clean):
    findings = found(clean)
    assert findings.problems == ()
    assert findings.duplicate_groups == ()
    assert findings.counts == dict.fromkeys(SPINE_LABELS.names, 6)
    assert findings.facts["height_px"] == {"lowest": 64, "median": 64, "highest": 64}
    assert findings.facts["formats"] == {"PNG": 18}
    assert findings.facts["groups"] == 18


def test_what_nobody_stated_is_counted_as_not_stated(clean):
    facts = found(clean).facts
    assert facts["age_years"] is None
    assert facts["sexes"] == {"not stated": 18}
    assert facts["not_stated"]["view"] == 18


def test_every_problem_is_told_at_once(films):
    (films / "normal" / "torn.png").write_bytes(first_film(films / "normal").read_bytes()[:200])
    (films / "normal" / "empty.png").write_bytes(b"")
    Image.fromarray(np.full((64, 48), 7, np.uint8)).save(films / "scoliosis" / "blank.png")
    (films / "kyphosis").mkdir()
    (films / "kyphosis" / "film.png").write_bytes(first_film(films / "normal").read_bytes())
    told = {problem.where: problem for problem in found(films).problems}
    assert set(told) == {
        *("normal/torn.png", "normal/empty.png", "scoliosis/blank.png", "kyphosis")
    }
    assert all(problem.hint for problem in told.values())


def test_films_that_can_be_used_are_counted_beside_those_that_cannot(films):
    first_film(films / "normal").write_bytes(b"not a film")
    findings = found(films)
    assert findings.counts["normal"] == 5
    assert len(findings.problems) == 1


def test_a_copy_is_found_and_shares_a_group_with_its_original(films):
    original = first_film(films / "scoliosis")
    shutil.copy(original, films / "scoliosis" / "copy.png")
    findings = found(films)
    (group,) = findings.duplicate_groups
    assert group.image_ids == (f"scoliosis/{original.name}", "scoliosis/copy.png")
    assert findings.facts["groups"] == len(findings.films) - 1


def test_a_class_is_too_small_once_its_copies_are_counted_as_one(films):
    original, *others = sorted((films / "normal").iterdir())
    for film in others:
        shutil.copy(original, film)
    (problem,) = found(films).problems
    assert problem.where == "normal"
    assert "1 group, fewer than 5 folds" in problem.what


def test_the_document_is_json_and_says_what_the_lines_say(films):
    first_film(films / "normal").write_bytes(b"not a film")
    shutil.copy(first_film(films / "scoliosis"), films / "scoliosis" / "copy.png")
    findings = found(films)
    document = json.loads(json.dumps(findings.as_dict(), allow_nan=False))
    said = "\n".join(findings.lines())
    assert document["n"] == 18
    assert document["counts"] == findings.counts
    assert f"{document['n']} films that can be used" in said
    for problem in document["problems"]:
        assert problem["what"] in said
        assert problem["hint"] in said
    for image_ids in document["duplicate_groups"]:
        assert " = ".join(image_ids) in said


def test_looking_changes_nothing(films):
    before = {path: path.read_bytes() for path in films.rglob("*") if path.is_file()}
    found(films)
    assert {path: path.read_bytes() for path in films.rglob("*") if path.is_file()} == before


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SpondylError, match="no such file or folder"):
        found(tmp_path / "nowhere")
