"""The whole of `study run`: what lies in its folder, and that it can be told again."""

import csv
import json
import re

import numpy as np
import pytest
from huggingface_hub import constants

from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.spec import parse_spec
from spondyl.report import whole

CONTENT = {
    "title": "A study of thirty drawn films",
    "networks": ["test_resnet:layer2"],
    "strategies": ["random-features", "scratch", "probe"],
    **{"folds": 2, "epochs": 2, "size": [32, 32], "batch_size": 8, "gallery_films": 1},
    "published": "ahmad2026",
}
REQUIRED = {
    *("network", "strategy", "protocol", "weights", "n", "groups", "accuracy", "macro_f1"),
    *("confusion", "folds"),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "cohort"
    return output.save(folder, drawing.cohort(30, 0, size=(64, 48))) / "films"


@pytest.fixture(scope="module")
def reported(films, tmp_path_factory):
    """A study of two configurations that ran and one whose weights are not here."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        return whole.study_and_report(
            parse_spec(CONTENT, "a test's spec"),
            *(films, folder / "run", {}),
            cache=folder / "cache",
            device="cpu",
            command="spondyl study run a-test.toml",
            skip_missing_weights=True,
        )


@pytest.fixture(scope="module")
def folder(reported):
    return reported.study.folder


@pytest.fixture(scope="module")
def document(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def rows_of(folder):
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_metrics_have_a_version_the_configurations_and_the_published_figures(document):
    assert {"schema_version", "configurations", "published"} <= set(document)
    assert [row["strategy"] for row in document["configurations"]] == CONTENT["strategies"]
    for row in document["configurations"]:
        assert set(row) >= REQUIRED
    assert document["published"]


def test_metrics_are_those_of_the_predictions_counted_by_hand(document, folder):
    for row in document["configurations"][:2]:
        own = [p for p in rows_of(folder) if p["strategy"] == row["strategy"]]
        pairs = [(p["truth"], p["predicted"]) for p in own]
        confusion = [[pairs.count((t, p)) for p in SPINE_LABELS.names] for t in SPINE_LABELS.names]
        assert row["confusion"] == confusion
        assert row["n"] == len(own) == 30
        assert row["groups"] == len({p["group_id"] for p in own})
        assert row["accuracy"] == pytest.approx(np.trace(confusion) / 30)
        f1 = [
            2 * confusion[i][i] / max(1, sum(confusion[i]) + sum(line[i] for line in confusion))
            for i in range(3)
        ]
        assert row["macro_f1"] == pytest.approx(np.mean(f1))
        assert sum(fold["n"] for fold in row["folds"]) == 30


def test_what_was_not_run_has_a_reason_and_no_figures(document, reported):
    probe = document["configurations"][2]
    assert "neither given nor in the library's cache" in probe["not_run"]
    assert probe["accuracy"] is probe["confusion"] is probe["weights"] is None
    assert any("probe" in line and "not run" in line for line in reported.lines)


def test_there_is_one_file_of_metrics_in_a_run(folder):
    assert [path.name for path in folder.rglob("metrics*.json")] == ["metrics.json"]


def test_predictions_hold_every_film_once_for_each_configuration_that_ran(folder, reported):
    rows = rows_of(folder)
    ids = [film.image_id for film in reported.study.cohort.radiographs]
    for strategy in ("random-features", "scratch"):
        assert [row["image_id"] for row in rows if row["strategy"] == strategy] == ids
    assert len(rows) == 2 * len(ids)


def test_the_report_opens_without_anything_from_elsewhere(reported):
    page = reported.page.read_text(encoding="utf-8")
    addresses = re.findall(r"""(?:src|href|action|srcset)\s*=\s*["']([^"']*)["']""", page)
    assert addresses
    for address in addresses:
        assert address.startswith(("#", "data:", "figures/", "tables/"))
        if address.startswith(("figures/", "tables/")):
            assert (reported.page.parent / address).is_file()
    assert "@import" not in page
    assert "<script" not in page


def test_the_report_shows_films_figures_command_and_what_was_not_run(reported):
    page = reported.page.read_text(encoding="utf-8")
    assert CONTENT["title"] in page
    assert "spondyl study run a-test.toml" in page
    assert "data:image/" in page
    assert "not run" in page


def test_lines_name_every_configuration_and_the_page(reported):
    said = list(reported.lines)
    assert said[-1] == f"report: {reported.page}"
    for line, outcome in zip(said, reported.outcomes, strict=False):
        assert line.startswith(str(outcome.configuration))


def test_reporting_again_gives_the_same_figures_and_the_same_predictions(folder):
    names = ("metrics.json", "predictions.csv")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    again = whole.report_again(folder, "cpu")
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert again.page == folder / "report.html"


def test_an_unfinished_study_is_not_reported(films, tmp_path):
    spec = parse_spec({**CONTENT, "strategies": ["scratch"]}, "a test's spec")
    conduct.begin(spec, films, tmp_path / "run", {})
    with pytest.raises(SpondylError, match="2 trials are not finished"):
        whole.report_again(tmp_path / "run", "cpu")


def test_published_figures_that_nobody_knows_are_refused_before_any_work(films, tmp_path):
    spec = parse_spec({**CONTENT, "published": "nobody1999"}, "a test's spec")
    with pytest.raises(SpondylError, match="nobody1999"):
        whole.study_and_report(spec, films, tmp_path / "run", {}, device="cpu")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_known_is_refused_before_any_work(films, tmp_path):
    with pytest.raises(SpondylError, match="device 'tpu'"):
        whole.study_and_report(
            parse_spec(CONTENT, "a test's spec"), films, tmp_path / "run", {}, device="tpu"
        )
    assert list(tmp_path.iterdir()) == []
