"""The reading room's page in a real browser: what it computes, what it shows, and what it is told.

The server is a stand-in (`room_server`), so that a page that fails here fails by itself.
"""

from dataclasses import replace
from importlib import resources

import contourpy
import numpy as np
import pytest
from reading.readings import SEVERAL, doubted, measurement, network, reading
from room_server import Served, film_png, heat_of, peak_of

from spondyl.data.phantom import drawing
from spondyl.explain import overlay
from spondyl.measure import cobb, slip
from spondyl.reading import words
from spondyl.reading.document import document
from spondyl.reading.record import LabelSet

LONG_WAIT_MS = 8000
EXPECTED = ("Failed to load resource", "Canvas2D: Multiple readback")
"""What a browser says of refusals that are meant, and of tests that read many pixels."""
SCRIPT_NAME = "<img src=x onerror=document.title='bad'>.png"


@pytest.fixture(scope="module")
def served(browser):
    with Served() as running:
        yield running


@pytest.fixture(scope="module")
def phantom():
    return drawing.draw(3, "scoliosis", size=(480, 240), index=2, field="whole")


@pytest.fixture(scope="module")
def scripts(browser, served):
    """A page for what is computed only, opened once."""
    opened = browser.new_page()
    opened.goto(served.address)
    yield opened
    opened.close()


@pytest.fixture
def watched(browser, served):
    """An empty room and a tab that is not there yet; its page must complain of nothing."""
    served.room.empty()
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text))
    yield opened
    opened.close()
    assert [one for one in complaints if not one.startswith(EXPECTED)] == []


@pytest.fixture
def tab(watched, served):
    """The page of an empty room."""
    watched.goto(served.address)
    return watched


@pytest.fixture
def film_tab(watched, served, phantom):
    """The page with one film that is read and shown."""
    served.room.add(phantom, is_read=True)
    return shown(watched, served)


def shown(tab, served):
    tab.goto(served.address)
    tab.locator("#numbers", has_text="Window").wait_for(timeout=LONG_WAIT_MS)
    return tab


def run(tab, module: str, code: str, *given):
    """What `code` returns, with the exports of a script as `it` and values as `given`."""
    script = f"async (given) => {{ const it = await import('/static/{module}'); return {code}; }}"
    return tab.evaluate(script, list(given))


def place(tab, down: float, across: float):
    """A point of the first pane, by shares of its height and width."""
    box = tab.locator(".pane > canvas").first.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def press_at(tab, down: float, across: float) -> None:
    tab.mouse.click(*place(tab, down, across))


def colour(tab, down: float, across: float, pane: int = 0):
    """(red, green, blue) of the picture in a pane."""
    tab.evaluate("() => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen, 30)))")
    return (
        tab.locator(".pane > canvas")
        .nth(pane)
        .evaluate(
            "(it, [down, across]) => [...it.getContext('2d').getImageData("
            "Math.round(across * it.width), Math.round(down * it.height), 1, 1).data.slice(0, 3)]",
            [down, across],
        )
    )


# what is computed


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("it.distance([0, 0], [3, 4])", 5),
        ("it.distance([0, 0], [3, 4], [2, 0.5])", np.hypot(6, 2)),
        ("it.angleDegrees([0, 5], [0, 0], [7, 0])", 90),
        ("it.angleDegrees([0, 5], [0, 0], [0, -5])", 180),
        ("it.tiltDegrees([0, 0], [1, 1])", 45),
        ("it.tiltDegrees([1, 1], [0, 0])", 45),
        ("it.cobbDegrees([[0, 0], [1, 1], [9, 9], [10, 8]])", 90),
        ("it.cobbDegrees([[0, 0], [3, 1], [9, 9], [12, 8]])", 2 * np.degrees(np.arctan(3))),
        ("it.meyerding(25)", "I"),
        ("it.meyerding(25.1)", "II"),
        ("it.meyerding(101)", "V"),
        ("it.meyerding(-3)", None),
    ],
)
def test_distances_and_angles_have_their_known_values(scripts, code, expected):
    found = run(scripts, "geometry.js", code)
    assert found == (pytest.approx(expected) if isinstance(expected, float | int) else expected)


def test_a_slip_is_the_one_that_the_command_line_measures(scripts):
    many = np.random.default_rng(1).uniform(0, 100, (40, 4, 2))
    all_found = run(scripts, "geometry.js", "given[0].map((one) => it.slip(one))", many.tolist())
    for points, found in zip(many, all_found, strict=True):
        marked = slip.Marked(
            image_id="f", level="L4-5", **dict(zip(slip.POINTS, points, strict=True))
        )
        try:
            expected = slip.measured(marked)
        except slip.SpondylError:
            assert found["percent"] is None
            assert found["fault"]
            continue
        assert found["percent"] == pytest.approx(expected.percent)
        assert found["grade"] == expected.grade


def test_curves_of_corrected_corners_are_those_of_the_measuring_room(scripts):
    draw = np.random.default_rng(2)
    spines = [some_spine(draw) for _ in range(60)]
    given = [(names, corners.tolist()) for names, corners in spines]
    all_found = run(scripts, "curves.js", "given[0].map((one) => it.curves(...one))", given)
    for found, (names, corners) in zip(all_found, spines, strict=True):
        expected = cobb.curves(corners, names)
        assert [one["cobb_deg"] for one in found] == pytest.approx(
            [one.cobb_degrees for one in expected]
        )
        for ours, theirs in zip(found, expected, strict=True):
            for field in ("upper", "apex", "lower", "side", "region", "at_edge"):
                assert ours[field] == getattr(theirs, field)
    assert any(all_found)


def some_spine(draw):
    """Names and corners of a wavy spine of four to seventeen vertebrae."""
    number = int(draw.integers(4, 18))
    tilt = np.radians(25 * np.sin(np.arange(number) / draw.uniform(1, 4) + draw.uniform(0, 6)))
    tilt += draw.normal(0, 0.03, number)
    middle = np.stack((30.0 * np.arange(number), np.cumsum(-10 * np.tan(tilt))), axis=1)
    across = 12 * np.stack((np.sin(tilt), np.cos(tilt)), axis=1)
    down = 10 * np.stack((np.cos(tilt), -np.sin(tilt)), axis=1)
    corners = np.stack(
        [middle - across - down, middle + across - down, middle - across + down,
         middle + across + down], axis=1,
    )  # fmt: skip
    return list(cobb.VERTEBRAE[:number]), corners


READINGS = (
    reading(),
    doubted(SEVERAL, label_set=LabelSet((), (0.01, 0.02, 0.03), 0.05)),
    reading(label_set=None, measurement=None),
    reading(label_set=LabelSet(("normal", "scoliosis", "spondylolisthesis"), (0.5, 0.6, 0.7), 0.1)),
    reading(networks=(network(0, 9, 0, -9, temperature=1.0),), learned_from_it=(0,)),
    reading(networks=(network(0, 1, 0, 0), network(2, 0, 1, 0)), learned_from_it=(1, 3)),
    reading(measurement=measurement(curves=())),
    reading(
        measurement=replace(
            measurement(curves=()),
            cobb_degrees=None,
            interval_degrees=None,
            refusal="the film shows no spine",
        )
    ),
)


@pytest.mark.parametrize("made", READINGS)
def test_the_page_says_the_same_sentences_as_the_terminal(scripts, made):
    said = run(
        scripts,
        "words.js",
        "[[it.answer(given[0])], it.doubts(given[0]), it.labelSet(given[0]), it.votes(given[0]), "
        "it.measured(given[0].measurement)]",
        document(made),
    )
    assert [tuple(sentences) for sentences in said] == [
        (words.answer(made),),
        words.doubts(made),
        words.label_set(made),
        words.votes(made),
        words.measured(made.measurement),
    ]


def test_numbers_and_odd_signs_are_written_as_in_python(scripts):
    values = [0, 1.5, 0.00012345, 123456.0, 0.3333, 99.95, 2.0, 12.345, 1e-7]
    found = run(scripts, "words.js", "given[0].map(it.significant)", values)
    assert found == [f"{value:.3g}" for value in values]
    shares = [0, 0.004, 0.125, 0.135, 0.5, 0.994, 0.996, 1]
    assert run(scripts, "words.js", "given[0].map(it.share)", shares) == [*map(words.share, shares)]
    odd = "a\u202eb\n c\x1b[31m"
    assert run(scripts, "words.js", "it.shown(given[0])", odd) == words.shown(odd)


def test_all_greys_are_shown_as_they_are_until_the_window_is_changed(scripts):
    assert run(scripts, "film.js", "[...it.greys(it.FULL)]") == list(range(256))
    assert run(scripts, "film.js", "[...it.greys({...it.FULL, inverted: true})]") == list(
        range(255, -1, -1)
    )
    narrow = np.array(
        run(scripts, "film.js", "[...it.greys({width: 50, level: 100, inverted: false})]")
    )
    stored = np.arange(256)
    assert np.all(np.abs(narrow - np.clip(255 * ((stored - 100) / 50 + 0.5), 0, 255)) <= 0.5)


def test_heat_is_coloured_by_the_rule_of_the_overlay_and_hotter_is_never_colder(scripts):
    for grey in (0, 90, 255):
        seen = np.array(
            scripts.evaluate(
                """async (grey) => {
                    const it = await import('/static/heat.js');
                    const heat = { grey: Uint8Array.from({length: 256}, (_, v) => v), width: 256,
                                   height: 1 };
                    const sheet = new OffscreenCanvas(256, 1).getContext('2d');
                    sheet.fillStyle = `rgb(${grey} ${grey} ${grey})`;
                    sheet.fillRect(0, 0, 256, 1);
                    sheet.drawImage(it.drawn(heat, it.OPACITY, 1), 0, 0);
                    return [...sheet.getImageData(0, 0, 256, 1).data];
                }""",
                grey,
            )
        ).reshape(256, 4)[:, :3]
        heat = np.arange(256, dtype=np.float32)[None]
        expected = overlay.draw(np.full((1, 256), grey / 255, np.float32), heat, 255.0)[0]
        assert np.abs(seen - expected.astype(int)).max() <= 3
        assert np.all(np.diff(seen[:, 0] - seen[:, 2]) >= -1)  # one grey for the canvas's rounding


def test_on_a_common_scale_the_weaker_map_is_dimmed_by_the_ratio_of_the_peaks(scripts):
    whole, half = run(scripts, "heat.js", "[it.colours(0.7, 1), it.colours(0.7, 0.5)]")
    assert half[254] == whole[127]


def test_contour_lines_are_as_long_as_those_of_contourpy(scripts):
    heat = heat_of("fold-1", "scoliosis")[60:180, 15:110]
    pieces = np.array(
        run(
            scripts,
            "contours.js",
            "it.lines({grey: Uint8Array.from(given[0]), width: given[1], height: given[2]}, 127.5)",
            heat.ravel().tolist(),
            heat.shape[1],
            heat.shape[0],
        )
    )
    ours = np.hypot(*(pieces[:, 2:] - pieces[:, :2]).T).sum()
    lines = contourpy.contour_generator(z=heat.astype(float)).lines(127.5)
    theirs = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_zooming_keeps_the_point_under_the_pointer(scripts):
    found = run(
        scripts,
        "view.js",
        """(() => {
            const [film, pane, at] = [{width: 600, height: 900}, {width: 700, height: 500},
                                      {x: 420, y: 130}];
            const view = it.fitted(film, pane);
            const before = it.onFilm(view, pane, at);
            const after = it.onFilm(it.zoomed(view, film, pane, 3, at), pane, at);
            const back = it.onFilm(view, pane, it.onPane(view, pane, [12, 34]));
            return [before, after, back];
        })()""",
    )
    assert found[0] == pytest.approx(found[1])
    assert found[2] == pytest.approx([12, 34])


def test_without_a_stated_spacing_lengths_are_in_pixels_and_it_is_said(scripts):
    said = run(
        scripts,
        "measures.js",
        """(() => {
            const measures = new it.Measures(() => {});
            measures.place('distance', [0, 0]);
            const measure = measures.place('distance', [30, 40]);
            const pixels = measures.short(measure);
            measures.spacing = [0.5, 0.5];
            return [pixels, measures.short(measure), it.spacingSaid(null, null),
                    it.spacingSaid([1, 1], 'detector')];
        })()""",
    )
    assert said[:2] == ["50 px", "25.0 mm"]
    assert "not in mm" in said[2]
    assert "larger than on the patient" in said[3]


# what is shown


def test_several_films_are_sent_and_a_wrong_file_among_them_refuses_no_other(tab, phantom):
    picture = film_png(phantom)
    tab.locator("#files").set_input_files(
        [
            {"name": "one.png", "mimeType": "image/png", "buffer": picture},
            {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear colleague"},
            {"name": SCRIPT_NAME, "mimeType": "image/png", "buffer": picture},
        ]
    )
    wrong = tab.locator("#list li.failed")
    wrong.wait_for(timeout=LONG_WAIT_MS)
    assert "Not a film: the file holds no picture." in wrong.inner_text()
    assert "Send JPEG or PNG." in wrong.inner_text()
    tab.locator("#list li.done").nth(1).wait_for(timeout=LONG_WAIT_MS)
    names = tab.locator("#list .pick .name").all_inner_texts()
    assert names == [SCRIPT_NAME, "one.png"]
    assert tab.locator("[aria-current=true] .name").inner_text() == "one.png"  # the first sent
    assert tab.title() == "Reading room"
    wrong.get_by_role("button", name="Dismiss letter.txt").click()
    assert tab.locator("#list li.failed").count() == 0


def test_a_film_that_waits_says_its_place_in_the_queue(tab, served, phantom):
    served.room.seconds_each = 1.5
    for _ in range(3):
        served.room.add(phantom)
    tab.reload()
    tab.locator("#list .state", has_text="number 2 in the queue").wait_for(timeout=LONG_WAIT_MS)
    assert tab.locator("#list .state", has_text="Being read").count() == 1
    served.room.seconds_each = 0.1


def test_a_doubted_film_has_no_answer_and_says_why_before_any_number(watched, served, phantom):
    served.room.add(phantom, doubted=True, is_read=True)
    tab = shown(watched, served)
    said = tab.locator("#answer").inner_text()
    assert said.startswith("No answer")
    assert said.index("networks say scoliosis, 1 says normal.") < said.index("Probability")
    assert "Cannot be ruled out: normal, scoliosis." in said
    notes = tab.locator("#notes").inner_text()
    assert "The film is narrower" in notes
    assert "No outlier detector" in notes


def test_the_film_is_shown_bare_first_and_heat_is_asked_for(film_tab):
    hot = (0.4, 0.5)
    red, _, blue = colour(film_tab, *hot)
    assert abs(red - blue) <= 1
    film_tab.focus("#panes")
    film_tab.keyboard.press("h")
    legend = film_tab.locator(".legend", has_text="scoliosis, mean of networks, Grad-CAM")
    legend.wait_for()
    assert f"{peak_of('mean', 'scoliosis'):.3g} logit" in legend.inner_text()
    red, _, blue = colour(film_tab, *hot)
    assert red - blue > 80
    film_tab.locator("#opacity").fill("0")
    red, _, blue = colour(film_tab, *hot)
    assert abs(red - blue) <= 1


def test_heat_that_could_not_be_loaded_is_not_taken_for_none(film_tab, served):
    served.room.is_down = True
    film_tab.locator("#network-0").select_option("fold-1")
    legend = film_tab.locator(".legend").first
    film_tab.locator(".legend", has_text="its heat could not be loaded").wait_for()
    assert not legend.locator(".scale").is_visible()
    served.room.is_down = False
    film_tab.locator(".legend", has_text="network of fold 1").wait_for(timeout=LONG_WAIT_MS)
    red, _, blue = colour(film_tab, 0.51, 0.5)
    assert red - blue > 80


def test_two_networks_stand_side_by_side_under_one_view(film_tab):
    film_tab.keyboard.press("s")
    film_tab.locator("#network-1").select_option("fold-2")
    film_tab.locator("#network-0").select_option("fold-0")
    for pane, network_name in ((0, "network of fold 0"), (1, "network of fold 2")):
        legend = film_tab.locator(".pane").nth(pane).locator(".legend", has_text=network_name)
        legend.wait_for(timeout=LONG_WAIT_MS)
    film_tab.mouse.move(*place(film_tab, 0.3, 0.5))
    film_tab.mouse.wheel(0, -400)
    film_tab.locator("#network-0").select_option("none")
    film_tab.locator("#network-1").select_option("none")
    for spot in ((0.2, 0.5), (0.5, 0.45), (0.7, 0.55)):
        assert colour(film_tab, *spot) == colour(film_tab, *spot, pane=1)


def test_two_fingers_zoom_and_one_moves(film_tab):
    session = film_tab.context.new_cdp_session(film_tab)

    def touch(kind, *points):
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def zoom():
        return int(film_tab.locator("#numbers").inner_text().split()[0])

    x, y = place(film_tab, 0.5, 0.5)
    before, seen = zoom(), colour(film_tab, 0.5, 0.5)
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    for apart in (30, 40, 60):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    assert zoom() == pytest.approx(3 * before, abs=2)
    touch("touchStart", (x, y))
    for down in (40, 80, 120):
        touch("touchMove", (x, y + down))
    touch("touchEnd")
    assert zoom() == pytest.approx(3 * before, abs=2)
    assert colour(film_tab, 0.5, 0.5) != seen


def test_window_and_level_follow_the_right_button_the_keys_and_the_reset(film_tab):
    numbers = film_tab.locator("#numbers")
    assert "Window 255 · Level 128" in numbers.inner_text()
    film_tab.mouse.move(*place(film_tab, 0.5, 0.5))
    film_tab.mouse.down(button="right")
    film_tab.mouse.move(*place(film_tab, 0.4, 0.6), steps=3)
    film_tab.mouse.up(button="right")
    assert "Window 255" not in numbers.inner_text()
    film_tab.keyboard.press("r")
    assert "Window 255 · Level 128" in numbers.inner_text()
    film_tab.keyboard.press("w")
    assert "Window 245 · Level 128" in numbers.inner_text()
    before = colour(film_tab, 0.5, 0.5)
    film_tab.keyboard.press("r")
    film_tab.keyboard.press("i")
    assert colour(film_tab, 0.5, 0.5) != before


def test_a_distance_is_measured_by_mouse_moved_and_removed(film_tab):
    film_tab.get_by_role("button", name="Distance").click()
    press_at(film_tab, 0.3, 0.5)
    assert "point 2 of 2" in film_tab.locator("#task").inner_text()
    press_at(film_tab, 0.6, 0.5)
    row = film_tab.locator("#measures li").first
    height = film_tab.locator(".pane > canvas").first.bounding_box()["height"]
    millimetres = 0.3 * height * 480 / height * 0.5  # the film is 480 pixels of half a millimetre
    assert float(row.inner_text().split()[2]) == pytest.approx(millimetres, abs=1)
    film_tab.mouse.move(*place(film_tab, 0.6, 0.5))
    film_tab.mouse.down()
    film_tab.mouse.move(*place(film_tab, 0.5, 0.5), steps=4)
    film_tab.mouse.up()
    assert float(row.inner_text().split()[2]) == pytest.approx(millimetres * 2 / 3, abs=1)
    row.get_by_role("button", name="Remove").click()
    assert "None yet" in film_tab.locator("#measures ul").inner_text()


def test_a_cobb_angle_is_measured_with_the_keyboard_alone(film_tab):
    film_tab.focus("#panes")
    film_tab.keyboard.press("k")
    for keys in (("ArrowLeft",), ("Shift+ArrowRight",) * 8, ("Shift+ArrowDown",) * 8,
                 ("Shift+ArrowLeft",) * 8 + ("Shift+ArrowDown",) * 8):  # fmt: skip
        for key in keys:
            film_tab.keyboard.press(key)
        film_tab.keyboard.press("Enter")
    assert "Cobb angle 1: 45.0°" in film_tab.locator("#measures").inner_text()
    film_tab.keyboard.press("Delete")
    assert "None yet" in film_tab.locator("#measures").inner_text()


def test_corners_are_corrected_by_dragging_and_saved_and_shown_again(film_tab, served, phantom):
    film_tab.keyboard.press("e")
    row, column = np.asarray(phantom.regions.landmarks, float)[0]
    box = film_tab.locator(".pane > canvas").first.bounding_box()
    zoom = box["height"] / 480
    at = (
        box["x"] + box["width"] / 2 + (column - 119.5) * zoom,
        box["y"] + box["height"] / 2 + (row - 239.5) * zoom,
    )
    film_tab.mouse.move(*at)
    film_tab.mouse.down()
    film_tab.mouse.move(at[0] - 10 * zoom, at[1] + 6 * zoom, steps=4)
    film_tab.mouse.up()
    film_tab.get_by_role("button", name="Save corrections").click()
    film_tab.locator("#saved", has_text="Saved as correction 1").wait_for()
    (versions,) = served.room.corrections.values()
    place_of_first = 4 * cobb.VERTEBRAE.index(phantom.truth.vertebrae[0])
    assert versions[0][place_of_first] == pytest.approx([column - 10, row + 6], abs=0.6)
    untouched = np.asarray(phantom.regions.landmarks, float)[1, ::-1].tolist()
    assert versions[0][place_of_first + 1] == pytest.approx(untouched)
    shown(film_tab, served)
    film_tab.locator("#saved", has_text="Correction 1 is shown").wait_for()
    assert "Of corners that a person corrected" in film_tab.locator("#spine").inner_text()


def test_a_lost_connection_is_said_and_what_waited_goes_on_by_itself(film_tab, served, phantom):
    served.room.is_down = True
    film_tab.locator("#files").set_input_files(
        {"name": "later.png", "mimeType": "image/png", "buffer": film_png(phantom)}
    )
    banner = film_tab.locator("#connection")
    banner.wait_for(timeout=LONG_WAIT_MS)
    assert "connection to the server is lost" in banner.inner_text()
    assert film_tab.locator("#answer-title").inner_text() == "scoliosis, 73 %"
    served.room.is_down = False
    film_tab.locator("#list .done .name", has_text="later.png").wait_for(timeout=LONG_WAIT_MS)
    assert not banner.is_visible()


def test_a_film_is_deleted_only_after_a_question(film_tab, served):
    film_tab.get_by_role("button", name="Delete").first.click()
    film_tab.get_by_role("button", name="Keep it").click()
    assert len(served.room.kept) == 1
    film_tab.get_by_role("button", name="Delete").first.click()
    film_tab.locator("#sure").get_by_role("button", name="Delete").click()
    film_tab.locator("#empty").wait_for(timeout=LONG_WAIT_MS)
    assert served.room.kept == {}


# for whom


def test_the_help_lists_every_key_and_each_does_something_that_is_there(film_tab):
    film_tab.get_by_role("button", name="Help and keys").click()
    listed = film_tab.locator("#keys kbd").all_inner_texts()
    keys = run(film_tab, "keys.js", "Object.values(it.GROUPS).flat().flatMap((key) => key.keys)")
    assert set(keys) <= set(listed)
    assert len(keys) == len(set(keys))
    film_tab.keyboard.press("Escape")
    films_and_more = {"u", ".", ",", "m", "?", "Shift+S"}
    for key in (key for key in keys if key not in films_and_more):
        film_tab.focus("#panes")
        film_tab.keyboard.press(key)


def test_every_control_is_reached_by_tab_and_seen_to_have_the_focus(film_tab):
    reached = set()
    for _ in range(80):
        film_tab.keyboard.press("Tab")
        where = film_tab.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body) return ['after the last', true];
                const ring = (one, part) => getComputedStyle(one, part).outlineStyle !== 'none'
                    || getComputedStyle(one, part).borderStyle === 'solid';
                const seen = ring(at) || ring(at, '::after') || ring(at.parentElement);
                return [at.id || at.dataset.does || at.dataset.tool || at.textContent, seen];
            }"""
        )
        assert where[1], where
        reached.add(where[0])
    controls = film_tab.evaluate(
        """() => [...document.querySelectorAll('main button, main input, main select, header a')]
            .filter((one) => one.checkVisibility())
            .map((one) => one.id || one.dataset.does || one.dataset.tool || one.textContent)"""
    )
    assert set(controls) <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(film_tab, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python", reason="axe-playwright-python is not installed"
    )
    film_tab.emulate_media(color_scheme=scheme)
    film_tab.keyboard.press("s")
    film_tab.keyboard.press("h")
    film_tab.keyboard.press("e")
    film_tab.evaluate(resources.files(axe).joinpath("axe.min.js").read_text("utf-8"))
    for opened in ("", "showModal"):
        if opened:
            film_tab.get_by_role("button", name="Help and keys").click()
        found = film_tab.evaluate("axe.run()")["violations"]
        assert [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ] == []


def test_nothing_is_asked_of_any_other_machine(browser, served):
    served.room.empty()
    asked = []
    opened = browser.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(served.address)
    opened.locator("#empty").wait_for()
    opened.close()
    assert asked
    assert [url for url in asked if not url.startswith((served.address, "data:"))] == []
