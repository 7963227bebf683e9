"""Films without a label: which may teach, how they do, and that they never teach in vain."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from spondyl.data import cohort as cohorts
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.files import read_json, write_json
from spondyl.learn import (
    conduct,
    consistency,
    networks,
    probe,
    pseudo_labels,
    strong_views,
    training,
    unlabelled,
)
from spondyl.learn import study as studies
from spondyl.learn.consistency import WithUnlabelled
from spondyl.learn.outcome import Configuration
from spondyl.learn.sources import Drawn, Films, Part, batches_of
from spondyl.learn.unlabelled import NO_UNLABELLED, Unlabelled

NETWORK = "test_resnet:layer2"
BOTH = {"strategies": ["probe", "pseudo-labels", "fixmatch"], "epochs": 2, "fixmatch_ratio": 2}
UNSEARCHED = {"find_duplicates": False}


@pytest.fixture(scope="session")
def more(tmp_path_factory):
    """A folder with twelve further films in no class folders, and a note beside them."""
    drawn = tmp_path_factory.mktemp("more")
    made = output.save(drawn / "drawn", drawing.cohort(12, 99, size=(64, 48))) / "films"
    (drawn / "loose").mkdir()
    for number, film in enumerate(sorted(made.rglob("*.png"))):
        shutil.copy(film, drawn / "loose" / f"{number:02}.png")
    (drawn / "loose" / "note.txt").write_text("no film")
    return drawn / "loose"


@pytest.fixture
def mine(more, tmp_path):
    """A copy of that folder, to do harm to."""
    return shutil.copytree(more, tmp_path / "mine")


@pytest.fixture
def begun(spec_of, films, weights_of, more, tmp_path):
    """A function that begins a study with unlabelled films."""

    def go(name="run", pool=more, **changes):
        weights = {NETWORK: weights_of(1)}
        spec = spec_of(**BOTH | UNSEARCHED | changes)
        return conduct.begin(spec, films, tmp_path / name, weights, unlabelled=pool)

    return go


def read(path, cohort, spec):
    return unlabelled.read(path, cohort, spec)


# Which films may teach


def test_every_other_film_teaches_once_in_the_order_of_its_content(cohort, spec_of, mine):
    shutil.copy(mine / "00.png", mine / "again.png")
    pool = read(mine, cohort, spec_of(**UNSEARCHED))
    assert (pool.n_given, len(pool.films), pool.n_repeated) == (13, 12, 1)
    hashes = [film.file.sha256 for film in pool.films]
    assert hashes == sorted(set(hashes))
    assert all(film.label is None for film in pool.films)


def test_names_and_places_are_no_part_of_what_the_films_are(cohort, spec_of, more, mine):
    (mine / "deeper").mkdir()
    (mine / "03.png").rename(mine / "deeper" / "renamed.png")
    spec = spec_of(**UNSEARCHED)
    assert read(mine, cohort, spec).sha256 == read(more, cohort, spec).sha256
    (mine / "04.png").unlink()
    assert read(mine, cohort, spec).sha256 != read(more, cohort, spec).sha256


def test_the_bytes_of_a_film_of_the_cohort_never_teach(cohort, spec_of, mine):
    shutil.copy(cohort.radiographs[3].path, mine / "copy.png")
    pool = read(mine, cohort, spec_of(**UNSEARCHED))
    assert [name.rpartition("/")[2] for name in pool.copies] == ["copy.png"]
    assert len(pool.films) == 12


@pytest.mark.slow
def test_a_crop_of_a_film_of_the_cohort_never_teaches(spec_of, tmp_path):
    films = output.save(tmp_path / "drawn", drawing.cohort(6, 3, size=(320, 240))) / "films"
    others = output.save(tmp_path / "other", drawing.cohort(4, 8, size=(320, 240))) / "films"
    stated = cohorts.read(films, require_labels=False)
    with Image.open(stated.radiographs[2].path) as whole:
        whole.crop((12, 20, 230, 300)).point(lambda grey: min(255, grey + 9)).save(
            others / "brighter.png"
        )
    pool = read(others, stated, spec_of())
    assert [name.rpartition("/")[2] for name in pool.copies] == ["brighter.png"]
    assert len(pool.films) == 4


def test_a_manifest_s_labels_are_not_believed_and_its_patients_are(cohort, spec_of, mine, tmp_path):
    patient = replace(cohort.radiographs[0], group_id="patient 7")
    stated = replace(cohort, radiographs=(patient, *cohort.radiographs[1:]))
    rows = ["path,label,patient", "mine/00.png,normal,patient 7", "mine/01.png,normal,patient 8"]
    (tmp_path / "films.csv").write_text("\n".join(rows))
    pool = read(tmp_path / "films.csv", stated, spec_of(**UNSEARCHED))
    assert [name.rpartition("/")[2] for name in pool.same_patient] == ["00.png"]
    assert [film.label for film in pool.films] == [None]


def test_every_film_that_cannot_be_read_is_named(cohort, spec_of, mine):
    (mine / "a.png").write_bytes(b"no picture")
    (mine / "b.jpg").write_bytes(b"")
    with pytest.raises(SpondylError, match="2 problems") as refused:
        read(mine, cohort, spec_of(**UNSEARCHED))
    assert all(name in str(refused.value.problems) for name in ("a.png", "b.jpg"))


def test_a_spine_mask_is_no_film(cohort, spec_of, mine):
    shutil.copy(mine / "00.png", mine / "00.mask.png")
    with pytest.raises(
        SpondylError, match=r"00\.mask\.png: a spine mask and not a film"
    ) as refused:
        read(mine, cohort, spec_of(**UNSEARCHED))
    assert "films alone" in refused.value.hint


def test_a_folder_of_nothing_but_copies_is_refused(cohort, films, spec_of):
    with pytest.raises(SpondylError, match="none of 30 unlabelled films may teach"):
        read(films, cohort, spec_of(**UNSEARCHED))


@pytest.mark.parametrize("name", ["absent", "note.txt"])
def test_what_holds_no_films_is_refused(cohort, spec_of, mine, name):
    with pytest.raises(SpondylError, match=name):
        read(mine / name, cohort, spec_of(**UNSEARCHED))


def test_the_record_is_read_back_whole_and_refused_if_changed(cohort, spec_of, mine):
    shutil.copy(cohort.radiographs[3].path, mine / "copy.png")
    pool = read(mine, cohort, spec_of(**UNSEARCHED))
    document = pool.as_dict()
    back = Unlabelled.from_dict(document)
    assert (back.sha256, back.copies, back.n_given) == (pool.sha256, pool.copies, pool.n_given)
    assert [film.path for film in back.films] == [film.path for film in pool.films]
    with pytest.raises(SpondylError, match="changed since"):
        Unlabelled.from_dict(document | {"films": document["films"][1:]})


# What a study is bound to


def test_without_unlabelled_films_the_strategies_are_refused_or_not_run(
    spec_of, films, weights_of, tmp_path
):
    spec, weights = spec_of(**BOTH | UNSEARCHED), {NETWORK: weights_of(1)}
    with pytest.raises(SpondylError, match="none are given"):
        conduct.begin(spec, films, tmp_path / "run", weights)
    study = conduct.begin(spec, films, tmp_path / "run", weights, skip_missing_weights=True)
    assert {one.strategy for one in study.not_run} == {"pseudo-labels", "fixmatch"}
    assert set(study.not_run.values()) == {"no unlabelled films were given"}


def test_films_that_nobody_learns_from_are_refused(begun):
    with pytest.raises(SpondylError, match="no strategy of the study learns from them"):
        begun(strategies=["probe"])


def test_films_without_masks_are_refused_where_only_spines_are_shown(begun):
    with pytest.raises(SpondylError, match="no spine masks"):
        begun(crop="spine", strategies=["fixmatch"])


def test_other_unlabelled_films_are_another_trial_for_those_who_learn_from_them(begun, mine):
    (mine / "05.png").unlink()
    one, other = begun("one"), begun("other", mine)
    for strategy in ("probe", "pseudo-labels", "fixmatch"):
        which = Configuration(NETWORK, strategy, "nested")
        same = one.trials(which) == other.trials(which)
        assert same == (strategy == "probe")


def test_a_probe_keeps_its_trial_where_unlabelled_films_come_in(begun, spec_of, films, weights_of):
    which = Configuration(NETWORK, "probe", "nested")
    with_films = begun(fixmatch_ratio=7)
    spec = spec_of(**UNSEARCHED, strategies=["probe"], epochs=2)
    folder = with_films.folder.parent / "without"
    alone = conduct.begin(spec, films, folder, {NETWORK: weights_of(1)})
    assert with_films.trials(which) == alone.trials(which)


def test_keys_at_their_defaults_are_no_part_of_a_trial_and_others_are(spec_of):
    default, other = spec_of(), spec_of(fixmatch_threshold=0.9)
    assert not any(key.startswith("fixmatch") for key in default.learning() | default.substance())
    assert other.learning() == default.learning() | {"fixmatch_threshold": 0.9}


def test_a_study_goes_on_with_the_same_films_elsewhere_and_with_no_others(begun, mine):
    first = begun()
    again = begun(pool=mine)
    assert {film.path.parent for film in again.unlabelled.films} == {mine}
    assert first.unlabelled.sha256 == again.unlabelled.sha256
    (mine / "05.png").unlink()
    with pytest.raises(SpondylError, match="the unlabelled films differ"):
        begun(pool=mine)


def test_a_study_says_on_disk_which_films_it_had_and_only_where_it_had_any(begun, spec_of, films):
    study = begun()
    loaded = studies.load(study.folder)
    assert loaded.unlabelled.sha256 == study.unlabelled.sha256
    folder = study.folder.parent / "plain"
    conduct.begin(spec_of(**UNSEARCHED), films, folder, {})
    assert "unlabelled" not in read_json(folder / studies.STUDY)
    assert studies.load(folder).unlabelled == NO_UNLABELLED


def test_a_damaged_list_of_unlabelled_films_is_refused(begun):
    study = begun()
    document = read_json(study.folder / studies.STUDY)
    del document["unlabelled"]["films"][0]
    write_json(study.folder / studies.STUDY, document)
    with pytest.raises(SpondylError, match="changed since"):
        studies.load(study.folder)


# Pseudo-labels


def clouds(n, seed, apart=1.6):
    """Features of n films of three labels in four channels, and their labels."""
    draws = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    middles = apart * np.eye(4)[labels]
    return (middles + draws.normal(size=(n, 4))).astype(np.float32), labels.astype(np.int64)


def objective_by_definition(head, features, labels, counted, strength):
    """Slow: C · Σ count · −log p + ½‖W‖² over features standardised by their counted moments."""
    total = sum(counted)
    n, channels = features.shape
    loss = 0.0
    for row in range(n):
        logits = [
            sum(head.weight[k, c] * features[row, c] for c in range(channels)) + head.bias[k]
            for k in range(3)
        ]
        loss += counted[row] * (math.log(sum(map(math.exp, logits))) - logits[labels[row]])
    penalty = 0.0
    for c in range(channels):
        mean = sum(counted[i] * features[i, c] for i in range(n)) / total
        spread = math.sqrt(sum(counted[i] * (features[i, c] - mean) ** 2 for i in range(n)) / total)
        penalty += sum((head.weight[k, c] * spread) ** 2 for k in range(3))
    return strength * loss + penalty / 2


def test_a_film_that_counts_twice_is_two_films():
    features, labels = clouds(12, 0)
    counted = np.where(np.arange(12) < 4, 2.0, 1.0)
    (once,) = probe.solve(features, labels, 3, (0.3,), counted=counted)
    twice = [*range(12), *range(4)]
    (listed,) = probe.solve(features[twice], labels[twice], 3, (0.3,))
    assert np.allclose(once.weight, listed.weight, atol=1e-5)
    assert np.allclose(once.bias, listed.bias, atol=1e-5)


def test_a_film_that_counts_nothing_is_no_film():
    features, labels = clouds(12, 0)
    counted = np.where(np.arange(12) < 9, 1.0, 0.0)
    (some,) = probe.solve(features, labels, 3, (0.3,), counted=counted)
    (fewer,) = probe.solve(features[:9], labels[:9], 3, (0.3,))
    assert np.allclose(some.weight, fewer.weight, atol=1e-5)


def test_no_head_near_the_solved_one_has_a_lower_objective():
    features, labels = clouds(9, 1)
    counted = np.array([1.0] * 5 + [0.3] * 4)
    (head,) = probe.solve(features, labels, 3, (0.5,), counted=counted)
    least = objective_by_definition(head, features, labels, counted, 0.5)
    draws = np.random.default_rng(2)
    for _ in range(20):
        aside = probe.LinearHead(
            head.weight + 0.01 * draws.normal(size=head.weight.shape),
            head.bias + 0.01 * draws.normal(size=head.bias.shape),
        )
        assert objective_by_definition(aside, features, labels, counted, 0.5) > least


def test_balanced_classes_weigh_alike_however_their_films_count():
    features, labels = clouds(12, 0)
    problem = probe._Problem.of(features, labels, 3, True, np.linspace(0.1, 1, 12))
    shares = [problem.weights[labels == label].sum() for label in range(3)]
    assert np.allclose(shares, shares[0])


def test_labels_are_believed_from_the_threshold_on_and_never_count_more_than_given_ones():
    teacher = probe.LinearHead(np.array([[1.0], [-1.0]]), np.zeros(2))
    films = np.array([[0.0], [0.5], [-1.0], [4.0]], np.float32)  # p of 0.5, 0.73, 0.88, 0.9997
    taken = pseudo_labels.Trust(0.8, 0.1).taken(teacher, films, n=10)
    assert taken.features.ravel().tolist() == [-1.0, 4.0]
    assert taken.labels.tolist() == [1, 0]
    assert taken.each == pytest.approx(0.1 * 10 / 2)
    assert pseudo_labels.Trust(0.8, 1.0).taken(teacher, films, n=10).each == 1.0


def parts_of_clouds(seed):
    features, labels = clouds(30, seed)
    return features[:15], labels[:15], features[15:], labels[15:]


def chosen(solved):
    return dict(solved.also)


def test_films_that_mislead_leave_the_probe_as_it_is():
    """Unlabelled films that lie in the wrong place, surely."""
    train, train_labels, tune, tune_labels = parts_of_clouds(0)
    wrong = np.repeat(np.array([[9.0, 0, 0, -9.0]], np.float32), 40, axis=0)
    wrong += np.random.default_rng(1).normal(size=wrong.shape).astype(np.float32) * 3
    plain = probe.fit(train, train_labels, tune, tune_labels)
    solved = pseudo_labels.fit(train, train_labels, tune, tune_labels, wrong)
    assert solved.tune_loss <= plain.tune_loss
    if chosen(solved)["pseudo_weight"] == 0:
        assert np.array_equal(solved.head.weight, plain.head.weight)
        assert solved.inverse_strength == plain.inverse_strength
        assert chosen(solved)["pseudo_labelled"] == 0
    else:
        assert solved.tune_loss < plain.tune_loss


def test_no_film_at_all_is_chosen_where_none_is_sure():
    train, train_labels, tune, tune_labels = parts_of_clouds(0)
    plain = probe.fit(train, train_labels, tune, tune_labels)
    nowhere = np.tile(np.concatenate([train, tune]).mean(axis=0), (5, 1))
    solved = pseudo_labels.fit(train, train_labels, tune, tune_labels, nowhere)
    assert chosen(solved)["pseudo_weight"] == 0
    assert chosen(solved)["unlabelled"] == 5
    assert np.array_equal(solved.head.weight, plain.head.weight)
    assert np.array_equal(solved.head.bias, plain.head.bias)


@pytest.mark.parametrize("seed", range(4))
def test_the_tune_loss_never_rises_and_the_counts_add_up(seed):
    train, train_labels, tune, tune_labels = parts_of_clouds(seed)
    many, _ = clouds(120, seed + 50)
    plain = probe.fit(train, train_labels, tune, tune_labels)
    solved = pseudo_labels.fit(train, train_labels, tune, tune_labels, many)
    told = chosen(solved)
    assert solved.tune_loss <= plain.tune_loss
    assert told["pseudo_labelled"] == sum(told[f"pseudo_labelled_{k}"] for k in range(3)) <= 120


@pytest.mark.parametrize(
    ("falls", "helped"),
    [
        ([0.2, 0.2, 0.21, 0.19], True),
        ([0.2, -0.2, 0.1, 0.0], False),
        ([1.0, 0.0, 0.0, 0.0], False),  # one film decides: the fall is one standard error exactly
        ([0.0] * 4, False),
        ([0.5], False),
    ],
)
def test_a_lower_tune_loss_must_be_plain_from_film_to_film(falls, helped):
    n = len(falls)

    def losing(losses):
        """Logits of two labels that lose so much, in nats, with the first."""
        return np.array([[0.0, math.log(math.exp(loss) - 1)] for loss in losses])

    before, after = losing([2.0] * n), losing([2.0 - fall for fall in falls])
    found = pseudo_labels._helps(before, after, np.zeros(n, np.int64))
    assert found == helped


def judged(head, features, labels):
    return (head.logits(features).argmax(axis=1) == labels).mean()


def test_many_films_of_well_parted_classes_help_more_often_than_they_harm():
    better, worse, gain = 0, 0, []
    for seed in range(12):
        features, labels = clouds(18, seed, apart=4.0)
        many, _ = clouds(300, seed + 100, apart=4.0)
        unseen, truth = clouds(600, seed + 200, apart=4.0)
        parts = features[:12], labels[:12], features[12:], labels[12:]
        plain, taught = probe.fit(*parts), pseudo_labels.fit(*parts, many)
        gain.append(judged(taught.head, unseen, truth) - judged(plain.head, unseen, truth))
        better, worse = better + (gain[-1] > 0), worse + (gain[-1] < 0)
    assert better > worse
    assert np.mean(gain) > 0


def seen_of(n_films, seed):
    """What is known of the spine's mid-line and width in drawn films, and their labels."""
    rows, labels = [], []
    for phantom in drawing.cohort(n_films, seed, size=(96, 72)):
        mask = phantom.regions.spine_mask.astype(float)
        filled = np.flatnonzero(mask.any(axis=1))
        at = filled[np.linspace(0, len(filled) - 1, 24).round().astype(int)]
        width = mask[at].sum(axis=1)
        middle = mask[at] @ np.arange(mask.shape[1]) / width
        along = np.linspace(-1, 1, 24)
        middle -= np.polyval(np.polyfit(along, middle, 1), along)
        waves = np.abs(np.fft.rfft(middle))[1:8]
        bends = np.abs(np.diff(middle, 2))
        rows.append(np.concatenate([waves, bends, width / width.mean()]))
        labels.append(SPINE_LABELS.column(phantom.truth.label))
    return np.array(rows, np.float32), np.array(labels)


@pytest.mark.slow
def test_on_phantoms_with_six_labelled_films_of_each_class_little_is_lost():
    """Ten seeds, four films of each class to learn from and two to choose by. When this was
    written accuracy fell by 0.9 points, from 59.1 %, in three of ten and rose in none: two fifths
    of these phantoms are told wrongly, and what a teacher gets wrong its student learns.
    """
    gains = []
    for seed in range(10):
        features, labels = seen_of(60, 1000 + seed)
        many, _ = seen_of(150, 2000 + seed)
        unseen, truth = seen_of(150, 3000 + seed)
        films = [np.flatnonzero(labels == column)[:6] for column in range(3)]
        train, tune = (
            np.concatenate([of[part] for of in films]) for part in (slice(4), slice(4, 6))
        )
        parts = features[train], labels[train], features[tune], labels[tune]
        plain, taught = probe.fit(*parts), pseudo_labels.fit(*parts, many)
        assert taught.tune_loss <= plain.tune_loss
        gains.append(judged(taught.head, unseen, truth) - judged(plain.head, unseen, truth))
    assert np.mean(gains) > -0.02


# FixMatch


def loss_by_definition(weak, strong, threshold):
    """Slow: equation 4 of the paper, film by film."""
    total = 0.0
    for q_logits, p_logits in zip(weak.tolist(), strong.tolist(), strict=True):
        q = [math.exp(one) / sum(map(math.exp, q_logits)) for one in q_logits]
        p = [math.exp(one) / sum(map(math.exp, p_logits)) for one in p_logits]
        if max(q) >= threshold:
            total -= math.log(p[q.index(max(q))])
    return total / len(weak)


@pytest.mark.parametrize("threshold", [0.0, 0.6, 0.95, 1.0])
def test_the_loss_is_equation_4(threshold):
    draws = torch.Generator().manual_seed(0)
    weak, strong = 3 * torch.randn(2, 20, 3, generator=draws)
    found = consistency.loss(weak, strong, threshold)
    assert found.item() == pytest.approx(loss_by_definition(weak, strong, threshold), abs=1e-6)


def test_the_weak_view_teaches_and_is_not_taught():
    weak, strong = (torch.randn(5, 3, requires_grad=True) for _ in range(2))
    consistency.loss(weak, strong, 0.0).backward()
    assert weak.grad is None
    assert strong.grad is not None
    assert strong.grad.abs().sum() > 0


@pytest.fixture
def beside(spec_of):
    """Ten labelled films and four without a label, of which each has a grey of its own."""
    spec = spec_of(fixmatch_ratio=3)
    own = torch.rand(10, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    others = (torch.arange(4.0) / 4).view(-1, 1, 1, 1).expand(4, 1, 32, 32).contiguous()
    cpu = torch.device("cpu")
    labelled = Films.of(Part(own, torch.arange(10) % 3), spec, cpu)
    return consistency.beside(labelled, Part(others, torch.zeros(4, dtype=torch.int64)), spec)


def drawn_by(source, seed, sizes):
    draws = torch.Generator().manual_seed(seed)
    return source.draw(torch.randperm(10, generator=draws), sizes, draws)


def test_labelled_films_are_seen_as_they_are_without_the_others(beside):
    sizes = [4, 4, 2]
    alone = drawn_by(beside.labelled, 3, sizes)
    both = drawn_by(beside, 3, sizes)
    for one, other in zip(batches_of(alone, sizes), batches_of(both, sizes), strict=True):
        seen = beside.inputs(other)
        assert len(seen) == len(one) * (1 + 2 * 3)
        assert torch.equal(seen[: len(one)], beside.labelled.inputs(one))


def test_both_views_are_of_the_same_film_moved_in_two_ways(beside):
    batch = drawn_by(beside, 3, [10])
    seen = beside.inputs(batch)[10:]
    weak, strong = seen.chunk(2)
    assert not torch.equal(weak, strong)
    rows = batch.how[3].flatten()
    assert rows.shape == (30,)
    black = rows == 0
    # Of a black film the weak view is black; the strong one has at most a hole in it.
    assert (weak[black].amax((1, 2, 3)) < weak[~black].amax((1, 2, 3)).max()).all()


def test_every_unlabelled_film_has_its_turn():
    rows = consistency.in_turn(4, 10, torch.Generator().manual_seed(0))
    assert sorted(rows[:4].tolist()) == sorted(rows[4:8].tolist()) == [0, 1, 2, 3]
    assert len(rows) == 10


def test_a_strong_view_stays_in_its_range_and_its_hole_is_a_square(spec_of):
    still = {"flip": 0.0, "rotate_degrees": 0.0, "translate": 0.0, "zoom": [1.0, 1.0]}
    spec = spec_of(**still, shear_degrees=0.0)
    draws = torch.Generator().manual_seed(0)
    strong = strong_views.draw(50, (40, 30), spec, draws)
    seen = strong_views.apply(torch.ones(50, 1, 40, 30), strong)
    assert seen.min() >= 0
    assert seen.max() <= 1
    half = strong.hole[:, 2]
    assert (2 * half <= 0.5 * 30).all()
    for one, (row, column, reach) in zip(seen, strong.hole.tolist(), strict=True):
        plain = one[0][0, 0] if abs(0.5 - row) >= reach or abs(0.5 - column) >= reach else None
        expected = {
            (r, c)
            for r in range(40)
            for c in range(30)
            if abs(r + 0.5 - row) < reach and abs(c + 0.5 - column) < reach
        }
        if plain is not None and abs(plain.item() - 0.5) > 1e-3:
            changed = {tuple(at) for at in ((one[0] - plain).abs() > 1e-4).nonzero().tolist()}
            assert changed == expected


def test_strong_views_are_those_of_their_seed(spec_of):
    one, two, other = (
        strong_views.draw(5, (32, 32), spec_of(), torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one.gamma, other.gamma)


def test_with_a_weight_of_nothing_the_loss_is_that_of_the_labelled_films(beside, spec_of):
    batch = drawn_by(beside, 3, [10])
    assert isinstance(batch, Drawn)
    assert isinstance(beside, WithUnlabelled)
    logits = torch.randn(70, 3, generator=torch.Generator().manual_seed(0))
    step = consistency.ConsistencyStep(
        *[None] * 2, None, torch.ones(3), None, None, torch.zeros(()), weight=0.0
    )
    own = torch.nn.functional.cross_entropy(logits[:10], batch.labels)
    assert torch.equal(step._loss(logits, batch), own)


@pytest.mark.parametrize("step", ["graph", "compiled"])
def test_other_steps_than_plain_ones_are_refused(spec_of, step):
    with pytest.raises(SpondylError, match="fixmatch has plain steps only"):
        spec_of(strategies=["fixmatch"], step=step)


def test_several_processes_are_refused(spec_of, fabric):
    class Several:
        world_size = 2
        device = fabric.device

    with pytest.raises(SpondylError, match="2 processes train one network"):
        consistency.kind_for(spec_of(), Several())
    assert consistency.kind_for(spec_of(step="auto"), fabric) == "plain"


def bands(n_films, seed):
    """Films whose label says which third is bright, more or less, in noise that nearly hides it."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(n_films) % 3
    images = 0.8 * torch.rand(n_films, 1, 32, 32, generator=draws)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, 11 * label : 11 * label + 10] += 0.2 * torch.rand((), generator=draws)
    return Part(images.half(), labels)


@pytest.mark.slow
def test_of_twelve_labelled_films_no_less_is_learned_beside_many_unlabelled_ones(
    spec_of, fabric, tmp_path
):
    """When this was written: 0.79 without and 0.84 with, over six seeds, better in three."""
    still = {"rotate_degrees": 0.0, "translate": 0.05, "zoom": [1.0, 1.0], "shear_degrees": 0.0}
    long = {"epochs": 40, "stop_patience": 40, "plateau_patience": 40, "learning_rate": 1e-2}
    spec = spec_of(**still, **long, batch_size=12, fixmatch_ratio=5)

    def accuracy(seed, unlabelled):
        network = networks.build(NETWORK, 3, seed)
        place = tmp_path / f"{seed} {unlabelled is None}"
        taught, steering = bands(12, seed), bands(6, 50 + seed)
        training.train(
            *(network, network, taught, steering, spec, seed, fabric, place), unlabelled=unlabelled
        )
        unseen = bands(150, 200 + seed)
        said = training.predict(network, unseen.images, spec, torch.device("cpu")).argmax(1)
        return (said == unseen.labels).double().mean().item()

    without, beside_many = (
        np.mean([accuracy(seed, bands(120, 100 + seed) if many else None) for seed in range(6)])
        for many in (False, True)
    )
    assert without > 0.5
    assert beside_many > without - 0.02


# A whole study


@pytest.fixture(scope="module")
def ran(spec_of, films, weights_of, more, fabric, tmp_path_factory):
    folder = tmp_path_factory.mktemp("semi")
    spec = spec_of(**BOTH | UNSEARCHED)
    study = conduct.begin(spec, films, folder / "run", {NETWORK: weights_of(1)}, unlabelled=more)
    conduct.run(study, folder / "cache", fabric)
    return study


def tensors_of(study, strategy):
    which = Configuration(NETWORK, strategy, "nested")
    return [
        (study.trials_folder / trial.trial_id / "learned.safetensors").read_bytes()
        for trial in study.trials(which)
    ]


def test_every_fold_says_how_many_films_bear_a_pseudo_label(ran):
    outcomes = {one.configuration.strategy: one for one in ran.outcomes()}
    for strategy in ("pseudo-labels", "fixmatch"):
        for fold in outcomes[strategy].folds:
            told = dict(fold.chosen)
            each = [told[f"pseudo_labelled_{column}"] for column in range(3)]
            assert told["unlabelled"] == 12
            assert told["pseudo_labelled"] == sum(each) <= 12
    assert "unlabelled" not in dict(outcomes["probe"].folds[0].chosen)


def test_where_no_film_helped_the_head_is_the_probe_s(ran):
    outcomes = {one.configuration.strategy: one for one in ran.outcomes()}
    pairs = zip(outcomes["pseudo-labels"].folds, outcomes["probe"].folds, strict=True)
    for taught, plain in pairs:
        losses = dict(taught.chosen)["tune_loss"], dict(plain.chosen)["tune_loss"]
        assert losses[0] <= losses[1]
        assert (dict(taught.chosen)["pseudo_weight"] == 0) == (losses[0] == losses[1])


def interrupted(after):
    def track(items, doing, total=None):
        for number, item in enumerate(items):
            if number == after and doing.startswith("training"):
                raise KeyboardInterrupt
            yield item

    return track


def test_an_interrupted_study_ends_as_if_it_had_not_been(ran, begun, fabric, tmp_path):
    study = begun()
    cache = tmp_path / "cache"
    materials = {"cache": cache, "fabric": fabric}
    with pytest.raises(KeyboardInterrupt):
        conduct.run(study, **materials, track=interrupted(1))
    conduct.run(begun(), **materials)
    for strategy in ("pseudo-labels", "fixmatch"):
        assert tensors_of(study, strategy) == tensors_of(ran, strategy)
