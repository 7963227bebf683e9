"""The page of an audit of networks: what decides is drawn and said, what was not asked is too."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from invented_audit import REFUSED, N, invented_model_audit
from report_facts import invented_study
from test_audit_page import Reader, marked, said

from spondyl.report import canvas, figures
from spondyl.report.audits import card as model_audit_card
from spondyl.report.audits import curves as model_audit_curves
from spondyl.report.audits import figures as model_audit_figures
from spondyl.report.audits import networks as model_audit_page
from spondyl.report.audits import page as audit_page
from spondyl.report.audits import sections as model_audit_sections
from spondyl.report.audits import sure as model_audit_sure
from spondyl.report.cards.facts import EXCLUSIVE
from spondyl.report.cards.known import Known
from spondyl.report.published import load
from spondyl.trust.answers import calibration
from spondyl.trust.intervals import NotRun
from spondyl.trust.model_audit.audit import ModelAudit

WHY = NotRun("nobody brought what it needs")


@pytest.fixture(scope="module")
def audit() -> ModelAudit:
    return invented_model_audit()


@pytest.fixture(scope="module")
def known(outcomes) -> Known:
    return Known.of(invented_study(), outcomes[0])


@pytest.fixture(scope="module")
def whole(audit, known) -> audit_page.AuditContents:
    return model_audit_page.contents(audit, load("ahmad2026"), known)


@pytest.fixture(scope="module")
def page(whole) -> str:
    return audit_page.render(whole)


@pytest.fixture(scope="module")
def bare(audit) -> ModelAudit:
    """An audit of which all that can be missing is."""
    reliance = audit.reliance
    names = tuple(one.change for one in reliance.effects)
    nothing = dict.fromkeys(
        ("sets", "sets_by_label", "abstention", "screening", "net_benefit"), WHY
    )
    nothing["calibration"] = replace(
        audit.answered.calibration, temperatures=(), after=None, why_not_after=WHY.why
    )
    nothing["subgroups"] = replace(audit.answered.subgroups, fields=())
    absent = dict.fromkeys(("places", "sanity", "steadiness", "agreement", "map_agreement"), WHY)
    return replace(
        audit,
        **{"films": WHY, "best_probe": None, "share": WHY, "refusals": WHY},
        answered=replace(audit.answered, **nothing),
        looked=replace(audit.looked, **absent),
        reliance=replace(
            reliance,
            effects=(),
            not_applicable=names,
            without_spine=(),
            only_spine=None,
            attributed=None,
            families=(),
        ),
    )


def titles(figure) -> list[str]:
    return [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]


def words(section) -> str:
    return " ".join(section.text)


def test_every_part_has_words_then_a_figure_then_a_table(whole):
    *sections, card = whole.sections
    anchors = ("accuracy", "reliance", "looks", "sure", "sets", "screening", "strangers")
    assert tuple(one.anchor for one in sections) == (*anchors, "subgroups")
    assert card.anchor == "card"
    for one in sections:
        assert one.text, one.anchor
        assert one.drawings, one.anchor
        assert one.tables, one.anchor


def test_the_page_asks_nothing_of_a_network_and_no_name_in_it_is_given_twice(page):
    reader = Reader(page)
    assert all(address.startswith("#") for address in reader.addresses)
    assert {address[1:] for address in reader.addresses} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)


def test_networks_and_probes_stand_on_one_scale(audit):
    own = audit.answered.discrimination.accuracy
    (axes,) = model_audit_figures.accuracy(audit.films, audit.title, own).axes
    grouped = [one.accuracy for one in audit.films.probes if one.folds == "grouped"]
    assert sorted(marked(axes, "o")) == sorted(100 * x for x in (own.value, *grouped))
    assert titles(axes.figure)[:2] == ["The networks", audit.title]
    low, high = axes.get_xlim()
    assert low <= 100 * own.interval.low <= high
    bottom, top = axes.get_ylim()
    assert top < -1 < 0 < bottom, "the row of the networks lies above the first probe"


def test_a_probe_as_good_as_the_networks_is_said_to_be(audit):
    told = words(model_audit_sections.accuracy(audit))
    assert f"right on {100 * audit.answered.discrimination.accuracy.value:.1f} %" in told
    assert audit.best_probe.question in told
    assert "accuracy cannot show that they do not" in told


def test_every_change_is_drawn_beside_the_same_films_as_they_are(audit):
    found = audit.reliance
    (axes,) = model_audit_figures.changed(found).axes
    assert sorted(marked(axes, "o")) == sorted(100 * one.accuracy.value for one in found.effects)
    assert sorted(marked(axes, "s")) == sorted(100 * one.unchanged.value for one in found.effects)
    names = titles(axes.figure)
    assert names.index("The spine") < names.index("spine hidden (n = 60)")
    assert "mirrored" in names, "a change of all films needs no count"
    assert "has no meaning for these films" in canvas.svg(axes.figure)
    majority = 100 * found.without_spine[0].majority.value
    upright = [line.get_xdata()[0] for line in axes.get_lines() if len(set(line.get_xdata())) == 1]
    assert majority in upright
    assert 100 * found.accuracy.value in upright


def test_a_hidden_spine_is_held_against_always_saying_one_label(audit):
    told, (hidden, *_) = words(model_audit_sections.reliance(audit)), audit.reliance.without_spine
    assert f"{100 * hidden.accuracy.value:.1f} %" in told
    assert (
        f"“{hidden.majority_label}” would be right on {100 * hidden.majority.value:.1f} %" in told
    )
    assert "a lead letter" in told, "what lies beside the spine and steers most is named"


def test_maps_that_a_blob_equals_are_not_praised(audit):
    told = words(model_audit_sections.looks(audit))
    assert "not shown to be more than of a blob in the middle" in told
    assert "does not prove that the spine decides" in told


def test_maps_are_filled_and_what_knows_nothing_is_hollow(audit):
    figure = model_audit_figures.looked(audit.looked.places, "Grad-CAM")
    for axes in figure.axes:
        dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
        assert [line.get_markerfacecolor() == "none" for line in dots] == [False] + 5 * [True]
    assert titles(figure)[:2] == ["Grad-CAM", "chance"]


def test_report_and_audit_draw_their_reliability_from_the_same_bins(audit):
    bins = calibration.reliability(audit.predictions)
    axes = canvas.new_figure(3, 3).subplots()
    figures.draw_reliability(axes, bins)
    there = [one for one in bins if one.n]
    assert marked(axes, "o") == [100 * one.mean_probability for one in there]
    assert len(axes.patches) == len(bins)
    assert max(bar.get_height() for bar in axes.patches) == pytest.approx(30)


def test_bins_without_a_film_draw_nothing(audit):
    bins = tuple(replace(one, n=0) for one in calibration.reliability(audit.predictions))
    axes = canvas.new_figure(3, 3).subplots()
    figures.draw_reliability(axes, bins)
    assert marked(axes, "o") == []
    assert all(bar.get_height() == 0 for bar in axes.patches)


def test_shares_of_set_sizes_add_up_to_all_sets(audit):
    made = [
        ("for all films", audit.answered.sets),
        ("for every label", audit.answered.sets_by_label),
    ]
    _, bars = model_audit_curves.sets(made).axes
    rows = {}
    for bar in bars.patches:
        rows.setdefault(round(bar.get_y(), 3), []).append(bar.get_width())
    assert len(rows) == len(made)
    assert all(sum(widths) == pytest.approx(100) for widths in rows.values())


def test_a_decision_curve_stands_beside_everybody_and_nobody(audit):
    answered = audit.answered
    _, axes = model_audit_curves.screened(answered.screening, answered.net_benefit).axes
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
    points = answered.net_benefit.points
    assert lines["by its answer"].tolist() == [one.model.value for one in points]
    assert lines["everybody"].tolist() == [one.treat_all for one in points]
    assert set(lines["nobody"].tolist()) == {0}


def test_strangers_that_are_let_in_are_named(audit):
    let_in = [kind for kind, share in REFUSED.items() if share < 0.8]
    assert let_in == ["hand"]
    assert "It lets in: five fingers, like a hand (40 % refused)." in words(
        model_audit_sure.strangers(audit)
    )


def test_a_small_subgroup_is_hollow_and_its_range_is_said(audit):
    found = audit.answered.subgroups
    few = replace(
        found,
        fields=tuple(
            replace(field, subgroups=tuple(replace(one, enough=False) for one in field.subgroups))
            for field in found.fields
        ),
    )
    (axes,) = model_audit_figures.subgroups(few, 0.9).axes
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert {line.get_markerfacecolor() for line in dots} == {"none"}
    answered = replace(audit.answered, subgroups=few)
    told = words(model_audit_sure.subgroups(replace(audit, answered=answered)))
    assert "0 of 2 subgroups have 10 groups or more" in told
    least = min(few.all, key=lambda one: one.n_films)
    assert f"has {least.n_films} films" in told


def test_what_was_not_asked_is_said_and_never_drawn(bare):
    contents = model_audit_page.contents(bare)
    page = said(Reader(audit_page.render(contents)).text)
    sections = {one.anchor: one for one in contents.sections}
    assert page.count(WHY.why) >= 8
    for anchor in ("accuracy", "reliance", "looks", "sets", "screening", "strangers", "subgroups"):
        assert not sections[anchor].drawings, anchor
    assert "no masks say where it is" in page
    assert "nan" not in re.findall(r"\w+", page)


def test_what_is_not_proven_stands_before_any_figure(audit, page):
    told = model_audit_page.limits(audit)
    text = " ".join(told)
    assert told[0].startswith("Research use only, not for diagnosis")
    assert EXCLUSIVE in told
    assert "at another hospital cannot be told" in text
    assert "2 films that share their picture" in text
    assert "is an upper bound" in text
    shown = said(Reader(page).text)
    assert shown.index("not for diagnosis") < shown.index("How it was asked")


def test_an_external_test_does_not_claim_another_hospital(audit):
    text = " ".join(model_audit_page.limits(replace(audit, tested_within=False)))
    assert "for the authors to say" in text
    assert "at another hospital cannot be told" not in text


def test_agreement_before_strangers_is_no_upper_bound(audit):
    agreement = replace(audit.looked.agreement, met=0.0)
    strange = replace(audit, looked=replace(audit.looked, agreement=agreement))
    assert "upper bound" not in " ".join(model_audit_page.limits(strange))


def test_page_record_and_summary_alone_where_no_run_is_known(bare, tmp_path):
    page = model_audit_page.write(bare, tmp_path / "audit")
    names = {audit_page.PAGE, audit_page.RECORD, audit_page.SUMMARY}
    assert {one.name for one in page.parent.iterdir()} == names
    record = json.loads((page.parent / audit_page.RECORD).read_text(encoding="utf-8"))
    assert record == json.loads(json.dumps(bare.as_dict()))
    assert record["n_films"] == N


def test_card_and_checklists_lie_beside_the_page_of_a_known_run(bare, known, tmp_path):
    folder = model_audit_page.write(bare, tmp_path / "audit", known=known).parent
    more = {"model-card.md", "claim-2024.md", "tripod-ai.md"}
    assert more < {one.name for one in folder.iterdir()}
    card = (folder / "model-card.md").read_text(encoding="utf-8")
    assert "allowed" not in card
    assert WHY.why in card


def test_the_page_counts_the_items_of_the_checklists_and_holds_the_cards_text(page, audit, known):
    more = model_audit_card.enriched(known, audit)
    counted = model_audit_card.section(more, audit).text[0]
    assert len(re.findall(r"\d+ of \d+ items are answered by the run", counted)) == 2
    assert counted in said(Reader(page).text)
    assert "hand 40.0 %" in more.refusals
    assert more.refusals in said(Reader(page).folded)


def test_an_audit_answers_items_that_a_run_leaves_to_its_authors(audit, known):
    more = model_audit_card.enriched(known, audit)
    for name in ("robustness", "subgroups", "refusals"):
        assert not getattr(known, name)
        assert getattr(more, name)
    assert "After one temperature for each fold" in more.calibration
    assert more.performance == known.performance, "what the run says of itself stays"
    assert "A check failed" in more.limitations
    before, after = (model_audit_card.section(one, audit).text[0] for one in (known, more))
    assert before != after


def test_a_bundle_that_keeps_no_results_is_told_those_of_the_audit(audit):
    empty = Known("resnet50 · probe", "Deep learning.")
    more = model_audit_card.enriched(empty, replace(audit, tested_within=False))
    accuracy = 100 * audit.answered.discrimination.accuracy.value
    assert f"Accuracy {accuracy:.1f} %" in more.performance
    assert "normal: " in more.per_class
    assert "for the authors to say" in more.external


def test_what_the_audit_could_not_ask_is_unknown_in_the_card(bare, known):
    more = model_audit_card.enriched(known, bare)
    assert "not known" in more.refusals
    assert more.robustness.startswith("Not known")
    assert more.subgroups.startswith("Not known")
    assert more.clusters == ""
    assert "No temperature" in more.calibration


def test_an_audit_is_written_again_byte_for_byte(bare, known, tmp_path):
    for name in ("first", "second"):
        model_audit_page.write(bare, tmp_path / name, known=known)
    for one in (tmp_path / "first").iterdir():
        assert one.read_bytes() == (tmp_path / "second" / one.name).read_bytes()


def test_parts_can_be_taken_one_by_one(bare, whole):
    alone = model_audit_sections.reliance(bare)
    page = audit_page.render(replace(whole, sections=(alone,), checks=()))
    assert alone.title in page
