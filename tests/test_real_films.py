"""The paper's own films, where they are at hand: what is known of them, and what we reach."""

from pathlib import Path

import pytest

from spondyl.data import check
from spondyl.data.labels import SPINE_LABELS
from spondyl.learn import spec as specs
from spondyl.report import summary, whole

pytestmark = pytest.mark.slow

STUDY = Path(__file__).parents[1] / "spec" / "kauh-features.toml"


@pytest.fixture(scope="module")
def findings(shared):
    return check.check(shared / "data" / "kauh", SPINE_LABELS, 5)


def test_the_films_of_kauh_are_338_in_the_paper_s_three_classes(findings):
    assert findings.problems == ()
    assert len(findings.films) == 338
    assert tuple(findings.counts.values()) == (71, 188, 79)


def test_some_of_them_occur_more_than_once(findings):
    assert 12 <= len(findings.duplicate_groups) <= 16
    assert findings.facts["groups"] < 338


def test_frozen_features_of_imagenet_reach_what_they_should(shared, tmp_path):
    files = {
        "densenet169": "densenet169.imagenet1k.features.safetensors",
        "resnet50:layer3": "resnet50.imagenet1k.stages123.safetensors",
    }
    reported = whole.study_and_report(
        specs.read(STUDY),
        *(shared / "data" / "kauh", tmp_path / "run"),
        {name: shared / "weights" / file for name, file in files.items()},
        cache=tmp_path / "cache",
        device="cpu",
    )
    assert [outcome.configuration.network for outcome in reported.outcomes] == list(files)
    for scored in summary.score_all(reported.outcomes):
        assert scored.pooled.n == 338
        assert scored.pooled.accuracy >= 0.97
