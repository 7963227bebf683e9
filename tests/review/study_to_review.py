"""A finished study of drawn films and two tiny configurations, for surveys of its heatmaps."""

from __future__ import annotations

from pathlib import Path

from spondyl.data.phantom import drawing, output
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec
from spondyl.learn.study import Study

CONTENT = {
    **{"networks": ["test_resnet:layer2"], "strategies": ["random-features", "scratch"]},
    **{"folds": 2, "epochs": 1, "size": [48, 32], "fit": "letterbox", "batch_size": 8},
    **{"find_duplicates": False, "heatmaps": "none"},
}
SIZE = (90, 60)


def made_in(folder: Path) -> Study:
    """Films in folder/drawn/films, their regions beside them, the study in folder/run."""
    films = output.save(folder / "drawn", drawing.cohort(36, 0, size=SIZE)) / "films"
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), films, folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return study
