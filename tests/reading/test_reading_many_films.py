"""A folder of any size: in order, in little memory, gone on with, and read by several processes."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import study_of_phantoms
from command_line import spondyl
from PIL import Image

from spondyl.data import pixels
from spondyl.data.phantom import drawing, output
from spondyl.engines.engine import HERE, Failure
from spondyl.errors import SpondylError
from spondyl.reading import each_film
from spondyl.reading.each_film import Named
from spondyl.reading.reading import Reader
from spondyl.reading.recipe import Recipe
from spondyl.report.readings import resuming
from spondyl.report.readings.shards import SpreadRun
from spondyl.report.readings.whole import Run, Wanted, forms_named

N = 12
DAMAGED = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Twelve films in a folder, one of which is damaged."""
    folder = tmp_path_factory.mktemp("films")
    drawn = output.save(folder / "drawn", drawing.cohort(N, 9, size=(90, 60))) / "films"
    kept = folder / "kept"
    kept.mkdir()
    for number, path in enumerate(sorted(drawn.rglob("*.png"))):
        shutil.copy(path, kept / f"{number:02d}.png")
    (kept / f"{DAMAGED:02d}.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    return kept


@pytest.fixture(scope="module")
def undisturbed(made, films, tmp_path_factory):
    """The folder of a run that nobody disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert read(made, films, "--out", out) == 1
    return contents(out)


def read(made, films, *words):
    command = ["read", films, "--bundle", made.of_folds.folder, "--device", "cpu", "--no-measure"]
    return spondyl([*command, *words])


def contents(folder):
    """Name → hash of each file, hidden ones too."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*")}


def named(films):
    return [
        Named(path, f"film-{number:02d}", "")
        for number, path in enumerate(sorted(films.glob("*.png")), start=1)
    ]


def interrupted(made, films, out, after=4):
    """What a run leaves that ends in the middle of its films, as if its process were killed."""
    recipe = Recipe(made.of_folds.folder, made.of_folds.bundle_id, device="cpu")
    wanted = Wanted(out, forms_named(()))
    with resuming.claimed(out):
        left = resuming.left(named(films), out, resuming.Account.of(recipe, wanted, False), False)
        rows = Run(left, Reader.of(made.of_folds, "cpu"), wanted).rows()
        for _ in range(after):
            next(rows)
        rows.close()


def test_films_come_out_in_their_order_each_once_and_a_damaged_one_in_its_place(made, films):
    found = list(each_film.readings(named(films), Reader.of(made.of_folds, "cpu")))
    assert len(found) == N
    for place, one in enumerate(found):
        if place == DAMAGED:
            assert one.what.startswith("cannot be decoded as PNG")
        else:
            assert one.reading.film.name == f"film-{place + 1:02d}"
            assert one.reading.film.sha256 == pixels.facts(named(films)[place].path).sha256


def test_no_more_films_are_decoded_ahead_than_there_are_decoders(made, films, monkeypatch):
    monkeypatch.setattr(each_film, "cores", lambda: 3)
    begun, lock, usual = [], threading.Lock(), pixels.read

    def counted(path):
        with lock:
            begun.append(path)
        return usual(path)

    monkeypatch.setattr(pixels, "read", counted)
    for given, _ in enumerate(
        each_film.readings(named(films), Reader.of(made.of_folds, "cpu")), start=1
    ):
        time.sleep(0.02)
        assert len(begun) <= given + 3
    assert len(begun) == N


def test_whoever_asks_for_no_more_films_ends_the_decoders(made, films):
    before = threading.active_count()
    coming = each_film.readings(named(films), Reader.of(made.of_folds, "cpu"))
    next(coming)
    coming.close()
    assert threading.active_count() == before


def test_a_run_that_was_interrupted_goes_on_and_leaves_what_an_undisturbed_one_does(
    made, films, undisturbed, tmp_path, capfd
):
    out = tmp_path / "out"
    interrupted(made, films, out)
    standing = {path: path.stat().st_mtime_ns for path in out.glob("film-*.json")}
    assert 4 <= len(standing) < N - 1
    (out / ".film-09.png.abcd1234.png").write_bytes(b"half a pic")
    assert read(made, films, "--out", out, "--resume") == 1
    assert f"{len(standing)} of {N} films stood already" in capfd.readouterr().err
    assert contents(out) == undisturbed
    assert {path: path.stat().st_mtime_ns for path in standing} == standing


def test_a_run_that_is_done_is_gone_on_with_by_reading_only_what_failed(
    made, films, undisturbed, tmp_path, capfd
):
    out = tmp_path / "out"
    assert read(made, films, "--out", out, "--resume") == 1
    assert contents(out) == undisturbed
    assert read(made, films, "--out", out, "--resume") == 1
    told = capfd.readouterr().err
    assert f"{N - 1} of {N} films stood already" in told
    assert "0 answered, 0 without an answer, 1 failed" in told
    assert contents(out) == undisturbed


@pytest.mark.parametrize("loss", ["film-02.npy", "film-02.json"])
def test_a_film_that_lacks_a_file_is_read_again(made, films, undisturbed, tmp_path, loss):
    out = tmp_path / "out"
    read(made, films, "--out", out)
    (out / loss).unlink()
    read(made, films, "--out", out, "--resume")
    assert contents(out) == undisturbed


def test_what_a_failing_power_supply_left_empty_is_read_again(made, films, undisturbed, tmp_path):
    out = tmp_path / "out"
    read(made, films, "--out", out)
    (out / "film-02.png").write_bytes(b"")
    (out / "film-03.json").write_bytes(b"")
    read(made, films, "--out", out, "--resume")
    assert contents(out) == undisturbed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--names"], "names number, now file"),
        (["--method", "cam"], "method grad-cam, now cam"),
        (["--engine", "onnx"], "engine torch, now onnx"),
        (["--identify"], "identify False, now True"),
        (["--page", "html"], "forms png, npy, json, now png, npy, html, json"),
    ],
)
def test_readings_that_are_made_otherwise_are_not_mixed(
    made, films, tmp_path, capfd, words, said, monkeypatch
):
    monkeypatch.setattr(Recipe, "reader", lambda *_: None)
    out = tmp_path / "out"
    interrupted(made, films, out)
    before = contents(out)
    assert read(made, films, "--out", out, "--resume", *words) == 2
    assert said in capfd.readouterr().err
    assert contents(out) == before


def test_another_bundle_is_refused(made, films, tmp_path, capfd):
    out = tmp_path / "out"
    interrupted(made, films, out)
    other = replace(made, of_folds=made.of_one)
    assert read(other, films, "--out", out, "--resume") == 2
    assert f"bundle {made.of_folds.bundle_id[:12]}, now" in capfd.readouterr().err


def test_films_whose_numbers_changed_are_refused(made, films, tmp_path, capfd):
    out, grown = tmp_path / "out", tmp_path / "grown"
    interrupted(made, films, out)
    shutil.copytree(films, grown)
    shutil.copy(films / "11.png", grown / "00a.png")
    assert read(made, grown, "--out", out, "--resume") == 2
    assert "another film than the one" in capfd.readouterr().err
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    shutil.copy(films / "00.png", fewer)
    assert read(made, fewer, "--out", out, "--resume") == 2
    assert "no film is called so now" in capfd.readouterr().err


def test_a_folder_of_something_else_is_not_gone_on_with(made, films, tmp_path, capfd):
    (tmp_path / "mine.txt").write_text("mine")
    assert read(made, films, "--out", tmp_path, "--resume") == 2
    assert "no readings to go on with" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_two_runs_do_not_fill_one_folder(made, films, tmp_path, capfd):
    with resuming.claimed(tmp_path / "out"):
        assert read(made, films, "--out", tmp_path / "out", "--resume") == 2
    assert "another process is reading into it" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume"], "--resume without --out"),
        (["--out", "OUT", "--resume", "--together", "all"], "--together with --resume"),
        (["--at-once", "2", "--dicom-out", "OUT"], "--dicom-out with several processes"),
        (["--at-once", "2", "--cluster", "auto"], "--at-once and --cluster"),
    ],
)
def test_what_does_not_go_together_is_refused(made, films, tmp_path, capfd, words, said):
    assert read(made, films, *(tmp_path / "o" if word == "OUT" else word for word in words)) == 2
    assert said in capfd.readouterr().err


def test_shards_tell_and_write_what_one_run_does(made, films, undisturbed, tmp_path):
    recipe = Recipe(made.of_folds.folder, made.of_folds.bundle_id, device="cpu")
    wanted = Wanted(tmp_path / "out", forms_named(()))
    image_ids = {one.path: one.path.name for one in named(films)}
    spread = SpreadRun(named(films), recipe, wanted, Backwards(), image_ids)
    rows = list(spread.rows())
    alone = Run(named(films), Reader.of(made.of_folds, "cpu"), wanted)
    assert rows == list(alone.rows())
    assert (spread.n_answered, spread.n_doubted) == (alone.n_answered, alone.n_doubted)
    assert spread.failures == alone.failures
    kept = {name: value for name, value in undisturbed.items() if name[0] != "."}
    assert contents(tmp_path / "out") == kept


def test_a_shard_that_comes_to_nothing_costs_its_films_and_no_others(made, films):
    recipe = Recipe(made.of_folds.folder, made.of_folds.bundle_id, device="cpu")
    image_ids = {one.path: one.path.name for one in named(films)}
    spread = SpreadRun(named(films), recipe, Wanted(), Backwards(lost=2), image_ids)
    assert len(list(spread.rows())) == N - 2
    assert [one.what[:15] for one in spread.failures] == ["its worker died", "cannot be decod"]


def test_a_worker_refuses_another_bundle_than_the_one_that_is_meant(made):
    with pytest.raises(SpondylError, match="meant is 000000000000"):
        Recipe(made.of_folds.folder, "0" * 64).opened()


class Backwards:
    """An engine that ends its units in the reverse order, and loses one of them."""

    threads, is_here = None, True

    def __init__(self, lost=None):
        self.lost = lost

    def run(self, function, units):
        for number, ended in reversed(list(HERE.run(function, units))):
            yield number, Failure("its worker died", "") if number == self.lost else ended


@pytest.mark.slow
def test_two_processes_read_what_one_does(made, films, undisturbed, tmp_path, capfd):
    read(made, films, "--jsonl")
    alone = capfd.readouterr().out
    assert read(made, films, "--jsonl", "--at-once", "2") == 1
    assert capfd.readouterr().out == alone
    out = tmp_path / "out"
    interrupted(made, films, out)
    assert read(made, films, "--out", out, "--resume", "--at-once", "2") == 1
    assert contents(out) == undisturbed


@pytest.mark.slow
def test_a_ray_cluster_reads_what_one_process_does(made, films, undisturbed, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    out = tmp_path / "out"
    assert read(made, films, "--out", out, "--cluster", "local") == 1
    assert contents(out) == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_run_that_is_killed_again_and_again_loses_no_film(made, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(150):
        Image.fromarray(rng.integers(0, 256, (300, 200), np.uint8)).save(
            folder / f"{number:03d}.png"
        )
    assert read(made, folder, "--out", tmp_path / "alone") == 0
    out, killed = tmp_path / "out", 0
    command = ["read", folder, "--bundle", made.of_folds.folder, "--device", "cpu"]
    words = [*command, "--no-measure", "--out", out, "--resume"]
    code = "import sys; from spondyl.cli import main; sys.argv[0] = 'spondyl'; main()"
    for share in (0.2, 0.5, 0.8):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(list(out.glob("film-*.json"))) < 150 * share:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed == 3
    before = len(list(out.glob("film-*.json")))
    assert before < 150
    assert read(made, folder, "--out", out, "--resume") == 0
    assert contents(out) == contents(tmp_path / "alone")
    documents = [json.loads(path.read_text()) for path in sorted(out.glob("film-*.json"))]
    assert len({one["film"]["sha256"] for one in documents}) == 150
    assert not list(Path(out).glob(".film*"))
