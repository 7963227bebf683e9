"""Where surveys, readers and answers are kept, so that no answer that was confirmed is ever lost.

`add` returns after the commit and not before; what it returned is on the disk. An answer carries an
identifier of its sender's choice, so one that is sent again after a lost connection is found and
confirmed once more, and another one under the same identifier is refused. The store keeps what it
is given: whether an answer may be given now is asked of `course` first, which `taking` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from spondyl.errors import SpondylError
from spondyl.review.database import connect, reading, writing
from spondyl.review.folder import SurveyFolder, survey_of
from spondyl.review.invitations import (
    Invitation,
    Reader,
    new_token,
    refuse_unless_pseudonym,
    sha256_of_token,
)
from spondyl.review.migrating import migrate
from spondyl.review.records import Answer, Survey
from spondyl.review.schema import ANSWERS, READERS, SHOWN, SURVEYS
from spondyl.review.standing import Shown

_T = TypeVar("_T")

_FIELDS = [ANSWERS.c[name] for name in Answer.__slots__]


def utc_now() -> str:
    """Now, as every time in a store is written: ISO 8601 with microseconds, ending in +00:00."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def open_store(where: str | Path) -> Store:
    """The store at `where`, a path (SQLite) or a URL (PostgreSQL), made or migrated as needed.

    Raises `SpondylError` where there can be none, or a newer version wrote it.
    """
    engine = connect(where)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


class Store:
    """Surveys, readers and answers; may be used by any number of threads and processes at once.

    Every method may raise `StoreUnavailableError`, after which nothing of it was confirmed.
    """

    def __init__(self, engine: Engine, clock: Callable[[], str] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def close(self) -> None:
        """Gives all connections back."""
        self._engine.dispose()

    # surveys

    def keep(self, folder: SurveyFolder) -> None:
        """Keeps a survey; one that is kept already is left as it is.

        Raises `SpondylError` where another survey has its name.
        """
        survey_id = folder.survey.survey_id
        row = {
            "survey_id": survey_id,
            "sha256": folder.sha256,
            "document": folder.document,
            "added": self._clock(),
        }
        kept = self._added_once(
            lambda c: c.scalar(select(SURVEYS.c.sha256).where(SURVEYS.c.survey_id == survey_id)),
            lambda c: c.execute(insert(SURVEYS).values(row)),
        )
        if kept not in (None, folder.sha256):
            raise SpondylError(
                f"survey {survey_id}: another one of this name is kept already",
                "Answers belong to what was asked. Give the new survey a name of its own.",
            )

    def survey(self, survey_id: str) -> Survey:
        """A survey as it was made; `SpondylError` where there is none of this name."""
        return survey_of(json.loads(self._survey_row(survey_id).document), f"survey {survey_id}")

    def survey_sha256(self, survey_id: str) -> str:
        """Of all that the survey asks and shows; `SpondylError` where there is none."""
        return str(self._survey_row(survey_id).sha256)

    def _survey_row(self, survey_id: str) -> Row[Any]:
        with reading(self._engine) as connection:
            row = connection.execute(
                select(SURVEYS).where(SURVEYS.c.survey_id == survey_id)
            ).one_or_none()
        if row is None:
            raise SpondylError(f"survey {survey_id!r}: is not kept here", "Name another.")
        return row

    # readers

    def invite(self, survey_id: str, reader: str) -> Invitation:
        """Lets a new reader in, under a pseudonym; `SpondylError` where it is taken or no survey
        has this name."""
        refuse_unless_pseudonym(reader)
        self._survey_row(survey_id)
        token = new_token()
        row = {
            "survey_id": survey_id,
            "reader": reader,
            "token_sha256": sha256_of_token(token),
            "created": self._clock(),
        }
        there = self._added_once(
            lambda c: c.scalar(select(READERS.c.reader).where(_is_reader(survey_id, reader))),
            lambda c: c.execute(insert(READERS).values(row)),
        )
        if there is not None:
            raise SpondylError(
                f"reader {reader!r}: is invited already", "Take another pseudonym, or renew."
            )
        return Invitation(survey_id, reader, token)

    def renew(self, survey_id: str, reader: str) -> Invitation:
        """A new link for a reader who lost theirs, or was revoked; the old one ends.

        Raises `SpondylError` where there is no such reader.
        """
        token = new_token()
        self._change(survey_id, reader, {"token_sha256": sha256_of_token(token), "revoked": None})
        return Invitation(survey_id, reader, token)

    def revoke(self, survey_id: str, reader: str) -> None:
        """Lets a reader in no more; their answers stay. `SpondylError` where there is no such."""
        self._change(survey_id, reader, {"revoked": self._clock()})

    def _change(self, survey_id: str, reader: str, values: dict[str, str | None]) -> None:
        with writing(self._engine) as connection:
            done = connection.execute(
                update(READERS).where(_is_reader(survey_id, reader)).values(values)
            )
        if done.rowcount == 0:
            raise SpondylError(f"reader {reader!r}: was never invited", "See who was.")

    def reader_of(self, token: str) -> Reader | None:
        """Whom `token` lets in; None where nobody, be it unknown or revoked."""
        sha256 = sha256_of_token(token)
        if sha256 is None:
            return None
        with reading(self._engine) as connection:
            row = connection.execute(
                _READERS.where(READERS.c.token_sha256 == sha256, READERS.c.revoked.is_(None))
            ).one_or_none()
        return None if row is None else Reader(*row)

    def readers(self, survey_id: str) -> tuple[Reader, ...]:
        """All who were invited, in the order in which they were."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                _READERS.where(READERS.c.survey_id == survey_id).order_by(
                    READERS.c.created, READERS.c.reader
                )
            )
            return tuple(Reader(*row) for row in rows)

    # answers

    def add(self, answer: Answer) -> Answer:
        """The answer as it is kept, with the time at which it first was; committed when this
        returns.

        One that was kept already is found again, whatever its `at`. Raises `SpondylError` where
        another answer has its identifier, or nobody was invited under its pseudonym.
        """
        return self.add_all([answer])[0]

    def add_all(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """As `add`, all of them in one commit, or none where one is refused."""
        try:
            return self._add_all(answers)
        except IntegrityError:  # PostgreSQL: somebody may have added one since we looked
            try:
                return self._add_all(answers)
            except IntegrityError as error:
                raise _homeless() from error

    def _add_all(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        confirmed = []
        with writing(self._engine) as connection:
            for answer in answers:
                kept = self._kept(connection, answer.answer_id)
                if kept is None:
                    connection.execute(insert(ANSWERS).values(asdict(answer)))
                elif replace(kept, at=answer.at) != answer:
                    raise SpondylError(
                        "another answer was given under this identifier", "Load the page again."
                    )
                confirmed.append(kept or answer)
        return tuple(confirmed)

    def answers(self, survey_id: str, reader: str | None = None) -> tuple[Answer, ...]:
        """All answers to a survey, or those of one reader, in the order in which they came."""
        asked = select(*_FIELDS).where(ANSWERS.c.survey_id == survey_id)
        if reader is not None:
            asked = asked.where(ANSWERS.c.reader == reader)
        with reading(self._engine) as connection:
            rows = connection.execute(asked.order_by(ANSWERS.c.number))
            return tuple(Answer(*row) for row in rows)

    def _kept(self, connection: Connection, answer_id: str) -> Answer | None:
        row = connection.execute(
            select(*_FIELDS).where(ANSWERS.c.answer_id == answer_id)
        ).one_or_none()
        return None if row is None else Answer(*row)

    # what was shown

    def show(self, survey_id: str, reader: str, item_id: str, map_id: str) -> None:
        """Notes that a heatmap is about to be handed to a reader; the first time counts."""
        at = self._clock()
        there = (SHOWN.c.survey_id == survey_id, SHOWN.c.reader == reader)
        given = (ANSWERS.c.survey_id == survey_id, ANSWERS.c.reader == reader)

        def add(connection: Connection) -> None:
            after = connection.scalar(select(func.count()).select_from(ANSWERS).where(*given)) or 0
            row = Shown(survey_id, reader, item_id, map_id, after, at)
            connection.execute(insert(SHOWN).values(asdict(row)))

        self._added_once(
            lambda c: c.scalar(select(SHOWN.c.at).where(*there, SHOWN.c.map_id == map_id)), add
        )

    def shown(self, survey_id: str, reader: str | None = None) -> tuple[Shown, ...]:
        """Which heatmaps were handed to whom, in the order in which they were."""
        asked = select(*(SHOWN.c[name] for name in Shown.__slots__)).where(
            SHOWN.c.survey_id == survey_id
        )
        if reader is not None:
            asked = asked.where(SHOWN.c.reader == reader)
        with reading(self._engine) as connection:
            rows = connection.execute(asked.order_by(SHOWN.c.at, SHOWN.c.reader, SHOWN.c.map_id))
            return tuple(Shown(*row) for row in rows)

    def _added_once(
        self, there: Callable[[Connection], _T | None], add: Callable[[Connection], object]
    ) -> _T | None:
        """What was there already; None where `add` has added it, and it is committed."""
        try:
            with writing(self._engine) as connection:
                found = there(connection)
                if found is None:
                    add(connection)
        except IntegrityError as error:  # PostgreSQL: somebody added it since we looked
            with reading(self._engine) as connection:
                found = there(connection)
            if found is None:
                raise _homeless() from error
        return found


def _homeless() -> SpondylError:
    return SpondylError(
        "it belongs to a survey or a reader that is not kept here",
        "Keep the survey and invite the reader first.",
    )


def _is_reader(survey_id: str, reader: str) -> Any:
    return (READERS.c.survey_id == survey_id) & (READERS.c.reader == reader)


_READERS = select(*(READERS.c[name] for name in Reader.__slots__))
