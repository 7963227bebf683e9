"""An invented study: three configurations that were run, one that was not, and awkward names."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from spondyl.data.labels import SPINE_LABELS
from spondyl.learn.outcome import Configuration, Epoch, FoldOutcome, Outcome, WeightsRecord
from spondyl.learn.predictions import PredictionTable
from spondyl.report.contents import (
    ClassCount,
    CohortFacts,
    DuplicateGroup,
    FoldCounts,
    Gallery,
    GalleryCell,
    GalleryRow,
    ReportContents,
    SplitFacts,
)
from spondyl.report.published import load
from spondyl.report.tables import Table

AWKWARD = 'N, "quoted" <b>&amp;</b> #1 50%_$x^2.jpg'


def invented_predictions(n: int, skill: float, seed: int) -> PredictionTable:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(99).choice(3, n, p=[0.21, 0.56, 0.23])
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), truth] += skill
    ids = (AWKWARD, *(f"films/{i:03d}.jpg" for i in range(1, n)))
    groups = tuple(f"g{i % (n - n // 20)}" for i in range(n))
    return PredictionTable(SPINE_LABELS, ids, groups, np.arange(n) % 5, truth, logits)


def _folds(n: int, with_history: bool, seed: int) -> tuple[FoldOutcome, ...]:
    rng = np.random.default_rng(seed)
    folds = []
    for fold in range(5):
        fall = np.exp(-np.arange(40) / rng.uniform(7, 12))
        noise = rng.normal(scale=0.03, size=(2, 40))
        history = tuple(
            Epoch(
                epoch,
                float(0.1 + fall[epoch] + noise[0, epoch] * fall[epoch]),
                float(0.35 + 0.8 * fall[epoch] + noise[1, epoch]),
                float(0.9 - 0.4 * fall[epoch] + noise[1, epoch] / 2),
                1e-4,
                2.2,
            )
            for epoch in range(40)
        )
        chosen = (("epoch", 31.0),) if with_history else (("inverse_strength", 0.01),)
        folds.append(
            FoldOutcome(
                *(fold, f"trial{fold}", 3 * n // 5, n // 5, n // 5, 88.0, chosen),
                history if with_history else (),
            )
        )
    return tuple(folds)


def invented_outcomes(n: int) -> tuple[Outcome, ...]:
    file = WeightsRecord("resnet50", "file", "resnet50_v1.pth", "ab" * 32, 265, 0, ())
    none = WeightsRecord("vgg16", "random", "", "", 0, 26, ("features",))
    return (
        Outcome(
            Configuration("resnet50", "probe", "nested"),
            file,
            _folds(n, False, 1),
            invented_predictions(n, 3.2, 1),
        ),
        Outcome(
            Configuration("resnet50:layer3", "probe", "nested"),
            replace(file, network="resnet50:layer3"),
            _folds(n, False, 2),
            invented_predictions(n, 3.0, 2),
        ),
        Outcome(
            Configuration("vgg16", "scratch", "paper"),
            none,
            _folds(n, True, 3),
            invented_predictions(n, 2.2, 3),
        ),
        Outcome(
            Configuration("vgg16", "fine-tuning", "paper"),
            None,
            not_run="weights vgg16-397923af.pth are not on this machine",
        ),
    )


def drawn_film(seed: int, height: int = 320, width: int = 110, hot: bool = False) -> bytes:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    spine = width / 2 + 12 * np.sin(rows / height * 3.1) * (seed % 3 - 0.5)
    film = (
        60 + 140 * np.exp(-(((columns - spine) / 14) ** 2)) + rng.normal(scale=6, size=rows.shape)
    )
    rgb = np.repeat(film[..., None], 3, axis=2)
    if hot:
        heat = np.exp(-(((rows - height / 2) / 60) ** 2) - ((columns - spine) / 20) ** 2)
        rgb[..., 0] += 120 * heat
        rgb[..., 2] -= 80 * heat
    stream = io.BytesIO()
    Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


def _gallery(outcomes: tuple[Outcome, ...], wrong: bool) -> Gallery:
    tables = [(o.configuration, o.predictions) for o in outcomes if o.predictions is not None]
    first = tables[-1 if wrong else 0][1]
    chosen = np.flatnonzero((first.predicted != first.truth) == wrong)[: 4 if wrong else 6]
    chosen = chosen[np.argsort(first.truth[chosen], kind="stable")]
    rows = tuple(
        GalleryRow(
            first.image_ids[i],
            first.labels.names[first.truth[i]],
            drawn_film(int(i)),
            tuple(
                GalleryCell(
                    str(configuration),
                    table.labels.names[table.predicted[i]],
                    float(table.probabilities[i].max()),
                    bool(table.predicted[i] == table.truth[i]),
                    drawn_film(int(i), hot=True) if number != 1 else b"",
                    "Grad-CAM, layer4, peak 0.83",
                )
                for number, (configuration, table) in enumerate(tables)
            ),
        )
        for i in chosen
    )
    return Gallery(
        "Films that the best configuration got wrong" if wrong else "Films that were read right",
        "Every one of them." if wrong else "2 of each class, drawn with seed 0.",
        "Red is where the class score comes from; full colour is the peak named under each map.",
        rows,
        bands=() if wrong else ((0, 1), (2,)),
        expert_column=wrong,
    )


def _galleries(outcomes: tuple[Outcome, ...]) -> tuple[Gallery, ...]:
    right, wrong = _gallery(outcomes, wrong=False), _gallery(outcomes, wrong=True)
    again = replace(wrong, title="Another one's", rows=(), elsewhere=wrong.rows[:2])
    return (right, wrong, again)


def invented_contents(n: int) -> ReportContents:
    outcomes = invented_outcomes(n)
    return ReportContents(
        title="Three networks on invented films",
        when="2026-11-23T01:30:00Z",
        command="spondyl study run study.toml --data 'films & more'",
        environment={"spondyl": "0.1.0", "torch": "2.9.1", "device": "cpu, 2 threads"},
        cohort=CohortFacts(
            *("invented films", "cd" * 32, n, n - n // 20),
            classes=(
                ClassCount("normal", 71, 70),
                ClassCount("scoliosis", 188, 180),
                ClassCount("spondylolisthesis", 79, 73),
            ),
            sexes=(("female", 240), ("male", 98)),
            views=(("not stated", n),),
            ages_years=(4.0, 31.5, 88.0),
            n_ages=300,
            problems=("Two files carry drawn lines.",),
        ),
        splits=SplitFacts(
            *("stratified grouped 5-fold", 7, "ef" * 32),
            tuple(FoldCounts(fold, 216, 54, 68, 64) for fold in range(5)),
            groups_disjoint=True,
        ),
        spec={
            "title": "Three networks",
            "labels": ["normal", "scoliosis", "spondylolisthesis"],
            "networks": ["resnet50", "resnet50:layer3", "vgg16"],
            "strategies": ["probe", "scratch", "fine-tuning"],
            "protocols": ["nested", "paper"],
            **{"folds": 5, "seed": 7, "published": "ahmad2026", "size": [224, 224]},
            **{"fit": "stretch", "colour": "grey", "find_duplicates": True, "epochs": 100},
            **{"batch_size": 32, "learning_rate": 1e-4, "plateau_patience": 5},
            **{"plateau_factor": 0.5, "learning_rate_floor": 1e-5, "stop_patience": 15},
            **{"flip": 0.5, "rotate_degrees": 15.0, "translate": 0.1, "zoom": [0.8, 1.2]},
            **{"shear_degrees": 10.0, "brightness": 0.1, "contrast": 0.1},
        },
        outcomes=outcomes,
        published=load("ahmad2026"),
        duplicates=(
            DuplicateGroup(
                (AWKWARD, "films/321.jpg"), ("normal", "normal"), "same picture, mirrored"
            ),
        ),
        galleries=_galleries(outcomes),
        extra_tables=(
            Table(
                "spine-energy",
                "Heat on the spine, share of all heat",
                ("method", "heat on spine %", "chance %"),
                (("Grad-CAM", "61.2", "22.4"), ("a centre blob", "58.0", "22.4")),
            ),
        ),
        remarks=("These films are invented.",),
    )


@pytest.fixture(scope="session")
def contents() -> ReportContents:
    """A small report's contents."""
    return invented_contents(60)


@pytest.fixture(scope="session")
def outcomes(contents) -> tuple[Outcome, ...]:
    return contents.outcomes
