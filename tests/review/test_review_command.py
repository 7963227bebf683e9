"""`spondyl review`: from a study to a survey, its readers, their answers, and what they say."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import typer
from drawn_surveys import complete
from study_to_review import made_in
from typer.main import get_command

from spondyl.commands import review
from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.explain.study import record
from spondyl.explain.study_explaining import explain_run
from spondyl.files import read_json, write_json
from spondyl.learn.outcome import Configuration
from spondyl.reading import survey_pictures
from spondyl.review import folder, questions
from spondyl.review.analysis import analysis
from spondyl.review.export import as_csv, rows
from spondyl.review.store import open_store

HEADS = "test_resnet:layer2 · random-features · nested"
TUNED = "test_resnet:layer2 · scratch · nested"
ASKED = [*("--right", 2, "--repeats", 2, "--decoys", 2, "--wrong", 4, "--seed", 7)]
QUESTIONS = """
[[question]]
key = "what"
text = "What is it?"
kind = "one of"
phase = "unaided"
diagnosis = true

[[question]]
key = "right"
text = "Does it look right?"
kind = "yes or no"
phase = "aided"
looks_right = true
"""


def call(*words):
    """What `spondyl review WORDS` does; refusals come through as they are."""
    app = typer.Typer()
    app.add_typer(review.app, name="review")
    get_command(app).main(["review", *map(str, words)], standalone_mode=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("studied"))


@pytest.fixture(scope="module")
def made(study):
    """A survey's folder, as the command wrote it."""
    out = study.folder.parent / "Spines 2026"
    call("create", study.folder, "--out", out, *ASKED, "--title", "Spines", "--device", "cpu")
    return out


@pytest.fixture
def opened(made, tmp_path, capsys):
    """(survey, database, link by reader) of a survey that two readers were invited to."""
    database = tmp_path / "answers.db"
    address = "https://room.org/spondyl/"
    words = ["--database", database, "--readers", "reader-1, reader-2", "--base-url", address]
    call("open", made, *words)
    printed = capsys.readouterr().out.splitlines()
    return folder.load(made).survey, database, dict(line.split("\t") for line in printed)


@pytest.fixture
def answered(opened):
    """The same after the first reader has answered everything and the second two pages."""
    survey, database, _ = opened
    store = open_store(database)
    complete(store, survey, "reader-1")
    complete(store, survey, "reader-2", steps=2)
    store.close()
    return survey, database


def test_a_survey_holds_what_was_asked_for_and_what_the_networks_said_out_of_fold(study, made):
    survey = folder.load(made).survey
    said = {
        str(one.configuration): {
            film: study.cohort.labels.names[column]
            for film, column in zip(
                one.predictions.image_ids, one.predictions.predicted, strict=True
            )
        }
        for one in study.outcomes()
    }
    films = {film.file.sha256: film for film in study.cohort.radiographs}
    assert (survey.survey_id, survey.title, survey.seed) == ("spines-2026", "Spines", 7)
    assert survey.labels == study.cohort.labels.names
    assert survey.questions == questions.of_the_paper(SPINE_LABELS)
    assert sorted(item.why for item in survey.items) == 2 * ["repeat"] + 2 * ["right"] + 4 * [
        "wrong"
    ]
    for item in survey.items:
        film = films[item.film_sha256]
        assert item.truth == film.label
        assert dict(item.predicted) == {name: said[name][film.image_id] for name in (HEADS, TUNED)}
        wrong = any(label != item.truth for _, label in item.predicted)
        assert wrong == (item.why == "wrong") or item.why == "repeat"
        assert sorted(m.network for m in item.maps) == sorted([HEADS, TUNED])
    kinds = [m.kind for item in survey.items for m in item.maps]
    assert len(kinds) == 16
    assert kinds.count("network") == 14


def test_no_name_of_a_film_is_in_the_survey(study, made):
    text = (made / "survey.json").read_text(encoding="utf-8")
    names = {path.name for path in made.iterdir()} - {"survey.json"}
    assert names == folder.picture_names(folder.load(made).survey)
    for film in study.cohort.radiographs:
        assert film.path.name not in text
        assert not any(film.path.name in name for name in names)


def test_each_picture_is_that_of_its_item_and_a_decoy_is_not_what_it_pretends_to_be(study, made):
    configurations = {str(one): one for one in study.spec.configurations}
    image_ids = {film.file.sha256: film.image_id for film in study.cohort.radiographs}
    n_decoys = 0
    for item in folder.load(made).survey.items:
        image_id = image_ids[item.film_sha256]
        film = survey_pictures.films(study, [image_id])[image_id]
        assert (made / item.film).read_bytes() == film
        for m in item.maps:
            asked = survey_pictures.MapAsked(image_id, configurations[m.network], (m.label,))
            (own,) = survey_pictures.maps(study, [asked], device="cpu")
            shown = (made / m.file).read_bytes()
            assert (shown == own.jpeg) == (m.kind == "network")
            assert (m.drawn_label != m.label) == (m.kind == "other label")
            assert m.method == "grad-cam"
            if m.kind == "other label":
                really = replace(asked, labels=(m.drawn_label,))
                assert shown == survey_pictures.maps(study, [really], device="cpu")[0].jpeg
            n_decoys += m.kind != "network"
    assert n_decoys == 2


def test_heatmaps_that_the_study_has_scored_keep_their_scores(study, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(study.folder, run)
    explain_run(run, n_films=36, masks=study.folder.parent / "drawn" / "regions", scores="place")
    words = ["--right", 2, "--decoys", 2, "--seed", 7, "--device", "cpu"]
    call("create", run, "--out", tmp_path / "scored", *words)
    tables = {
        str(one): record.load(run, one).table.by_film("gini", "grad-cam")
        for one in study.spec.configurations
    }
    image_ids = {film.file.sha256: film.image_id for film in study.cohort.radiographs}
    survey = folder.load(tmp_path / "scored").survey
    n_scored = 0
    for item in survey.items:
        for m in item.maps:
            gini = tables[m.network].get(image_ids[item.film_sha256])
            assert dict(m.scores).get("gini") == (gini if m.kind == "network" else None)
            n_scored += bool(m.scores)
    assert n_scored > len(survey.items)
    assert f"{n_scored} with the study's own scores" in capsys.readouterr().out


def test_the_same_words_make_the_same_survey_but_for_the_time(study, made, tmp_path, capsys):
    again = tmp_path / made.name
    call("create", study.folder, "--out", again, *ASKED, "--title", "Spines", "--device", "cpu")
    first, second = folder.load(made), folder.load(again)
    assert replace(second.survey, created=first.survey.created) == first.survey
    for path in made.iterdir():
        assert path.name == "survey.json" or path.read_bytes() == (again / path.name).read_bytes()
    printed = capsys.readouterr().out
    assert "survey spines-2026: 8 films to be read" in printed
    assert "2 repeat, 2 right, 4 wrong" in printed
    assert "16 heatmaps, 2 of them decoys" in printed


def test_a_department_asks_its_own_questions_about_the_configuration_that_it_names(study, tmp_path):
    asked = tmp_path / "ours.toml"
    asked.write_text(QUESTIONS, encoding="utf-8")
    for name in ("test_resnet-layer2_scratch_nested", TUNED):
        out = tmp_path / f"ours-{len(name)}"
        words = ["--configurations", name, "--questions", asked, "--sample", 3, "--wrong", 0]
        call("create", study.folder, "--out", out, *words, "--device", "cpu")
        survey = folder.load(out).survey
        assert [question.key for question in survey.questions] == ["what", "right"]
        assert [item.why for item in survey.items] == ["sample"] * 3
        assert {m.network for item in survey.items for m in item.maps} == {TUNED}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--configurations", "resnet50"], "configuration 'resnet50': none is finished"),
        (["--configurations", "test_resnet:layer2"], "2 are finished"),
        (["--wrong", "many"], "neither a number nor all"),
        (["--right", 99], "right films: 99 asked for"),
        (["--title", " "], "title: is empty"),
        (["--method", "grad-kam"], "not known"),
        (["--questions", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_nothing(study, tmp_path, words, said):
    with pytest.raises(SpondylError, match=said):
        call("create", study.folder, "--out", tmp_path / "new", *words, "--device", "cpu")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["---", "x" * 65])
def test_a_folder_whose_name_can_be_no_survey_s_is_refused(study, tmp_path, name):
    with pytest.raises(SpondylError, match="its name cannot be a survey's"):
        call("create", study.folder, "--out", tmp_path / name)


def test_of_many_configurations_some_have_to_be_named(study):
    from spondyl.commands.survey_making import configured

    outcomes = study.outcomes()
    third = replace(outcomes[0], configuration=Configuration("vgg16", "scratch", "nested"))
    with pytest.raises(SpondylError, match="3 configurations are finished"):
        configured(study.folder, (*outcomes, third), ())
    assert configured(study.folder, (*outcomes, third), ("vgg16",)) == [third]
    unfinished = replace(third, predictions=None, not_run="no weights")
    assert configured(study.folder, (*outcomes, unfinished), ()) == list(outcomes)
    with pytest.raises(SpondylError, match="no configuration is finished"):
        configured(study.folder, (unfinished,), ("vgg16",))


def test_each_link_lets_its_reader_in_and_the_database_knows_no_token(opened):
    survey, database, links = opened
    assert list(links) == ["reader-1", "reader-2"]
    store = open_store(database)
    for reader, link in links.items():
        before, token = link.split("/review/")
        assert before == "https://room.org/spondyl"
        assert store.reader_of(token).reader == reader
        assert store.reader_of(token).survey_id == survey.survey_id
    store.close()
    kept = b"".join(path.read_bytes() for path in database.parent.glob("answers.db*"))
    assert not any(link.split("/review/")[1].encode() in kept for link in links.values())


def test_a_renewed_link_ends_the_old_one_and_a_revoked_reader_is_let_in_no_more(
    made, opened, capsys
):
    _, database, links = opened
    old = {reader: link.split("/review/")[1] for reader, link in links.items()}
    call("open", made, "--database", database, "--renew", "reader-1", "--revoke", "reader-2")
    (line,) = capsys.readouterr().out.splitlines()
    reader, link = line.split("\t")
    assert link.startswith("http://127.0.0.1:8000/review/")
    store = open_store(database)
    assert reader == "reader-1"
    assert store.reader_of(link.split("/review/")[1]).reader == "reader-1"
    assert [store.reader_of(old[name]) for name in ("reader-1", "reader-2")] == [None, None]
    store.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--readers", "reader-3,reader-1"], "reader 'reader-1': is invited already"),
        (["--readers", "reader-3,reader-3"], "named 2 times"),
        (["--readers", "reader-3,Dr. No"], "is no pseudonym"),
        (["--readers", "reader-3", "--renew", "reader-9"], "reader 'reader-9': was never invited"),
        (["--readers", "reader-3", "--revoke", "reader-9"], "reader 'reader-9': was never invited"),
        (["--readers", "reader-3", "--base-url", "room.org"], "is no address of a server"),
        (["--readers", "reader-3", "--base-url", "file:///room"], "is no address of a server"),
    ],
)
def test_of_a_list_with_a_fault_nobody_is_invited(made, opened, words, said, capsys):
    survey, database, links = opened
    with pytest.raises(SpondylError, match=said):
        call("open", made, "--database", database, *words)
    assert capsys.readouterr().out == ""
    store = open_store(database)
    assert [one.reader for one in store.readers(survey.survey_id)] == list(links)
    store.close()


def test_links_that_can_be_read_on_their_way_are_warned_of(made, tmp_path, capsys):
    for address, warned in (("http://room.org", True), ("http://localhost:80", False)):
        name = "spines" + str(len(address))
        call("open", made, "--database", tmp_path / name, "--base-url", address)
        assert ("can be read on their way" in capsys.readouterr().err) == warned


def test_an_export_is_the_table_and_codebook_of_all_answers(made, answered, tmp_path):
    survey, database = answered
    call("export", made, "--database", database, "--out", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "answers.csv",
        "codebook.md",
    ]
    store = open_store(database)
    answers, shown = store.answers(survey.survey_id), store.shown(survey.survey_id)
    store.close()
    text = (tmp_path / "out" / "answers.csv").read_text(encoding="utf-8")
    assert text == as_csv(survey, rows(survey, answers, shown))
    table = list(csv.DictReader(text.splitlines()))
    assert len(table) == len(answers) > 0
    assert {row["reader"] for row in table} == {"reader-1", "reader-2"}


def test_an_analysis_is_the_library_s_as_json_and_in_lines(made, answered, capsys):
    survey, database = answered
    store = open_store(database)
    answers, shown = store.answers(survey.survey_id), store.shown(survey.survey_id)
    store.close()
    expected = analysis.analyse(survey, answers, shown, 3)
    call("analyse", made, "--database", database, "--seed", 3, "--json")
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected.as_dict()))
    call("analyse", made, "--database", database, "--seed", 3)
    printed = capsys.readouterr().out
    assert f"2 readers gave {len(answers)} answers" in printed
    for section in (
        "agreement between readers\n",
        "came again\n",
        "called right, on films that no network missed\n",
    ):
        assert section in printed
    (own,) = (one for one in expected.decoys if one.reader is None)
    assert f"decoys: {own.decoys.n_yes} of {own.decoys.n}," in printed
    for confusion in expected.against_labels.readers:
        same = confusion.same
        assert f"by {confusion.reader}: {same.n_yes} of {same.n}," in printed


def test_a_survey_that_nobody_answered_is_analysed_as_such(made, opened, capsys):
    _, database, _ = opened
    call("analyse", made, "--database", database)
    assert "0 readers gave 0 answers" in capsys.readouterr().out


def test_an_analysis_comes_as_a_page_to_print_if_asked(made, opened, tmp_path):
    _, database, _ = opened
    call("analyse", made, "--database", database, "--out", tmp_path / "page")
    assert "<!doctype html>" in (tmp_path / "page" / "analysis.html").read_text()
    assert json.loads((tmp_path / "page" / "analysis.json").read_text())


def test_a_page_shows_films_only_if_asked_and_only_wrongly_predicted_ones(made, opened, tmp_path):
    survey, database, _ = opened
    wrong = [item for item in survey.items if item.why == "wrong"]
    words = ["analyse", made, "--database", database]
    call(*words, "--out", tmp_path / "without")
    call(*words, "--out", tmp_path / "with", "--with-films")
    assert "<img" not in (tmp_path / "without" / "analysis.html").read_text()
    text = (tmp_path / "with" / "analysis.html").read_text()
    assert text.count("<img") == sum(1 + len(item.maps) for item in wrong) == 12
    with pytest.raises(SpondylError, match="there is no page"):
        call(*words, "--with-films")


@pytest.mark.parametrize("command", ["export", "analyse"])
def test_a_database_that_is_not_there_is_refused_and_not_made(made, tmp_path, command):
    out = ["--out", tmp_path / "out"] if command == "export" else []
    with pytest.raises(SpondylError, match="there is no database"):
        call(command, made, "--database", tmp_path / "misspelt.db", *out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["open", "export", "analyse"])
def test_another_survey_of_the_same_name_is_never_mistaken_for_it(
    study, made, opened, tmp_path, command
):
    other = tmp_path / "other" / made.name
    call("create", study.folder, "--out", other, "--wrong", 2, "--device", "cpu")
    out = ["--out", tmp_path / "out"] if command == "export" else []
    with pytest.raises(SpondylError, match=r"another (one|survey) of this name"):
        call(command, other, "--database", opened[1], *out)


def test_a_survey_that_was_tampered_with_is_not_opened(made, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in made.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    document = read_json(copy / "survey.json")
    document["survey"]["title"] = "Other"
    write_json(copy / "survey.json", document)
    with pytest.raises(SpondylError, match="is not what was written"):
        call("open", copy, "--database", tmp_path / "answers.db")
    assert not (tmp_path / "answers.db").exists()
