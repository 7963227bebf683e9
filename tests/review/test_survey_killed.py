"""A server killed with -9 amid 200 answers: what was confirmed is there, and nothing is twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from answering import numbered
from drawn_surveys import saved

from spondyl.review.store import open_store

HERE = Path(__file__).parent
AT_ONCE = 200


def started(where, answers):
    return subprocess.Popen(
        [sys.executable, str(HERE / "answering.py"), where, "0", str(answers)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )


def killed_after(where, confirmed):
    """Identifiers that a process had confirmed when it was killed, busy with many more."""
    process = started(where, 20 * AT_ONCE)
    lines = []
    for line in process.stdout:
        lines.append(line.decode().strip())
        if len(lines) > confirmed:
            process.send_signal(signal.SIGKILL)
            break
    lines += process.stdout.read().decode().splitlines()  # said before it died
    assert process.wait() == -signal.SIGKILL
    assert lines[0] == "ready"
    return lines[1:]


@pytest.mark.parametrize("confirmed", [1, AT_ONCE])
def test_every_confirmed_answer_is_there_and_none_twice(where, tmp_path, confirmed):
    store = open_store(where)
    store.keep(saved(tmp_path))
    store.invite("spines", "a")
    said = killed_after(where, confirmed)
    assert len(said) >= confirmed
    kept = Counter(answer.answer_id for answer in store.answers("spines"))
    assert set(said) <= set(kept)
    assert set(kept.values()) == {1}
    for answer in store.answers("spines"):  # and as it was sent
        n = int(answer.answer_id.removeprefix("answer-"))
        assert (answer.value, answer.seconds) == (numbered(n).value, n / 8)

    process = started(where, 2 * AT_ONCE)  # browsers send again what was not confirmed, and more
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert len(out.splitlines()) == 1 + 2 * AT_ONCE
    again = Counter(answer.answer_id for answer in store.answers("spines"))
    assert set(again) == set(kept) | {numbered(n).answer_id for n in range(2 * AT_ONCE)}
    assert set(again.values()) == {1}
    store.close()
