"""The document of all figures: every configuration in it, and no figure that was not computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spondyl.files import readable_json
from spondyl.learn.predictions import PredictionTable
from spondyl.report import summary
from spondyl.report.published import load
from spondyl.trust import metrics


@pytest.fixture(scope="module")
def document(contents):
    return summary.metrics_document(contents.outcomes, load("ahmad2026"), {"device": "cpu"})


def test_every_configuration_has_an_entry_in_the_order_of_the_study(document, outcomes):
    entries = [(c["network"], c["strategy"], c["protocol"]) for c in document["configurations"]]
    ours = [o.configuration for o in outcomes]
    assert entries == [(c.network, c.strategy, c.protocol) for c in ours]
    assert document["schema_version"] == 1


def test_what_was_not_run_says_why_and_has_no_figures(document):
    entry = document["configurations"][3]
    assert "not on this machine" in entry["not_run"]
    assert entry["accuracy"] is entry["confusion"] is entry["folds"] is entry["macro_f1"] is None
    assert set(entry) == set(document["configurations"][0])


def test_the_accuracy_is_of_all_films_and_agrees_with_confusion_and_folds(document):
    entry = document["configurations"][0]
    confusion = np.array(entry["confusion"])
    assert entry["accuracy"] == np.trace(confusion) / confusion.sum()
    assert entry["n"] == confusion.sum() == sum(fold["n"] for fold in entry["folds"])
    assert (sum(np.array(fold["confusion"]) for fold in entry["folds"]) == confusion).all()
    low, high = (entry["accuracy_interval_groups"][end] for end in ("low", "high"))
    assert low <= entry["accuracy"] <= high


def test_folds_carry_what_is_known_of_their_trials(document):
    fold = document["configurations"][2]["folds"][4]
    assert (fold["fold"], fold["trial_id"], fold["epochs"]) == (4, "trial4", 40)
    assert fold["chosen"] == {"epoch": 31.0}
    assert "history" not in fold


def test_an_undefined_score_is_null_and_the_document_is_json(outcomes):
    table = outcomes[0].predictions
    one_class = PredictionTable(
        *(table.labels, table.image_ids[:4], table.group_ids[:4], table.folds[:4]),
        np.zeros(4, dtype=np.int64),
        table.logits[:4],
    )
    document = summary.metrics_document([replace(outcomes[0], predictions=one_class)], None, {})
    assert document["configurations"][0]["macro_auc"] is None
    assert document["published"] == []
    readable_json(document)


def test_comparisons_put_the_more_accurate_first_and_count_the_films_that_decide(document):
    accuracy = {
        f"{c['network']} · {c['strategy']} · {c['protocol']}": c["accuracy"]
        for c in document["configurations"]
    }
    assert len(document["comparisons"]) == 3
    for pair in document["comparisons"]:
        assert accuracy[pair["first"]] >= accuracy[pair["second"]]
        assert pair["decided_by"] == pair["first_only"] + pair["second_only"]
        assert pair["p_holm"] >= pair["p_value"]


def test_published_figures_carry_their_protocol_and_number_of_films(document):
    first = document["published"][0]
    assert (first["network"], first["accuracy_percent"], first["n"]) == ("vgg16", 99.12, 338)
    assert "steers stopping" in first["protocol"]


def test_the_best_is_the_one_with_the_highest_pooled_accuracy(outcomes):
    scored = summary.score_all(outcomes)
    highest = max(metrics.score(o.predictions).accuracy for o in outcomes if o.predictions)
    assert summary.best(scored).pooled.accuracy == highest
    assert summary.best([]) is None


def test_what_the_judged_films_steered_is_the_best_only_where_all_were(outcomes):
    honest = summary.score_outcome(outcomes[0])
    configuration = replace(honest.outcome.configuration, protocol="paper")
    perfect = replace(honest.pooled, accuracy=1.0)
    steered = replace(
        honest, outcome=replace(honest.outcome, configuration=configuration), pooled=perfect
    )
    assert summary.best([steered, honest]) is honest
    assert summary.best([steered]) is steered
