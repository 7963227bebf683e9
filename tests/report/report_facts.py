"""An invented study in no folder, for what a run knows of itself."""

from pathlib import Path

from spondyl.data import splits
from spondyl.data.cohort import Cohort
from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.radiograph import FileFacts, Radiograph
from spondyl.learn.spec import parse_spec
from spondyl.learn.study import Study


def invented_study(**changes) -> Study:
    """Thirty films, ten of each label, the first two of one group; a third state no age."""
    films = tuple(_film(i) for i in range(30))
    cohort = Cohort(Path("films"), SPINE_LABELS, films)
    spec = {"networks": ["resnet50", "vgg16"], "strategies": ["probe", "scratch"], "folds": 3}
    facts = {
        "began": "2026-11-23T01:30:00+00:00",
        "command": "spondyl study run study.toml --cohort films",
        "versions": {"python": "3.11", "spondyl": "0.1.0"},
        "hardware": {"cpu": "a processor", "cores": 2, "gpu": "none"},
    }
    return Study(
        folder=Path("study"),
        spec=parse_spec(spec | changes, "here"),
        cohort=cohort,
        duplicates=(DuplicateGroup((films[0].image_id, films[1].image_id), ()),),
        splits=splits.draw(cohort, 3, 0),
        files={},
        not_run={},
        facts=facts,
        spines={},
    )


def _film(i: int) -> Radiograph:
    label = SPINE_LABELS.names[i // 10]
    file = FileFacts("JPEG", 10, 5, "L", 100, None, f"{i:064x}")
    age = float(i + 10) if i >= 10 else None
    group = "g0" if i < 2 else f"g{i}"
    return Radiograph(f"{label}/{i:02}.jpg", Path(f"{i:02}.jpg"), label, group, file, age_years=age)
