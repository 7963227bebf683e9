"""What a run knows of itself, sentence by sentence: a flat record that cards and checklists quote.

Nothing is inferred. A fact that nobody stated and nobody computed is "", and whoever quotes it says
that the authors must. So the record never holds an ethics approval, who drew a label, or where a
film was taken unless the films say so. What only an audit knows (robustness, subgroups, refusals)
is added with `dataclasses.replace` by whoever ran one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from spondyl.explain.study.record import Explanations
from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.reading.bundle import INTENDED_USE, Bundle
from spondyl.report.cards import facts, results
from spondyl.report.summary import score_outcome
from spondyl.trust.checks import Check, Status, ordered

_ALARMS: Mapping[Status, str] = {
    "fail": "A check failed",
    "warn": "A check warns",
    "not run": "A check was not run",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Facts of one configuration as sentences; "" where the run does not know."""

    configuration: str
    approach: str
    """The kind of technique."""
    intended_use: str = INTENDED_USE

    # Of the films. Empty for a bundle, which keeps nothing of them but hashes.
    films: str = ""
    classes: str = ""
    """Films and groups of each label."""
    labels: str = ""
    """Which labels, and as whose."""
    exclusive: str = ""
    """What such labels cannot say."""
    origin: str = ""
    """From how many hospitals; that nobody said so, where no film states its site."""
    sites: str = ""
    views: str = ""
    people: str = ""
    """Age and sex, of all films and by label."""
    missing: str = ""
    copies: str = ""
    """How films that show one picture were looked for, and how many there are."""
    left_out: str = ""
    data_licence: str = ""

    # Of the method.
    preprocessing: str = ""
    shown: str = ""
    """What part of a film the network sees."""
    predictors: str = ""
    partitions: str = ""
    disjoint: str = ""
    network: str = ""
    parameters: str = ""
    initial_weights: str = ""
    weights_licence: str = ""
    training: str = ""
    selection: str = ""
    """How strength, schedule and epoch were chosen."""
    ensembling: str = ""
    imbalance: str = ""
    fairness: str = ""
    updating: str = ""
    output: str = ""
    metrics: str = ""
    uncertainty: str = ""
    evaluation: str = ""

    # Of the results.
    performance: str = ""
    per_class: str = ""
    calibration: str = ""
    failures: str = ""
    explanations: str = ""
    robustness: str = ""
    subgroups: str = ""
    clusters: str = ""
    """How much results differ between sites or other clusters of patients."""
    refusals: str = ""
    """What is done with a film that is unlike those that were learned from."""
    external: str = ""
    limitations: str = ""

    # Of the run itself.
    software: str = ""
    hardware: str = ""
    reproduce: str = ""
    code: str = ""
    bundle: str = ""

    @classmethod
    def of(cls, study: Study, outcome: Outcome, explanations: Explanations | None = None) -> Known:
        """What a study's folder knows of one of its configurations, run or not."""
        scored = score_outcome(outcome)
        return cls(
            **facts.of_method(study.spec, outcome.configuration, outcome.weights),
            **facts.of_films(study),
            **facts.of_partitions(study, outcome.configuration.protocol),
            **facts.of_run(study.facts["versions"]),
            **(results.of_results(scored) if scored else {}),
            explanations=facts.of_explanations(explanations) if explanations else "",
            hardware="{cpu}, {cores} cores, GPU: {gpu}.".format(**study.facts["hardware"]),
            reproduce=f"`{study.facts['command']}`, begun {study.facts['began']}; cohort "
            f"{study.cohort.sha256[:12]}…, splits {study.splits.sha256[:12]}… (SHA-256).",
        )

    def audited(self, checks: Sequence[Check]) -> Known:
        """The same with what failed, alarmed or was not run among its limitations."""
        told = [
            f"{_ALARMS[check.status]}: {check.question} {check.said}"
            for check in ordered(checks)
            if check.status in _ALARMS
        ]
        return replace(self, limitations=" ".join([self.limitations, *told]).strip())

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Known:
        """What a bundle knows: its method, and of its films how many taught each network."""
        taught = [len(member.learned_from) for member in bundle.members]
        return cls(
            **facts.of_method(bundle.spec, bundle.configuration, bundle.members[0].weights),
            **facts.of_run(bundle.versions),
            intended_use=bundle.intended_use,
            films=f"{facts.span_of(taught)} films taught each of {len(taught)} networks; the "
            "bundle keeps the hashes of their files and nothing else of them.",
            bundle=f"Bundle {bundle.bundle_id[:12]}…, made {bundle.created}.",
        )


FACTS = tuple(field.name for field in fields(Known))
"""Names of all facts."""
