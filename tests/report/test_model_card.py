"""The model card: its headings, what it must say whatever the results, what it leaves open."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_facts import invented_study

from spondyl.data.labels import SPINE_LABELS
from spondyl.reading.bundle import Bundle, CalibrationFile, Member
from spondyl.reading.trained_on import TrainedOn
from spondyl.report.cards import model_card
from spondyl.report.cards.bundled import with_bundle
from spondyl.report.cards.checklists import AUTHORS
from spondyl.report.cards.facts import EXCLUSIVE
from spondyl.report.cards.known import FACTS, Known
from spondyl.trust.checks import Check, not_run

HEADINGS = (
    *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data"),
    *("Quantitative analyses", "Ethical considerations", "Caveats and recommendations"),
)
CHECKS = (
    Check("copies", "Does a film occur twice?", "pass", "No two films show one picture.", 0.0),
    Check("frame", "Does a frame | tell the label?", "fail", "78 % are told by it.", 0.78),
    not_run("site", "Does the hospital tell the label?", "no film states its site"),
)


@pytest.fixture(scope="module")
def known(outcomes) -> Known:
    return Known.of(invented_study(), outcomes[0])


def line(card: str, name: str) -> str:
    found = [x for x in card.splitlines() if x.startswith(f"- **{name}.**")]
    assert len(found) == 1, name
    return found[0]


def test_the_card_has_the_nine_headings_of_mitchell_in_their_order(known):
    card = model_card.render(known)
    assert tuple(re.findall(r"^## (.*)$", card, re.MULTILINE)) == HEADINGS


def test_what_must_not_be_overlooked_stands_before_the_first_heading(known):
    opening = model_card.render(known).partition("## ")[0]
    assert "For research, not for diagnosis" in opening
    assert EXCLUSIVE in opening
    assert "30 films" in opening
    assert "take them for those of one hospital" in opening
    assert model_card.NO_AUDIT in opening


def test_every_check_is_told_and_those_failed_or_not_run_are_named_at_the_top(known):
    card = model_card.render(known, CHECKS)
    opening = card.partition("## ")[0]
    assert "Failed: frame" in opening
    assert "Not run: site" in opening
    assert model_card.NO_AUDIT not in opening
    for check in CHECKS:
        assert check.said in card
    assert card.index("78 % are told") < card.index("No two films show one picture")
    assert r"Does a frame \| tell the label?" in card


def test_no_score_is_made_of_the_checks(known):
    opening = model_card.render(known, CHECKS).partition("## ")[0]
    assert "3 checks: 1 fail, 0 warn, 1 pass, 1 not run" in opening
    assert "No score is made of them" in opening


def test_ethics_and_who_labelled_are_the_authors_however_much_is_known():
    card = model_card.render(Known(**dict.fromkeys(FACTS, "It is so.")))
    for name in ("Approval", "Consent", "Privacy", "Origin of the labels", "Developers", "Devices"):
        assert AUTHORS in line(card, name)
    assert AUTHORS not in line(card, "Licence of the initial weights")


def test_a_licence_is_told_where_it_is_stated_and_asked_for_where_not(known):
    assert AUTHORS in line(model_card.render(known), "Licence of the initial weights")
    told = replace(known, weights_licence="BSD-3-Clause.", data_licence="CC BY 4.0.")
    card = model_card.render(told)
    assert "BSD-3-Clause." in line(card, "Licence of the initial weights")
    assert "CC BY 4.0." in line(card, "Licence of the films")


def test_a_network_that_was_not_run_has_a_card_without_results(outcomes):
    card = model_card.render(Known.of(invented_study(), outcomes[3]))
    assert AUTHORS in line(card, "Performance")
    assert AUTHORS in line(card, "Initial weights")


def test_the_structure_for_a_page_says_what_the_markdown_says(known):
    card, text = model_card.compose(known, CHECKS), model_card.render(known, CHECKS)
    lines = [one for part in card.parts for one in part.lines]
    assert len(lines) == text.count("\n- **")
    assert all(one.text.strip() for one in lines)
    assert [check.status for check in card.checks] == ["fail", "pass", "not run"]


def invented_bundle(outcome, **changes):
    spec = invented_study().spec
    member = Member(0, "t0", "a" * 64, outcome.weights, (), ("c" * 64,), None, "too few films")
    members = tuple(
        replace(member, fold=fold, learned_from=("b" * 64,) * (20 + fold)) for fold in range(3)
    )
    content = {
        **{"folder": Path("bundle"), "bundle_id": "e" * 64, "made_of": "the networks of all folds"},
        **{"configuration": outcome.configuration, "labels": SPINE_LABELS, "spec": spec},
        **{"preprocessing": spec.preprocessing, "cohort_sha256": "d" * 64, "members": members},
        "trained_on": TrainedOn(24, 24, {}, {}, {}, None, 24, {}),
        "calibration": CalibrationFile("f" * 64, 0.1, "by label", 24, 1.5, "", ("normal",)),
        **{"body_sha256": None, "quorum": 0.8, "card_sha256": "", "versions": {"spondyl": "0.1.0"}},
        "intended_use": "For us.",
    }
    return Bundle(**content | changes)


def test_a_bundle_s_card_tells_how_its_networks_answer_together(outcomes):
    bundle = invented_bundle(outcomes[0])
    known = with_bundle(Known.of_bundle(bundle), bundle)
    assert "3 networks are averaged" in known.ensembling
    assert "80%" in known.ensembling
    assert known.refusals == "Nothing refuses a strange film: too few films."
    assert "divided by 1.5" in known.calibration
    assert "Too few films for it ever to be left out: normal." in known.calibration
    assert "not known" in known.limitations
    alone = replace(bundle, made_of="one network")
    assert "one network" in with_bundle(Known.of_bundle(alone), alone).ensembling


def test_a_bundle_s_card_tells_its_method_and_leaves_results_to_the_authors(outcomes):
    bundle = invented_bundle(outcomes[0])
    known = Known.of_bundle(bundle)
    card = model_card.render(known)
    assert "20–22 films taught each of 3 networks" in card
    assert "resnet50\\_v1.pth" in line(card, "Initial weights")
    assert "For us." in line(card, "Use")
    for name in ("Performance", "By label", "Calibration", "Films", "Copies"):
        said = [x for x in card.splitlines() if x.startswith(f"- **{name}.**")]
        assert any(AUTHORS in x for x in said), name
    assert known.evaluation == known.ensembling == known.people == ""
