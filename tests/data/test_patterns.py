"""Words for files: names first, patterns only where nothing is called so."""

from pathlib import Path

import pytest

from spondyl.data.patterns import matching
from spondyl.errors import SpondylError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.dcm", "a.dcm", "a.png", "deep/c.dcm", "odd[1].dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "stands_for"),
    [
        (["a.png"], ["a.png"]),
        (["?.dcm"], ["a.dcm", "b.dcm"]),
        (["**/c.dcm"], ["deep/c.dcm"]),
        (["odd[1].dcm"], ["odd[1].dcm"]),
        (["b.dcm", "a.*"], ["b.dcm", "a.dcm", "a.png"]),
        (["gone.dcm"], ["gone.dcm"]),
        (["deep"], ["deep"]),
    ],
)
def test_a_word_is_a_name_first_and_a_pattern_else(words, stands_for):
    assert matching(words) == [Path(one) for one in stands_for]


@pytest.mark.usefixtures("folder")
def test_a_pattern_that_nothing_matches_is_refused():
    with pytest.raises(SpondylError, match="nothing is called so"):
        matching(["*.tiff"])
