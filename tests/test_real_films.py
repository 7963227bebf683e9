"""The paper's own films, where they are at hand: what is known of them, and what we reach."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from spondyl.data import check
from spondyl.data.labels import SPINE_LABELS
from spondyl.errors import SpondylError
from spondyl.learn import spec as specs
from spondyl.learn import study as studies
from spondyl.learn.outcome import Configuration
from spondyl.reading import assembling
from spondyl.reading.reading import Reader
from spondyl.report import summary, whole
from spondyl.report.cards import bundled

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


@pytest.fixture(scope="module")
def run(shared, tmp_path_factory):
    """The folder of a finished study of frozen features, and what was reported of it."""
    files = {
        "densenet169": "densenet169.imagenet1k.features.safetensors",
        "resnet50:layer3": "resnet50.imagenet1k.stages123.safetensors",
    }
    folder = tmp_path_factory.mktemp("study")
    reported = whole.study_and_report(
        specs.read(STUDY),
        *(shared / "data" / "kauh", folder / "run"),
        {name: shared / "weights" / file for name, file in files.items()},
        cache=folder / "cache",
        device="cpu",
    )
    return folder / "run", reported


def test_frozen_features_of_imagenet_reach_what_they_should(run):
    _, reported = run
    networks = [outcome.configuration.network for outcome in reported.outcomes]
    assert networks == ["densenet169", "resnet50:layer3"]
    for scored in summary.score_all(reported.outcomes):
        assert scored.pooled.n == 338
        assert scored.pooled.accuracy >= 0.97


@pytest.fixture(scope="module")
def reader(run, tmp_path_factory):
    """A bundle of the study's ResNet-50, ready to read."""
    chosen = Configuration("resnet50:layer3", "probe", "nested")
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    return Reader.of(
        assembling.assemble(run[0], chosen, out, bundled.card_of(run[0], chosen)), "cpu"
    )


def test_a_film_of_the_study_is_read_as_the_study_predicted_it(run, reader):
    study = studies.load(run[0])
    (outcome,) = (o for o in study.outcomes() if o.configuration.network == "resnet50:layer3")
    table = outcome.predictions
    path = {film.image_id: film.path for film in study.cohort.radiographs}
    for row in range(0, len(table), 13):
        (answer,) = reader.read(path[table.image_ids[row]]).networks
        assert answer.fold == table.folds[row]
        assert np.abs(answer.probabilities - table.probabilities[row]).max() < 1e-5


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_a_photograph_is_refused(reader, tmp_path, name):
    Image.fromarray(load_sample_image(name)).save(tmp_path / "photograph.png")
    found = reader.read(tmp_path / "photograph.png")
    assert found.answer is None
    assert "unlike the training films" in [doubt.kind for doubt in found.doubts]


def test_a_blank_film_is_refused(reader, tmp_path):
    Image.fromarray(np.full((600, 400), 128, np.uint8)).save(tmp_path / "blank.png")
    with pytest.raises(SpondylError, match="every pixel has the same value"):
        reader.read(tmp_path / "blank.png")
    nearly = np.random.default_rng(0).normal(128, 1, (600, 400)).astype(np.uint8)
    Image.fromarray(nearly).save(tmp_path / "nearly.png")
    assert reader.read(tmp_path / "nearly.png").answer is None
