"""Who may answer: a pseudonym, and a secret that is shown once and kept as its hash.

A token is 256 random bits, so there is nothing to guess and no dictionary to try, and one SHA-256
is as good as a slow hash, which only defends what people think up. Whoever reads the database
learns no token. The price is that a lost link cannot be looked up: it is made anew, which ends the
old one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from spondyl.errors import SpondylError

_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a reader is sent."""

    survey_id: str
    reader: str
    """Pseudonym."""
    token: str
    """Known nowhere else."""

    def __repr__(self) -> str:  # so that no log has a token
        return f"Invitation({self.survey_id!r}, {self.reader!r}, token=…)"


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader as the store knows them."""

    survey_id: str
    reader: str
    created: str
    """UTC, ISO 8601, as `revoked`."""
    revoked: str | None


def new_token() -> str:
    """43 letters, digits, hyphens and underscores: 256 bits of the system's randomness."""
    return secrets.token_urlsafe(_BYTES)


def sha256_of_token(token: str) -> str | None:
    """What is kept of `token`; None where no token can be so."""
    if not _TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def refuse_unless_pseudonym(name: str) -> None:
    """Raises `SpondylError` unless `name` is short and plain enough for a table."""
    if not _PSEUDONYM.fullmatch(name) or name != name.strip():
        raise SpondylError(
            f"reader {name!r}: is no pseudonym",
            "Up to 40 letters, digits, spaces, hyphens and underscores: reader-1. Not a name.",
        )
