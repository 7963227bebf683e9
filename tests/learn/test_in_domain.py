"""Beginning from a bundle or a spine finder: which body it is, and which films it knows."""

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from command_line import spondyl

from spondyl.data.phantom import drawing, output
from spondyl.errors import SpondylError
from spondyl.files import read_json, write_json
from spondyl.learn import conduct, in_domain, networks, weights
from spondyl.learn import study as studies
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.materials import initial_network
from spondyl.measure import finder, looking
from spondyl.reading import assembling
from spondyl.reading.storing import Terms

NETWORK = "test_resnet:layer2"
QUICK = {"epochs": 1, "find_duplicates": False}


@pytest.fixture(scope="module")
def other_films(tmp_path_factory):
    """Thirty films that are not those of the bundles."""
    folder = tmp_path_factory.mktemp("others") / "drawn"
    return output.save(folder, drawing.cohort(30, 70, size=(64, 48))) / "films"


@pytest.fixture(scope="module")
def bundle_of(spec_of, tmp_path_factory):
    """A function that trains a strategy on films and makes a bundle of the networks of its two
    folds."""

    def made(films, strategy="scratch", given=None):
        folder = tmp_path_factory.mktemp("bundled")
        spec = spec_of(strategies=[strategy], **QUICK)
        study = conduct.begin(spec, films, folder / "run", given or {})
        conduct.run(study, folder / "cache", fabric_on("cpu"))
        (configuration,) = spec.configurations
        out = folder / "bundle"
        card = "# A card\n"
        return assembling.assemble(folder / "run", configuration, out, lambda _: card, Terms(0.3))

    return made


@pytest.fixture(scope="module")
def bundle(bundle_of, films):
    return bundle_of(films)


@pytest.fixture(scope="module")
def frozen(bundle_of, films):
    """A bundle whose folds share a body."""
    return bundle_of(films, "random-features")


@pytest.fixture
def begun(spec_of, other_films, tmp_path):
    """A function that begins a study of fine-tuning on other films from given weights."""

    def go(path, films=other_films, name="run", **changes):
        spec = spec_of(**{"strategies": ["fine-tuning"], **QUICK, **changes})
        given = {spec.networks[0].partition(":")[0]: path}
        return conduct.begin(spec, films, tmp_path / name, given)

    return go


@pytest.fixture
def mine(bundle, tmp_path):
    """A copy of the bundle, to do harm to."""
    return shutil.copytree(bundle.folder, tmp_path / "mine")


def at(folder, fold):
    return folder.with_name(f"{folder.name}#{fold}")


def initial(study):
    (configuration,) = study.spec.configurations
    return initial_network(configuration, study.spec, study.files, seed=3)


# Which body it is


@pytest.mark.parametrize("fold", [0, 1])
def test_it_begins_from_the_body_of_the_fold_that_is_named(begun, bundle, fold):
    network, record = initial(begun(at(bundle.folder, fold)))
    theirs = bundle.network(fold, torch.device("cpu"))
    ours, whole = network.body.state_dict(), theirs.body.state_dict()
    counted = [name for name in whole if not name.endswith("num_batches_tracked")]
    assert all(torch.equal(ours[name], whole[name]) for name in counted)
    assert not torch.equal(network.head.linear.weight, theirs.head.linear.weight)
    assert record.source == "bundle"
    assert record.file == f"{bundle.bundle_id}/weights-{fold}.safetensors"
    assert record.sha256 == bundle.members[fold].sha256
    assert str(record).startswith(f"bundle {bundle.bundle_id[:12]}…, weights-{fold}")


def test_what_a_bundle_fills_is_read_from_it_each_time(bundle, spec_of, other_films, tmp_path):
    spec, cache = spec_of(strategies=["fine-tuning"], **QUICK), tmp_path / "cache"
    given = {spec.networks[0].partition(":")[0]: at(bundle.folder, 0)}
    conduct.begin(spec, other_films, tmp_path / "run", given, cache=cache)
    assert cache.is_dir()
    assert not (cache / "proven").exists()


def test_a_body_that_all_folds_share_needs_no_fold_to_be_named(begun, frozen):
    network, record = initial(begun(frozen.folder))
    theirs = frozen.network(0, torch.device("cpu")).body.state_dict()
    assert all(torch.equal(network.body.state_dict()[name], theirs[name]) for name in theirs)
    assert record.file.endswith("/body.safetensors")


def test_the_whole_network_may_begin_from_a_cut_one(begun, bundle):
    _, record = initial(begun(at(bundle.folder, 0), networks=["test_resnet"]))
    assert record.random_parts == ("layer3", "layer4")


@pytest.mark.parametrize(
    ("fold", "changes", "why"),
    [
        ("", {}, "different bodies"),
        (7, {}, "no fold '7'"),
        (0, {"networks": ["resnet10t"]}, "which cannot begin resnet10t"),
    ],
)
def test_what_could_mean_two_bodies_or_none_is_refused(begun, bundle, fold, changes, why):
    path = bundle.folder if fold == "" else at(bundle.folder, fold)
    with pytest.raises(SpondylError, match=why):
        begun(path, **changes)


@pytest.mark.parametrize("harmed", ["bundle.json", "weights-0.safetensors"])
def test_a_bundle_that_was_changed_is_refused(begun, mine, harmed):
    if harmed == "bundle.json":
        document = read_json(mine / harmed)
        document["members"][0]["learned_from"] = []
        write_json(mine / harmed, document)
    else:
        held = safetensors.torch.load_file(mine / harmed)
        held["head.linear.bias"] = held["head.linear.bias"] + 1
        safetensors.torch.save_file(held, mine / harmed)
    with pytest.raises(SpondylError, match="changed since the bundle was made"):
        begun(at(mine, 0))


def test_json_that_is_no_bundle_is_refused(begun, mine):
    (mine / "bundle.json").write_text('{"bundle_id": 5}', encoding="utf-8")
    with pytest.raises(SpondylError, match="not a bundle"):
        begun(at(mine, 0))


def test_a_study_goes_on_from_the_same_fold_only(begun, bundle):
    first = begun(at(bundle.folder, 0))
    again = begun(at(bundle.folder, 0))
    assert again.trials(first.spec.configurations[0]) == first.trials(first.spec.configurations[0])
    with pytest.raises(SpondylError, match="the initial weights differ"):
        begun(at(bundle.folder, 1))


# Which films it knows


def test_a_bundle_that_learned_from_films_of_the_cohort_is_refused(begun, bundle, films):
    with pytest.raises(SpondylError, match="learned from 30 of the cohort's 30 films") as refused:
        begun(at(bundle.folder, 0), films)
    assert 'films_seen_before = "accept"' in str(refused.value.hint) + str(refused.value.problems)


def test_it_is_run_where_the_spec_accepts_it_and_the_study_says_so(begun, bundle, films):
    study = begun(at(bundle.folder, 0), films, films_seen_before="accept")
    assert studies.load(study.folder).facts["films_seen_before"] == {NETWORK: 30}


def test_weights_that_know_no_film_are_not_spoken_of(begun, bundle, weights_of):
    assert "films_seen_before" not in begun(at(bundle.folder, 0)).facts
    assert "films_seen_before" not in begun(weights_of(1), name="plain").facts


def test_a_bundle_of_a_bundle_names_the_films_of_both(bundle_of, bundle, films, other_films):
    second = bundle_of(other_films, "fine-tuning", {"test_resnet": at(bundle.folder, 0)})
    assert in_domain.films_seen(bundle.folder / "weights-0.safetensors") < frozenset(
        second.members[0].learned_from
    )
    file = in_domain.tensor_file("test_resnet", at(second.folder, 1))
    seen = in_domain.films_seen(file)
    hashes = {sha256 for one in bundle.members for sha256 in one.learned_from}
    assert hashes < seen
    assert {sha256 for one in second.members for sha256 in one.learned_from} == seen


# The spine finder


def test_its_encoder_sees_films_as_the_finder_does(begun):
    study = begun(finder.shipped_path(), networks=["spine-finder"])
    network, record = initial(study)
    assert record.n_random == 0
    film = np.random.default_rng(0).random((64, 48), dtype=np.float32)
    whole = finder.load(finder.shipped_path()).network
    normalised = study.spec.preprocessing.normalised(torch.from_numpy(film).expand(1, 3, 64, 48))
    with torch.inference_mode():
        maps = network.eval().body(normalised)
        expected = whole.stem(torch.from_numpy(looking.normalised(film))[None, None])
        for stage in whole.down:
            expected = stage(expected)
    assert torch.allclose(maps, expected, atol=1e-3 * float(expected.abs().max()))


def test_a_finder_that_learned_from_films_is_refused_unless_accepted(begun, tmp_path):
    with safetensors.safe_open(finder.shipped_path(), "pt") as file:
        header = file.metadata()
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about = json.loads(header["about"])
    about["spec"]["films"] = "landmark set"
    path = tmp_path / "real.finder.safetensors"
    safetensors.torch.save_file(held, path, header | {"about": json.dumps(about)})
    with pytest.raises(SpondylError, match="films that they do not name"):
        begun(path, networks=["spine-finder"])
    accepted = begun(path, networks=["spine-finder"], films_seen_before="accept")
    assert accepted.facts["films_seen_before"] == {"spine-finder": "not known"}


def test_without_a_file_the_finder_says_what_to_give():
    with pytest.raises(weights.MissingWeightsError, match="not given") as missing:
        weights.find("spine-finder", {})
    assert "--weights spine-finder=FILE" in missing.value.hint
    assert finder.where_shipped({"spine-finder": "shipped"}) == {
        "spine-finder": finder.shipped_path()
    }


def test_the_stages_of_the_encoder_are_cuts():
    assert networks.build("spine-finder:down2", 3, 0).n_channels == 64
    with pytest.raises(SpondylError, match="has no cut"):
        networks.parse("spine-finder:context")


@pytest.mark.slow
def test_from_the_command_line(other_films, bundle, tmp_path):
    spec = tmp_path / "study.toml"
    spec.write_text(
        'networks = ["spine-finder:down1", "test_resnet:layer2"]\nstrategies = ["two-stage"]\n'
        'folds = 2\nsecond_epochs = 1\nviews = 1\nsize = [32, 32]\nheatmaps = "none"\n'
        "find_duplicates = false\n",
        encoding="utf-8",
    )
    words = ["study", "run", str(spec), "--cohort", str(other_films)]
    places = ["--out", str(tmp_path / "run"), "--cache", str(tmp_path / "cache")]
    given = [
        *("--weights", "spine-finder=shipped"),
        *("--weights", f"test_resnet={bundle.folder}#1"),
    ]
    assert spondyl([*words, *places, *given, "--device", "cpu"]) == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "two-stage" in page
    assert bundle.bundle_id[:12] in page
