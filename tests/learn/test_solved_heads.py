"""Solved heads that are kept: read where all is the same, solved anew where anything is not."""

import numpy as np
import pytest

from spondyl.learn import conduct, predictions, probe, solved_heads
from spondyl.learn import study as studies
from spondyl.learn.probe import LinearHead, Solved
from spondyl.learn.solved_heads import SolvedHeads

NETWORK = "test_resnet"
FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([0, 1, 0, 1])


def solved(**changes):
    head = LinearHead(np.full((2, 3), 1 / 3), np.array([0.5, -0.5]))
    said = {"tune_logits": np.array([[1.0, 2.0], [3.0, 4.0]]), **changes}
    return Solved(head, 0.01, 0.25, **said)


@pytest.fixture
def heads(tmp_path):
    return SolvedHeads.of(tmp_path)


@pytest.fixture
def n_solved():
    return []


@pytest.fixture
def solve(n_solved):
    """Solves nothing, and is counted."""

    def counted():
        n_solved.append(1)
        return solved()

    return counted


def same(one, other):
    return (
        one.head.weight.tobytes() == other.head.weight.tobytes()
        and one.head.bias.tobytes() == other.head.bias.tobytes()
        and (one.inverse_strength, one.tune_loss) == (other.inverse_strength, other.tune_loss)
        and one.also == other.also
        and (one.tune_logits is None) == (other.tune_logits is None)
        and (one.tune_logits is None or np.array_equal(one.tune_logits, other.tune_logits))
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tune_logits": None},
        {"also": (("pseudo_weight", 0.3), ("threshold", 0.95))},
    ],
)
def test_a_head_is_read_to_its_last_bit(heads, changes):
    given = heads.read_or_solved("probe", [FEATURES, LABELS], lambda: solved(**changes))
    again = heads.read_or_solved("probe", [FEATURES, LABELS], lambda: pytest.fail("solved again"))
    assert same(given, solved(**changes))
    assert same(again, given)


@pytest.mark.parametrize(
    ("how", "arrays"),
    [
        ("pseudo-labels", [FEATURES, LABELS]),
        ("probe", [FEATURES + 1e-6, LABELS]),
        ("probe", [FEATURES, 1 - LABELS]),
        ("probe", [FEATURES[::-1], LABELS]),
        ("probe", [FEATURES.reshape(3, 4), LABELS]),
        ("probe", [FEATURES.astype(np.float64), LABELS]),
        ("probe", [LABELS, FEATURES]),
        ("probe", [FEATURES, LABELS, FEATURES]),
    ],
)
def test_whatever_decides_a_head_has_it_solved_anew(how, arrays, heads, solve, n_solved):
    heads.read_or_solved("probe", [FEATURES, LABELS], solve)
    heads.read_or_solved(how, arrays, solve)
    assert len(n_solved) == 2


def test_another_version_of_the_solver_solves_anew(heads, solve, n_solved, monkeypatch):
    heads.read_or_solved("probe", [FEATURES], solve)
    monkeypatch.setattr(solved_heads, "version", lambda package: f"{package} of next year")
    heads.read_or_solved("probe", [FEATURES], solve)
    monkeypatch.setattr(solved_heads, "SOLVER_VERSION", 0)
    heads.read_or_solved("probe", [FEATURES], solve)
    assert len(n_solved) == 3


@pytest.mark.parametrize("kept", ["half of it", "one byte changed", "nothing"])
def test_a_head_that_was_damaged_is_solved_again(kept, heads, solve, n_solved):
    heads.read_or_solved("probe", [FEATURES], solve)
    (file,) = heads.folder.iterdir()
    whole = file.read_bytes()
    at = whole.index(solved().head.weight.tobytes())
    file.write_bytes(
        {
            "half of it": whole[: len(whole) // 2],
            "one byte changed": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "nothing": b"",
        }[kept]
    )
    assert same(heads.read_or_solved("probe", [FEATURES], solve), solved())
    assert len(n_solved) == 2


@pytest.mark.parametrize("balanced", [False, True])
def test_a_second_study_with_the_same_folds_solves_nothing_and_says_the_same(
    balanced, spec_of, films, weights_of, fabric, tmp_path, monkeypatch
):
    weights, cache = {NETWORK: weights_of(seed=3)}, tmp_path / "cache"
    weighing = "balanced" if balanced else "none"
    spec = spec_of(strategies=["probe", "random-features"], class_weights=weighing)

    def said(name, of=spec):
        conduct.run(conduct.begin(of, films, tmp_path / name, weights, cache=cache), cache, fabric)
        outcomes = studies.load(tmp_path / name).outcomes()
        chosen = [fold.chosen for outcome in outcomes for fold in outcome.folds]
        return [predictions.as_csv(outcome.predictions) for outcome in outcomes], chosen

    first = said("first")
    monkeypatch.setattr(probe, "fit", lambda *_, **__: pytest.fail("solved again"))
    assert said("second") == first


def test_heads_under_other_class_weights_are_other_heads(
    spec_of, films, weights_of, fabric, tmp_path
):
    weights, cache = {NETWORK: weights_of(seed=3)}, tmp_path / "cache"
    for weighing in ("none", "balanced"):
        spec = spec_of(strategies=["probe"], class_weights=weighing)
        study = conduct.begin(spec, films, tmp_path / weighing, weights, cache=cache)
        conduct.run(study, cache, fabric)
    assert len(list((cache / "heads").iterdir())) == 2 * 2  # folds
