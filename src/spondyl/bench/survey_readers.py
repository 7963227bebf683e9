"""Readers of a survey who are programs: they fetch what a browser fetches, answer, and take time.

All of them are threads of one process beside the server, so what they measure includes what this
costs the machine; a server alone on it is quicker, never slower.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

Kind = Literal["page", "picture", "answer"]
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How readers go about it."""

    name: str
    begins: float
    """Seconds within which all have begun, each at a moment of its own."""
    thinks: tuple[float, float]
    """Seconds before each answer: at least, at most."""


THINKING = Manner("thinking", 3.0, (1.0, 3.0))
"""Quicker than any person is."""
BURST = Manner("burst", 0.0, (0.0, 0.0))
"""All at the same moment, and each again at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered."""

    kind: Kind
    milliseconds: float


@dataclass(slots=True, eq=False)
class SurveyReader:
    """One who answers as `manner` says."""

    address: str
    """Of the server, as it says it."""
    token: str
    manner: Manner
    seed: int = 0
    asked: list[Asked] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    """Identifiers of answers that the server said it kept."""

    def answer(self, n_pages: int) -> None:
        """The next `n_pages` pages, all that is required on each; `RuntimeError` where one is
        refused, `OSError` where the server cannot be reached."""
        chance = random.Random(self.seed)
        time.sleep(chance.uniform(0, self.manner.begins))
        server = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=_WAIT_SECONDS)
        for _ in range(n_pages):
            found = self._ask(server, "page", f"/api/review/{self.token}/step")
            at = json.loads(found)["step"]
            for url in filter(None, (at["film_url"], at["map_url"])):
                self._ask(server, "picture", url)
            for question in (one for one in at["questions"] if one["required"]):
                time.sleep(chance.uniform(*self.manner.thinks))
                sent = said(at, question)
                self._ask(server, "answer", f"/api/review/{self.token}/answers", sent)
                self.confirmed.append(sent["answer_id"])
        server.close()

    def _ask(
        self,
        server: http.client.HTTPConnection,
        kind: Kind,
        path: str,
        sent: dict[str, Any] | None = None,
    ) -> bytes:
        body = None if sent is None else json.dumps(sent)
        headers = {} if sent is None else {"X-Spondyl": "1", "Content-Type": "application/json"}
        begun = time.perf_counter()
        server.request("GET" if sent is None else "POST", path, body, headers)
        answer = server.getresponse()
        content = answer.read()
        self.asked.append(Asked(kind, 1000 * (time.perf_counter() - begun)))
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {answer.status} {content!r}")
        return content


def said(at: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """An answer to a question of the step `at`, the first that is offered."""
    return {
        "answer_id": uuid.uuid4().hex,
        "item_id": at["item_id"],
        "map_id": at["map_id"],
        "question": question["key"],
        "value": question["options"][0] if question["options"] else "yes",
        "seconds": 1.5,
    }


def all_at_once(
    address: str, tokens: Sequence[str], n_pages: int, manner: Manner
) -> tuple[SurveyReader, ...]:
    """A reader for each of `tokens`, when all have answered `n_pages` pages.

    Raises `RuntimeError` where one of them did not get to the end.
    """
    readers = tuple(SurveyReader(address, token, manner, n) for n, token in enumerate(tokens))
    faults: list[Exception] = []

    def answer(reader: SurveyReader) -> None:
        try:
            reader.answer(n_pages)
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=answer, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"{len(faults)} of {len(readers)} readers were stopped: {faults[0]}")
    return readers
