"""`spondyl read`: what it prints and writes is the library's reading, and names nobody unasked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import study_of_phantoms
from command_line import spondyl
from PIL import Image

from spondyl.data.phantom import drawing, output
from spondyl.reading.reading import Reader


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture
def films(tmp_path):
    """Three new films in a folder, one of which is damaged; their names name a patient."""
    folder = tmp_path / "films"
    drawn = output.save(tmp_path / "drawn", drawing.cohort(3, 9, size=(90, 60))) / "films"
    folder.mkdir()
    for number, path in enumerate(sorted(drawn.rglob("*.png"))[:2]):
        shutil.copy(path, folder / f"DOE_JANE_{number}.png")
    (folder / "DOE_JANE_2.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    return folder


@pytest.fixture
def told(made, capfd):
    """A function that reads films and gives the exit code, stdout and stderr."""

    def call(*words, bundle=None):
        command = ["read", "--bundle", bundle or made.of_folds.folder, "--device", "cpu", *words]
        code = spondyl([*command, *([] if "--measure" in words else ["--no-measure"])])
        printed = capfd.readouterr()
        return code, printed.out, printed.err

    return call


def test_json_lines_hold_what_the_library_reads(made, films, told):
    code, out, _ = told(films, "--jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    reader = Reader.of(made.of_folds, "cpu")
    for row, path in zip(rows, sorted(films.glob("*_[01].png")), strict=True):
        found = reader.read(path)
        assert row["answer"] == found.answer
        assert row["likeliest"] == found.likeliest
        assert list(row["probabilities"].values()) == pytest.approx(found.probabilities.tolist())
        assert row["bundle"]["id"] == made.of_folds.bundle_id
        assert [one["fold"] for one in row["networks"]] == [0, 1]


def test_one_bad_file_stops_no_other_and_is_listed_at_the_end(films, told):
    code, out, err = told(films, "--jsonl")
    assert code == 1
    assert len(out.splitlines()) == 2
    assert [row["film"]["name"] for row in map(json.loads, out.splitlines())] == [
        "film-1",
        "film-2",
    ]
    assert err.splitlines()[-1].startswith("failed: film-3: ")


def test_no_file_name_of_a_folder_is_told_unless_it_is_asked_for(films, told, tmp_path):
    folder = tmp_path / "out"
    _, out, err = told(films, "--jsonl", "--out", folder, "--page", "html,pdf")
    written = "".join(path.name + path.read_text("latin-1") for path in folder.iterdir())
    assert "DOE" not in out + err + written
    _, out, err = told(films, "--jsonl", "--names")
    assert "DOE_JANE_0" in out
    assert "DOE_JANE_2.png" in err


def test_of_every_film_overlay_heatmap_json_and_page_are_written(films, told, tmp_path, made):
    folder = tmp_path / "out"
    told(films, "--out", folder, "--page", "html,pdf")
    endings = {".png", ".npy", ".json", ".html", ".pdf"}
    seen = {path.name for path in folder.iterdir() if path.name[0] != "."}
    assert seen == {f"film-{n}{e}" for n in (1, 2) for e in endings}
    found = Reader.of(made.of_folds, "cpu").read(films / "DOE_JANE_0.png")
    assert np.array_equal(np.load(folder / "film-1.npy"), found.heatmap.signed)
    document = json.loads((folder / "film-1.json").read_text())
    assert document["files"]["npy"] == "film-1.npy"
    with Image.open(folder / "film-1.png") as picture:
        assert picture.mode == "RGB"


def test_text_for_a_person_begins_with_name_and_answer_or_says_that_there_is_none(films, told):
    _, out, err = told(films)
    assert out.startswith("film-1: ")
    assert "2 without an answer" in err or "answered" in err


def test_one_json_document_holds_readings_and_patients(films, told):
    (films / "DOE_JANE_2.png").unlink()
    code, out, _ = told(films, "--json", "--together", "folder")
    document = json.loads(out)
    assert code == 0
    assert len(document["readings"]) == 2
    (patient,) = document["patients"]
    assert [film["name"] for film in patient["films"]] == ["film-1", "film-2"]
    assert {bearing["label"] for bearing in patient["bearings"]} == {
        "scoliosis",
        "spondylolisthesis",
    }


def test_a_patient_s_page_lies_beside_the_films_it_names(films, told, tmp_path):
    told(films, "--together", "all", "--out", tmp_path / "out", "--page", "html")
    page = (tmp_path / "out" / "patient-1.html").read_text()
    assert '<a href="film-1.html">film-1</a>' in page
    assert "Which film bears on which disease" in page
    assert json.loads((tmp_path / "out" / "patient-1.json").read_text())["patient"] == "patient-1"


def test_a_pattern_that_the_shell_left_alone_is_looked_up(films, told):
    code, out, _ = told(f"{films}/*_0.png", "--jsonl")
    assert code == 0
    assert len(out.splitlines()) == 1


def test_a_film_that_was_named_by_hand_is_called_by_its_path_where_it_fails(films, told):
    code, _, err = told(films / "DOE_JANE_2.png")
    assert code == 1
    assert f"failed: {films / 'DOE_JANE_2.png'}: " in err


def test_dicom_of_a_film_that_is_none_is_refused_and_the_reading_is_still_told(
    films, told, tmp_path
):
    code, out, err = told(films / "DOE_JANE_0.png", "--jsonl", "--dicom-out", tmp_path / "dicom")
    assert code == 1
    assert len(out.splitlines()) == 1
    assert "names no patient and no study" in err
    assert not list(tmp_path.glob("dicom/*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "--jsonl"], "two ways to print"),
        (["--page", "html"], "--page without --out"),
        (["--out", "OUT", "--page", "docx"], "page 'docx'"),
        (["--deidentify"], "--deidentify"),
        (["--together", "name"], "'name'"),
        (["--method", "gradcam"], "'gradcam'"),
        (["--finder", "gone.finder"], "--finder and --no-measure"),
        (["--device", "tpu"], "device 'tpu'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_two_lines(films, told, tmp_path, words, said):
    code, out, err = told(films, *(tmp_path / "out" if w == "OUT" else w for w in words))
    assert code == 2
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith("error: ")
    assert said in first
    assert second.startswith("hint: ")


def test_a_folder_that_is_taken_is_refused_before_a_film_is_read(films, told, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    code, out, err = told(films, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert "is there already" in err


def test_without_any_measurement_asked_for_the_finder_is_not_run(films, told):
    _, out, _ = told(films, "--jsonl")
    row = json.loads(out.splitlines()[0])
    assert row["measurement"] is None
    assert any("no spine finder" in said for said in row["not_run"])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_films(made, tmp_path):
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("this system does not tell how much memory a process has")
    from spondyl.reading.each_film import Named
    from spondyl.report.readings.whole import Run, Wanted

    rng = np.random.default_rng(0)
    for number in range(20):
        picture = rng.integers(0, 256, (600, 400), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    films = [Named(tmp_path / f"{n % 20}.png", f"film-{n}", "") for n in range(400)]
    run = Run(films, Reader.of(made.of_folds, "cpu"), Wanted(tmp_path / "out", ("json", "npy")))
    used = [int(statm.read_text().split()[1]) * 4096 for _ in run.rows()]
    assert len(used) == 400
    assert max(used[200:]) - used[100] < 30e6
