"""An invented audit of networks: real scores of drawn answers, and of maps that nobody drew."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from report_facts import invented_study
from test_audit_page import invented_data_audit

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers import (
    calibration,
    cross_conformal,
    discrimination,
    net_benefit,
    screening,
    selective,
    subgroups,
)
from spondyl.trust.asking import reliance
from spondyl.trust.asking.agreeing import Agreement
from spondyl.trust.asking.looking import Looked
from spondyl.trust.asking.map_findings import MapAgreement, Places, Sanity, Steadiness
from spondyl.trust.asking.questioning import Answers
from spondyl.trust.asking.refusals import WORDS, KindRefused, Refusals, Refused
from spondyl.trust.data_audit import label_errors
from spondyl.trust.heatmap_scores import Judgement, judge
from spondyl.trust.intervals import Estimate, MeanBootstrap, NotRun
from spondyl.trust.model_audit.audit import Answered, ModelAudit, checks_of

N = 90
FILMS = (
    *invented_study().cohort.radiographs,
    *(
        replace(film, image_id=f"more/{i:02}.jpg", group_id=f"g{i}", sex=sex, label=film.label)
        for i, (film, sex) in enumerate(
            zip(invented_study().cohort.radiographs * 2, ("female", "male") * 30, strict=True), 30
        )
    ),
)
"""Those of the invented study, and as many again twice, of which the sex is stated."""
GROUPS = [film.group_id for film in FILMS]
TRUTH = np.array([SPINE_LABELS.column(film.label) for film in FILMS])
REFUSED = {"noise": 1.0, "hand": 0.4}
"""Share refused of these kinds of strangers, 0.9 of all others."""


def predictions(skill: float, seed: int, keep: int = N) -> PredictionTable:
    """Answers of three folds to the first `keep` films, righter with more `skill`."""
    logits = np.random.default_rng(seed).normal(size=(N, 3))
    logits[np.arange(N), TRUTH] += skill
    ids = tuple(film.image_id for film in FILMS[:keep])
    return PredictionTable(
        *(SPINE_LABELS, ids, tuple(GROUPS[:keep]), np.arange(keep) % 3),
        *(TRUTH[:keep], logits[:keep]),
    )


def invented_model_audit() -> ModelAudit:
    """Networks that tell most films rightly, some without the spine, and let hands in."""
    table, films = predictions(2.2, 0), invented_data_audit()
    probe = films.probed("age-sex", "grouped")
    share = discrimination.share_reached(table, probe.predictions, 0)
    found = ModelAudit(
        title="resnet50 · probe · nested",
        source="study of cohort 0123456789ab",
        tested_within=True,
        n_films=len(table),
        n_left_out=0,
        predictions=table,
        films=films,
        best_probe=probe,
        share=share,
        answered=_answered(table),
        reliance=reliance.of(_asked(table)),
        looked=_looked(),
        refusals=_refusals(),
        checks=(),
        seconds=2.5,
    )
    return replace(found, checks=checks_of(found, True, {"not stated"}))


def _answered(table: PredictionTable) -> Answered:
    return Answered(
        discrimination.discrimination(table, 0, 200),
        calibration.calibration(table, 0, 200),
        cross_conformal.cross_conformal(table, 0.1, "marginal", 0, 200),
        cross_conformal.cross_conformal(table, 0.1, "by label", 0, 200),
        selective.risk_coverage(table, 0, 200),
        selective.abstain(table, 0.1, 0, 200),
        screening.operating_point(table, 0, specificity=0.8, n_resamples=200),
        net_benefit.decision_curve(table, 0, n_resamples=200),
        subgroups.subgroups(table, FILMS, 0, 200),
        label_errors.suspected(table),
    )


def _asked(table: PredictionTable) -> dict[str, Answers]:
    """Sixty films have a mask, forty of them room beside it; nothing is coloured."""
    changed = {
        "spine-hidden": predictions(0.8, 1, 60),
        "control-hidden": predictions(2.8, 2, 40),
        "spine-only": predictions(2.0, 3, 60),
        "mirrored": predictions(2.5, 4),
        "marker-upper-left": predictions(1.5, 5),
        "marker-upper-right": predictions(2.2, 0),
        "tint-cool": predictions(3.0, 6, 0),
    }
    known = {"unchanged": table, **changed}
    left_out = {
        name: tuple(film.image_id for film in FILMS[len(one) :]) for name, one in known.items()
    }
    return {name: Answers(name, one, left_out[name]) for name, one in known.items()}


def _looked() -> Looked:
    rng = np.random.default_rng(7)

    def judged(score: str, mean: float, beside: Mapping[str, float], way="higher") -> Judgement:
        values = {name: value + rng.normal(scale=0.05, size=N) for name, value in beside.items()}
        own = {"grad-cam": mean + rng.normal(scale=0.05, size=N)}
        return judge(score, way, own, values, GROUPS, 0, 200)

    def average(score: str, mean: float):
        return judged(score, mean, {}).methods[0].average

    beside = {"chance": 0.2, "random": 0.2, "centre": 0.5, "edges": 0.3, "untrained": 0.25}
    other = {"other films": 0.3}
    estimate = _estimate(0.8)
    return Looked(
        method="grad-cam",
        image_ids=tuple(film.image_id for film in FILMS),
        n_checked=24,
        places=Places(
            judged("energy", 0.4, beside), judged("pointing", 0.6, beside), NotRun("no target")
        ),
        sanity=Sanity(
            judged("randomised-rank", 0.1, {"two random networks": 0.1}, "lower"),
            *(average(name, 0.2) for name in ("head", "unchanged", "untrained", "other")),
            8,
        ),
        steadiness=Steadiness(*(judged(name, 0.9, other) for name in ("shift", "shade", "flip"))),
        agreement=Agreement(3, N, 2 / 3, estimate, estimate, estimate),
        map_agreement=MapAgreement(average("rank", 0.7), judged("overlap", 0.5, {"chance": 0.1})),
    )


def _refusals() -> Refusals:
    kinds = tuple(
        KindRefused(
            kind, what, 20, _refused(REFUSED.get(kind, 0.9)), _estimate(0.9), _estimate(0.8)
        )
        for kind, what in WORDS.items()
    )
    return Refusals(0.05, (20, 20, 20), "the judging head", True, N, _refused(0.04), kinds)


def _refused(share: float) -> Refused:
    return Refused(_estimate(share), _estimate(share), _estimate(share / 2))


def _estimate(value: float) -> Estimate:
    drawn = np.random.default_rng(3).normal(value, 0.02, N).clip(0, 1)
    interval = MeanBootstrap.draw(GROUPS, 0, 200).interval(drawn)
    return Estimate(value, interval)
