"""A study whose trials are each trained by two processes, from the command line."""

import os
import subprocess
import sys

import numpy as np
import pytest

from spondyl.learn import conduct
from spondyl.learn import study as studies

SPEC = """
networks = ["test_resnet:layer2"]
strategies = ["scratch", "random-features"]
folds = 2
epochs = 2
size = [32, 32]
batch_size = 8
learning_rate = 1e-4
heatmaps = "none"
"""


@pytest.mark.slow
def test_a_study_by_two_processes_predicts_what_one_predicts_and_is_reported_once(
    spec_of, films, fabric, tmp_path
):
    (tmp_path / "study.toml").write_text(SPEC)
    words = ["study", "run", "study.toml", "--cohort", films, "--out", "run", "--cache", "cache"]
    done = subprocess.run(
        [sys.executable, "-m", "spondyl", *words, "--device", "cpu", "--devices", "2"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report: ") == 1
    together = studies.load(tmp_path / "run")
    alone = conduct.begin(together.spec, films, tmp_path / "alone", {})
    conduct.run(alone, tmp_path / "cache", fabric)
    for one, other in zip(together.outcomes(), alone.outcomes(), strict=True):
        assert one.predictions.image_ids == other.predictions.image_ids
        assert np.allclose(one.predictions.logits, other.predictions.logits, atol=1e-3)
