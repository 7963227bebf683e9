"""The survey's page in a real browser, answered as an expert would: to its end, back and forth."""

import pytest
import survey_readers
from open_surveys import NETWORKS
from survey_readers import SCRIPT, Served, Sitting, answer_all, said

TITLES = ("Film 1 of 2", "Film 1 of 2, heatmap A", "Film 1 of 2, heatmap B", "Film 2 of 2",
          "Film 2 of 2, heatmap A", "Film 2 of 2, heatmap B")  # fmt: skip
END = "Thank you"


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    with Served(tmp_path_factory.mktemp("survey")) as running:
        yield running


@pytest.fixture
def sit(browser):
    """A function that gives a new tab in a browser of its own."""
    contexts, sittings = [], []

    def sitting(**how) -> Sitting:
        contexts.append(browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | how)))
        sittings.append(Sitting(contexts[-1].new_page()))
        return sittings[-1]

    yield sitting
    for context in contexts:
        context.close()
    assert [one for sitting in sittings for one in sitting.unexpected] == []


def test_the_whole_survey_is_answered_by_the_keyboard_alone(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    keys = page.tab.keyboard
    for title in TITLES:
        page.at(title)
        assert page.tab.evaluate("document.activeElement.id") == "page-title"
        if "heatmap" in title:
            keys.press("2")
        else:
            for pressed in ("2", "Enter", "1", "3", "Enter", "2", "Enter", "1"):
                keys.press(pressed)
        keys.press("Enter")
        keys.type("n, b and 1 are letters here")
        keys.press("Control+Enter")
        keys.press("Enter")
    page.at(END)
    text = "n, b and 1 are letters here"
    film = [("diagnosis", "scoliosis"), ("signs", "curve; wedge"), ("difficulty", "neither"),
            ("reliable", "yes"), ("remark", text)]  # fmt: skip
    heatmap = [("attention", "no"), ("map_remark", text)]
    assert [(question, value) for _, question, value in said(served.store, name)] == 2 * (
        film + 2 * heatmap
    )


def test_the_whole_survey_is_answered_by_the_mouse_alone_and_names_no_network(served, sit):
    name, link = served.invite()
    page = sit()
    answers = []
    page.tab.on("response", lambda answer: answers.append(answer))
    page.open(link, TITLES[0])
    for title in TITLES:
        page.at(title)
        page.choose(1, "Yes") if "heatmap" in title else page.answer_film()
        page.next()
    page.at(END)
    kept = said(served.store, name)
    assert len(kept) == 2 * (4 + 2)
    assert {value for _, _, value in kept} == {"scoliosis", "curve", "hard", "yes"}
    assert "every answer is saved" in page.tab.locator("#introduction").inner_text()
    assert page.stored() == {}
    told = page.tab.content() + " ".join(answer.url for answer in answers)
    told += " ".join(answer.text() for answer in answers if "/api/" in answer.url
                     and "/pictures/" not in answer.url)  # fmt: skip
    items = survey_readers.survey().items
    secrets = [*NETWORKS, "decoy", "other label", "predicted", *(item.item_id for item in items)]
    assert [secret for secret in secrets if secret in told] == []
    assert '"label":"scoliosis"' in told  # so that something was listened to


def test_nothing_of_a_heatmap_comes_to_the_browser_before_its_film_is_answered(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    assert page.tab.locator("#heat").count() == 0
    assert "1-A" not in page.tab.content()
    page.answer_film()
    page.to(TITLES[1])
    answered = [place for place, (method, _) in enumerate(page.asked) if method == "POST"]
    asked = [place for place, (_, url) in enumerate(page.asked) if "1-A" in url or "map_id=" in url]
    assert len(answered) == 4
    assert asked
    assert max(answered) < min(asked)
    assert page.tab.locator("#heat").get_attribute("aria-pressed") == "true"
    assert len([one for one in served.store.shown("spines") if one.reader == name]) == 1


def test_without_a_required_answer_there_is_no_way_on_and_it_is_said_what_lacks(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    page.choose(1, "normal")
    page.next()
    lacking = page.tab.locator("#lacking")
    assert lacking.inner_text().split("\n")[0] == "3 answers are still needed:"
    assert lacking.get_by_role("button").all_inner_texts() == ["Which signs?", "How hard?",
                                                              "Reliable?"]  # fmt: skip
    assert page.tab.evaluate("document.activeElement.closest('.question').id") == "question-2"
    lacking.get_by_role("button", name="Reliable?").click()
    page.tab.keyboard.press("2")
    page.choose(2, "slip")
    page.choose(2, "slip")  # none again
    page.choose(3, "easy")
    page.next()
    assert lacking.inner_text().split("\n")[0] == "One answer is still needed:"
    page.choose(2, "wedge")
    page.to(TITLES[1])
    assert len(said(served.store, name)) == 4 == len({one[1] for one in said(served.store, name)})


def test_an_option_that_an_arrow_passes_over_is_no_answer(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    page.tab.keyboard.press("1")
    for _ in range(2):
        page.tab.keyboard.press("ArrowDown")
    page.saved(1)
    assert said(served.store, name) == [(None, "diagnosis", "spondylolisthesis")]


def test_a_reader_goes_back_and_changes_and_forth_again(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    page.answer_film()
    page.to(TITLES[1])
    page.choose(1, "Yes")
    page.to(TITLES[2])
    for title in (TITLES[1], TITLES[0]):
        page.tab.keyboard.press("b")
        page.at(title)
    assert not page.tab.locator("#back").is_visible()
    assert [page.state(number) for number in (1, 2, 3, 4, 5)] == ["Saved"] * 4 + [""]
    assert "What you said first counts" in page.tab.locator("#introduction").inner_text()
    page.choose(4, "No")
    for title in TITLES[1:3]:
        page.tab.keyboard.press("n")
        page.at(title)
    kept = said(served.store, name)
    assert [value for _, question, value in kept if question == "reliable"] == ["yes", "no"]
    assert len(kept) == 6


def test_after_the_end_answers_can_still_be_changed(served, sit):
    name, link = served.invite()
    answer_all(link)
    page = sit().open(link, END)
    page.tab.get_by_role("button", name="Back").click()
    page.at(TITLES[-1])
    page.choose(1, "No")
    page.to(END)
    assert said(served.store, name)[-1][1:] == ("attention", "no")
    page.open(link, END)


def test_text_with_markup_in_it_stays_text(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    page.question(5).locator("textarea").fill(f"{SCRIPT}\u202fand\u200b more")
    page.answer_film()
    page.to(TITLES[1])
    page.tab.keyboard.press("b")
    page.at(TITLES[0])
    assert page.question(5).locator("textarea").input_value() == f"{SCRIPT} and more"
    assert SCRIPT in page.question(5).locator("legend").inner_text()
    assert (None, "remark", f"{SCRIPT} and more") in said(served.store, name)
    assert page.tab.title() == "Film 1 of 2 · Spines, reviewed"


def test_another_machine_goes_on_where_the_first_one_stopped(served, sit):
    _, link = served.invite()
    first = sit().open(link, TITLES[0])
    first.answer_film()
    first.to(TITLES[1])
    first.tab.reload()
    first.at(TITLES[1])
    second = sit().open(link, TITLES[1])
    second.choose(1, "No")
    second.to(TITLES[2])
    second.choose(1, "Yes")
    second.saved(1)
    third = sit().open(link, TITLES[3])
    assert third.tab.locator("#progress-words").inner_text().startswith("3 of 6 pages")


def test_two_readers_at_once_do_not_meet(served, sit):
    readers = [served.invite() for _ in range(2)]
    pages = [sit().open(link, TITLES[0]) for _, link in readers]
    for page, option in zip(pages, ("normal", "scoliosis"), strict=True):
        page.choose(1, option)
    for page in pages:
        page.saved(1)
    for (name, _), option in zip(readers, ("normal", "scoliosis"), strict=True):
        assert said(served.store, name) == [(None, "diagnosis", option)]


def test_a_second_tab_that_fell_behind_goes_on_with_the_first(served, sit):
    name, link = served.invite()
    first = sit().open(link, TITLES[0])
    second = Sitting(first.tab.context.new_page()).open(link, TITLES[0])
    first.answer_film()
    first.to(TITLES[1])
    second.answer_film()
    second.to(TITLES[1])
    assert second.unexpected == []
    assert len(said(served.store, name)) == 8  # answers are only ever added


def test_who_is_let_in_no_more_is_told_and_keeps_what_was_saved(served, sit):
    name, link = served.invite()
    page = sit().open(link, TITLES[0])
    page.choose(1, "normal")
    page.saved(1)
    served.store.revoke("spines", name)
    page.choose(2, "slip")
    page.tab.locator("#page-title", has_text="not open to you").wait_for()
    told = page.tab.locator("#introduction").inner_text()
    for sentence in ("This invitation lets nobody in.", "shown as saved are kept",
                     "One answer is not saved yet."):  # fmt: skip
        assert sentence in told
    page.tab.get_by_role("button", name="Discard").click()
    page.tab.locator("#introduction", has_not_text="not saved yet").wait_for()
    assert page.stored() == {}
    assert said(served.store, name) == [(None, "diagnosis", "normal")]
    assert page.tab.goto(link).status == 404
