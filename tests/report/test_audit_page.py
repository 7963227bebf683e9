"""An audit's page: every check in words, shapes and colour; nothing added up; nothing fetched."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.colors import to_hex
from report_facts import invented_study

from spondyl.data.duplicates.finding import DuplicateGroup
from spondyl.data.labels import SPINE_LABELS
from spondyl.report.audits import films as data_audit_page
from spondyl.report.audits import page as audit_page
from spondyl.report.audits.page import AuditContents
from spondyl.report.published import load
from spondyl.report.sections import Section
from spondyl.report.tables import Table
from spondyl.trust.checks import STATUSES, Check, Evidence, not_run
from spondyl.trust.data_audit import probing
from spondyl.trust.data_audit.audit import DataAudit
from spondyl.trust.data_audit.label_errors import suspected
from spondyl.trust.data_audit.panel import FOLDS, Remedied
from spondyl.trust.data_audit.probes import not_asked, probe_of
from spondyl.trust.data_audit.probing import Films, Folding, Probed
from spondyl.trust.intervals import Interval


def invented_data_audit() -> DataAudit:
    """An audit of those films: a number that tells the label, one that does not, one pair of copies
    and a site that nobody states."""
    cohort = invented_study().cohort
    films = Films(
        SPINE_LABELS,
        tuple(film.image_id for film in cohort.radiographs),
        tuple(film.group_id for film in cohort.radiographs),
        np.repeat(np.arange(3), 10),
    )
    rng = np.random.default_rng(0)
    told = films.truth[:, None] + rng.normal(scale=0.1, size=(30, 1))
    asked = (
        probe_of("age-sex", ("age",), told),
        probe_of("histogram", ("grey",), rng.normal(size=(30, 1))),
    )
    folded = {name: Folding.draw(films, name, 3, 0, 19) for name in FOLDS}
    probed = tuple(probing.probe(one, folding) for one in asked for folding in folded.values())
    before = tuple(one for one in probed if one.folds == "grouped")
    return DataAudit(
        cohort=cohort,
        n_probed=30,
        probes=probed,
        not_asked=(not_asked("site", "no film states its site"),),
        copies=(DuplicateGroup((films.image_ids[0], films.image_ids[1]), ()),),
        artefacts=Evidence("Marks on films", ("mark", "films"), (("letters", "4"),)),
        suspicions=suspected(probed[1].predictions),
        remedied=(Remedied("grey", "made grey", 30, before, before[:1]),),
        checks=(
            Check("copies", "Does a film occur twice?", "warn", "Two films show one picture.", 2.0),
            _told(probed[1]),
            not_run("site", "Does the hospital tell the label?", "no film states its site"),
        ),
        n_folds=3,
        seed=0,
        seconds=1.5,
    )


def _told(one: Probed) -> Check:
    return Check(
        *("age-sex", "Do age and sex tell the label?", "fail", "They do <b>& more</b>."),
        value=one.accuracy,
        interval=one.interval,
        threshold=one.null.accuracy_high,
        source="19 shuffles",
        evidence=(Evidence("By itself", ("number", "η²"), (("age | years", "0.9"),)),),
    )


class Reader(HTMLParser):
    """What a browser would show as text, every address, and what lies inside `<details>`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.folded = [], []
        self.addresses, self.tags, self.ids = [], [], []
        self.depth = 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.depth += tag == "details"
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_endtag(self, tag):
        self.depth -= tag == "details"

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            (self.folded if self.depth else self.text).append(data)


def said(parts) -> str:
    return " ".join(" ".join(parts).replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def audit():
    return invented_data_audit()


@pytest.fixture(scope="module")
def published():
    return load("ahmad2026")


@pytest.fixture(scope="module")
def page(audit, published) -> str:
    return data_audit_page.data_audit_page(audit, published)


def contents(*checks: Check, **changes) -> AuditContents:
    plain = AuditContents("An audit", "thirty films", "May I trust it?", ("So.",), checks)
    return replace(plain, **changes)


def check(name: str, status, **more) -> Check:
    return Check(name, f"Is {name} so?", status, f"{name} was looked at", **more)


def test_every_check_stands_on_the_first_page_and_its_evidence_is_folded(page, audit):
    reader = Reader(page)
    for one in audit.checks:
        assert one.question in said(reader.text)
        for evidence in one.evidence:
            assert evidence.rows[0][0] not in said(reader.text)
            assert evidence.rows[0][0] in said(reader.folded)


def test_the_most_alarming_check_comes_first(page):
    order = re.findall(r'<li class="check" id="check-([a-z-]+)"', page)
    assert order == ["age-sex", "copies", "site"]


def test_each_status_has_a_word_and_a_shape_of_its_own_beside_its_colour():
    page = audit_page.render(contents(*(
        not_run("n", "Is n so?", "nobody knows") if s == "not run" else check(s, s)
        for s in STATUSES
    )))  # fmt: skip
    found = re.findall(
        r'<p class="status ([a-z-]+)"><svg[^>]*>(.*?)</svg>\s*([a-z ]+)</p>', page, re.DOTALL
    )
    assert [word.strip() for _, _, word in found] == list(STATUSES)
    assert len({re.sub(r"\s", "", shape) for _, shape, _ in found}) == len(STATUSES)
    assert len({colour for colour, _, _ in found}) == len(STATUSES)


def test_statuses_are_counted_and_never_added_up():
    answer = audit_page.answer((check("a", "fail"), check("b", "pass"), check("c", "pass")))
    assert "1 failed, 0 warned, 2 passed, and 0 could not be run" in answer
    assert "no pass makes up for a failure" in answer


def test_an_audit_of_which_nothing_ran_says_that_nothing_can_be_said():
    for checks in ((), (not_run("a", "Is a so?", "no masks"),)):
        assert audit_page.answer(checks).startswith("Nothing can be said")
        assert "Nothing can be said" in audit_page.render(contents(*checks))


def test_a_value_stands_with_its_interval_and_where_its_threshold_comes_from():
    interval = Interval(0.7, 0.8, 0.95, "group bootstrap", 30)
    told = " ".join(
        audit_page.figures(
            check("a", "fail", value=0.75, interval=interval, threshold=0.5, source="a paper")
        )
    )
    assert told == (
        "Measured 0.750 (95 % interval 0.700 to 0.800), held against 0.500. "
        "Threshold from: a paper."
    )
    assert audit_page.figures(check("b", "warn", value=30.0)) == ["Measured 30."]
    for strange in (float("nan"), float("inf")):
        assert audit_page.figures(check("c", "warn", value=strange)) == ["Measured undefined."]
    assert audit_page.figures(not_run("d", "Is d so?", "no")) == []


def test_what_is_not_proven_stands_before_the_evidence(page):
    text = said(Reader(page).text)
    assert text.index("What this does not prove") < text.index("How it was asked")
    assert "Whether a model uses it" in text


def test_the_page_says_first_that_it_is_not_for_diagnosis(page):
    text = said(Reader(page).text)
    assert text.index("Research, not diagnosis.") < text.index("May I trust")


def test_the_page_asks_nothing_of_a_network_and_its_links_lead_somewhere(page):
    reader = Reader(page)
    assert reader.addresses
    assert all(address.startswith("#") for address in reader.addresses)
    assert {address[1:] for address in reader.addresses} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)
    assert "script" not in reader.tags
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_what_a_check_said_is_shown_and_never_taken_for_markup(page):
    assert "They do <b>& more</b>." in said(Reader(page).text)
    assert "b" not in Reader(page).tags


def test_two_checks_or_sections_of_one_name_are_refused():
    with pytest.raises(ValueError, match="names of their own"):
        audit_page.render(contents(check("a", "pass"), check("a", "fail")))
    with pytest.raises(ValueError, match="names of their own"):
        audit_page.render(contents(check("a", "pass"), sections=(Section("evidence", "Mine"),)))


def test_sections_of_a_caller_are_shown_with_their_tables_folded():
    table = Table("spread", "How it spreads", ("fold", "share"), (("first", "0.4"),), ("A note.",))
    section = Section("more", "More of it", ("A sentence.",), tables=(table,))
    reader = Reader(audit_page.render(contents(check("a", "pass"), sections=(section,))))
    assert "A sentence." in said(reader.text)
    assert "first" not in said(reader.text)
    assert "A note." in said(reader.folded)


def test_page_record_and_summary_lie_in_one_folder_and_agree(audit, published, tmp_path):
    page = data_audit_page.write(audit, tmp_path / "audit", published)
    assert sorted(p.name for p in page.parent.iterdir()) == sorted(
        (audit_page.PAGE, audit_page.RECORD, audit_page.SUMMARY)
    )
    record = json.loads((page.parent / audit_page.RECORD).read_text(encoding="utf-8"))
    assert record == json.loads(json.dumps(audit.as_dict()))
    text = (page.parent / audit_page.SUMMARY).read_text(encoding="utf-8")
    for one in audit.checks:
        assert one.question in text
    assert r"They do \<b\>& more\</b\>." in text


def test_a_record_that_is_no_json_leaves_no_page(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        audit_page.write(contents(check("a", "pass")), {"value": float("nan")}, tmp_path / "a")
    assert not (tmp_path / "a" / audit_page.PAGE).exists()


def test_an_audit_is_written_again_byte_for_byte(audit, published, tmp_path):
    for name in ("first", "second"):
        data_audit_page.write(audit, tmp_path / name, published)
    for one in (tmp_path / "first").iterdir():
        assert one.read_bytes() == (tmp_path / "second" / one.name).read_bytes()


def marked(axes, marker):
    """x of everything drawn with this marker, in the order drawn; legends are nan."""
    found = [line for line in axes.get_lines() if line.get_marker() == marker]
    return [float(x) for line in found for x in line.get_xdata() if x == x]


def test_probes_and_published_accuracies_stand_on_one_scale(audit, published):
    (axes,) = data_audit_page.scale(audit, published).axes
    grouped = [one for one in audit.probes if one.folds == "grouped"]
    plain = [one for one in audit.probes if one.folds == "plain"]
    assert sorted(marked(axes, "o")) == sorted(100 * one.accuracy for one in grouped)
    assert sorted(marked(axes, "s")) == sorted(100 * one.accuracy for one in plain)
    assert sorted(marked(axes, "|")) == sorted(100 * one.null.accuracy_high for one in grouped)
    theirs = [one.accuracy_percent for one in published.configurations]
    assert sorted(marked(axes, "D")) == sorted(theirs)
    low, high = axes.get_xlim()
    assert all(low <= x <= high for x in marked(axes, "o") + marked(axes, "D") + marked(axes, "|"))


def test_nothing_published_is_drawn_unless_it_is_named(audit):
    (axes,) = data_audit_page.scale(audit).axes
    assert marked(axes, "D") == []
    assert "Ahmad" not in data_audit_page.data_audit_page(audit)


def test_published_accuracies_below_a_shortcut_are_counted(audit, published):
    best = max(p.accuracy for p in audit.probes if (p.kind, p.folds) == ("not-anatomy", "grouped"))
    below = sum(c.accuracy_percent <= 100 * best for c in published.configurations)
    told = data_audit_page.contents(audit, published).sections[0].text[0]
    assert f"Of 6 accuracies that Ahmad et al. 2026 report, {below} are no higher" in told
    assert "not by us" in told


def test_what_differs_by_colour_in_the_figure_differs_by_marker_too(audit, published):
    (axes,) = data_audit_page.scale(audit, published).axes
    looks = {
        (line.get_marker(), to_hex(line.get_markeredgecolor()))
        for line in axes.get_lines()
        if line.get_marker() in ("o", "s", "D", "|")
    }
    assert len({marker for marker, _ in looks}) == len(looks)


def test_copies_marks_and_remedies_are_told_as_far_as_there_are_any(audit):
    folded = said(Reader(data_audit_page.data_audit_page(audit)).folded)
    assert "; ".join(f"{i} (normal)" for i in audit.copies[0].image_ids) in folded
    assert "letters" in folded
    assert "nothing is left to ask" in folded
    bare = replace(audit, copies=(), remedied=(), artefacts=Evidence("", (), ()))
    assert "films" not in [s.anchor for s in data_audit_page.contents(bare).sections]


def test_a_probe_of_some_films_says_of_how_many(audit):
    (axes,) = data_audit_page.scale(replace(audit, n_probed=40)).axes
    assert "age and sex (n = 30)" in [label.get_text() for label in axes.get_yticklabels()]
