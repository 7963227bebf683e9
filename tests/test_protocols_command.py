"""Tasks, schemes and repeats as a user types them: run, status, report, bundle, and again."""

import csv
import json

import pytest
from command_line import spondyl

from spondyl.data.phantom import drawing, output
from spondyl.learn import study as studies
from spondyl.reading import opening

BOTH = "scoliosis + spondylolisthesis"
SPEC = """
networks = ["test_resnet:layer2", "test_resnet:layer1"]
strategies = ["random-features"]
size = [32, 32]
find_duplicates = false
heatmaps = "none"
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of class folders with twelve films of each label."""
    folder = tmp_path_factory.mktemp("drawn") / "cohort"
    return output.save(folder, drawing.cohort(36, 0, size=(64, 48))) / "films"


def ran(folder, cohort, more):
    """The folder of a study that was run by the command line."""
    (folder / "study.toml").write_text(SPEC + more)
    words = ["study", "run", folder / "study.toml", "--cohort", cohort, "--out", folder / "run"]
    words += ["--device", "cpu", "--cache", folder / "cache"]
    assert spondyl(words) == 0
    return folder / "run"


PAIR = """
labels = ["normal", "spondylolisthesis"]
other_labels = ["scoliosis"]
folds = 2
repeats = 2
"""


@pytest.fixture(scope="module")
def pair(drawn, tmp_path_factory):
    return ran(tmp_path_factory.mktemp("pair"), drawn, PAIR)


@pytest.fixture(scope="module")
def several(drawn, tmp_path_factory):
    """A hold-out of a manifest with films that have both findings, and two that have a rare
    three."""
    films = sorted(drawn.rglob("*.png"))
    labels = ["normal"] * 9 + ["scoliosis"] * 9 + ["spond"] * 8 + ["scol;spond"] * 8
    labels += ["scol;spond;kyphosis"] * 2
    lines = [
        f"{film.relative_to(drawn.parent)},{label}"
        for film, label in zip(films, labels, strict=True)
    ]
    manifest = drawn.parent / "several.csv"
    manifest.write_text("\n".join(["path,label", *lines]))
    more = f"""
labels = ["normal", "scoliosis", "spondylolisthesis", "{BOTH}"]
other_labels = ["{BOTH} + kyphosis"]
scheme = "hold-out"
test_share = 0.4
repeats = 3
"""
    return ran(tmp_path_factory.mktemp("several"), manifest, more)


def document(run):
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_report_says_what_was_left_out_and_over_how_many_draws_it_speaks(pair):
    page = (pair / "report.html").read_text(encoding="utf-8")
    assert "Left out, since the task is about other labels: scoliosis 12." in page
    assert "Most often right over 2 draws of the folds" in page
    assert "divided 2 times, and everything is learned anew" in page
    (splits,) = {study.splits.sha256 for study in [studies.load(pair)]}
    assert splits in page


def test_the_result_table_and_metrics_json_have_mean_spread_and_interval_over_draws(pair):
    first, second = document(pair)["configurations"]
    for one in (first, second):
        accuracy = one["over_draws"]["scores"]["accuracy"]
        assert len(accuracy["of_draws"]) == 2
        assert accuracy["of_draws"][0] == pytest.approx(one["accuracy"])
        assert accuracy["mean"] == pytest.approx(sum(accuracy["of_draws"]) / 2)
        assert one["n"] == 24
        assert "findings" not in one
    table = rows_of(pair / "tables" / "scores-over-draws.csv")
    assert {row["configuration"] for row in table} == {
        "test_resnet:layer2 · random-features · nested",
        "test_resnet:layer1 · random-features · nested",
    }
    shown = f"{100 * first['over_draws']['scores']['accuracy']['mean']:.1f} ±"
    assert table[0]["mean ± SD of draws"].startswith(shown)
    assert len(rows_of(pair / "tables" / "comparisons-over-draws.csv")) == 1


def test_the_csv_of_predictions_tells_the_draws_apart(pair):
    rows = rows_of(pair / "predictions.csv")
    assert len(rows) == 2 * 2 * 24
    assert {(row["draw"], row["fold"]) for row in rows} == {
        ("0", "0"),
        ("0", "1"),
        ("1", "2"),
        ("1", "3"),
    }


def test_status_report_and_a_second_run_find_the_study_as_it_is(pair, drawn, capsys):
    before = (pair / "metrics.json").read_bytes()
    assert spondyl(["study", "status", pair]) == 0
    assert "4 of 4 folds finished" in capsys.readouterr().out
    assert spondyl(["study", "report", pair, "--device", "cpu"]) == 0
    assert (pair / "metrics.json").read_bytes() == before
    ran(pair.parent, drawn, PAIR)
    assert "accuracy" in capsys.readouterr().out
    assert (pair / "metrics.json").read_bytes() == before


@pytest.mark.parametrize(("which", "n_networks"), [("pair", 2), ("several", 1)])
def test_a_bundle_is_of_the_first_draw_s_networks(which, n_networks, request, tmp_path):
    run = request.getfixturevalue(which)
    words = [
        "study",
        "bundle",
        run,
        "--network",
        "test_resnet:layer2",
        "--out",
        tmp_path / "bundle",
    ]
    assert spondyl(words) == 0
    bundle = opening.load(tmp_path / "bundle")
    assert bundle.folds == tuple(range(n_networks))
    assert bundle.labels.names == studies.load(run).cohort.labels.names
    assert ("one with a plus is a combination" in bundle.card) == (which == "several")


def test_each_finding_has_its_own_figures_where_films_have_several(several):
    for one in document(several)["configurations"]:
        assert one["labels"] == ["normal", "scoliosis", "spondylolisthesis", BOTH]
        assert [found["finding"] for found in one["findings"]["scores"]] == [
            "scoliosis",
            "spondylolisthesis",
        ]
        assert one["findings"]["exact_match"]["value"] == pytest.approx(one["accuracy"])
        assert one["n"] == 3 + 3 + 3 + 3
        scoliosis = one["findings"]["scores"][0]
        assert (scoliosis["n"], scoliosis["labels"]) == (6, ["scoliosis", BOTH])
    assert len(rows_of(several / "tables" / "scores-by-finding.csv")) == 4
    assert len(rows_of(several / "tables" / "scores-of-combinations.csv")) == 2


def test_a_combination_too_rare_to_learn_is_left_out_by_name_and_counted(several):
    page = (several / "report.html").read_text(encoding="utf-8")
    assert f"other labels: {BOTH} + kyphosis 2." in page
    assert "label powerset" in page
    assert "Hold-out of at most 40" in page
    assert "Pooled over folds (" not in page  # one fold is no spread of folds


def test_a_combination_too_rare_for_the_folds_is_refused_with_its_count(several, drawn, capsys):
    spec = several.parent / "refused.toml"
    every = f'["normal", "scoliosis", "spondylolisthesis", "{BOTH}", "{BOTH} + kyphosis"]'
    spec.write_text(f"{SPEC}\nlabels = {every}\nfolds = 5\n")
    out = several.parent / "refused"
    words = ["study", "run", spec, "--cohort", drawn.parent / "several.csv", "--out", out]
    assert spondyl([*words, "--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert f"{BOTH} + kyphosis: its films are of 2 groups, fewer than 5 folds" in said
    assert not out.exists()
