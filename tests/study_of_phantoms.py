"""A finished study of drawn films and a tiny network, and bundles of it, for tests of readings."""

from dataclasses import dataclass
from pathlib import Path

from spondyl.data.phantom import drawing, output
from spondyl.learn import conduct
from spondyl.learn import study as studies
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import parse_spec
from spondyl.learn.study import Study
from spondyl.reading import assembling, refitting
from spondyl.reading.bundle import Bundle
from spondyl.reading.storing import Terms

NETWORK = "test_resnet:layer2"
CONFIGURATION = Configuration(NETWORK, "random-features", "nested")
CONTENT = {
    **{"networks": [NETWORK], "strategies": ["random-features"], "folds": 2},
    **{"size": [32, 32], "find_duplicates": False, "heatmaps": "none"},
}
TERMS = Terms(alpha=0.3)
"""So weak a network rules nothing out at the usual rate."""


@dataclass(frozen=True)
class Made:
    """The study's folder and two bundles of it."""

    run: Path
    films: Path
    of_folds: Bundle
    of_one: Bundle
    """Its network has a detector: 45 films were kept aside."""

    @property
    def study(self) -> Study:
        return studies.load(self.run)


def card(bundle: Bundle) -> str:
    return f"# {bundle.configuration}\n"


def made_in(folder: Path, n_films: int = 90) -> Made:
    """Everything, in a few seconds."""
    films = output.save(folder / "drawn", drawing.cohort(n_films, 0, size=(64, 48))) / "films"
    run = folder / "run"
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), films, run, {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    folds = assembling.assemble(run, CONFIGURATION, folder / "folds", card, TERMS)
    one = refitting.refit(run, CONFIGURATION, folder / "one", card, TERMS, aside=0.5, device="cpu")
    return Made(run, films, folds, one)
