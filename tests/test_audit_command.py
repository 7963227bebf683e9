"""The audit of a model from the command line: a study, a bundle, strangers, and what is missing."""

import json

import pytest
from command_line import spondyl

from spondyl.data.phantom import drawing, output
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import parse_spec
from spondyl.reading import assembling

NETWORK = "test_resnet:layer2"
CONTENT = {
    **{"networks": [NETWORK], "strategies": ["random-features", "scratch"], "folds": 3},
    **{"epochs": 1, "size": [32, 32], "batch_size": 8},
    **{"find_duplicates": False, "heatmaps": "none"},
}
CHECKS = {
    *("discrimination", "shortcut-share", "spine-hidden", "spine-alone", "spine-needed"),
    *("marker", "border", "text", "tint", "aspect"),
    *("heatmaps-on-spine", "heatmaps-of-learning", "heatmaps-steady", "agreement"),
    *("calibration", "raw-confidence", "sets", "sets-by-label", "abstention"),
    *("screening", "subgroups", "labels", "strangers", "other-hospital"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """drawn/ with films and regions, run/ a finished study of them, bundle/ of its networks."""
    folder = tmp_path_factory.mktemp("audit-model")
    output.save(folder / "drawn", drawing.cohort(36, 0, size=(64, 48)))
    spec = parse_spec(CONTENT, "here")
    study = conduct.begin(spec, folder / "drawn" / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    scratch = Configuration(NETWORK, "scratch", "nested")
    assembling.assemble(
        folder / "run", scratch, folder / "bundle", lambda bundle: f"# {bundle.configuration}"
    )
    return folder


def document(capsys, *words):
    assert spondyl(["audit", "model", *words, "--films", 6, "--device", "cpu", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def status(audit):
    return {check["name"]: check["status"] for check in audit["checks"]}


@pytest.mark.slow
def test_a_study_of_two_models_is_audited_and_one_is_preferred_with_reasons(home, capsys):
    out = home / "pages"
    masks = home / "drawn" / "regions"
    found = document(capsys, home / "run", "--regions", masks, "--out", out)
    first, second = found["audits"]
    assert {check["name"] for check in first["checks"]} == CHECKS
    assert {check["name"] for check in second["checks"]} == CHECKS
    assert found["preference"]["title"] in {first["title"], second["title"]}
    assert found["preference"]["why"]
    assert status(first)["tint"] == "not run"  # its networks are shown no colours
    assert status(first)["other-hospital"] == "warn"
    assert len(found["comparisons"]) == 1
    pages = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.html"))
    assert len(pages) == 3
    assert "audit.html" in pages
    (one,) = {page.split("/")[0] for page in pages if page.startswith("1-")}
    assert {path.name for path in (out / one).iterdir()} == {
        *("audit.html", "audit.json", "summary.md"),
        *("model-card.md", "claim-2024.md", "tripod-ai.md"),
    }
    card = (out / one / "model-card.md").read_text()
    assert "exclusive" in card
    assert "the authors must say" in card.lower()
    text = (out / one / "audit.html").read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "not for diagnosis" in text


def test_without_masks_what_asks_for_the_spine_is_not_run_and_says_so(home, capsys):
    found = document(capsys, home / "run", "--strategy", "random-features")
    why = {check["name"]: check["said"] for check in found["checks"]}
    for name in ("spine-hidden", "spine-alone", "spine-needed", "heatmaps-on-spine"):
        assert status(found)[name] == "not run"
        assert "mask" in why[name] or "marked" in why[name]


def test_a_bundle_before_strangers_is_an_external_test_of_all_its_networks(home, capsys, tmp_path):
    drawn = output.save(tmp_path / "drawn", drawing.cohort(24, 7, size=(64, 48)))
    found = document(capsys, home / "bundle", "--cohort", drawn / "films")
    assert not found["tested_within"]
    assert found["n_films"] == 24
    assert status(found)["other-hospital"] == "pass"
    assert status(found)["strangers"] == "not run"  # a bundle keeps no films aside
    assert status(found)["sets"] == "not run"  # one ensemble has no other folds
    (agreement,) = [check for check in found["checks"] if check["name"] == "agreement"]
    assert "had met" not in agreement["said"]


def test_a_bundle_before_its_own_films_asks_of_each_the_network_that_was_kept_from_it(home, capsys):
    found = document(capsys, home / "bundle", "--cohort", home / "drawn" / "films")
    again = document(capsys, home / "run", "--strategy", "scratch")
    assert found["tested_within"]
    ours, theirs = (one["answered"]["discrimination"]["accuracy"] for one in (found, again))
    assert ours["value"] == theirs["value"]


def test_films_of_one_label_are_answered_without_a_crash_and_without_comfort(
    home, capsys, tmp_path
):
    films = tmp_path / "films" / "normal"
    films.mkdir(parents=True)
    for path in sorted((home / "drawn" / "films" / "normal").iterdir())[:5]:
        (films / path.name).write_bytes(path.read_bytes())
    found = document(capsys, home / "bundle", "--cohort", tmp_path / "films")
    assert status(found)["discrimination"] != "pass"
    for name in ("shortcut-share", "screening", "subgroups", "calibration"):
        assert status(found)[name] in ("not run", "warn", "fail"), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["BUNDLE"], "holds no films"),
        (["RUN", "--network", "vgg16"], "no finished configuration"),
        (["DRAWN"], "not a bundle"),
    ],
)
def test_what_cannot_be_audited_is_refused_in_two_lines(home, capsys, words, said):
    names = {"BUNDLE": home / "bundle", "RUN": home / "run", "DRAWN": home / "drawn"}
    assert spondyl(["audit", "model", *(names.get(word, word) for word in words)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "hint:" in error
    assert "Traceback" not in error
