"""Who may answer for which film: only networks that did not learn from it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from striped_films import HOW, LABELS, save

from spondyl.data import cohort as cohorts
from spondyl.data.labels import LabelSet
from spondyl.data.phantom import drawing, output
from spondyl.data.placement import Window
from spondyl.data.spines import Spine
from spondyl.errors import SpondylError
from spondyl.learn import conduct
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.spec import parse_spec
from spondyl.trust.asking import subject
from spondyl.trust.asking.subject import Trained

CONTENT = {
    "networks": ["test_resnet:layer2"],
    "strategies": ["random-features", "scratch"],
    "protocols": ["nested", "paper"],
    **{"folds": 2, "epochs": 1, "size": [48, 32], "batch_size": 8, "heatmaps": "none"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    drawn = output.save(folder / "drawn", drawing.cohort(30, 0, size=(72, 48)))
    study = conduct.begin(parse_spec(CONTENT, "a test's spec"), drawn / "films", folder / "run", {})
    conduct.run(study, folder / "cache", fabric_on("cpu"))
    return study


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return save(tmp_path_factory.mktemp("striped"))[0]


def files_of(cohort, rows):
    return frozenset(cohort.radiographs[row].file.sha256 for row in rows)


def ids_of(cohort, rows):
    return tuple(cohort.radiographs[row].image_id for row in rows)


def trained(cohort, learned=(), tested=(), aside=(), more=frozenset(), fold=0):
    parts = (files_of(cohort, rows) for rows in (learned, tested, aside))
    learned_from, tested_on, kept = parts
    return Trained(fold, lambda: None, learned_from | more, tested_on, kept)


def before(cohort, *networks):
    return subject.before(cohort, networks, "a title", "a test", HOW, {}, False)


def table(found, fold, ids, logits):
    return found.table(ids, fold, np.asarray(logits, float))


def test_each_film_of_a_study_is_answered_for_by_the_one_network_that_was_tested_on_it(study):
    for outcome in study.outcomes():
        found = subject.of_study(study, outcome)
        trials = list(study.trials(outcome.configuration))
        for member, trial in zip(found.members, trials, strict=True):
            assert sorted(member.answers_for) == sorted(trial.parts.test)
            assert sorted(member.learned_from) == sorted(trial.parts.train)
        assert found.one_each
        assert found.tested_within
        assert found.answered == tuple(f.image_id for f in study.cohort.radiographs)


def test_films_that_steered_are_kept_aside_where_they_were_not_also_judged(study):
    for outcome in study.outcomes():
        found = subject.of_study(study, outcome)
        trials = study.trials(outcome.configuration)
        for member, trial in zip(found.members, trials, strict=True):
            nested = outcome.configuration.protocol == "nested"
            assert sorted(member.aside) == (sorted(trial.parts.tune) if nested else [])
            assert (member.solved is not None) == (
                outcome.configuration.strategy == "random-features"
            )


def test_a_file_that_was_learned_from_is_known_under_any_name(study, tmp_path):
    film, other = study.cohort.radiographs[0], study.cohort.radiographs[-1]
    for number, one in enumerate((film, other)):
        place = tmp_path / "normal" / f"new {number}.png"
        place.parent.mkdir(exist_ok=True)
        shutil.copy(one.path, place)
    elsewhere = cohorts.read(tmp_path, require_labels=False)
    found = subject.of_study(study, study.outcomes()[0], elsewhere)
    for number, one in enumerate((film, other)):
        (trial,) = (
            t
            for t in study.trials(study.outcomes()[0].configuration)
            if one.image_id in t.parts.test
        )
        (member,) = (m for m in found.members if f"normal/new {number}.png" in m.answers_for)
        assert member.fold == trial.fold
    assert found.tested_within


def test_a_film_that_a_network_learned_from_or_was_steered_by_is_none_of_its_own(cohort):
    networks = (trained(cohort, range(3), range(5, 9), range(3, 5)), trained(cohort, range(2, 6)))
    first, second = before(cohort, *networks).members
    assert first.answers_for == ids_of(cohort, range(5, 16))
    assert second.answers_for == ids_of(cohort, [0, 1, *range(6, 16)])


def test_a_film_that_every_network_learned_from_is_answered_for_by_none(cohort):
    found = before(cohort, trained(cohort, range(4)), trained(cohort, range(2, 8)))
    assert found.answered == ids_of(cohort, [0, 1, *range(4, 16)])
    assert not found.one_each


def test_networks_that_learned_from_every_film_are_refused(cohort):
    with pytest.raises(SpondylError, match="learned from every film"):
        before(cohort, trained(cohort, range(16)), trained(cohort, range(16)))


def test_strangers_are_answered_for_by_all_and_their_probabilities_are_averaged(cohort):
    found = before(cohort, trained(cohort, range(1)), trained(cohort, (), fold=1))
    assert not found.tested_within
    first, second = (
        table(
            found,
            fold,
            member.answers_for,
            np.arange(2 * len(member.answers_for)).reshape(-1, 2) * [1, (-1) ** fold],
        )
        for fold, member in enumerate(found.members)
    )
    joined = found.joined([first, second])
    assert joined.image_ids == ids_of(cohort, range(16))
    assert joined.folds.tolist() == [0] * 16
    said = {}
    for part in (first, second):
        for image_id, logits in zip(part.image_ids, part.logits, strict=True):
            said.setdefault(image_id, []).append(np.exp(logits) / np.exp(logits).sum())
    for image_id, shares in zip(joined.image_ids, joined.probabilities, strict=True):
        assert shares == pytest.approx(np.mean(said[image_id], axis=0))
    assert len(said[joined.image_ids[0]]) == 1


def test_where_each_film_has_one_network_the_answers_are_its_own_to_the_last_bit(cohort):
    even, odd = range(0, 16, 2), range(1, 16, 2)
    found = before(cohort, trained(cohort, even), trained(cohort, odd, fold=1))
    draws = np.random.default_rng(0)
    parts = [
        table(found, fold, member.answers_for, draws.normal(size=(8, 2)))
        for fold, member in enumerate(found.members)
    ]
    joined = found.joined(parts)
    assert joined.folds.tolist() == [1, 0] * 8
    assert (joined.logits[1::2] == parts[0].logits).all()
    assert (joined.logits[0::2] == parts[1].logits).all()


def test_an_answer_that_all_are_sure_of_has_finite_logits(cohort):
    found = before(cohort, trained(cohort), trained(cohort, fold=1))
    parts = [table(found, fold, ids_of(cohort, [0]), [[0, 5000]]) for fold in (0, 1)]
    joined = found.joined(parts)
    assert np.isfinite(joined.logits).all()
    assert joined.predicted.tolist() == [1]


def test_films_kept_aside_are_known_only_where_all_that_was_learned_from_is_there(cohort):
    whole = trained(cohort, range(3), range(5, 16), range(3, 5))
    part = trained(cohort, range(3), range(5, 16), range(3, 5), more=frozenset({"elsewhere"}))
    found = before(cohort, whole, part)
    assert found.members[0].aside == ids_of(cohort, range(3, 5))
    assert found.members[1].aside == ()
    assert found.members[1].learned_from == ids_of(cohort, range(3))
    assert found.members[0].answers_for == found.members[1].answers_for


def test_a_test_is_within_only_where_every_film_was_met(cohort):
    assert before(cohort, trained(cohort, range(8), range(8, 16))).tested_within
    assert not before(cohort, trained(cohort, range(8), range(8, 15))).tested_within


def test_a_configuration_that_is_not_finished_has_nobody_to_ask(study):
    outcome = replace(study.outcomes()[0], predictions=None, not_run="its weights are not here")
    with pytest.raises(SpondylError, match="its weights are not here"):
        subject.of_study(study, outcome)


def test_films_of_other_labels_are_refused(study, cohort):
    assert cohort.labels.names == LABELS.names
    with pytest.raises(SpondylError, match="labels are normal, scoliosis, the study's"):
        subject.of_study(study, study.outcomes()[0], cohort)
    turned = replace(study.cohort, labels=LabelSet.of(study.cohort.labels.names[::-1]))
    with pytest.raises(SpondylError, match="labels are spondylolisthesis"):
        subject.of_study(study, study.outcomes()[0], turned)


def test_spines_of_the_study_are_not_those_of_films_elsewhere_that_bear_the_same_names(study):
    spines = {
        film.image_id: Spine(Window(0, 0, 9, 9), (72, 48), "a test")
        for film in study.cohort.radiographs
    }
    known = replace(study, spines=spines)
    outcome = study.outcomes()[0]
    assert subject.of_study(known, outcome).spines == spines
    assert subject.of_study(known, outcome, replace(study.cohort)).spines == {}
