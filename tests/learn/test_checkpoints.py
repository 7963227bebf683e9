"""Checkpoints written beside the training: whole, and of the moment when they were asked for."""

import threading

import pytest
import torch

from spondyl.errors import SpondylError
from spondyl.learn import checkpoints
from spondyl.learn.checkpoints import Writer


@pytest.fixture
def slow_disk(monkeypatch):
    """A disk that writes only when it is let."""
    let = threading.Event()
    save = torch.save

    def saved(content, path):
        assert let.wait(10)
        save(content, path)

    monkeypatch.setattr(checkpoints.torch, "save", saved)
    return let


def read(path):
    return torch.load(path, weights_only=True)


def test_what_is_written_is_what_was_there_when_it_was_asked_for(slow_disk, tmp_path):
    values = {"a": torch.arange(3.0), "nested": [{"b": torch.ones(2)}], "n": 4}
    with Writer(tmp_path / "checkpoint") as writer:
        writer.write(values)
        values["a"].zero_()
        values["nested"][0]["b"].zero_()
        assert not (tmp_path / "checkpoint").exists()
        slow_disk.set()
    found = read(tmp_path / "checkpoint")
    assert found["a"].tolist() == [0, 1, 2]
    assert found["nested"][0]["b"].tolist() == [1, 1]
    assert found["n"] == 4


def test_one_is_written_at_a_time_and_the_last_one_stays(tmp_path):
    with Writer(tmp_path / "checkpoint") as writer:
        for number in range(5):
            writer.write({"number": number})
    assert read(tmp_path / "checkpoint") == {"number": 4}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def interrupted(path, content):
    """A training that is stopped when it has just asked for a checkpoint."""
    with Writer(path) as writer:
        writer.write(content)
        raise KeyboardInterrupt


def full(*_):
    raise OSError(28, "No space left on device")


def test_a_failed_write_is_heard_of_at_the_next_one(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints.torch, "save", full)
    writer = Writer(tmp_path / "checkpoint")
    writer.write({})
    with pytest.raises(SpondylError, match="No space left"):
        writer.write({})


def test_a_failed_last_write_is_heard_of_at_the_end(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints.torch, "save", full)
    with (
        pytest.raises(SpondylError, match="cannot be written"),
        Writer(tmp_path / "checkpoint") as writer,
    ):
        writer.write({})
    assert not list(tmp_path.iterdir())


def test_what_ended_a_training_comes_before_a_failed_write(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints.torch, "save", full)
    with pytest.raises(KeyboardInterrupt) as ended:
        interrupted(tmp_path / "checkpoint", {})
    assert any("No space left" in note for note in ended.value.__notes__)


def test_an_interrupted_training_leaves_its_last_checkpoint_whole(slow_disk, tmp_path):
    threading.Timer(0.2, slow_disk.set).start()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "checkpoint", {"number": 7})
    assert read(tmp_path / "checkpoint") == {"number": 7}
