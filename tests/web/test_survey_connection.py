"""The survey's page while its server cannot be reached: what was given waits, and is kept once."""

import json
import signal
import socket

import pytest
from served import Server
from survey_readers import Served, Sitting, link, said, saved

from spondyl.review.store import open_store

FILM = "Film 1 of 2"
HEATMAP = "Film 1 of 2, heatmap A"


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    with Served(tmp_path_factory.mktemp("survey")) as running:
        yield running


@pytest.fixture
def context(browser):
    opened = browser.new_context(viewport={"width": 1280, "height": 800})
    yield opened
    opened.close()


@pytest.fixture
def page(context):
    sitting = Sitting(context.new_page())
    yield sitting
    assert sitting.unexpected == []


def banner(page):
    return page.tab.locator("#connection")


def kept_values(served, name):
    return [(question, value) for _, question, value in said(served.store, name)]


def test_answers_given_without_a_connection_wait_in_order_and_are_kept_once(served, context, page):
    name, url = served.invite()
    page.open(url, FILM)
    page.choose(1, "normal")
    page.saved(1)
    context.set_offline(True)
    page.choose(1, "scoliosis")
    page.choose(2, "curve")
    page.choose(3, "easy")
    page.choose(4, "No")
    page.next()
    banner(page).wait_for()
    assert "4 answers are not saved yet" in banner(page).inner_text()
    assert [page.state(number) for number in (1, 2, 3, 4)] == ["Not saved yet"] * 4
    assert "stays until all is saved" in page.tab.locator("#lacking").inner_text()
    assert page.title == FILM
    assert len(page.stored()) == 4
    context.set_offline(False)
    page.saved(4)
    assert not banner(page).is_visible()
    assert page.stored() == {}
    page.to(HEATMAP)
    assert kept_values(served, name) == [
        ("diagnosis", "normal"), ("diagnosis", "scoliosis"), ("signs", "curve"),
        ("difficulty", "easy"), ("reliable", "no"),
    ]  # fmt: skip


def test_an_answer_whose_confirmation_got_lost_is_sent_again_and_kept_once(served, page):
    name, url = served.invite()
    page.open(url, FILM)
    lost = []

    def lose(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch())  # the server has it, the page does not know
        return route.abort()

    page.tab.route("**/answers", lose)
    page.choose(1, "normal")
    page.saved(1)
    page.tab.unroute("**/answers")
    assert lost[0].status == 201
    assert [url for method, url in page.asked if method == "POST"] == 2 * [lost[0].url]
    assert kept_values(served, name) == [("diagnosis", "normal")]


def test_what_waits_in_the_browser_outlives_its_page_and_names_nobody(served, context, page):
    name, url = served.invite()
    page.open(url, FILM)
    context.set_offline(True)
    page.choose(1, "scoliosis")
    page.question(5).locator("textarea").fill("a thought")
    page.choose(2, "slip")
    banner(page).wait_for()
    stored = json.dumps(page.stored())
    assert "a thought" in stored
    assert url.rpartition("/")[2] not in stored
    assert name not in stored
    page.tab.close()
    context.set_offline(False)
    again = Sitting(context.new_page()).open(url, FILM)
    assert [again.state(number) for number in (1, 2, 5)] == ["Saved"] * 3
    assert again.stored() == {}
    assert "3 answers waited in this browser" in again.tab.locator(".fault").inner_text()
    assert sorted(kept_values(served, name)) == [
        ("diagnosis", "scoliosis"), ("remark", "a thought"), ("signs", "slip"),
    ]  # fmt: skip


def test_leaving_with_an_answer_that_is_not_saved_asks_first(served, context, page):
    _, url = served.invite()
    page.open(url, FILM)
    asked = []
    page.tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.choose(1, "normal")
    page.saved(1)
    context.set_offline(True)
    page.choose(2, "slip")
    with page.tab.expect_event("close"):
        page.tab.close(run_before_unload=True)
    assert asked == ["beforeunload"]


def test_leaving_when_all_is_saved_asks_nothing(served, page):
    _, url = served.invite()
    page.open(url, FILM)
    asked = []
    page.tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.choose(1, "normal")
    page.saved(1)
    with page.tab.expect_event("close"):
        page.tab.close(run_before_unload=True)
    assert asked == []


def test_a_refused_answer_is_told_in_words_and_not_sent_again(served, page):
    name, url = served.invite()
    page.open(url, FILM)
    said_no = {"error": "<b>that</b> was not offered", "hint": "choose another"}
    page.tab.route("**/answers", lambda route: route.fulfill(status=422, json=said_no))
    page.choose(1, "normal")
    page.tab.locator("#question-1 .state.error").wait_for()
    assert page.state(1) == "Not saved. <b>that</b> was not offered. Choose another."
    page.next()
    page.tab.locator("#lacking button", has_text="Diagnosis?").wait_for()
    assert sum(method == "POST" for method, _ in page.asked) == 1
    assert page.stored() == {}
    page.tab.unroute("**/answers")
    page.choose(1, "scoliosis")
    page.saved(1)
    assert kept_values(served, name) == [("diagnosis", "scoliosis")]


def test_a_server_that_cannot_keep_answers_just_now_is_asked_again_and_not_for_ever_at_once(
    served, page
):
    name, url = served.invite()
    page.open(url, FILM)
    full = {"error": "too much", "hint": "later"}
    page.tab.route("**/answers", lambda route: route.fulfill(status=429, json=full))
    page.choose(1, "normal")
    banner(page).wait_for()
    page.tab.wait_for_timeout(3500)
    assert 2 <= sum(method == "POST" for method, _ in page.asked) <= 3
    page.tab.unroute("**/answers")
    page.tab.get_by_role("button", name="Try now").click()
    page.saved(1)
    assert kept_values(served, name) == [("diagnosis", "normal")]


def test_a_film_that_did_not_come_is_asked_for_again_and_nothing_is_answered_before(served, page):
    _, url = served.invite()
    page.tab.route("**/pictures/*", lambda route: route.abort())
    page.tab.goto(url)
    banner(page).wait_for()
    assert page.tab.locator("#waiting").inner_text() == "The film could not be loaded."
    page.tab.keyboard.press("1")
    assert page.tab.locator("#questions :checked").count() == 0
    page.tab.unroute("**/pictures/*")
    page.at(FILM)
    page.tab.keyboard.press("1")
    page.saved(1)


def test_a_server_that_is_killed_and_started_again_has_all_that_was_said_to_be_saved(
    page, tmp_path
):
    folder = saved(tmp_path)
    answers = tmp_path / "answers.db"
    store = open_store(answers)
    store.keep(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = ("--survey", str(folder.path), "--answers", str(answers), "--port", port)
    running = Server(*words, tmp=tmp_path)
    try:
        page.open(link(running.address, store, "reader-1"), FILM)
        for number, option in ((1, "scoliosis"), (2, "curve")):
            page.choose(number, option)
            page.saved(number)
        running.end(signal.SIGKILL)
        page.choose(3, "hard")
        page.choose(4, "Yes")
        page.next()
        banner(page).wait_for()
        assert [page.state(number) for number in (1, 2)] == ["Saved"] * 2
        running = Server(*words, tmp=tmp_path)
        page.tab.locator("#question-4 .state.saved").wait_for(timeout=30_000)
        page.to(HEATMAP)
    finally:
        running.end(signal.SIGKILL)
    assert said(store, "reader-1") == [
        (None, "diagnosis", "scoliosis"), (None, "signs", "curve"), (None, "difficulty", "hard"),
        (None, "reliable", "yes"),
    ]  # fmt: skip
    store.close()
