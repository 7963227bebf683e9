"""What becomes of a cohort that a bundle reads: shares by their definition, memory left out."""

import json

import pytest
import study_of_phantoms
from command_line import spondyl

from spondyl.bench.read_cohort import read_cohort
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.reading.reading import Reader


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


def share(found, question):
    (one,) = (s for s in found.shares if s.question == question)
    return one.n_yes, one.n


def test_the_study_s_own_films_are_as_often_right_as_in_the_study(made):
    found = read_cohort(made.films, Reader.of(made.of_folds, "cpu"))
    (outcome,) = made.study.outcomes()
    table = outcome.predictions
    always = share(found, "right, if the likeliest label always were")
    assert always == (int((table.predicted == table.truth).sum()), 60)
    assert found.n_remembered == 0
    n_answered, n = share(found, "answered")
    assert n == 60
    assert share(found, "right, where answered")[1] == n_answered
    by_label = [share(found, f"{label}: answered") for label in made.of_folds.labels.names]
    assert sum(yes for yes, _ in by_label) == n_answered
    assert sum(of for _, of in by_label) == 60


def test_films_that_the_only_network_learned_from_are_left_out(made):
    found = read_cohort(made.films, Reader.of(made.of_one, "cpu"))
    (member,) = made.of_one.members
    assert found.n_remembered == len(member.learned_from)
    assert found.n_films == len(member.tested_on)


def test_a_cohort_of_memories_alone_is_refused(made, tmp_path):
    taught = set(made.of_one.members[0].learned_from)
    for film in made.study.cohort.radiographs:
        if film.file.sha256 in taught:
            target = tmp_path / "known" / film.image_id
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(film.path.read_bytes())
    with pytest.raises(SpondylError, match="may be asked about"):
        read_cohort(tmp_path / "known", Reader.of(made.of_one, "cpu"))


def test_the_command_prints_what_was_counted(made, tmp_path, capfd):
    films = output.save(tmp_path / "new", drawing.cohort(9, 4, size=(64, 48))) / "films"
    words = ["bench", "read-cohort", films, "--bundle", made.of_folds.folder, "--device", "cpu"]
    assert spondyl([*words, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["n_films"] == 9
    assert document["bundle_id"] == made.of_folds.bundle_id
