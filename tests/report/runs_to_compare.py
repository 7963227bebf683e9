"""Studies of drawn films and a tiny network, for tests of comparisons."""

from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec

NETWORK = "test_resnet:layer2"
CONTENT = {
    **{"networks": [NETWORK], "strategies": ["random-features", "scratch"], "folds": 2},
    **{"size": [32, 32], "epochs": 1, "heatmaps": "none", "find_duplicates": False},
    "protocols": ["nested", "paper"],
}
"""Three rows: a solved strategy is not offered under the paper's protocol."""
SMALLER = {**CONTENT, "strategies": ["random-features"], "protocols": ["nested"], "size": [40, 40]}
"""Another configuration of the same name, on the same splits."""


def made(folder, name, films, content):
    """The folder of a finished study of `films`."""
    study = conduct.begin(parse_spec(content, "a test's spec"), films, folder / name, {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return folder / name
