"""The survey by its API: by invitation, blind first, and nothing told but what the page shows."""

import json

import pytest
from open_surveys import (
    N_FILMS,
    NETWORKS,
    answer,
    answer_step,
    first_offered,
    opened,
    pictures,
    said,
    step,
    survey,
)
from reading_rooms import WRITE, is_refusal

from spondyl.review import orders
from spondyl.review.standing import standings
from spondyl.web.limits import Limits


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "answers.db"
    return request.getfixturevalue("server").emptied()


@pytest.fixture
def open_survey(tmp_path):
    with opened(tmp_path) as parts:
        yield parts


def test_a_reader_goes_through_the_whole_survey(tmp_path, where):
    with opened(tmp_path, where) as (client, store, invite):
        token = invite("reader-1")
        seen = []
        while not (at := step(client, token))["done"]:
            seen.append((at["step"]["item_id"], at["step"]["map_id"]))
            answer_step(client, token, at["step"])
        assert seen == [(str(n), m) for n in range(1, N_FILMS + 1) for m in (None, "A", "B")]
        assert at["step"] is None
        assert at["progress"] == {
            "items_done": N_FILMS,
            "items": N_FILMS,
            "steps_done": 3 * N_FILMS,
            "steps": 3 * N_FILMS,
        }
        kept = store.answers("spines", "reader-1")
        assert len(kept) == N_FILMS * (6 + 2 * 2)
        assert {one.item_id for one in kept} == {item.item_id for item in survey().items}


def test_an_answer_is_confirmed_once_it_is_kept_and_again_when_it_is_sent_again(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    at = step(client, token)["step"]
    sent = said(at, at["questions"][0], "scoliosis")
    first, second = answer(client, token, sent), answer(client, token, sent)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert {key: first.json()[key] for key in sent} == sent
    (kept,) = store.answers("spines")
    assert (kept.value, kept.at) == ("scoliosis", first.json()["at"])
    assert is_refusal(answer(client, token, sent | {"value": "normal"}), 422)
    assert len(store.answers("spines")) == 1


def test_nothing_of_a_heatmap_is_told_before_the_film_is_answered(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    at = step(client, token)["step"]
    assert (at["phase"], at["map_url"], at["label"]) == ("unaided", None, None)
    for name in ("1-A.png", "1-B.png", "2.png", "2-A.png"):
        assert is_refusal(client.get(f"/api/review/{token}/pictures/{name}"), 404)
    assert is_refusal(client.get(f"/api/review/{token}/step?item_id=1&map_id=A"), 422)
    ahead = said(at, {"key": "attention", "options": ["yes"]}) | {"map_id": "A"}
    assert is_refusal(answer(client, token, ahead), 422)
    assert store.answers("spines") == ()
    assert store.shown("spines") == ()
    assert client.get(at["film_url"]).status_code == 200


def test_answers_of_the_whole_way_are_blind_in_their_first_part(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    while not (at := step(client, token))["done"]:
        for url in (at["step"]["film_url"], at["step"]["map_url"]):
            assert url is None or client.get(url).status_code == 200
        answer_step(client, token, at["step"])
    kept = store.answers("spines")
    standing = standings(survey(), kept, store.shown("spines"))
    alone = [a for a in kept if a.phase == "unaided"]
    assert {a.item_id for a in alone if not standing[a.answer_id].blind} == {"i099"}, "the repeat"
    assert all(standing[a.answer_id].counts for a in kept)
    assert len(store.shown("spines")) == 2 * N_FILMS


def test_what_is_sent_to_a_browser_names_no_network_and_no_item_of_the_survey(open_survey):
    client, _, invite = open_survey
    token = invite("reader-1")
    sent = client.get("/openapi.json").text
    while not (at := step(client, token))["done"]:
        sent += json.dumps(at)
        answer_step(client, token, at["step"])
    secrets = [*NETWORKS, "decoy", "randomised", *(i.item_id for i in survey().items)]
    secrets += [m.map_id for i in survey().items for m in i.maps]
    assert [secret for secret in secrets if secret in sent] == []


def test_each_reader_is_shown_the_very_pictures_of_their_own_order(open_survey):
    client, _, invite = open_survey
    drawn = pictures(survey())
    for reader in ("reader-1", "reader-2"):
        token = invite(reader)
        for item in orders.items(survey(), reader):
            at = step(client, token)["step"]
            assert client.get(at["film_url"]).content == drawn[item.film]
            answer_step(client, token, at)
            for masked in orders.maps(survey(), reader, item):
                at = step(client, token)["step"]
                assert client.get(at["map_url"]).content == drawn[masked.map.file]
                answer_step(client, token, at)


def test_a_reader_may_go_back_and_sees_what_they_said(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    for _ in range(4):
        answer_step(client, token, step(client, token)["step"])
    before = step(client, token)["before"]
    assert before == {"item_id": "2", "map_id": None}
    back = step(client, token, **{k: v for k, v in before.items() if v})
    question = back["step"]["questions"][0]
    assert back["step"]["answered"][question["key"]] == first_offered(question)
    assert back["before"] == {"item_id": "1", "map_id": "B"}
    n = len(store.answers("spines"))
    assert answer(client, token, said(back["step"], question, "normal")).status_code == 201
    assert len(store.answers("spines")) == n + 1


def test_two_readers_at_once_do_not_meet(open_survey):
    client, store, invite = open_survey
    one, two = invite("reader-1"), invite("reader-2")
    answer_step(client, one, step(client, one)["step"])
    assert step(client, two)["progress"]["steps_done"] == 0
    assert is_refusal(client.get(f"/api/review/{two}/pictures/1-A.png"), 404)
    answer_step(client, two, step(client, two)["step"])
    assert {a.reader for a in store.answers("spines")} == {"reader-1", "reader-2"}


def test_a_token_that_is_none_lets_nobody_in_and_guessing_is_slowed(tmp_path):
    with opened(tmp_path, limits=Limits(guesses_per_minute=5)) as (client, _, invite):
        token, late = invite("reader-1"), invite("reader-2")
        assert client.get(f"/api/review/{token}/step").status_code == 200
        tokens = [
            "x",
            "",
            "..",
            "0" * 43,
            token[:-1],
            token.swapcase(),
            token + "A",
            *map(str, range(5)),
        ]
        statuses = [client.get(f"/api/review/{one}/step").status_code for one in tokens]
        assert set(statuses) == {404, 429}
        guessed = client.get(f"/api/review/{'1' * 43}/step")
        assert is_refusal(guessed, 429)
        assert client.get(f"/api/review/{token}/step").status_code == 200
        assert is_refusal(client.get(f"/api/review/{late}/step"), 429)


def test_a_revoked_reader_is_let_in_no_more(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    step(client, token)
    store.revoke("spines", "reader-1")
    for path in ("step", "pictures/1.png"):
        assert is_refusal(client.get(f"/api/review/{token}/{path}"), 404)
    assert is_refusal(client.get(f"/review/{token}"), 404)


@pytest.mark.parametrize(
    "name",
    [
        "..%2fsurvey.json",
        "survey.json",
        "i001.png",
        "i001m0.png",
        "1.jpg",
        "01.png",
        "1-a.png",
        "1-AA.png",
        "0.png",
        "-1.png",
        "%00.png",
        "1.png%0a",
    ],
)
def test_a_picture_is_found_by_the_reader_s_names_alone(open_survey, name):
    client, _, invite = open_survey
    token = invite("reader-1")
    assert is_refusal(client.get(f"/api/review/{token}/pictures/{name}"), 404)


@pytest.mark.parametrize(
    "changed",
    [
        {"value": "spondylitis"},
        {"item_id": "9"},
        {"item_id": "2"},
        {"item_id": "i001"},
        {"map_id": "A"},
        {"map_id": "Z"},
        {"question": "attention"},
        {"question": "none"},
        {"answer_id": "short"},
        {"answer_id": "<script>alert(1)</script>"},
        {"seconds": -1},
        {"seconds": 1e300},
        {"value": "x" * 30_000},
        {"extra": 1},
        {"value": None},
    ],
)
def test_an_answer_that_nobody_could_give_is_refused_and_not_kept(open_survey, changed):
    client, store, invite = open_survey
    token = invite("reader-1")
    at = step(client, token)["step"]
    assert is_refusal(answer(client, token, said(at, at["questions"][0]) | changed), 422)
    assert store.answers("spines") == ()


def test_free_text_comes_back_as_it_was_and_never_as_markup(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    at = step(client, token)["step"]
    (remark,) = (q for q in at["questions"] if q["kind"] == "free text")
    text = "<script>alert('ü')</script> \"quoted\"; DROP TABLE answers; --"
    kept = answer(client, token, said(at, remark, text))
    assert kept.json()["value"] == text
    assert kept.headers["content-type"] == "application/json"
    assert store.answers("spines")[0].value == text
    assert step(client, token)["step"]["answered"]["remark"] == text


def test_an_answer_from_another_site_is_refused(open_survey):
    client, store, invite = open_survey
    token = invite("reader-1")
    at = step(client, token)["step"]
    sent = said(at, at["questions"][0])
    for headers in ({}, WRITE | {"Origin": "http://evil.example"}):
        refused = client.post(f"/api/review/{token}/answers", json=sent, headers=headers)
        assert is_refusal(refused, 403)
    assert store.answers("spines") == ()


def test_without_a_reading_room_there_is_none_of_its_pages(open_survey):
    client, _, _ = open_survey
    for path in ("/", "/card", "/api/readings", "/api/bundle"):
        assert is_refusal(client.get(path), 404)
