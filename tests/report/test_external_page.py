"""An external test from two folders of films to a page: what is left out, refused and shown."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from spondyl.commands import study_test
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import parse_spec
from spondyl.reading import external as reading
from spondyl.reading.auditing import Wanted
from spondyl.reading.external import Banded
from spondyl.report.external import whole, words
from spondyl.trust.external import telling_apart
from spondyl.trust.external.telling_apart import Told
from spondyl.trust.intervals import Estimate, Interval, NotRun

NETWORK = "test_resnet:layer2"
N = 12
"""Films of the other cohort that the study does not have."""
CONTENT = {
    **{"networks": [NETWORK], "strategies": ["random-features", "scratch"], "folds": 2},
    **{"size": [32, 32], "epochs": 1, "heatmaps": "none", "find_duplicates": False},
}


@pytest.fixture(scope="module", autouse=True)
def _few_shuffles():
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(telling_apart, "N_SHUFFLES", 39)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """`run` a study, `other.csv` a manifest of 14 films of two labels, two of them the study's."""
    folder = tmp_path_factory.mktemp("outside")
    drawn = output.save(folder / "drawn", drawing.cohort(36, 0, size=(64, 48)))
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), drawn / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    other = output.save(folder / "other", drawing.cohort(21, 7, size=(80, 48))) / "films"
    shutil.rmtree(other / "spondylolisthesis")
    for label in ("normal", "scoliosis"):
        for film in sorted((other / label).iterdir())[6:]:
            film.unlink()
    for at, film in enumerate(sorted((drawn / "films" / "normal").iterdir())[:2]):
        shutil.copy(film, other / "normal" / f"again-{at}.png")
    films = sorted(path for path in other.rglob("*") if path.is_file())
    rows = [["path", "label", "patient", "cobb"]]
    for at, film in enumerate(films):
        label = film.parent.name
        degrees = "" if at == 0 else f"{(12 if label == 'scoliosis' else 0) + at / 2}"
        rows.append([film.relative_to(folder).as_posix(), label, f"patient {at // 2}", degrees])
    with (folder / "other.csv").open("w", newline="") as text:
        csv.writer(text).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def out(place):
    whole.external(
        place / "run",
        place / "other.csv",
        place / "out",
        banded=Banded("cobb", (10.0, 14.0)),
        cache=place / "cache",
        device="cpu",
        command="spondyl study test …",
    )
    return place / "out"


@pytest.fixture(scope="module")
def document(out):
    return json.loads((out / "external.json").read_text(encoding="utf-8"))


def test_films_that_the_study_has_are_left_out_and_counted(document):
    assert document["other"]["n_left_out_as_copies"] == 2
    assert document["other"]["counts"] == {"normal": 6, "scoliosis": 6, "spondylolisthesis": 0}


def test_every_film_and_configuration_is_in_the_predictions(out, document):
    with (out / "predictions.csv").open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 2 * N
    assert not [row for row in rows if "again" in row["image_id"]]
    for configuration in document["configurations"]:
        strategy = configuration["configuration"]["strategy"]
        own = [row for row in rows if row["strategy"] == strategy]
        right = sum(row["truth"] == row["called"] for row in own)
        assert configuration["figures"]["changes"][0]["outside"]["value"] == right / N
        confusion = np.array(configuration["figures"]["confusion"])
        assert confusion.sum() == N
        assert np.trace(confusion) == right


def test_bands_hold_the_films_of_their_numbers(out, document):
    with (out / "predictions.csv").open(newline="") as text:
        values = [row["cobb"] for row in csv.DictReader(text)][:N]
    stated = [float(value) for value in values if value]
    n = [sum(v < 10 for v in stated), sum(10 <= v < 14 for v in stated)]
    bands = document["configurations"][0]["figures"]["by_number"]
    unstated = [N - len(stated)] if len(stated) < N else []
    assert [band["n"] for band in bands] == [*n, len(stated) - sum(n), *unstated]


def test_only_a_frozen_bodys_features_are_compared(document):
    frozen, trained = document["configurations"]
    assert frozen["features"]["distances"][0]["n_outside"] == N
    assert "trained on the study's films" in trained["features"]["not_run"]


def test_size_is_what_tells_these_cohorts_apart(document):
    told = {(one["name"], one["among"]): one for one in document["shift"]["told"]}
    assert told["file-facts", "all films"]["auc"]["value"] == 1
    facts = {one["name"]: one for one in document["shift"]["facts"]}
    assert facts["height, pixels"]["home"] == [64] * 3
    assert facts["height, pixels"]["outside"] == [80] * 3
    assert facts["height, pixels"]["larger_outside"]["value"] == 1


@pytest.mark.parametrize(
    ("p_value", "begins"),
    [(0.02, "The two cohorts are told apart best by"), (0.03, "Nothing that was asked is shown")],
)
def test_cohorts_are_told_apart_only_where_that_is_shown(p_value, begins):
    interval = Interval(0.55, 0.8, 0.95, "group bootstrap", 30, 2000, 0)
    asked = [
        Told(name, "?", telling_apart.ALL, 20, 10, 30, Estimate(auc, interval), p_value, 1.0)
        for name, auc in (("frame", 0.7), ("tint", 0.6))
    ]
    (sentence,) = words.headline(SimpleNamespace(tested=(), shift=SimpleNamespace(told=asked)))
    assert sentence.startswith(begins)
    assert "frame: AUC 0.700 (0.550–0.800)" in sentence
    assert f"p {2 * p_value:.3f}, corrected for the 2 kinds" in sentence


def test_the_page_shows_what_the_files_hold_and_names_no_film(out, document):
    page = (out / "report.html").read_text(encoding="utf-8")
    share = document["configurations"][0]["figures"]["changes"][0]["outside"]["value"]
    assert f"{100 * share:.1f} %" in page
    assert "2 films left out: the study has them" in page
    assert "No film of it is labelled spondylolisthesis" in page
    assert ".png" not in page.replace("figures/", "").split("</main>")[0].split("<figure")[0]
    for table in (out / "tables").glob("*.csv"):
        assert f'id="table-{table.stem}"' in page
    assert "again-0" not in json.dumps(document)


def test_the_study_and_its_networks_are_as_they_were(place):
    before = {p: p.stat().st_mtime_ns for p in (place / "run").rglob("*") if p.is_file()}
    reading.external(place / "run", place / "other.csv", Wanted(strategy="scratch"))
    assert {p: p.stat().st_mtime_ns for p in (place / "run").rglob("*") if p.is_file()} == before


def test_a_film_gets_the_mean_of_what_the_folds_say_of_it(place):
    """Against the networks themselves, asked about one film's array alone."""
    import torch

    from spondyl.data import pixels
    from spondyl.learn import study as studies
    from spondyl.learn import trial as trials

    found = reading.external(place / "run", place / "other.csv", Wanted(strategy="scratch"))
    study = studies.load(place / "run")
    film = found.pair.outside.radiographs[3]
    image, _ = study.spec.preprocessing.apply(pixels.read(film.path))
    shown = torch.from_numpy(image).half().float().expand(1, 3, -1, -1)
    figures = found.tested[0].figures
    shares = []
    for trial in study.trials(Configuration(NETWORK, "scratch", "nested")):
        network = trials.restore(trial, study.trials_folder, study.spec, study.files)
        with torch.inference_mode():
            logits = network(study.spec.preprocessing.normalised(shown))[0].double().numpy()
        powers = np.exp(logits / figures.temperature)
        shares.append(powers / powers.sum())
    assert np.mean(shares, axis=0) == pytest.approx(figures.table.probabilities[3], abs=1e-4)
    assert isinstance(found.tested[0].body, NotRun)


class TestRefusals:
    def test_the_studys_own_films(self, place):
        with pytest.raises(SpondylError, match="films of the study"):
            reading.external(place / "run", place / "drawn" / "films")

    def test_labels_that_are_not_the_studys(self, place, tmp_path):
        (tmp_path / "kyphosis").mkdir()
        film = next((place / "other" / "films" / "normal").iterdir())
        shutil.copy(film, tmp_path / "kyphosis" / film.name)
        with pytest.raises(SpondylError, match="kyphosis"):
            reading.external(place / "run", tmp_path)

    def test_a_film_without_a_label(self, place):
        path = place / "unlabelled.csv"
        lines = (place / "other.csv").read_text().splitlines()
        cells = lines[3].split(",")
        lines[3] = ",".join([cells[0], "", *cells[2:]])
        path.write_text("\n".join(lines))
        with pytest.raises(SpondylError, match="has no label"):
            reading.external(place / "run", path)

    def test_a_configuration_that_is_not_there(self, place):
        with pytest.raises(SpondylError, match="no finished configuration"):
            reading.external(place / "run", place / "other.csv", Wanted(network="vgg16"))

    def test_a_study_that_is_not_finished(self, place, tmp_path):
        shutil.copytree(place / "run", tmp_path / "run")
        shutil.rmtree(tmp_path / "run" / "trials")
        (tmp_path / "run" / "trials").mkdir()
        with pytest.raises(SpondylError, match="0 of 2 folds finished"):
            reading.external(tmp_path / "run", place / "other.csv")

    def test_a_column_that_is_not_there(self, place):
        with pytest.raises(SpondylError, match="no column is called 'angle'"):
            reading.external(place / "run", place / "other.csv", banded=Banded("angle", (10.0,)))

    def test_a_folder_has_no_columns(self, place):
        with pytest.raises(SpondylError, match="has no columns"):
            reading.external(
                place / "run", place / "other" / "films", banded=Banded("cobb", (10.0,))
            )

    @pytest.mark.slow
    def test_a_study_that_crops_to_spines_needs_them(self, place, tmp_path):
        content = {**CONTENT, "strategies": ["random-features"], "crop": "spine"}
        drawn = place / "drawn"
        study = conduct.begin(
            parse_spec(content, "a test's spec"),
            drawn / "films",
            tmp_path / "run",
            {},
            regions=drawn / "regions",
        )
        conduct.run(study, tmp_path / "cache", fabric_on("cpu"))
        films = place / "other" / "films"
        with pytest.raises(SpondylError, match="none are given"):
            reading.external(tmp_path / "run", films)
        regions = place / "other" / "regions"
        found = reading.external(tmp_path / "run", films, regions=regions)
        assert found.tested[0].figures.n == N


def called(*words):
    app = typer.Typer()
    app.command("test")(study_test.test)
    return CliRunner().invoke(app, [str(word) for word in words])


class TestCommand:
    def test_it_makes_the_folder_and_prints_the_record(self, place, tmp_path):
        words = ("--strategy", "random-features", "--by", "cobb", "--bands", "10,14", "--json")
        done = called(
            place / "run", "--cohort", place / "other.csv", "--out", tmp_path / "out", *words
        )
        assert done.exit_code == 0, done.output
        record = json.loads(done.stdout)
        assert record == json.loads((tmp_path / "out" / "external.json").read_text())
        assert len(record["configurations"]) == 1

    def test_a_column_needs_its_bands(self, place, tmp_path):
        words = ("--cohort", place / "other.csv", "--out", tmp_path / "out", "--by", "cobb")
        done = called(place / "run", *words)
        assert isinstance(done.exception, SpondylError)
        assert not (tmp_path / "out").exists()
