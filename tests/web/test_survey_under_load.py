"""The survey by many at once, and a server that is killed among them: nothing confirmed is lost."""

import http.client
import json
import random
import signal
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from open_surveys import pictures, said, step, survey
from postgres import server  # noqa: F401  (a fixture)
from reading_rooms import WRITE
from served import Server

from spondyl.review.folder import save
from spondyl.review.store import open_store

N_READERS = 50
N_WRITES = 200
P95_MS = 200


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "answers.db")
    return request.getfixturevalue("server").new_database()


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


class Person:
    """A reader whose requests are timed; quicker than any person is."""

    def __init__(self, address: str, token: str) -> None:
        self.token = token
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        self.milliseconds: list[float] = []

    def ask(self, path: str, sent: dict | None = None) -> bytes:
        headers = {} if sent is None else WRITE | {"Content-Type": "application/json"}
        body = None if sent is None else json.dumps(sent)
        begun = time.perf_counter()
        self.connection.request("GET" if sent is None else "POST", path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.milliseconds.append(1000 * (time.perf_counter() - begun))
        assert answer.status in (200, 201), content
        return content

    def answer(self, n_steps: int) -> None:
        """So many pages of the survey, with one to three seconds before each answer; nobody comes
        in the very moment of another."""
        time.sleep(random.uniform(0, 3))
        for _ in range(n_steps):
            at = json.loads(self.ask(f"/api/review/{self.token}/step"))["step"]
            for url in filter(None, (at["film_url"], at["map_url"])):
                self.ask(url)
            for question in at["questions"]:
                if question["required"]:
                    time.sleep(random.uniform(1, 3))
                    self.ask(f"/api/review/{self.token}/answers", said(at, question))


@pytest.mark.slow
def test_fifty_readers_at_once_wait_for_nothing(invited, tmp_path):
    words, store, tokens = invited
    running = Server(*words, tmp=tmp_path)
    people = [Person(running.address, token) for token in tokens]
    threads = [threading.Thread(target=person.answer, args=(5,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.end()
    times = [one for person in people for one in person.milliseconds]
    assert len(store.answers("spines")) == N_READERS * (2 * 6 + 3 * 2)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{len(times)} requests: p50 {p50:.0f} ms, p95 {p95:.0f} ms")  # noqa: T201
    assert p95 < P95_MS
