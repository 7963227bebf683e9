"""A bundle as a web page: what is in the folder, and what is refused before any work."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import study_of_phantoms
from command_line import spondyl

from spondyl.data import pixels
from spondyl.errors import SpondylError
from spondyl.reading.exporting import page
from spondyl.reading.exporting.session import Session


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return study_of_phantoms.made_in(tmp_path_factory.mktemp("made"), n_films=60)


@pytest.fixture
def packed(tmp_path):
    """A folder that looks like npm's package, its programs empty."""
    folder = tmp_path / "package"
    (folder / "dist").mkdir(parents=True)
    for name in page.RUNTIME_FILES:
        (folder / "dist" / name).write_text(f"// {name}")
    stated = {"name": page.PACKAGE, "version": "1.2.3", "license": "MIT"}
    (folder / "package.json").write_text(json.dumps(stated))
    return folder


def test_a_folder_has_all_that_its_page_asks_for_and_says_what_it_is(made, packed, tmp_path):
    out = tmp_path / "page"
    found = page.export_page(made.of_folds, out, runtime=page.Runtime.found(packed / "dist"))
    assert found.path == out
    asked = {"index.html", "reader.onnx", "about.json", "ramp.png"}
    for path in (*out.glob("*.html"), *out.glob("*.js")):
        text = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'(?:src|href)="(?!data:)([^"]+)"', text))
        asked |= {name.removeprefix("./") for name in re.findall(r'from "([^"]+)"', text)}
    asked |= {f"runtime/{name}" for name in (*page.RUNTIME_FILES, "LICENSE", "package.json")}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there == asked
    said = json.loads((out / "about.json").read_text())
    assert said["bundle_id"] == made.of_folds.bundle_id
    assert said["intended_use"] == made.of_folds.intended_use
    assert said["runtime"]["version"] == "1.2.3"
    assert said["graph"]["n_bytes"] == (out / "reader.onnx").stat().st_size
    assert Session.open(out / "reader.onnx").about == found.about


def test_the_policy_lets_a_page_reach_its_own_server_alone():
    text = page._own_file("index.html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "connect-src": "'self'",
        "img-src": "blob: data:",
        "style-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "<script>" not in text
    assert "style=" not in text
    assert not any("://" in page._own_file(name) for name in page.PAGE_FILES)


@pytest.mark.parametrize("name", page.RUNTIME_FILES)
def test_a_runtime_that_lacks_a_file_is_refused_and_how_to_fetch_it_is_said(packed, name):
    (packed / "dist" / name).unlink()
    with pytest.raises(SpondylError, match=f"no {re.escape(name)} in it") as refused:
        page.Runtime.found(packed / "dist")
    assert f"npm pack onnxruntime-web@{page.TRIED}" in refused.value.hint


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"name": "another"}, "is not of onnxruntime-web"),
        ([], "is not of onnxruntime-web"),
        ({"name": page.PACKAGE, "license": "other"}, "does not say that it is MIT"),
    ],
)
def test_another_package_is_refused(packed, stated, why):
    (packed / "package.json").write_text(json.dumps(stated))
    with pytest.raises(SpondylError, match=why):
        page.Runtime.found(packed)
    (packed / "package.json").write_text("{")
    with pytest.raises(SpondylError, match="cannot be read"):
        page.Runtime.found(packed)


def test_a_licence_that_the_package_brings_is_copied_and_else_its_text_is_ours(packed, tmp_path):
    page.Runtime.found(packed).copy(tmp_path / "first")
    assert "Permission is hereby granted" in (tmp_path / "first" / "LICENSE").read_text()
    (packed / "LICENSE").write_text("theirs")
    page.Runtime.found(packed).copy(tmp_path / "second")
    assert (tmp_path / "second" / "LICENSE").read_text() == "theirs"


def test_the_command_says_what_a_page_needs_before_any_work(made, packed, tmp_path, capfd):
    words = ["export", made.of_folds.folder, "--out", tmp_path / "out"]
    assert spondyl([*words, "--format", "page"]) == 2
    assert "no --runtime is given" in capfd.readouterr().err
    assert spondyl([*words, "--format", "page", "--runtime", tmp_path]) == 2
    assert "npm pack" in capfd.readouterr().err
    assert spondyl([*words, "--runtime", packed]) == 2
    assert "an ONNX file has none in it" in capfd.readouterr().err
    assert spondyl([*words[:-1], packed, "--format", "page", "--runtime", packed]) == 2
    assert "is there already" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_networks_that_are_shown_films_by_their_spine_are_refused(made, packed, tmp_path):
    cropping = replace(made.of_folds.preprocessing, crop="spine")
    bundle = replace(made.of_folds, preprocessing=cropping)
    with pytest.raises(SpondylError, match="a page has no mask"):
        page.export_page(bundle, tmp_path / "out", runtime=page.Runtime.found(packed))
    assert not (tmp_path / "out").exists()


def test_the_ramp_holds_every_grey_in_order(tmp_path):
    (tmp_path / "ramp.png").write_bytes(page.ramp())
    greys = pixels.read(tmp_path / "ramp.png").grey
    assert np.array_equal(np.rint(255 * greys).ravel(), np.arange(256))
