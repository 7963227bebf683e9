"""An ensemble's folder, page and command: what it says is what its files hold."""

import csv
import json
import re

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spondyl.commands.ensemble import ensemble as command
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.explain import heatmap
from spondyl.learn import conduct, members
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec
from spondyl.report.ensembles import record, whole

NETWORK = "test_resnet:layer2"
CONTENT = {
    **{"networks": [NETWORK], "strategies": ["random-features", "scratch"], "folds": 2},
    **{"size": [32, 32], "epochs": 1, "heatmaps": "none", "find_duplicates": False},
    "protocols": ["nested", "paper"],
}
SOLVED, TRAINED = f"{NETWORK}/random-features", f"{NETWORK}/scratch/nested"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("votes")
    drawn = output.save(folder / "drawn", drawing.cohort(36, 0, size=(64, 48)))
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), drawn / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return folder


@pytest.fixture(scope="module")
def out(place):
    words = [f"{place}/run:{SOLVED}", f"{place}/run:{TRAINED}"]
    whole.ensemble(
        words,
        place / "out",
        "tune",
        n_films=6,
        masks=place / "drawn" / "regions",
        name="ours",
        device="cpu",
    )
    return place / "out"


def test_the_folder_is_bound_to_cohort_and_splits_and_reads_back(out, place):
    read = record.load(out)
    first, second = members.read([f"{place}/run:{SOLVED}", f"{place}/run:{TRAINED}"])
    assert read.name == "ours"
    assert read.weighting == "tune"
    assert read.members == (first.name, second.name)
    assert read.cohort_sha256 == first.study.cohort.sha256
    assert read.splits_sha256 == first.study.splits.sha256
    assert read.document["n"] == len(read.predictions) == 36
    assert read.predictions.image_ids == first.test.image_ids
    assert (read.predictions.truth == first.test.truth).all()
    right = int((read.predictions.predicted == read.predictions.truth).sum())
    assert read.document["figures"]["ensemble"]["n_right"] == right


def test_probabilities_are_those_of_the_stated_weights_and_temperatures(out, place):
    read = record.load(out)
    voters = members.read([f"{place}/run:{SOLVED}", f"{place}/run:{TRAINED}"])
    document = read.document
    for row, fold in enumerate(read.predictions.folds):
        expected = np.zeros(3)
        for at, member in enumerate(voters):
            scale = document["members"][at]["temperatures"][fold]["value"]
            logits = member.test.logits[row] / scale
            shares = np.exp(logits - logits.max())
            expected += document["weights"][fold]["values"][at] * shares / shares.sum()
        assert read.predictions.probabilities[row] == pytest.approx(expected, abs=1e-9)


def test_every_wrong_film_and_as_many_right_ones_as_were_asked_for_are_scored(out):
    read = record.load(out)
    wrong = read.predictions.predicted != read.predictions.truth
    with (out / "consistency.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    scored = {row["image_id"] for row in rows if row["scored"] == "yes"}
    ids = np.array(read.predictions.image_ids)
    assert set(ids[wrong]) <= scored
    assert len(scored) == wrong.sum() + min(6, (~wrong).sum())
    maps = heatmap.load(out / "heatmaps.npz")
    assert len(maps) == 3 * len(rows)
    assert {one.source for one in maps} == {*read.members, "ours"}


def test_the_page_shows_every_members_map_and_the_ensembles(out):
    page = (out / "report.html").read_text()
    read = record.load(out)
    assert "ensemble.json" in page
    for name in (*read.members, "ours"):
        assert f'alt="Heatmap of {name} over' in page
    links = re.findall(r'href="((?:tables|figures)/[^"]+)"', page)
    assert links
    assert all((out / link).is_file() for link in links)
    assert "Share of heat on the spine" in page
    assert "cannot be said" in page or "AUC" in page


def test_changed_predictions_are_refused(out, tmp_path):
    for name in ("ensemble.json", "predictions.csv"):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    (tmp_path / "predictions.csv").write_text("image_id\n")
    with pytest.raises(SpondylError, match="changed since"):
        record.load(tmp_path)
    (tmp_path / "ensemble.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(SpondylError, match="not in the form of schema 1"):
        record.load(tmp_path)


def test_a_member_that_its_judges_steered_cannot_weigh_and_is_named_on_the_page(place, tmp_path):
    with pytest.raises(SpondylError, match="protocol paper"):
        whole.ensemble([f"{place}/run"], tmp_path / "tune", "tune", n_films=0, device="cpu")
    assert not (tmp_path / "tune").exists()
    lines = whole.ensemble([f"{place}/run"], tmp_path / "equal", n_films=0, device="cpu")
    assert "too good" in lines[0]
    assert "too good" in (tmp_path / "equal" / "report.html").read_text()
    assert record.load(tmp_path / "equal").document["maps"] is None


def test_the_command_says_what_the_page_says_and_overwrites_nothing(place, out, tmp_path):
    app = typer.Typer()
    app.command()(command)
    runner = CliRunner()
    words = [f"{place}/run:{SOLVED}", f"{place}/run:{TRAINED}", "--films", "0", "--device", "cpu"]
    said = runner.invoke(app, [*words, "--out", str(tmp_path / "made")])
    assert said.exit_code == 0
    assert "Soft vote of 2 (equal weights): " in said.output
    assert "report: " in said.output
    again = runner.invoke(app, [*words, "--out", str(out)])
    assert isinstance(again.exception, SpondylError)


def test_masks_without_maps_and_unknown_methods_are_refused_before_any_work(place, tmp_path):
    words = [f"{place}/run:{SOLVED}", f"{place}/run:{TRAINED}"]
    with pytest.raises(SpondylError, match="no maps to place"):
        whole.ensemble(words, tmp_path / "out", n_films=0, masks=place, device="cpu")
    with pytest.raises(SpondylError, match="not known"):
        whole.ensemble(words, tmp_path / "out", method="grad-kam", device="cpu")
    with pytest.raises(SpondylError, match="less than none"):
        whole.ensemble(words, tmp_path / "out", n_films=-1, device="cpu")
