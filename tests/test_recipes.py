"""Options: flags win over a file, wherever each stands, the file over defaults; a wrong word gets one line."""

import dataclasses

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from arzhang.cli import Train, options
from arzhang.errors import UsageError
from arzhang.recipes import VAE, as_flags, from_mapping, parser, read_options, take_config


def parse(*words):
    return VAE(**vars(parser(VAE).parse_args(take_config(words))))


def test_defaults_are_the_assignments():
    assert parse() == VAE()
    assert (VAE().beta, VAE().latent_dim, VAE().batch_size, VAE().lr, VAE().epochs) == (1.0, 32, 128, 1e-3, 20)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "options.yaml"
    path.write_text("beta: 4\nbatch-size: 64\ncompile: true\n")
    return str(path)


def test_file_over_defaults_and_flags_over_file_wherever_they_stand(file):
    assert parse("--config", file) == VAE(beta=4, batch_size=64, compile=True)
    assert parse("--beta", "2", "--config", file) == VAE(beta=2, batch_size=64, compile=True)
    assert parse(f"--config={file}", "--beta", "2", "--no-compile") == VAE(beta=2, batch_size=64)


def test_a_runs_config_can_be_given(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"system": "vae", "recipe": dataclasses.asdict(VAE(beta=3, clip=0.5))}))
    assert parse("--config", str(path)) == VAE(beta=3, clip=0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bta", "2"], "--bta: no such option; did you mean --beta?"),
        (["--batchsize=2"], "--batchsize: no such option; did you mean --batch-size?"),
        (["--qqqqq"], "--qqqqq: no such option; --help lists them all"),
        (["--beta", "-1"], "--beta -1.0: must be 0 or more"),
        (["--beta", ".nan"], "--beta nan: must be 0 or more"),
        (["--latent-dim", "0"], "--latent-dim 0: must be 1 or more"),
        (["--epochs", "2.5"], "--epochs 2.5: expected int"),
        (["--dataset", "mnits"], "--dataset mnits: expected 'fashion-mnist', 'mnist', 'kmnist'"),
        (["--lr", "0"], "--lr 0.0: must be above 0"),
        (["--ema", "1"], "--ema 1.0: must lie between 0 and 1"),
        (["--batch-size", "9", "--devices", "2"], "--batch-size 9: must be a multiple of the 2 devices"),
        (["--config"], "--config: which file?"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml: no such file"),
    ],
)
def test_bad_options_are_one_clear_line(words, said):
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["a: [", "- 1\n- 2", "beta: {x: 1}", "!!python/object/apply:os.system ['true']", "\x00", "[" * 5_000]
)
def test_bad_files_are_one_clear_line(tmp_path, content):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        read_options(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_too_large_to_be_options_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("#" * (1 << 20) + "\n")
    with pytest.raises(UsageError, match="larger than"):
        read_options(path)


recipes = st.builds(
    VAE,
    beta=st.floats(0, 1e6),
    latent_dim=st.integers(1, 4096),
    lr=st.floats(1e-12, 10, exclude_min=True),
    clip=st.none() | st.floats(1e-6, 1e6),
    sigma=st.just("learned") | st.floats(1e-6, 1e3),
    data=st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda s: s != "null"),
    compile=st.booleans(),
)


@settings(deadline=None)
@given(recipes)
def test_any_recipe_survives_being_written_and_read(recipe):
    assert from_mapping(VAE, yaml.safe_load(yaml.safe_dump(dataclasses.asdict(recipe)))) == recipe


def test_words_of_a_mapping():
    assert as_flags({"batch_size": 3, "compile": True, "tensorboard": False, "clip": None, "n": 4}) == [
        "--batch-size=3", "--compile", "--no-tensorboard", "--clip=null", "-n", "4",
    ]  # fmt: skip


def test_two_kinds_of_options_in_one_line():
    recipe, where = options("train vae", ["--out", "x", "--beta", "2"], VAE, Train)
    assert recipe.beta == 2
    assert where.out == "x"
