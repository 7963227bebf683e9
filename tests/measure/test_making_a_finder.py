"""A finder is made from drawn films and from a landmark set that the test writes, at a tiny
size."""

import csv

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from spondyl.data.phantom.drawing import draw
from spondyl.errors import SpondylError
from spondyl.measure import conduct, finder, landmark_set, training
from spondyl.measure.cobb import three_angles
from spondyl.measure.spec import FinderSpec, read

TINY = {"size": (64, 32), "phantoms": 16, "phantoms_per_epoch": 16, "epochs": 2, "batch_size": 8}


@pytest.fixture(autouse=True)
def _few_judges(monkeypatch):
    monkeypatch.setattr(conduct, "JUDGING_PHANTOMS", 2)


@pytest.fixture(scope="module")
def landmarked(tmp_path_factory):
    """Eight drawn films of six studies, laid out as the AASCE challenge did."""
    folder = tmp_path_factory.mktemp("set")
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    names, angles = [], []
    for i in range(8):
        study, picture = (i, "A") if i < 6 else (0, "BC"[i - 6])
        name = f"centre-1th-01-Jan-2020-{study} {picture} AP.jpg"
        drawn = draw(5, "scoliosis", size=(300, 150), index=i, field="whole")
        Image.fromarray(drawn.image).save(folder / "images" / name, quality=95)
        points = drawn.regions.landmarks[:, ::-1]
        scipy.io.savemat(folder / "labels" / f"{name}.mat", {"p2": points})
        names.append([name])
        corners = drawn.regions.landmarks.reshape(-1, 4, 2).astype(float)
        angles.append(three_angles(corners, 300))
    for file, rows in (("filenames.csv", names), ("angles.csv", angles)):
        with (folder / "labels" / file).open("w", newline="") as text:
            csv.writer(text).writerows(rows)
    return folder


class TestLandmarkSet:
    def test_films_are_read_with_corners_as_row_and_column(self, landmarked):
        films = landmark_set.read(landmarked)
        assert len(films) == 8
        drawn = draw(5, "scoliosis", size=(300, 150), index=0, field="whole")
        first = next(film for film in films if film.study == "0" and " A " in film.name)
        assert np.allclose(first.corners.reshape(-1, 2), drawn.regions.landmarks, atol=1e-4)
        assert first.true_angles == pytest.approx(three_angles(first.corners, 300))

    def test_the_pictures_of_one_study_are_never_torn_apart(self, landmarked):
        films = landmark_set.read(landmarked)
        for seed in range(8):
            parts = landmark_set.parted(films, 0.2, 0.3, seed)
            studies = [{film.study for film in part} for part in parts]
            assert not studies[0] & studies[1]
            assert not studies[0] & studies[2]
            assert not studies[1] & studies[2]
            assert sum(map(len, parts)) == 8

    @pytest.mark.parametrize(
        ("name", "study"),
        [
            ("sunhl-1th-28-Jan-2017-262 C AP.jpg", "262"),
            ("sunhl-1th-20-Jul-2016-coronal10.jpg", "10"),
            ("anything.png", "anything.png"),
        ],
    )
    def test_the_study_number_is_read_off_the_name(self, name, study):
        assert landmark_set.study_of(name) == study

    def test_every_unusable_film_is_named_at_once(self, landmarked, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "labels").mkdir()
        for i, points in enumerate([np.zeros((5, 2)), np.full((68, 2), np.nan), None]):
            name = f"x-{i} A AP.jpg"
            Image.new("L", (40, 80), 7).save(tmp_path / "images" / name)
            if points is not None:
                scipy.io.savemat(tmp_path / "labels" / f"{name}.mat", {"p2": points})
        (tmp_path / "images" / "x-3 A AP.jpg").write_bytes(b"")
        (tmp_path / "labels" / "x-3 A AP.jpg.mat").write_bytes(b"not a mat file")
        with pytest.raises(SpondylError) as refused:
            landmark_set.read(tmp_path)
        assert len(refused.value.problems) == 4

    def test_a_folder_without_films_is_refused(self, tmp_path):
        with pytest.raises(SpondylError, match="no films"):
            landmark_set.read(tmp_path)


def test_a_finder_is_trained_on_drawn_films_and_knows_it(tmp_path):
    made = conduct.train(FinderSpec(**TINY), None, tmp_path / "finder")
    assert made.about.trained_on == "16 drawn films alone"
    assert made.about.interval_scale is None  # nothing was kept to choose it
    assert made.about.judged["phantoms"]["n_films"] == 2
    assert len(made.about.judged["loss"]) == 2
    assert finder.load(tmp_path / "finder").sha256 == made.sha256
    assert not (tmp_path / "finder.training").exists()


def test_a_finder_from_a_landmark_set_says_whose_licence_binds_it(tmp_path, landmarked):
    spec = FinderSpec(**TINY, films="landmark set", tune=0.2, test=0.3)
    made = conduct.train(spec, landmarked, tmp_path / "finder")
    assert "licence" in made.about.trained_on
    assert made.about.judged["landmark set"]["n_studies"] == 2


def test_a_training_that_was_killed_ends_in_the_very_same_weights(tmp_path, monkeypatch):
    spec = FinderSpec(**TINY | {"epochs": 3}, precision="32-true")
    whole = conduct.train(spec, None, tmp_path / "whole")
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)

    class KilledError(Exception):
        pass

    def killed(items, doing, total=None):
        for i, item in enumerate(items):
            if doing == "training a spine finder" and i == 2:
                raise KilledError
            yield item

    with pytest.raises(KilledError):
        conduct.train(spec, None, tmp_path / "cut", track=killed)
    assert not (tmp_path / "cut").exists()
    assert (tmp_path / "cut.training" / "checkpoint.pt").is_file()
    resumed = conduct.train(spec, None, tmp_path / "cut")
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_an_unfinished_training_is_not_gone_on_with_under_another_spec(tmp_path):
    desk = tmp_path / "finder.training"
    parts = conduct._parts(FinderSpec(**TINY), None)
    conduct._bind(desk, FinderSpec(**TINY), parts)
    with pytest.raises(SpondylError, match="another spec"):
        conduct.train(FinderSpec(**TINY, seed=4), None, tmp_path / "finder")


def test_a_finder_that_is_there_is_never_overwritten(tmp_path):
    (tmp_path / "finder").write_text("mine")
    with pytest.raises(SpondylError, match="there already"):
        conduct.train(FinderSpec(**TINY), None, tmp_path / "finder")


def test_a_spec_that_needs_a_landmark_set_is_refused_without_one(tmp_path):
    with pytest.raises(SpondylError, match="landmark set"):
        conduct.train(FinderSpec(films="landmark set"), None, tmp_path / "finder")


def test_training_leaves_the_global_random_state_alone(tmp_path):
    torch.manual_seed(9)
    before = torch.get_rng_state()
    conduct.train(FinderSpec(**TINY), None, tmp_path / "finder")
    assert torch.equal(before, torch.get_rng_state())


def test_the_interval_factor_is_the_conformal_quantile(landmarked, monkeypatch):
    films = list(landmark_set.read(landmarked)) * 3
    true = films[0].true_angles[0]
    errors = iter(np.random.default_rng(0).permutation(len(films)) + 1.0)

    class Found:
        refusal = None
        corners = films[0].corners
        image_size = (300, 150)

    monkeypatch.setattr(conduct, "find", lambda grey, by: Found)
    monkeypatch.setattr(conduct, "spread_degrees", lambda found, film: np.array([1.0]))
    monkeypatch.setattr(conduct.cobb, "three_angles", lambda corners, height: (true, 0, 0))
    off = property(lambda film: (true + next(errors), 0, 0))
    monkeypatch.setattr(landmark_set.LandmarkedFilm, "true_angles", off)
    found = conduct.interval_scale(films, None, 0.9)
    assert found == pytest.approx(np.ceil(0.9 * 25))  # the 23rd of 24 scores 1 … 24


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", "Did you mean epochs"),
        ("epochs = 0", "epochs"),
        ("size = [100, 32]", "size"),
        ("films = 3", "films"),
        ("epochs = ", "not valid TOML"),
    ],
)
def test_a_spec_with_a_fault_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(SpondylError) as refused:
        read(path)
    assert said in f"{refused.value.message} {refused.value.hint} " + " ".join(
        f"{p} {p.hint}" for p in refused.value.problems
    )


@pytest.mark.parametrize("name", ["spine-phantoms", "spine-aasce"])
def test_the_specs_that_come_along_can_be_read(name):
    from pathlib import Path

    assert read(Path(__file__).parents[2] / "spec" / f"{name}.toml").epochs > 1
