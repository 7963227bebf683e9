"""A study of films cropped to their spines, through the whole line: trained, explained, reported,
gone on with, bundled, and asked about new films. Every map comes back to the whole film."""

import json
import shutil

import numpy as np
import pytest
from command_line import spondyl
from PIL import Image

from spondyl.data import pixels, regions
from spondyl.data.phantom import drawing, output
from spondyl.data.placement import Window
from spondyl.explain import gallery, heatmap
from spondyl.files import read_json
from spondyl.reading import opening

SPEC = """
networks = ["test_resnet:layer2"]
strategies = ["scratch", "random-features"]
folds = 2
epochs = 1
size = [48, 32]
fit = "letterbox"
batch_size = 8
find_duplicates = false
heatmaps = "all"
gallery_films = 1
gallery_wrong = 2
crop = "spine"
crop_margin = 0.05
without_mask = "leave out"
"""
GONE = "spondylolisthesis/0001.png"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A spec, films with masks of all but one (drawn), new ones (new), a finished study (run)."""
    folder = tmp_path_factory.mktemp("cropped")
    output.save(folder / "drawn", drawing.cohort(30, 0, size=(72, 80)))
    output.save(folder / "new", drawing.cohort(3, 7, size=(90, 70)))
    (folder / "drawn" / "regions" / GONE).with_suffix(".json").unlink()
    (folder / "study.toml").write_text(SPEC)
    assert spondyl(run_words(folder)) == 0
    return folder


def run_words(folder):
    drawn = folder / "drawn"
    words = ["study", "run", folder / "study.toml", "--cohort", drawn / "films"]
    words += ["--regions", drawn / "regions", "--out", folder / "run"]
    return [*words, "--cache", folder / "cache", "--device", "cpu"]


@pytest.fixture(scope="module")
def bundle(home):
    words = ["study", "bundle", home / "run", "--strategy", "scratch", "--out", home / "bundle"]
    assert spondyl(words) == 0
    return home / "bundle"


@pytest.fixture
def told(bundle, tmp_path, capsys):
    """A function that explains films and gives the code, the folder, the JSON and stderr."""

    def call(*words):
        out = tmp_path / "out"
        capsys.readouterr()
        code = spondyl(["explain", *words, "--bundle", bundle, "--out", out, "--json"])
        printed = capsys.readouterr()
        return code, out, json.loads(printed.out) if printed.out else None, printed.err

    return call


def cropped(marked, margin=0.05):
    """The window that is shown of a film with these regions, from the definition."""
    rows, columns = np.nonzero(marked.spine_mask)
    top, left = rows.min(), columns.min()
    bottom, right = rows.max() + 1, columns.max() + 1
    by = round(margin * max(bottom - top, right - left))
    height, width = marked.image_size
    return Window(
        max(0, top - by), max(0, left - by), min(height, bottom + by), min(width, right + by)
    )


def test_it_says_how_many_films_of_each_class_it_left_out(home):
    expected = {"normal": 0, "scoliosis": 0, "spondylolisthesis": 1}
    about = read_json(home / "run" / "study.json")["facts"]["regions"]
    metrics = read_json(home / "run" / "metrics.json")
    assert about["left_out"] == metrics["facts"]["regions"]["left_out"] == expected
    assert {row["n"] for row in metrics["configurations"]} == {29}
    page = (home / "run" / "report.html").read_text(encoding="utf-8")
    of = sum(1 for _ in (home / "drawn" / "films" / "spondylolisthesis").iterdir())
    said = f"scoliosis 0 of {of}, spondylolisthesis 1 of {of}"
    assert said in page
    assert "made the masks: phantom" in page
    assert "cropped to the box round its spine mask, with 5\u00a0% of" in page
    assert GONE not in (home / "run" / "predictions.csv").read_text()


def test_every_film_has_a_map_and_none_of_it_lies_beyond_the_crop(home):
    from spondyl.learn import study as studies

    study = studies.load(home / "run")
    shown = 0
    for configuration in study.spec.configurations:
        maps = heatmap.load(gallery.path(study.folder, configuration))
        assert {one.image_id for one in maps} == {f.image_id for f in study.cohort.radiographs}
        for one in maps:
            marked = regions.load(home / "drawn" / "regions", one.image_id)
            spine = study.spines[one.image_id]
            placement = study.spec.preprocessing.placement(marked.image_size, spine)
            assert placement.window == cropped(marked)
            heat = placement.on_image(one.values)
            assert heat.shape == marked.image_size
            beyond = np.ones(marked.image_size, bool)
            beyond[placement.window.slices] = False
            assert (heat[beyond] == 0).all()
            shown += bool(heat.max() > 0)
    assert shown


def test_going_on_changes_nothing_and_other_masks_are_refused(home, tmp_path, capsys):
    before = (home / "run" / "predictions.csv").read_bytes()
    assert spondyl(run_words(home)) == 0
    assert (home / "run" / "predictions.csv").read_bytes() == before
    other = shutil.copytree(home / "drawn" / "regions", tmp_path / "regions")
    min((other / "normal").glob("*.json")).unlink()
    words = run_words(home)
    words[words.index("--regions") + 1] = other
    capsys.readouterr()
    assert spondyl(words) == 2
    assert "the spine masks differ" in capsys.readouterr().err


def test_it_is_reported_again_without_its_masks(home, tmp_path):
    copy = shutil.copytree(home / "run", tmp_path / "run")
    before = (copy / "metrics.json").read_bytes()
    regions_folder = home / "drawn" / "regions"
    away = regions_folder.rename(home / "drawn" / "away")
    try:
        assert spondyl(["study", "report", copy, "--device", "cpu"]) == 0
    finally:
        away.rename(regions_folder)
    assert (copy / "metrics.json").read_bytes() == before


def test_its_maps_are_scored_within_what_was_shown(home, tmp_path):
    copy = shutil.copytree(home / "run", tmp_path / "run")
    masks = home / "drawn" / "regions"
    words = ["study", "explain", copy, "--films", 4, "--masks", masks, "--device", "cpu"]
    assert spondyl(words) == 0
    from spondyl.explain.study import record
    from spondyl.learn import study as studies

    explained = record.load(copy, studies.load(copy).spec.configurations[0])
    chances = explained.table.by_film("energy-chance", "grad-cam")
    assert chances
    for image_id, chance in chances.items():
        marked = regions.load(masks, image_id)
        window = cropped(marked)
        height, width = window.size
        assert chance == pytest.approx(marked.spine_mask.sum() / (height * width))


def test_a_bundle_keeps_what_is_shown_of_a_film(bundle):
    preprocessing = opening.load(bundle).preprocessing
    assert (preprocessing.crop, preprocessing.crop_margin) == ("spine", 0.05)


def test_a_new_film_is_cropped_by_its_mask_and_its_map_is_on_the_whole_film(told, home):
    folder = home / "new" / "films"
    code, out, found, _ = told(folder, "--regions", home / "new" / "regions")
    assert code == 0
    films = sorted(folder.rglob("*.png"))
    assert len(found["films"]) == len(films) == 3
    for film, said in zip(films, found["films"], strict=True):
        image_id = film.relative_to(folder).as_posix()
        window = cropped(regions.load(home / "new" / "regions", image_id))
        assert Window(**said["placement"]["window"]) == window
        (about,) = said["heatmaps"]
        with Image.open(out / about["files"]["on_film"]) as tiff:
            heat = np.asarray(tiff)
        assert heat.shape == pixels.read(film).size
        beyond = np.ones(heat.shape, bool)
        beyond[window.slices] = False
        assert (heat[beyond] == 0).all()


def test_films_of_the_study_meet_the_very_pictures_they_met_there(told, home):
    folder = home / "drawn" / "films"
    code, _, found, stderr = told(folder, "--regions", home / "drawn" / "regions")
    assert code == 1
    rows = (home / "run" / "predictions.csv").read_text().splitlines()
    header = rows[0].split(",")
    table = [dict(zip(header, row.split(","), strict=True)) for row in rows[1:]]
    stated = {row["image_id"]: row for row in table if row["strategy"] == "scratch"}
    films = [path for path in sorted(folder.rglob("*.png")) if path != folder / GONE]
    assert len(found["films"]) == len(films) == len(stated)
    for film, said in zip(films, found["films"], strict=True):
        row = stated[film.relative_to(folder).as_posix()]
        assert said["predicted"] == row["predicted"]
        for label, probability in said["probabilities"].items():
            assert probability == pytest.approx(float(row[f"probability_{label}"]), abs=1e-4)
    assert f"failed: {folder / GONE}: no spine mask in" in stderr


def test_a_film_without_a_mask_is_refused_in_a_line_and_stops_no_other(told, home, tmp_path):
    masks = shutil.copytree(home / "new" / "regions", tmp_path / "masks")
    gone = min(masks.rglob("*.json"))
    gone.unlink()
    folder = home / "new" / "films"
    code, _, found, stderr = told(folder, "--regions", masks)
    assert code == 1
    assert len(found["films"]) == 2
    (failed,) = [line for line in stderr.splitlines() if line.startswith("failed:")]
    name = gone.relative_to(masks).with_suffix(".png")
    assert f"{folder / name}: no spine mask in {masks} under the name {name}" in failed


def test_a_mask_of_another_size_is_refused(told, home, tmp_path):
    film = min((home / "new" / "films").rglob("*.png"))
    mask = np.ones((9, 9), bool)
    regions.save(tmp_path / "masks", film.name, regions.Regions((9, 9), "us", spine_mask=mask))
    code, out, found, stderr = told(film, "--regions", tmp_path / "masks")
    assert (code, found["films"]) == (1, [])
    assert "its spine mask has 9 × 9 pixels" in stderr
    assert not out.exists()


def test_without_regions_nothing_is_shown_at_all(told, home):
    code, out, _, stderr = told(home / "new" / "films")
    assert code == 2
    assert "shown films by their spine masks, and none are given" in stderr
    assert "--regions" in stderr
    assert not out.exists()
