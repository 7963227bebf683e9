"""`spondyl explain` and the commands beside it: what they write is what the library says."""

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from command_line import spondyl
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.main import get_command

from spondyl import cli
from spondyl.bench import cam as cam_costs
from spondyl.data import loose_films, pixels, regions
from spondyl.data.phantom import drawing, output
from spondyl.explain import study_explaining
from spondyl.explain.explaining import explain
from spondyl.learn import conduct, networks
from spondyl.learn import study as studies
from spondyl.learn import trial as trials
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import parse_spec

LABELS = ("normal", "scoliosis", "spondylolisthesis")
CONTENT = {
    **{"networks": ["test_resnet:layer2"], "strategies": ["scratch"], "folds": 2, "epochs": 1},
    **{"size": [48, 32], "fit": "letterbox", "batch_size": 8},
    **{"find_duplicates": False, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A finished study (run) of drawn films, new films (new) and the study's bundle (bundle)."""
    folder = tmp_path_factory.mktemp("home")
    films = output.save(folder / "drawn", drawing.cohort(30, 0, size=(64, 48))) / "films"
    output.save(folder / "new", drawing.cohort(3, 7, size=(90, 50)))
    body = networks.build("test_resnet", 3, seed=1).body.state_dict()
    file = folder / "weights.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in body.items()}, file)
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), films, folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    words = ["study", "bundle", folder / "run", "--out", folder / "bundle"]
    assert spondyl(words) == 0
    return folder


@pytest.fixture
def told(home, tmp_path, capsys):
    """A function that explains films and gives the code, the folder, the JSON and stderr."""

    def call(*words):
        out = tmp_path / "out"
        command = ["explain", *words, "--bundle", home / "bundle", "--out", out]
        code = spondyl([*command, "--device", "cpu", "--json"])
        printed = capsys.readouterr()
        return code, out, json.loads(printed.out), printed.err

    return call


@pytest.fixture(scope="module")
def study(home):
    return studies.load(home / "run")


@pytest.fixture(scope="module")
def restored(study):
    """The networks of the study, fold by fold, by the study's own way."""
    return [
        trials.restore(trial, study.trials_folder, study.spec, study.files)
        for trial in study.trials(study.spec.configurations[0])
    ]


def new_films(home):
    return sorted((home / "new" / "films").rglob("*.png"))


def seen(film, spec):
    """The film as a study shows it to its networks, from the definition."""
    image, _ = spec.preprocessing.apply(pixels.read(film))
    return spec.preprocessing.normalised(torch.from_numpy(image.astype(np.float16))[None])


@pytest.mark.parametrize("fold", [0, 1])
def test_under_its_fold_a_film_has_the_probabilities_and_the_heatmap_of_the_study(
    told, study, restored, fold
):
    (outcome,) = study.outcomes()
    table = outcome.predictions.rows_of_fold(fold)
    films = [study.cohort.root / image_id for image_id in table.image_ids[:3]]
    code, out, found, _ = told(*films, "--fold", fold, "--label", "all")
    assert code == 0
    prepared = prepare(study.cohort.radiographs, study.spec.preprocessing)
    for row, film in enumerate(found["films"]):
        assert film["film"]["file"] == films[row].name
        for label, probability in zip(LABELS, table.probabilities[row], strict=True):
            assert film["probabilities"][label] == pytest.approx(probability, abs=1e-5)
        assert film["predicted"] == LABELS[table.predicted[row]]
        image = prepared.images[prepared.rows([table.image_ids[row]])]
        normalised = study.spec.preprocessing.normalised(image)
        for column, (label, about) in enumerate(zip(LABELS, film["heatmaps"], strict=True)):
            expected = explain(restored[fold], normalised, [column]).signed[0].numpy()
            assert about["label"] == label
            signed = np.load(out / about["files"]["map"])
            assert signed.dtype == np.float32
            assert np.abs(signed - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_film_of_the_study_is_answered_by_the_network_that_it_was_tested_on(told, study):
    films = study.cohort.radiographs[:6]
    code, _, found, _ = told(*(film.path for film in films))
    assert code == 0
    for film, said in zip(films, found["films"], strict=True):
        tested = [n for n, fold in enumerate(study.splits.folds) if film.image_id in fold.test]
        assert [network["fold"] for network in said["networks"]["answered"]] == tested
        assert said["networks"]["learned_from_this_film"] == [1 - tested[0]]


def test_a_new_film_has_the_mean_of_the_signed_maps_and_of_the_probabilities(
    told, home, study, restored
):
    film = new_films(home)[0]
    code, out, found, _ = told(film, "--label", "scoliosis", "--method", "grad-cam,layercam")
    assert code == 0
    (said,) = found["films"]
    assert said["networks"]["learned_from_this_film"] == []
    assert [network["fold"] for network in said["networks"]["answered"]] == [0, 1]
    image = seen(film, study.spec)
    with torch.inference_mode():
        each = [network(image)[0].double().softmax(dim=0).numpy() for network in restored]
    for column, label in enumerate(LABELS):
        mean = (each[0][column] + each[1][column]) / 2
        assert said["probabilities"][label] == pytest.approx(mean, abs=1e-6)
    assert [about["method"] for about in said["heatmaps"]] == ["grad-cam", "layercam"]
    for about in said["heatmaps"]:
        first, second = (
            explain(network, image, [1], about["method"]).signed[0].double().numpy()
            for network in restored
        )
        mean = (first + second) / 2
        assert not np.allclose(first, second, rtol=1e-2)
        signed = np.load(out / about["files"]["map"])
        assert np.allclose(signed, mean, rtol=1e-4, atol=1e-6 * np.abs(mean).max())
        assert about["peak"] == pytest.approx(max(0.0, float(signed.max())))


def test_a_fold_that_learned_from_the_film_answers_when_asked_and_it_is_said(
    home, study, tmp_path, capsys
):
    film = study.splits.folds[0].train[0]
    words = ["explain", study.cohort.root / film, "--bundle", home / "bundle", "--fold", 0]
    assert spondyl([*words, "--out", tmp_path / "out", "--device", "cpu"]) == 0
    printed = capsys.readouterr()
    assert "by fold 0; 1 of them learned from this film" in printed.out
    assert printed.err.splitlines()[0] == "explaining films (1)"


def test_each_film_has_its_maps_its_picture_and_a_json_that_is_also_printed(told, home):
    film = new_films(home)[1]
    code, out, found, _ = told(film, "--label", "all", "--method", "grad-cam,cam,recipro-cam")
    assert code == 0
    (said,) = found["films"]
    assert json.loads((out / f"{said['name']}.json").read_text()) == said
    named = {name for about in said["heatmaps"] for name in about["files"].values()}
    assert len(named) == 3 * 3 * 3
    assert {path.name for path in out.iterdir()} == named | {f"{said['name']}.json"}
    height, width = pixels.read(film).size
    for about in said["heatmaps"]:
        with Image.open(out / about["files"]["on_film"]) as tiff:
            assert tiff.mode == "F"
            on_film = np.asarray(tiff)
        assert on_film.shape == (height, width)
        assert on_film.max() <= about["peak"] * (1 + 1e-5)
        assert (on_film.min() >= 0) or not about["rectified"]
        with Image.open(out / about["files"]["overlay"]) as picture:
            beside = np.asarray(picture)
        grey = np.rint(255 * pixels.read(film).grey).astype(np.uint8)
        assert np.array_equal(beside[:height, :width, 0], grey)
        assert beside.shape[1] > 2 * width


def test_the_json_says_which_methods_are_one_picture_and_who_answered(told, home):
    code, _, found, _ = told(new_films(home)[0], "--method", "grad-cam,layercam,xgrad-cam")
    assert code == 0
    (said,) = found["films"]
    assert said["one_picture"] == [["grad-cam", "xgrad-cam"], ["layercam"]]
    made = json.loads((home / "bundle" / "bundle.json").read_text())
    assert said["bundle"]["id"] == made["bundle_id"]
    assert said["bundle"]["folds"] == [0, 1]
    assert said["placement"]["network_size"] == [48, 32]
    assert "not for diagnosis" in said["intended_use"]


@pytest.mark.parametrize("method", ["layercam", "cam"])
def test_a_page_scale_is_one_for_all_maps_and_the_strongest_reaches_it(told, home, method):
    words = [*new_films(home), "--label", "all", "--method", method]
    _, out, alone, _ = told(*words)
    maps = [
        np.load(out / about["files"]["map"])
        for film in alone["films"]
        for about in film["heatmaps"]
    ]
    shutil.rmtree(out)
    _, _, paged, _ = told(*words, "--page-scale")
    scales = {about["scale"] for film in paged["films"] for about in film["heatmaps"]}
    strongest = max(abs(value).max() if method == "cam" else value.max() for value in maps)
    assert len(scales) == 1
    assert scales.pop() == pytest.approx(float(strongest))
    own = [about["scale"] for film in alone["films"] for about in film["heatmaps"]]
    assert len(set(own)) > 1
    assert max(own) == pytest.approx(float(strongest))


def overlays(out, said):
    """The middle part of each picture: the overlay."""
    for about in said["heatmaps"]:
        with Image.open(out / about["files"]["overlay"]) as picture:
            yield np.asarray(picture)[:90, 60:110].astype(int)


def test_for_print_no_colour_is_used_and_otherwise_heat_is_coloured(told, home):
    words = [new_films(home)[0], "--method", "layercam"]
    _, out, found, _ = told(*words)
    (coloured,) = overlays(out, found["films"][0])
    shutil.rmtree(out)
    _, out, found, _ = told(*words, "--contours")
    (lined,) = overlays(out, found["films"][0])
    shutil.rmtree(out)
    _, out, found, _ = told(*words, "--print")
    (printed,) = overlays(out, found["films"][0])
    assert (printed == printed[..., :1]).all()
    for picture in (coloured, lined):
        assert (picture[..., 0] - picture[..., 2]).max() > 100
    assert not np.array_equal(coloured, lined)


def test_a_bad_film_stops_no_other_and_is_told_at_the_end(told, home, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("Dear doctor,")
    films = new_films(home)
    code, out, found, stderr = told(films[0], bad, tmp_path / "none.png", films[1])
    assert code == 1
    assert [film["film"]["file"] for film in found["films"]] == [films[0].name, films[1].name]
    assert [failure["where"] for failure in found["failures"]] == [
        str(bad),
        str(tmp_path / "none.png"),
    ]
    last, very_last = stderr.splitlines()[-2:]
    assert last.startswith(f"failed: {bad}: is not an image (")
    assert very_last.startswith(f"failed: {tmp_path / 'none.png'}: no such file (")
    assert len(list(out.glob("*.json"))) == 2


def test_where_no_film_can_be_explained_there_is_no_folder(told, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    code, out, found, _ = told(bad)
    assert code == 1
    assert found["films"] == []
    assert not out.exists()


def test_a_folder_gives_its_films_once_each_and_says_what_it_passed_over(told, home, tmp_path):
    folder = tmp_path / "given"
    (folder / "deep").mkdir(parents=True)
    first, second, _ = new_films(home)
    shutil.copy(first, folder / "deep" / "B.PNG")
    shutil.copy(second, folder / "a, b.png")
    (folder / ".hidden.png").write_text("no film")
    (folder / "notes.txt").write_text("no film")
    code, _, found, stderr = told(folder, folder / "a, b.png")
    assert code == 0
    assert [film["film"]["file"] for film in found["films"]] == ["a, b.png", "B.PNG"]
    assert stderr.splitlines()[-1] == f"passed over: {folder / 'notes.txt'}"
    assert ".hidden" not in stderr


def test_films_of_one_name_do_not_overwrite_each_other(told, home, tmp_path):
    names = ("x/film 1.png", "y/film 1.png", "film,1.png")
    for film, name in zip(new_films(home), names, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(film, tmp_path / name)
    paths = [tmp_path / name for name in names]
    code, out, found, _ = told(*paths)
    assert code == 0
    assert [film["name"] for film in found["films"]] == ["film-1", "film-1-2", "film-1-3"]
    assert len({film["film"]["sha256"] for film in found["films"]}) == 3
    assert len(list(out.iterdir())) == 3 * 4


@given(st.lists(st.text(), max_size=8))
def test_names_of_files_are_safe_and_no_two_are_alike(stems):
    names = loose_films.unique_names(stems)
    assert len(names) == len(stems) == len({name.casefold() for name in names})
    for name in names:
        assert name
        assert all(letter.isalnum() or letter in "_+-" for letter in name)
        assert len(name) < 100


class TestLabels:
    """What `--label` stands for."""

    @pytest.mark.parametrize(
        ("asked", "explained"),
        [
            ("all", list(LABELS)),
            ("spond, normal", ["spondylolisthesis", "normal"]),
            ("normal,normal", ["normal"]),
        ],
    )
    def test_names_in_any_spelling_known_or_all(self, told, home, asked, explained):
        _, _, found, _ = told(new_films(home)[0], "--label", asked)
        (said,) = found["films"]
        assert [about["label"] for about in said["heatmaps"]] == explained

    def test_the_predicted_one_by_default(self, told, home):
        _, _, found, _ = told(*new_films(home))
        for said in found["films"]:
            assert [about["label"] for about in said["heatmaps"]] == [said["predicted"]]
            assert said["predicted"] == max(LABELS, key=said["probabilities"].get)


def labelme(folder, name, size, labels=("spine",)):
    """A LabelMe file with one square for each label."""
    square = [[4, 4], [20, 4], [20, 30], [4, 30]]
    shapes = [{"label": label, "points": square, "shape_type": "polygon"} for label in labels]
    document = {"version": "5.0", "imagePath": name, "shapes": shapes, "imageData": None}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document | {"imageHeight": size[0], "imageWidth": size[1]}))
    return path


def test_annotations_become_the_regions_of_their_films(home, tmp_path, capsys):
    cohort = home / "drawn" / "films"
    films = sorted(cohort.rglob("*.png"))[:2]
    files = [labelme(tmp_path, film.name, pixels.read(film).size, ("Wirbelsäule", "rib"))
             for film in films]  # fmt: skip
    files.append(labelme(tmp_path, "stranger.png", (64, 48), ("Wirbelsäule",)))
    words = ["data", "annotations", *files, "--cohort", cohort, "--out", tmp_path / "out"]
    code = spondyl([*words, "--spine", "wirbelsäule,spine", "--ignore", "rib"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    first, last = printed.out.splitlines()
    assert first == "matched nothing: stranger.png"
    assert last.startswith("2 of 30 films marked: 2 with a spine mask, 0 with targets; 1 marks")
    for film in films:
        found = regions.load(tmp_path / "out", film.relative_to(cohort).as_posix())
        assert found.spine_mask.sum() == 16 * 26
    assert len(list((tmp_path / "out").rglob("*.json"))) == 2


def test_study_explain_hands_over_what_it_was_told(monkeypatch, capsys, tmp_path):
    calls = []
    monkeypatch.setattr(
        study_explaining, "explain_run", lambda *given: calls.append(given) or ("one", "two")
    )
    words = ["study", "explain", tmp_path, "--methods", "grad-cam, cam", "--films", 5]
    assert spondyl([*words, "--seed", 3, "--masks", tmp_path]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert spondyl([*words, "--only-place"]) == 0
    given, quick = calls
    assert given[:7] == (tmp_path, ["grad-cam", "cam"], 5, 3, tmp_path, "all", "auto")
    assert quick[:7] == (tmp_path, ["grad-cam", "cam"], 5, 0, None, "place", "auto")


def test_bench_cam_measures_what_it_was_told_and_the_usual_otherwise(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(cam_costs, "rows", lambda *given, track: calls.append(given) or ())
    words = ["bench", "cam", "--network", "vgg16", "--method", "grad-cam,layercam", "--rounds", 2]
    assert spondyl([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert spondyl(["bench", "cam"]) == 0
    assert calls == [
        (["vgg16"], ["grad-cam", "layercam"], 2),
        (cam_costs.NETWORKS, cam_costs.METHODS, cam_costs.ROUNDS),
    ]


def commands(group, words=()):
    """Every command below a group, with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_and_every_option_says_what_it_is():
    found = dict(commands(get_command(cli.app)))
    assert {"explain", "study bundle", "study explain", "bench cam", "data annotations"} < set(
        found
    )
    for name, command in found.items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name}: {parameter.name}"
