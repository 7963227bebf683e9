"""Stores on both databases, for every test that names `where`."""

import pytest

from spondyl.review.store import open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """Address of an empty database, of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "reviews.db")
    return request.getfixturevalue("server").emptied()


@pytest.fixture
def store(where):
    opened = open_store(where)
    yield opened
    opened.close()
