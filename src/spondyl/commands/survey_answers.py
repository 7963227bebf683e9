"""A survey and the database that its answers are in, which must be its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spondyl.errors import SpondylError

if TYPE_CHECKING:
    from spondyl.review.folder import SurveyFolder
    from spondyl.review.store import Store


@contextmanager
def opened_with_answers(survey: Path, database: str) -> Iterator[tuple[SurveyFolder, Store]]:
    """The survey in a folder and the store that keeps it, closed at the end; `SpondylError` where
    there is no store, or it keeps the survey not, or another one under its name."""
    from spondyl.review import folder, store

    found = folder.load(survey)
    if "://" not in database and not Path(database).is_file():
        raise SpondylError(
            f"{database}: there is no database", "Name the one given to `spondyl review open`."
        )
    opened = store.open_store(database)
    try:
        if opened.survey_sha256(found.survey.survey_id) != found.sha256:
            raise SpondylError(
                f"{survey}: another survey of this name is in the database",
                "Give the folder with which it was opened.",
            )
        yield found, opened
    finally:
        opened.close()
