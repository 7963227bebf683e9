"""The data audit: what is planted is named by its check, what is missing is not run."""

import json
import shutil

import pytest
from command_line import spondyl

from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.trust.data_audit import audit as data_audit

SIZE = (96, 72)


def saved(folder, shortcut=None, n=60, seed=0):
    films = drawing.cohort(n, seed, size=SIZE, size_jitter=0.1, shortcut=shortcut)
    return output.save(folder, films)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("audit") / "clean")


def audited(path, **changes):
    return data_audit.audit(path, **{"n_folds": 3, "n_shuffles": 199} | changes)


def status(audit):
    return {check.name: check.status for check in audit.checks}


def test_clean_films_raise_no_alarm_and_what_nobody_stated_is_not_run(clean):
    found = audited(clean / "films")
    assert status(found) == {
        "file-facts": "pass",
        "frame": "pass",
        "age-sex": "not run",
        "view": "not run",
        "site": "not run",
        "copies": "pass",
    }
    assert all(check.value is None for check in found.checks if check.status == "not run")


@pytest.mark.parametrize(
    ("shortcut", "name", "number"), [("aspect", "file-facts", "aspect"), ("border", "frame", "")]
)
def test_a_planted_shortcut_is_named_by_its_check(tmp_path, shortcut, name, number):
    found = audited(saved(tmp_path / shortcut, shortcut) / "films")
    check = next(check for check in found.checks if check.name == name)
    assert check.status == "fail"
    assert check.p_value <= 0.05
    assert number in check.said
    assert found.probes[0].majority < check.value


def test_probes_of_anatomy_s_context_raise_no_alarm_however_well_they_do(clean):
    found = audited(clean / "films")
    context = {one.name for one in found.probes if one.kind == "context"}
    assert {"thumbnail-4", "thumbnail-8", "thumbnail-16", "histogram"} == context
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


def test_copies_are_told_and_share_a_fold(clean, tmp_path):
    shutil.copytree(clean / "films", tmp_path / "films")
    first = sorted((tmp_path / "films" / "normal").iterdir())[0]
    shutil.copy(first, first.with_name("again.png"))
    found = audited(tmp_path / "films")
    check = next(check for check in found.checks if check.name == "copies")
    assert (check.status, check.value) == ("warn", 2)
    for one in found.probes:
        if one.folds == "grouped":
            fold = dict(zip(one.predictions.image_ids, one.predictions.folds, strict=True))
            assert fold["normal/again.png"] == fold[f"normal/{first.name}"]


def test_the_same_seed_gives_the_same_audit(clean):
    first, again = (audited(clean / "films").as_dict() for _ in range(2))
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


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
