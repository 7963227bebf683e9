"""The survey by many at once, and a server that is killed among them: nothing confirmed is lost.

How long they wait is measured by `spondyl bench serve`; a busy machine fails no test.
"""

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from open_surveys import pictures, said, step, survey
from reading_rooms import WRITE
from served import Server

from spondyl.bench.survey_readers import BURST, THINKING, all_at_once
from spondyl.review.folder import save
from spondyl.review.store import open_store

N_READERS = 50
N_WRITES = 200


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "answers.db")
    return request.getfixturevalue("server").emptied()


@pytest.fixture
def invited(tmp_path, where):
    """(words of the command, store, tokens) of a survey with its readers."""
    folder = save(tmp_path / "survey", survey(), pictures(survey()))
    store = open_store(where)
    store.keep(folder)
    tokens = [store.invite("spines", f"reader-{n}").token for n in range(N_READERS)]
    yield ["--survey", str(folder.path), "--answers", where], store, tokens
    store.close()


def first_answers(address: str, tokens: list[str]) -> list[tuple[str, dict]]:
    """(token, answer) of as many writes as are to be sent at once: what each reader can say now."""
    with httpx.Client(base_url=address, timeout=20) as client:
        at = {token: step(client, token)["step"] for token in tokens}
    asked = [(token, question) for token in tokens for question in at[token]["questions"][:4]]
    return [(token, said(at[token], question)) for token, question in asked][:N_WRITES]


def post(address: str, token: str, sent: dict) -> bool:
    """Whether an answer was confirmed."""
    try:
        url = f"{address}api/review/{token}/answers"
        return httpx.post(url, json=sent, headers=WRITE, timeout=20).status_code == 201
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_a_server_killed_among_concurrent_answers_has_all_that_it_confirmed_and_none_twice(
    invited, tmp_path
):
    words, store, tokens = invited
    running = Server(*words, tmp=tmp_path)
    writes = first_answers(running.address, tokens)
    assert len(writes) == N_WRITES
    confirmed: list[str] = []

    def send(write):
        if post(running.address, *write):
            confirmed.append(write[1]["answer_id"])

    with ThreadPoolExecutor(N_WRITES) as pool:
        sending = [pool.submit(send, write) for write in writes]
        while len(confirmed) < N_WRITES // 4:
            time.sleep(0.001)
        running.end(signal.SIGKILL)
        for one in sending:
            one.result()
    kept = Counter(answer.answer_id for answer in store.answers("spines"))
    assert N_WRITES // 4 <= len(confirmed) < N_WRITES
    assert set(confirmed) <= set(kept)
    assert set(kept.values()) == {1}

    again = Server(*words, tmp=tmp_path)  # browsers send again what was not confirmed, and more
    assert all(post(again.address, *write) for write in writes)
    again.end()
    kept = Counter(answer.answer_id for answer in store.answers("spines"))
    assert kept == Counter({sent["answer_id"]: 1 for _, sent in writes})


@pytest.mark.slow
@pytest.mark.parametrize("manner", [THINKING, BURST], ids=lambda one: one.name)
def test_of_fifty_readers_at_once_each_is_answered_and_every_answer_is_kept_once(
    invited, tmp_path, manner
):
    words, store, tokens = invited
    running = Server(*words, tmp=tmp_path)
    readers = all_at_once(running.address, tokens, 5, manner)
    running.end()
    kept = Counter(answer.answer_id for answer in store.answers("spines"))
    confirmed = [one for reader in readers for one in reader.confirmed]
    assert len(confirmed) == N_READERS * (2 * 6 + 3 * 2)
    assert kept == Counter(confirmed)
