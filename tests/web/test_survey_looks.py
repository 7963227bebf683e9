"""The survey's page as it is seen and felt: the film and its heat, keys, fingers, small screens."""

from importlib import resources

import pytest
from survey_readers import HOT, SIZE, Served, Sitting, answer_all

FILM = "Film 1 of 2"
HEATMAP = "Film 1 of 2, heatmap A"
END = "Thank you"
HELD_MS = 600


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    with Served(tmp_path_factory.mktemp("survey")) as running:
        yield running


@pytest.fixture
def sit(browser, served):
    """A function that opens the first page of a reader whom nobody was before."""
    sittings = []

    def sitting(**how) -> Sitting:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | how))
        sittings.append(Sitting(context.new_page()))
        return sittings[-1].open(served.invite()[1], FILM)

    yield sitting
    for one in sittings:
        one.tab.context.close()
    assert [said for one in sittings for said in one.unexpected] == []


@pytest.fixture
def heatmap(sit):
    """The page of the first heatmap."""
    page = sit()
    page.answer_film()
    return page.to(HEATMAP)


def hot(page) -> int:
    """Red less blue where every heatmap is hottest, while the film lies as it was fitted."""
    page.tab.evaluate("() => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)))")
    red, _, blue = page.tab.locator(".pane > canvas").evaluate(
        """(it, [row, column, height, width]) => {
            const zoom = Math.min(it.width / width, it.height / height);
            const x = it.width / 2 + (column - width / 2) * zoom;
            const y = it.height / 2 + (row - height / 2) * zoom;
            return [...it.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3)];
        }""",
        [*HOT, *SIZE],
    )
    return red - blue


def is_pressed(page, selector: str) -> bool:
    return page.tab.locator(selector).get_attribute("aria-pressed") == "true"


def test_heat_is_shown_at_the_film_s_place_and_a_press_or_a_hold_shows_the_film_alone(heatmap):
    legend = heatmap.tab.locator("#legend")
    assert "own scale" in legend.inner_text()
    assert "scoliosis" in legend.inner_text()
    assert hot(heatmap) > 80
    heatmap.tab.keyboard.press("h")
    assert abs(hot(heatmap)) <= 1
    assert legend.inner_text() == "The film alone."
    heatmap.tab.locator("#heat").click()
    assert hot(heatmap) > 80
    heatmap.tab.keyboard.down("h")
    assert abs(hot(heatmap)) <= 1
    heatmap.tab.wait_for_timeout(HELD_MS)
    heatmap.tab.keyboard.up("h")
    assert hot(heatmap) > 80
    heatmap.tab.locator("#heat").hover()
    heatmap.tab.mouse.down()
    assert not is_pressed(heatmap, "#heat")
    heatmap.tab.wait_for_timeout(HELD_MS)
    heatmap.tab.mouse.up()
    assert is_pressed(heatmap, "#heat")
    heatmap.tab.locator("#heat").focus()
    heatmap.tab.keyboard.press("Space")
    assert not is_pressed(heatmap, "#heat")


def test_another_window_is_of_the_film_alone(heatmap):
    heatmap.tab.keyboard.press("i")
    assert not is_pressed(heatmap, "#heat")
    assert is_pressed(heatmap, "[data-does=invert]")
    assert abs(hot(heatmap)) <= 1
    heatmap.tab.keyboard.press("h")
    assert hot(heatmap) > 80


def test_a_film_stays_as_it_was_zoomed_when_its_heatmap_is_shown(sit):
    page = sit()
    page.answer_film()
    for _ in range(4):
        page.tab.keyboard.press("+")
    before = page.tab.locator("#numbers").inner_text()
    page.to(HEATMAP)
    assert page.tab.locator("#numbers").inner_text() == before
    assert sum(url.endswith("/1.png") for _, url in page.asked) == 1


def test_single_keys_can_be_switched_off_but_for_the_film_and_the_question_in_hand(sit):
    page = sit()
    page.tab.keyboard.press("?")
    page.tab.locator("#single-keys").uncheck()
    page.tab.get_by_role("button", name="Close").click()
    page.tab.locator("#page-title").focus()
    page.tab.keyboard.press("2")
    page.tab.keyboard.press("n")
    assert page.tab.locator("#questions :checked").count() == 0
    assert page.tab.locator("#lacking").inner_text() == ""
    page.question(1).locator("input").first.focus()
    page.tab.keyboard.press("2")
    assert page.question(1).locator("input").nth(1).is_checked()
    page.tab.locator("#panes").focus()
    page.tab.keyboard.press("i")
    assert is_pressed(page, "[data-does=invert]")
    page.tab.reload()
    page.at(FILM)
    assert not page.tab.locator("#single-keys").is_checked()


def test_every_control_is_reached_by_tab_and_seen_to_have_the_focus(heatmap):
    reached = set()
    for _ in range(40):
        heatmap.tab.keyboard.press("Tab")
        where, is_seen = heatmap.tab.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body) return ['', true];
                const ring = (one, part) => getComputedStyle(one, part).outlineStyle !== 'none'
                    || getComputedStyle(one, part).borderStyle === 'solid';
                return [at.id || at.dataset.does || at.dataset.tool || at.textContent,
                        ring(at) || ring(at, '::after') || ring(at.parentElement)];
            }"""
        )
        assert is_seen, where
        reached.add(where)
    controls = heatmap.tab.evaluate(
        """() => [...document.querySelectorAll('main button, main textarea, header button')]
            .filter((one) => one.checkVisibility())
            .map((one) => one.id || one.dataset.does || one.dataset.tool || one.textContent)"""
    )
    assert set(controls) | {"panes", "question-1-1"} <= reached


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (390, 844), (320, 640)])
def test_a_page_is_answered_by_fingers_on_a_small_screen_and_nothing_sticks_out(sit, size):
    width, height = size
    page = sit(viewport={"width": width, "height": height}, has_touch=True)
    for number, option in ((1, "scoliosis"), (2, "curve"), (3, "hard"), (4, "Yes")):
        page.question(number).locator(".options label", has_text=option).tap()
    page.tab.locator("#next").tap()
    page.at(HEATMAP)
    page.tab.locator("#heat").tap()
    assert not is_pressed(page, "#heat")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    out = page.tab.evaluate(
        """() => [...document.querySelectorAll('main *, header *')]
            .filter((one) => one.checkVisibility())
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => one.id || one.className)"""
    )
    assert out == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(served, sit, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python", reason="axe-playwright-python is not installed"
    )
    script = resources.files(axe).joinpath("axe.min.js").read_text("utf-8")
    page = sit(color_scheme=scheme)

    def serious():
        page.tab.evaluate(script)
        return [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in page.tab.evaluate("axe.run()")["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    page.choose(1, "normal")
    page.next()  # so that what lacks is told
    assert serious() == []
    page.answer_film()
    page.to(HEATMAP)
    page.tab.keyboard.press("?")
    assert serious() == []
    _, url = served.invite()
    answer_all(url)
    page.open(url, END)
    assert serious() == []


def test_nothing_is_asked_of_any_other_machine_and_nothing_moves_for_who_wants_it_still(
    sit, served
):
    page = sit(reduced_motion="reduce")
    assert [url for _, url in page.asked if not url.startswith((served.address, "data:"))] == []
    moving = page.tab.evaluate(
        """() => [...document.querySelectorAll('*')].filter((one) => {
            const { transitionDuration, animationName } = getComputedStyle(one);
            return transitionDuration !== '0s' || animationName !== 'none';
        }).map((one) => one.id || one.tagName)"""
    )
    assert moving == []
