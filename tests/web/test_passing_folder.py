"""Folders that pass with their servers: cleared when these were killed, left while they live."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spondyl.web.passing import PREFIX, clear, passing_folder

HELD = """
import sys
from spondyl.web.passing import passing_folder
with passing_folder() as folder:
    (folder / "film").write_bytes(b"of a patient")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "tmp"


@pytest.fixture
def server():
    """(process, folder) of one that holds a folder until it is told to end."""
    command = [sys.executable, "-c", HELD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_folder_is_its_owner_s_alone_and_gone_when_the_block_ends(place):
    with passing_folder() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "film").write_bytes(b"x")
    assert not list(place.iterdir())


def test_a_killed_server_s_folder_is_cleared_by_the_next(place, server):
    process, left = server
    process.kill()
    process.wait()
    assert (left / "film").is_file()
    with passing_folder() as folder:
        assert not left.exists()
        assert list(place.iterdir()) == [folder]


def test_a_living_server_s_folder_is_left(place, server):
    _, held = server
    with passing_folder() as mine:
        assert (held / "film").is_file()
        clear(place)
        assert mine.is_dir()
    assert (held / "film").is_file()


def test_what_no_server_made_is_left(place, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / ".alive").touch()
    (place / f"{PREFIX}link").symlink_to(tmp_path / "precious")
    (place / f"{PREFIX}file").touch()
    (place / f"{PREFIX}unlocked").mkdir()
    clear(place)
    assert (tmp_path / "precious" / ".alive").is_file()
    assert {path.name.removeprefix(PREFIX) for path in place.iterdir()} == {
        "link",
        "file",
        "unlocked",
    }
