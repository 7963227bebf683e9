"""What a study costs: that phases add up, that caches are where they belong, what is divided."""

import json
from statistics import median

import pytest
from typer.testing import CliRunner

from spondyl.bench import study
from spondyl.bench.phases import Phases
from spondyl.bench.study_turns import START, Turn
from spondyl.cli import app
from spondyl.errors import SpondylError
from spondyl.learn.spec import parse_spec

SMALL = {
    "networks": ["test_resnet:layer2", "test_resnet:layer3"],
    "strategies": ["random-features"],
    "folds": 2,
    "size": [32, 32],
}


@pytest.fixture
def turns(monkeypatch):
    """The turns that are asked for, in order; each takes what its number says."""
    asked = []

    def study_turn(spec, cohort, out, cache, weights):
        first = not cache.exists()
        cache.mkdir(exist_ok=True)
        assert not out.exists()
        assert sum(1 for _ in cohort.glob("*/*")) > 0
        asked.append("first" if first else "second")
        taken = {START: 2.0, "reading films": 6.0 if first else 1.0}
        return Turn(taken, taken, 10.0 if first else 4.0, 8.0)

    def reference_turn(network, train, judged, epochs, n_labels, size, batch_size):
        assert not {*train[0]} & {*judged[0]}
        assert {*train[1]} == {0, 1, 2}
        asked.append(network)
        seconds = [5.0, 7.0, 6.0] if network.endswith("2") else [1.0, 1.0, 1.0]
        return Turn({START: 9.0} | {f"epoch {i}": s for i, s in enumerate(seconds)}, {}, 0.0, 0.0)

    monkeypatch.setattr(study, "study_turn", study_turn)
    monkeypatch.setattr(study, "reference_turn", reference_turn)
    monkeypatch.setattr(study, "FILM_SIZE", (64, 48))
    return asked


def test_time_within_a_walk_within_a_walk_belongs_to_the_inner_one(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr("time.process_time", lambda: 2 * now[0])

    def work(seconds):
        now[0] += seconds

    phases = Phases("before")
    work(1)
    for _ in phases(range(2), "outer"):
        work(10)
        for _ in phases(range(3), "inner"):
            work(100)
    work(1000)
    phases.enter("report")
    work(10_000)
    phases.enter("end")
    assert phases.seconds == {"before": 1, "outer": 1020, "inner": 600, "report": 10_000}
    assert phases.cpu_seconds == {name: 2 * taken for name, taken in phases.seconds.items()}


def test_all_take_turns_and_every_first_run_finds_an_empty_cache(turns):
    list(study.rows(parse_spec(SMALL, "a test"), films=(30,), rounds=2))
    networks = SMALL["networks"]
    assert turns == ["first", "second", *networks, *networks, "first", "second"]


def test_the_reference_is_multiplied_to_twenty_epochs_of_every_fold_and_divided_by_ours(turns):
    rows = list(study.rows(parse_spec(SMALL, "a test"), films=(30, 36), rounds=1))
    assert {row.films for row in rows} == {30, 36}
    of = {(row.run, row.phase): row for row in rows if row.films == 30}
    reference = of["reference", "test_resnet:layer2"]
    assert reference.seconds == 20 * 2 * median([5, 6, 7])
    assert (reference.seconds_low, reference.seconds_high) == (200, 280)
    assert "2 epochs of one fold measured" in reference.how
    first, second = of["first run", "all"], of["second run", "all"]
    assert first.ratio_to_reference == pytest.approx((240 + 40) / 10)
    assert second.ratio_for_one_fold == pytest.approx((120 + 20) / 4)
    assert of["second run", "reading films"].seconds == 1.0
    assert of["second run", "reading films"].ratio_to_reference is None


def test_without_the_reference_nothing_is_divided(turns):
    rows = list(study.rows(parse_spec(SMALL, "a test"), films=(30,), rounds=1, reference_epochs=0))
    assert turns == ["first", "second"]
    assert all(row.ratio_to_reference is None for row in rows)
    assert all(row.run != "reference" for row in rows)


def test_weights_that_are_not_given_are_random_ones(turns):
    spec = parse_spec(SMALL | {"strategies": ["probe"]}, "a test")
    assert len(list(study.rows(spec, films=(30,), rounds=1, reference_epochs=0))) == 6


def test_what_trains_and_what_measures_nothing_are_refused():
    with pytest.raises(SpondylError, match="strategy scratch: trains"):
        list(study.rows(parse_spec(SMALL | {"strategies": ["scratch"]}, "a test")))
    with pytest.raises(SpondylError, match="0 rounds measure nothing"):
        list(study.rows(rounds=0))
    refused = CliRunner().invoke(app, ["bench", "study", "--films", "10,many"])
    assert isinstance(refused.exception, SpondylError)


@pytest.mark.slow
def test_processes_are_started_and_say_what_they_took(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'networks = ["test_resnet:layer2"]\nstrategies = ["random-features"]\n'
        "folds = 2\nsize = [32, 32]\n"
    )
    command = ["bench", "study", "--spec", str(spec), "--films", "30", "--rounds", "1", "--json"]
    done = CliRunner().invoke(app, command)
    rows = json.loads(done.stdout)
    of = {(row["run"], row["phase"]): row for row in rows}
    for run in ("first run", "second run"):
        parts = [row["seconds"] for row in rows if row["run"] == run and row["phase"] != "all"]
        whole = of[run, "all"]
        assert 0.8 * whole["seconds"] < sum(parts) <= whole["seconds"]
        assert whole["cpu_seconds"] > 0
        assert of[run, "report"]["seconds"] > 0
    assert of["first run", "features of test_resnet:layer2"]["seconds"] > 0
    assert of["reference", "test_resnet:layer2"]["seconds"] > 0
    assert of["first run", "all"]["ratio_to_reference"] > 0
