"""Whatever a user gives that cannot be used: two lines say what and what to do, nothing is lost.

Each kind goes through the command line's own `main`; none may leave a trace in the folders of its
user, and none may show a traceback.
"""

import errno
import json
import os
import stat
import tempfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from bad_inputs.bundles import BUNDLES
from bad_inputs.cohorts import COHORTS
from bad_inputs.commands import COMMANDS
from bad_inputs.measures import MEASURES
from bad_inputs.place import Case, Place
from bad_inputs.studies import MASKS, SPECS, WEIGHTS
from command_line import spondyl

from spondyl.data import check
from spondyl.data.phantom import drawing, output
from spondyl.learn import networks

REFUSED = [Case(kind.name, lambda p, k=kind: refused(p, k), kind.says) for kind in COHORTS]
CASES = [*REFUSED, *SPECS, *MASKS, *WEIGHTS, *COMMANDS, *BUNDLES, *MEASURES]


def refused(place, kind):
    """The words of a study of a bad cohort, which is sound before it is spoiled."""
    words = place.run()
    words[words.index("--cohort") + 1] = kind.make(place)
    return words


def snapshot(folder: Path) -> dict[str, object]:
    """What lies under a folder: each file's bytes, each link's goal."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        name = path.relative_to(folder).as_posix()
        if stat.S_ISLNK(mode):
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if stat.S_ISREG(mode) else stat.S_IFMT(mode)
    return found


def two_lines(stderr: str) -> tuple[str, str]:
    """The error and the hint that stderr ends with, proven to be the only ones."""
    lines = stderr.splitlines()
    assert "Traceback" not in stderr
    assert [line.split(":")[0] for line in lines[-2:]] == ["error", "hint"], stderr
    assert sum(line.startswith(("error:", "hint:")) for line in lines) == 2, stderr
    return lines[-2].removeprefix("error: "), lines[-1].removeprefix("hint: ")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Small films, twelve of each class."""
    films = drawing.cohort(36, 0, size=(64, 48))
    return output.save(tmp_path_factory.mktemp("drawn") / "phantoms", films) / "films"


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Random weights of the test network in a file, as if they had been learned."""
    path = tmp_path_factory.mktemp("weights") / "sound.safetensors"
    body = networks.build("test_resnet", 3, seed=1).body.state_dict()
    safetensors.torch.save_file({name: body[name].contiguous() for name in body}, path)
    return path


@pytest.fixture(scope="session")
def done(tmp_path_factory, drawn, weights):
    """A finished study."""
    root = tmp_path_factory.mktemp("done")
    place = Place(root, drawn, weights, root / "out", root / "none")
    words = place.run(
        *("--weights", f"test_resnet={weights}", "--cache", root / "cache"),
        spec=place.spec(strategies='["probe"]'),
    )
    assert spondyl(words) == 0
    return place.done


@pytest.fixture(scope="session")
def bundled(tmp_path_factory, done):
    """A bundle of the finished study."""
    out = tmp_path_factory.mktemp("bundled") / "bundle"
    assert spondyl(["study", "bundle", done, "--out", out]) == 0
    return out


@pytest.fixture
def place(tmp_path, monkeypatch, drawn, weights, done, bundled):
    """A sound beginning for each case, in a working folder that is its own."""
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, drawn, weights, done, bundled)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_cannot_be_used_is_refused_in_two_lines_and_changes_nothing(case, place, capsys):
    words = case.make(place)
    before = snapshot(place.root)
    assert spondyl(words) == 2
    printed = capsys.readouterr()
    error, hint = two_lines(printed.err)
    assert not case.at_once or len(printed.err.splitlines()) == 2
    assert case.says in error
    assert case.hints in hint
    assert hint
    assert printed.out == ""
    assert snapshot(place.root) == before


def test_the_kinds_are_many_and_each_has_its_own_name():
    assert len({case.name for case in CASES}) == len(CASES) >= 90


@pytest.mark.parametrize("kind", COHORTS, ids=lambda kind: kind.name)
def test_a_check_lists_what_a_study_would_refuse(kind, place, capsys):
    path = kind.make(place)
    before = snapshot(place.root)
    words = ["data", "check", path, "--folds", 2]
    assert spondyl([*words, "--json"]) == (0 if kind.is_listed else 2)
    printed = capsys.readouterr()
    if kind.is_listed:
        problems = json.loads(printed.out)["problems"]
        assert any(kind.says in f"{one['where']}: {one['what']}" for one in problems), problems
        assert all(problem["hint"] for problem in problems)
        assert spondyl(words) == 0
        assert kind.says in capsys.readouterr().out
    else:
        assert kind.says in two_lines(printed.err)[0]
    assert snapshot(place.root) == before


def test_a_full_disk_is_told_in_two_lines(place, monkeypatch, capsys):
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    assert spondyl(["data", "phantom", "out", "--n", 1]) == 2
    error, hint = two_lines(capsys.readouterr().err)
    assert error == "out: No space left on device"
    assert "space" in hint
    assert snapshot(place.root) == {}


def test_an_interrupted_command_says_so_and_leaves_with_130(place, monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupted)
    assert spondyl(["data", "check", place.films]) == 130
    error, hint = two_lines(capsys.readouterr().err)
    assert error == "interrupted"
    assert "again" in hint


def test_a_gpu_that_is_not_there_is_refused(place, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert spondyl(place.run("--device", "cuda")) == 2
    assert "no GPU is to be had" in two_lines(capsys.readouterr().err)[0]
    assert not (place.root / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
@pytest.mark.parametrize("closed", ["films/normal", "films/normal/0000.png", "study.toml", "."])
def test_what_may_not_be_read_or_written_is_refused(closed, place, capsys):
    words = place.run()
    path = place.root / closed
    mode = path.stat().st_mode
    path.chmod(0o500 if closed == "." else 0)
    try:
        assert spondyl(words) == 2
    finally:
        path.chmod(mode)
    two_lines(capsys.readouterr().err)
    assert not (place.root / "out").exists()


def test_help_and_its_absence_are_no_errors_of_ours(capsys):
    assert spondyl(["study", "--help"]) == 0
    printed = capsys.readouterr()
    assert "report" in printed.out
    assert printed.err == ""
    assert spondyl([]) == 2
    assert "Commands:" in capsys.readouterr().err
