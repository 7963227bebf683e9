"""Drawn films and real ones, for every room's tests."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from postgres import server  # noqa: F401  (a fixture)

# A busy machine is no finding, and what runs unattended asks the same examples every time.
settings.register_profile("spondyl", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("spondyl")

# Every worker, and every process that a test starts, would compile torch and a thousand other
# modules anew where the environment says that none may keep what it compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Read by torch, NumPy and huggingface_hub when they are imported, so they have to be set before
# that. Networks so small lose more to threads that wait for each other than they gain, and two
# workers with two threads each are too many for two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_CACHE"] = tempfile.mkdtemp(prefix="spondyl-no-hub-")

SHARED = Path(os.environ.get("SPONDYL_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real films and weights; tests that need it are skipped where it is not
    there."""
    if not (SHARED / "data" / "kauh").is_dir():
        pytest.skip(f"no real films: {SHARED}/data/kauh is not there (set SPONDYL_SHARED)")
    return SHARED


@pytest.fixture(autouse=True)
def home_away_from_home(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's own caches."""
    away = tmp_path_factory.getbasetemp() / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(away / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(away / "torch"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A test that asks for the browser is one of the browser's."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser():
    """Chromium, as a person would use it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed, so no page can be looked at or printed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()
