"""Runs that cannot be held against each other are refused by name; others are told apart."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_to_compare import CONTENT, NETWORK, SMALLER, made

from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.report.comparing import audited, shared, sources, whole, words
from spondyl.report.comparing import compared as comparisons
from spondyl.trust import metrics

PLAIN = {**CONTENT, "strategies": ["random-features"], "protocols": ["nested"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs on the same films, on other splits of them, on some of them, on others, with fewer
    labels."""
    folder = tmp_path_factory.mktemp("refused")
    films = output.save(folder / "drawn", drawing.cohort(36, 0, size=(64, 48))) / "films"
    made(folder, "run", films, PLAIN)
    made(folder, "small", films, SMALLER)
    made(folder, "seeded", films, {**SMALLER, "seed": 5})
    pair = {"labels": ["normal", "scoliosis"], "other_labels": ["spondylolisthesis"]}
    made(folder, "pair", films, {**PLAIN, **pair})
    shutil.copytree(films, folder / "fewer")
    for film in sorted((folder / "fewer").rglob("*.png"))[::9]:
        film.unlink()
    made(folder, "cropped", folder / "fewer", SMALLER)
    other = output.save(folder / "drawn anew", drawing.cohort(36, 7, size=(64, 48))) / "films"
    made(folder, "other", other, SMALLER)
    return folder


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7).map(tuple), min_size=1, max_size=3)
)
def test_films_that_any_run_puts_together_are_together(partitions):
    order = [f"f{i}" for i in range(7)]
    groupings = [dict(zip(order, map(str, one), strict=True)) for one in partitions]
    together = np.eye(7, dtype=bool)
    for one in partitions:
        together |= np.equal.outer(one, one)
    for _ in range(7):
        together = (together @ together.astype(int)) > 0
    groups = shared.joined(order, groupings)
    for i, film in enumerate(order):
        assert groups[film] == order[int(together[i].argmax())]


def test_other_splits_of_the_same_films_are_refused(place, tmp_path):
    with pytest.raises(SpondylError, match="seeded: has other splits") as refusal:
        whole.compare([place / "run", place / "seeded"], tmp_path / "out")
    assert "seed" in refusal.value.hint
    assert not (tmp_path / "out").exists()


def test_other_labels_and_other_files_under_one_name_are_refused(place, tmp_path):
    with pytest.raises(SpondylError, match="pair: has the labels normal, scoliosis"):
        whole.compare([place / "run", place / "pair"], tmp_path / "out")
    with pytest.raises(SpondylError, match="other files under the names of"):
        whole.compare([place / "run", place / "other"], tmp_path / "out")


def test_runs_on_some_of_the_films_are_compared_on_those_in_common(place, tmp_path):
    lines = whole.compare([place / "run", place / "cropped"], tmp_path / "out")
    text = (tmp_path / "out" / "comparison.html").read_text()
    assert "2 sets of films" in lines[0]
    assert "2 sets of films" in text
    assert "Each row on all films that it was tested on" in text
    found = comparisons.compare([place / "run", place / "cropped"])
    own = {row.called.split(":")[0]: len(row.table) for row in found.rows}
    assert own["run"] == 36
    assert found.shared.n_films == own["cropped"] < 36
    assert len(set(found.shared.cohorts)) == len(set(found.shared.splits)) == 2


def test_films_of_no_common_name_are_refused(place):
    rows = sources.read([place / "run", place / "cropped"])
    table = rows[1].table
    renamed = replace(table, image_ids=tuple(f"else/{i}" for i in table.image_ids))
    lonely = replace(rows[1], of=replace(rows[1].of, predictions=renamed), sources=rows[0].sources)
    with pytest.raises(SpondylError, match="0 films in common"):
        shared.of([rows[0], lonely])


def test_another_truth_is_refused(place):
    rows = sources.read([place / "run", place / "small"])
    table = rows[1].table
    moved = replace(table, truth=(table.truth + (np.arange(len(table)) == 0)) % 3)
    other = replace(rows[1], of=replace(rows[1].of, predictions=moved))
    with pytest.raises(SpondylError, match="gives 1 films another label"):
        shared.of([rows[0], other])


def test_no_study_one_row_and_a_run_named_twice_are_refused(place, tmp_path):
    with pytest.raises(SpondylError, match="neither the folder of a study"):
        whole.compare([place / "fewer", place / "run"], tmp_path / "out")
    with pytest.raises(SpondylError, match="1 finished configurations"):
        whole.compare([place / "run"], tmp_path / "out")
    with pytest.raises(SpondylError, match="named twice"):
        whole.compare([place / "run", place / "run"], tmp_path / "out")


def written(folder, row, **changes):
    """An audit of `row` as `spondyl audit model` writes it, in what is read of it here."""
    scores = metrics.score(row.table)
    interval = {"low": 0.2, "high": 0.6, "level": 0.95, "method": "group bootstrap", "n_units": 36}
    document = {
        "title": str(row.of.configuration),
        "source": f"study of cohort {row.sources[0].cohort_sha256[:12]}",
        "n_films": scores.n,
        "answered": {
            "discrimination": {"accuracy": {"value": scores.accuracy}},
            "calibration": {"before": {"log_loss": {"value": scores.log_loss}}},
        },
        "share_reached": {"share": {"value": 0.4, "interval": interval}},
        "checks": [{"name": "tint", "status": "fail"}, {"name": "sets", "status": "pass"}],
    }
    folder.mkdir(parents=True)
    (folder / audited.AUDIT).write_text(json.dumps({**document, **changes}))
    return folder


def test_an_audit_finds_its_row_by_what_it_measured(place, tmp_path):
    runs = [place / "run", place / "small"]
    rows = sources.read(runs)
    assert str(rows[0].of.configuration) == str(rows[1].of.configuration)
    folder = written(tmp_path / "audit", rows[1])
    found = comparisons.compare(runs, [folder])
    assert list(found.audits) == [2]
    assert found.audits[2].share.value == 0.4
    assert found.audits[2].of_grounds("fail") == ("tint",)
    assert [spot.row.number for spot in found.fronts[1].spots] == [2]
    assert "known of 2." in words.headline(found)[-3]


def test_an_audit_in_the_run_is_found_and_one_without_a_share_says_why(place, tmp_path):
    shutil.copytree(place / "small", tmp_path / "small")
    rows = sources.read([place / "run", tmp_path / "small"])
    folder = tmp_path / "small" / audited.INSIDE
    written(folder, rows[1], share_reached={"why": "too few groups"})
    whole.compare([place / "run", tmp_path / "small"], tmp_path / "out")
    assert "not run: too few groups" in (tmp_path / "out" / "tables" / "honesty.csv").read_text()


def test_a_share_that_no_interval_could_be_given_stands_without_one(place, tmp_path):
    """As of a network that is hardly ever above the most frequent label."""
    runs = [place / "run", place / "small"]
    ends = {"low": None, "high": None, "level": 0.95, "method": "group bootstrap", "n_units": 36}
    share = {"share": {"value": 0.4, "interval": ends}}
    folder = written(tmp_path / "audit", sources.read(runs)[1], share_reached=share)
    whole.compare(runs, tmp_path / "out", audits=[folder])
    with (tmp_path / "out" / "tables" / "honesty.csv").open() as stream:
        assert list(csv.reader(stream))[2][1] == "0.40"


def test_audits_of_something_else_are_refused(place, tmp_path):
    runs = [place / "run", place / "small"]
    rows = sources.read(runs)
    nobody = written(tmp_path / "nobody", rows[0], title="vgg16 · probe · nested")
    with pytest.raises(SpondylError, match="fits 0 rows"):
        comparisons.compare(runs, [nobody])
    films = written(tmp_path / "films", rows[0], share_reached=None)
    (films / audited.AUDIT).write_text("{}")
    with pytest.raises(SpondylError, match="no model audit"):
        comparisons.compare(runs, [films])
    odd = written(tmp_path / "odd", rows[0], answered={})
    with pytest.raises(SpondylError, match="not in the form"):
        comparisons.compare(runs, [odd])
    with pytest.raises(SpondylError, match="no audit is there"):
        comparisons.compare(runs, [tmp_path])
    twice = [written(tmp_path / name, rows[0]) for name in ("a", "b")]
    with pytest.raises(SpondylError, match="both audit"):
        comparisons.compare(runs, twice)


def test_a_run_that_looked_for_no_copies_makes_nothing_more_independent(place):
    rows = sources.read([place / "run", place / "small"])
    one = rows[0].sources[0]
    films = one.of.cohort.radiographs
    grouped = tuple(
        replace(film, group_id="one") if at < 4 else film for at, film in enumerate(films)
    )
    study = replace(one.of, cohort=replace(one.of.cohort, radiographs=grouped))
    found = shared.of([replace(rows[0], sources=(replace(one, of=study),)), rows[1]])
    assert found.regrouped
    assert found.n_groups == len({film.group_id for film in films}) - 3
    assert len({found.tables[1].group_ids[at] for at in range(4)}) == 1
    assert NETWORK in found.rows[0].name
