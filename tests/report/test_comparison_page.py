"""A comparison is of the same films, counts its tests, and mixes no published figure in."""

import csv
import json
import re
import shutil

import pytest
import typer
from runs_to_compare import CONTENT, NETWORK, SMALLER, made
from typer.testing import CliRunner

from spondyl.commands.compare import compare as command
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.explain.score_table import Row as Scored
from spondyl.explain.study import record as explanations
from spondyl.learn import study as studies
from spondyl.report.comparing import compared as comparisons
from spondyl.report.comparing import page, sources, tables, whole
from spondyl.report.ensembles import whole as ensembles
from spondyl.report.published import load
from spondyl.trust import metrics

APP = typer.Typer()
APP.command()(command)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two studies of the same films and splits, an ensemble of three of their rows, and costs."""
    folder = tmp_path_factory.mktemp("compared")
    films = output.save(folder / "drawn", drawing.cohort(36, 0, size=(64, 48))) / "films"
    run = made(folder, "run", films, CONTENT)
    small = made(folder, "small", films, SMALLER)
    words = [f"{run}:{NETWORK}/scratch/nested", f"{run}:{NETWORK}/random-features", str(small)]
    ensembles.ensemble(words, folder / "vote", n_films=0, name="a vote", device="cpu")
    costs = {"network": NETWORK, "parameters": 100, "multiply_adds": 2e9, "inference_ms": 3.0}
    for where, size in ((run, [32, 32]), (small, [40, 40])):
        content = {"hardware": "a machine", "costs": [{**costs, "size": size, "heatmap_ms": 9.0}]}
        (where / "costs.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def runs(place):
    return [place / "run", place / "small", place / "vote"]


@pytest.fixture(scope="module")
def found(runs):
    return comparisons.compare(runs)


@pytest.fixture(scope="module")
def called(runs, place):
    """What a user gets who compares them: folder, and what the command printed."""
    said = CliRunner().invoke(APP, [*map(str, runs), "--out", str(place / "out")])
    assert said.exit_code == 0, said.exception
    return place / "out", said.stdout


@pytest.fixture(scope="module")
def out(called):
    return called[0]


def row_of(found, name):
    (one,) = [row for row in found.rows if name in row.name]
    return one


def test_every_configuration_of_every_run_has_a_row(found):
    called = [row.called for row in found.rows]
    assert len(set(called)) == len(called) == 5
    assert [row.number for row in found.rows] == [1, 2, 3, 4, 5]
    assert row_of(found, "small: ").sources[0].name == "small"
    assert row_of(found, "a vote").trials


def test_figures_are_of_the_films_in_common(found):
    assert found.shared.n_films == 36
    for row, table in zip(found.shared.rows, found.shared.tables, strict=True):
        one, scores = found.figures[row.number], metrics.score(row.table)
        assert one.discrimination.accuracy.value == scores.accuracy
        assert one.discrimination.macro_f1.value == scores.macro_f1
        assert one.calibration.before.brier.value == pytest.approx(scores.brier)
        assert table.image_ids == found.shared.tables[0].image_ids


def test_rows_that_their_judges_steered_are_tested_and_never_the_best(found):
    steered = found.others_steered
    assert {row.called for row in steered} == {f"{NETWORK} · scratch · paper"}
    assert not set(steered) & set(found.eligible)
    assert {one.name for one in found.best.contenders} == {row.name for row in found.eligible}
    tested = {pair.comparison.first for pair in found.pairs.pairs}
    tested |= {pair.comparison.second for pair in found.pairs.pairs}
    assert {row.name for row in steered} <= tested
    for front in found.fronts:
        assert not set(steered) & set(front.members)


def test_the_number_of_comparisons_is_that_of_the_tests_in_the_table(found, out):
    assert found.pairs.n_mcnemar == 5 * 4 / 2
    assert found.pairs.n_delong == 3 * found.pairs.n_mcnemar
    text = (out / "comparison.html").read_text()
    assert "10 McNemar and 30 DeLong tests, 40 comparisons" in text


def test_an_ensemble_costs_what_its_members_do_together(found):
    vote = found.costs[row_of(found, "a vote").number]
    assert (vote.parameters, vote.multiply_adds, vote.inference_ms) == (300, 6e9, 9.0)
    members = [
        found.costs[row.number].training_seconds
        for row in found.rows
        if set(row.trials) <= set(row_of(found, "a vote").trials) and row.called != "a vote"
    ]
    assert vote.training_seconds == pytest.approx(sum(members))
    cost = found.fronts[0]
    assert row_of(found, "a vote") in {spot.row for spot in cost.spots}


def test_without_its_members_an_ensembles_cost_is_not_known(place):
    alone = comparisons.compare([place / "run", place / "vote"])
    vote = alone.costs[row_of(alone, "a vote").number]
    assert vote.parameters is None
    assert row_of(alone, "a vote") in alone.fronts[0].without


def test_a_copy_of_a_run_is_no_second_experiment(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "again")
    rows = sources.read([place / "run", tmp_path / "again"])
    assert len(rows) == 3
    assert {source.name for source in rows[0].sources} == {"run", "again"}


def test_what_was_not_finished_has_a_row_with_its_reason(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    study = studies.load(tmp_path / "run")
    scratch = next(one for one in study.spec.configurations if one.strategy == "scratch")
    shutil.rmtree(tmp_path / "run" / "trials" / study.trials(scratch)[1].trial_id)
    whole.compare([tmp_path / "run", place / "small"], tmp_path / "out")
    text = (tmp_path / "out" / "comparison.html").read_text()
    assert "1 of 2 folds finished" in text
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    (absent,) = [row for row in document["rows"] if row["not_run"]]
    assert absent["figures"] is None


def test_every_row_stands_in_every_table_of_rows_and_what_is_missing_says_not_run(out, found):
    for slug in ("rows", "accuracy", "labels", "calibration", "honesty", "heatmaps", "costs"):
        with (out / "tables" / f"{slug}.csv").open() as stream:
            lines = list(csv.reader(stream))[1:]
        assert [line[0] for line in lines] == [row.name for row in found.rows]
    with (out / "tables" / "honesty.csv").open() as stream:
        said = {line[0]: line[1] for line in list(csv.reader(stream))[1:]}
    assert said == {
        row.name: "of its members only" if row.is_vote else "not run" for row in found.rows
    }


def test_a_vote_is_told_the_command_that_explains_votes_and_no_command_that_refuses_them(found):
    """`study explain` and `audit model` take studies, a vote is neither's."""
    vote = row_of(found, "a vote").name
    (heat,) = [note for note in tables.heatmaps(found).notes if vote in note]
    assert "spondyl study ensemble" in heat
    assert not any(vote in note for note in tables.honesty(found).notes)


def test_published_figures_stand_in_tables_of_their_own(out):
    theirs = {f"{one.accuracy_percent:.2f}" for one in load("ahmad2026").configurations}
    theirs |= {"96.73", "70.4 %"}
    holding = {
        file.stem
        for file in (out / "tables").glob("*.csv")
        if any(figure in file.read_text() for figure in theirs)
    }
    assert holding == {"published-article", "published-references"}
    for drawn in (out / "figures").glob("*.svg"):
        assert "Ahmad" not in drawn.read_text()
    assert "99.12" not in (out / "comparison.csv").read_text()
    document = json.loads((out / "comparison.json").read_text())
    assert "99.12" not in json.dumps({k: v for k, v in document.items() if k != "published"})
    assert "stratified 5-fold" in (out / "tables" / "published-article.csv").read_text()


def test_the_page_links_only_to_what_is_there_and_loads_nothing(out):
    text = (out / "comparison.html").read_text()
    links = re.findall(r'href="((?:tables|figures)/[^"]+)"', text)
    assert links
    assert all((out / link).is_file() for link in links)
    assert not re.findall(r'(?:src|href)="https?:', text)
    assert "Research, not diagnosis" in text
    tex = (out / "comparison.tex").read_text()
    assert (
        tex.count(r"\begin{table}")
        == tex.count(r"\end{table}")
        == len(list((out / "tables").glob("*.tex")))
    )


def test_csv_and_json_hold_the_same_digits(out, found):
    document = json.loads((out / "comparison.json").read_text())
    with (out / "comparison.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == len(document["rows"]) == len(found.rows)
    for line, row in zip(lines, document["rows"], strict=True):
        figures = row["figures"]
        assert float(line["accuracy"]) == figures["discrimination"]["accuracy"]["value"]
        assert int(line["distinct_right"]) == figures["distinct"]["n_right"]
        assert float(line["ece_before"]) == figures["calibration"]["before"]["ece"]["value"]
    assert document["tests"]["n"] == 40
    assert len(document["pairs"]) == 10


def test_against_a_reference_each_other_row_is_tested_once(runs, tmp_path):
    chosen = comparisons.compare(runs, reference=f"{NETWORK}/scratch/nested")
    name = f"{NETWORK} · scratch · nested"
    assert chosen.pairs.reference.endswith(name)
    assert len(chosen.pairs.pairs) == 4
    assert all(pair.comparison.second.endswith(name) for pair in chosen.pairs.pairs)
    assert comparisons.compare(runs, reference="5").pairs.reference == "5. a vote"
    for unclear, says in ((f"{NETWORK}/scratch", "2 rows fit"), ("resnet50", "no row fits")):
        with pytest.raises(SpondylError, match=says):
            comparisons.compare(runs, reference=unclear)
    whole.compare(runs, tmp_path / "out", reference="a vote")
    assert "each row minus 5. a vote" in (tmp_path / "out" / "comparison.html").read_text()
    assert not (tmp_path / "out" / "figures" / "pairs.svg").exists()


def test_heatmap_scores_of_a_run_fill_its_row_and_their_front(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    study = studies.load(tmp_path / "run")
    configuration = study.spec.configurations[0]
    films = study.cohort.radiographs[:12]
    values = {film.image_id: 0.02 * at for at, film in enumerate(films)}
    rows = [
        Scored(film.image_id, film.group_id, film.label, "grad-cam", score, value)
        for film in films
        for score, value in (("energy", 0.5 + values[film.image_id]), ("energy-chance", 0.25))
    ]
    ids = tuple(film.image_id for film in films)
    about = explanations.About({}, (("grad-cam",),), ids, (), 1, 12, 1.0, "cpu", {})
    explanations.save(tmp_path / "run", configuration, rows, about)
    given = comparisons.compare([tmp_path / "run", place / "small"])
    looked = given.looks[1]
    mean, n = looked.scores["energy"]
    assert (mean.value, n) == (pytest.approx(0.5 + 0.11), 12)
    assert looked.over_chance.value == pytest.approx(0.36)
    assert looked.over_chance.interval.low < 0.36 < looked.over_chance.interval.high
    front = given.fronts[2]
    assert [spot.row.number for spot in front.spots] == [1]
    assert len(front.without) == len(given.eligible) - 1


def test_the_command_prints_what_the_page_says_or_json(runs, called, tmp_path):
    out, said = called
    text = (out / "comparison.html").read_text()
    assert "40 comparisons" in said
    assert said.splitlines()[0] in text
    assert said.splitlines()[-1] == f"page: {out / 'comparison.html'}"
    words = [*map(str, runs[:2]), "--json", "--out", str(tmp_path / "two")]
    as_json = CliRunner().invoke(APP, words)
    assert json.loads(as_json.stdout) == json.loads((tmp_path / "two" / page.JSON).read_text())
    again = CliRunner().invoke(APP, [*map(str, runs), "--out", str(out)])
    assert isinstance(again.exception, SpondylError)
