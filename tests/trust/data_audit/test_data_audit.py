"""The data audit: what is planted is named by its check, what is missing is not run."""

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from command_line import spondyl

from spondyl.data import cohort as cohorts
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.learn import networks
from spondyl.trust.data_audit import audit as data_audit
from spondyl.trust.data_audit import features, remedies
from spondyl.trust.data_audit.panel import Plan
from spondyl.trust.data_audit.probes import MASK_ROWS, mask_shape

SIZE = (192, 120)
ARTEFACTS = ("border", "markers", "text", "drawn-lines", "joins")


def saved(folder, shortcut=None, n=60, seed=0):
    films = drawing.cohort(n, seed, size=SIZE, size_jitter=0.1, shortcut=shortcut)
    return output.save(folder, films)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("audit") / "clean")


def plan(**changes):
    return Plan(**{"n_folds": 3, "n_shuffles": 199} | changes)


def audited(path, **changes):
    """The audit of films among which no copies are looked for, which takes most of the time."""
    return data_audit.audited(cohorts.read(path), (), plan(**changes))


@pytest.fixture(scope="module")
def of_clean(clean):
    """What is found in clean films of which nothing more is known."""
    return audited(clean / "films")


def status(audit):
    return {check.name: check.status for check in audit.checks}


def test_clean_films_raise_no_alarm_and_what_nobody_stated_is_not_run(of_clean):
    found = of_clean
    assert status(found) == {
        "file-facts": "pass",
        "frame": "pass",
        **dict.fromkeys(("age-sex", "view", "site", "tint", "frame-features"), "not run"),
        **{name: one for name, one in status(found).items() if name in ARTEFACTS},
        "copies": "pass",
        "labels": status(found)["labels"],
    }
    assert not {one for name, one in status(found).items() if name in ARTEFACTS} & {"fail", "warn"}
    assert all(check.value is None for check in found.checks if check.status == "not run")


@pytest.mark.parametrize(
    ("shortcut", "name", "number"),
    [
        ("aspect", "file-facts", "aspect"),
        ("border", "border", "border"),
        ("tint", "tint", "tint"),
        ("marker", "markers", "marker"),
        ("text", "text", "text"),
    ],
)
@pytest.mark.slow
def test_a_planted_shortcut_is_named_by_its_check(tmp_path, shortcut, name, number):
    found = audited(saved(tmp_path / shortcut, shortcut) / "films")
    check = next(check for check in found.checks if check.name == name)
    assert check.status == "fail"
    assert check.p_value <= 0.05
    assert number in check.said
    assert found.probes[0].majority < check.value


def test_probes_of_anatomy_s_context_raise_no_alarm_however_well_they_do(of_clean):
    found = of_clean
    context = {one.name for one in found.probes if one.kind == "context"}
    assert {"thumbnail-4", "thumbnail-8", "thumbnail-16", "histogram"} == context
    asked = {one.name: one.why for one in found.not_asked}
    assert "no spine masks" in asked["spine-hidden"]
    assert "no spine masks" in asked["mask-shape"]
    assert "weights" in asked["whole-features"]
    assert not context & {check.name for check in found.checks}


def test_stated_ages_that_go_with_the_label_are_an_alarm(clean, tmp_path):
    lines = (clean / "manifest.csv").read_text().splitlines()
    shutil.copytree(clean / "films", tmp_path / "films")
    header = lines[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    for place, row in enumerate(rows):
        row["age"] = str({"normal": 30, "scoliosis": 14}.get(row["label"], 60) + place % 9)
    text = "\n".join([lines[0], *(",".join(row.values()) for row in rows)])
    (tmp_path / "manifest.csv").write_text(text)
    found = status(audited(tmp_path / "manifest.csv"))
    assert found["age-sex"] == "fail"
    assert found["view"] == "pass"  # all are frontal


@pytest.mark.slow
def test_copies_are_told_and_share_a_fold(clean, tmp_path):
    shutil.copytree(clean / "films", tmp_path / "films")
    first = sorted((tmp_path / "films" / "normal").iterdir())[0]
    shutil.copy(first, first.with_name("again.png"))
    found = data_audit.audit(tmp_path / "films", plan=plan())
    check = next(check for check in found.checks if check.name == "copies")
    assert (check.status, check.value) == ("warn", 2)
    for one in found.probes:
        if one.folds == "grouped":
            fold = dict(zip(one.predictions.image_ids, one.predictions.folds, strict=True))
            assert fold["normal/again.png"] == fold[f"normal/{first.name}"]


def test_probes_of_spines_stand_on_the_films_that_have_a_mask(clean, tmp_path):
    shutil.copytree(clean / "regions", tmp_path / "regions")
    for path in sorted((tmp_path / "regions" / "normal").iterdir())[:6]:  # of three films
        path.unlink()
    found = audited(clean / "films", regions=tmp_path / "regions")
    n = {one.name: len(one.predictions) for one in found.probes}
    assert n["frame"] == 60
    assert n["spine-hidden"] == n["mask-shape"] == 57
    assert found.probed("mask-shape", "grouped").kind == "context"
    assert found.probed("mask-shape", "grouped").null.p_value < 0.05  # a curve is in its mask


def test_a_mask_s_shape_tells_sway_and_width_and_neither_place_nor_size():
    mask = np.zeros((80, 60), bool)
    for row in range(10, 70):
        middle = 20 + round(5 * np.sin(row / 10))
        mask[row, middle - 3 : middle + 4] = True
    shape = mask_shape(mask)
    assert shape.shape == (2 * MASK_ROWS,)
    assert np.allclose(shape, mask_shape(np.roll(mask, 17, axis=1)))
    assert np.allclose(shape, mask_shape(np.roll(mask, 9, axis=0)))
    assert np.allclose(shape, mask_shape(np.kron(mask, np.ones((2, 2), bool))), atol=0.01)
    assert np.ptp(shape[:MASK_ROWS]) == pytest.approx(10 / 60, abs=0.01)


def test_frozen_features_are_asked_of_the_film_and_of_its_parts(clean, tmp_path):
    network = networks.build("test_resnet:layer1", 3, seed=1)
    file = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(network.body.state_dict(), file)
    body = features.body({"test_resnet:layer1": file}, torch.device("cpu"))
    found = audited(clean / "films", body=body)
    kinds = {one.name: one.kind for one in found.probes if one.name.endswith("features")}
    assert kinds == {
        "whole-features": "context",
        "frame-features": "not-anatomy",
        "centre-hidden-features": "context",
        "centre-only-features": "context",
    }
    assert "frame-features" in status(found)


def test_the_audit_asks_one_network_and_says_so_of_none_and_of_two(tmp_path):
    for files in ({}, {"resnet18": tmp_path, "resnet50": tmp_path}):
        with pytest.raises(SpondylError, match="asks one frozen network"):
            features.body(files, torch.device("cpu"))


@pytest.mark.slow
def test_a_remedy_is_measured_on_the_same_films_in_the_same_folds(tmp_path):
    films = saved(tmp_path / "tinted", "tint") / "films"
    found = audited(films, remedies=remedies.named(["grey", "letterbox"]))
    grey, letterbox = found.remedied
    assert {one.name for one in grey.before} >= {"tint", "frame", "thumbnail-8"}
    assert "tint" not in {one.name for one in grey.after}  # nothing of it is left
    assert "file-facts" not in {one.name for one in grey.before}  # no remedy changes files
    for one in (*grey.after, *letterbox.after):
        assert (one.predictions.folds == found.probed("frame", "grouped").predictions.folds).all()
    before = {one.name: one.accuracy for one in letterbox.before}
    assert before["tint"] == found.probed("tint", "grouped").accuracy
    assert {one.name: one.accuracy for one in letterbox.after}["tint"] == before["tint"]
    assert "nothing of the kind is left" in " ".join(found.lines())


def test_a_crop_to_the_spine_is_measured_on_films_with_a_mask_before_and_after(clean):
    crop = remedies.named(["spine-crop"])
    found = audited(clean / "films", regions=clean / "regions", remedies=crop).remedied[0]
    assert found.n_films == 60
    assert {len(one.predictions) for one in (*found.before, *found.after)} == {60}
    with pytest.raises(SpondylError, match="needs spine masks"):
        audited(clean / "films", remedies=crop)


def test_all_remedies_have_names_and_others_are_refused():
    assert {one.name for one in remedies.named(["all"])} == set(remedies.REMEDIES)
    with pytest.raises(SpondylError, match="'gray': unknown"):
        remedies.named(["gray"])


def test_a_view_that_a_finder_saw_counts_where_nobody_stated_one(clean):
    image_ids = [film.image_id for film in cohorts.read(clean / "films").radiographs]
    views = {i: "lateral" if i.startswith("spondylolisthesis") else "frontal" for i in image_ids}
    found = audited(clean / "films", views=views)
    assert status(found)["view"] == "fail"
    check = next(check for check in found.checks if check.name == "view")
    by_label = {row[0]: row[1:] for row in check.evidence[0].rows}
    assert by_label == {"frontal": ("20", "20", "0"), "lateral": ("0", "0", "20")}


@pytest.mark.slow
def test_films_under_a_wrong_label_are_worth_a_look(tmp_path):
    films = saved(tmp_path / "drawn", "aspect", n=90) / "films"
    for name in ("0000", "0003"):
        (wrong,) = films.glob(f"*/{name}.png")
        target = "scoliosis" if wrong.parent.name != "scoliosis" else "normal"
        wrong.rename(films / target / f"{name}.png")
    found = audited(films)
    (check,) = (check for check in found.checks if check.name == "labels")
    assert check.status == "warn"
    assert all(one.given != one.suggested for one in found.suspicions.suspects)


def test_the_same_seed_gives_the_same_audit(clean, of_clean):
    first, again = (found.as_dict() for found in (of_clean, audited(clean / "films")))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


@pytest.mark.slow
def test_the_json_holds_every_probe_under_both_ways_of_folding(clean, capsys):
    assert spondyl(["audit", "data", clean / "films", "--folds", 3, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = document["probes"]
    assert {(row["name"], row["folds"]) for row in rows} >= {
        (name, folds)
        for name in ("file-facts", "frame", "thumbnail-4", "thumbnail-8", "thumbnail-16")
        for folds in ("plain", "grouped")
    }
    for row in rows:
        assert row["kind"] in ("not-anatomy", "context")
        assert row["interval"]["low"] <= row["accuracy"] <= row["interval"]["high"]
        assert row["null"]["n_shuffles"] == 999


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"n_folds": 1}, "nothing to probe"), ({"n_folds": 50}, "fewer than 50 folds")],
)
def test_what_cannot_be_folded_is_refused(clean, changes, said):
    with pytest.raises(SpondylError, match=said):
        audited(clean / "films", **changes)
