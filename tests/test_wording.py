"""The two languages say the same things, and numbers in them are written as each writes its own."""

import dataclasses
import re
import string

import pytest

from arzhang import recipes
from arzhang.report import page
from arzhang.wording import LANGUAGES, isolated, named, numerals, speaking, words
from arzhang.wording.persian import PERSIAN
from arzhang.wording.persian_names import NAMES
from arzhang.wording.persian_studies import STUDIES

ENGLISH, FA = LANGUAGES["en"], LANGUAGES["fa"]
FORMULA = re.compile(r"\$[^$]+\$|\{[^}]*\}")


def placeholders(template):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name is not None)


def test_every_id_is_said_in_persian_with_the_same_values():
    said = PERSIAN | STUDIES
    assert len(said) == len(PERSIAN) + len(STUDIES)
    assert set(ENGLISH) - set(said) == set()
    assert {id for id in ENGLISH if placeholders(ENGLISH[id]) != placeholders(said[id])} == set()
    assert {id for id in said if said[id].count("$") % 2} == set()


def english_left(text):
    """Three Latin words in a row outside of formulas and brackets, or where English has words and Persian no letter."""
    return re.search(
        r"(?:\b[A-Za-z]{2,}\b[ ,;.]+){2}\b[A-Za-z]{2,}\b", re.sub(r"\([^)]*\)", "", FORMULA.sub(" ", text))
    )


def test_nothing_is_left_in_english():
    assert english_left("نمونه‌های this model makes بد است")
    for id, text in (PERSIAN | STUDIES | NAMES).items():
        assert not english_left(text), id
        spoken = re.findall(r"[A-Za-z]{3,}", FORMULA.sub(" ", ENGLISH.get(id, "")))
        if id not in ("language.direction",) and len(spoken) > 3:
            assert re.search("[\u0600-\u06ff]", text), id


def test_no_latin_digit_stands_alone_in_persian():
    alone = re.compile(r"(?<![\w.,#×-])[0-9]+(?![\w-])")
    assert alone.search("در 3 دوره")
    shown = {
        id: FORMULA.sub(" ", text)
        for id, text in (PERSIAN | STUDIES | NAMES).items()
        if re.search("[\u0600-\u06ff]", text)
    }
    assert {id for id, text in shown.items() if alone.search(text)} == {"meaning.estimator"}  # it names an id


def test_joiners_and_letters_are_persian():
    """Arabic yeh and kaf look alike and break a search; the prefix «می» and the plural «ها» hang by a half space."""
    for id, text in (PERSIAN | STUDIES | NAMES).items():
        assert not re.search("[\u064a\u0643\u0660-\u0669]", text), id
        assert not re.search(r"(?<!\S)ن?می (?=\S)|\S ها(?!\S)(?!.*هرکدام)", text), id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,234.5", "۱٬۲۳۴٫۵"),
        ("-0.25", "\u2066−۰٫۲۵\u2069"),
        ("1.2e-15", "\u2066۱٫۲×۱۰⁻¹⁵\u2069"),
        ("1e-05", "\u2066۱۰⁻⁵\u2069"),
        ("1.6e−05", "\u2066۱٫۶×۱۰⁻⁵\u2069"),
        ("8.3%", "\u2067\u061c۸٫۳٪\u2069"),
        ("242.22 ± 0.76", "\u2066۲۴۲٫۲۲ ± ۰٫۷۶\u2069"),
        ("L1, vae-0 and 28px", "L1, vae-0 and 28px"),
        ("0.1.0", "0.1.0"),
        ("nan", "nan"),
    ],
)
def test_numerals(text, said):
    assert numerals(text, FA) == said
    assert numerals(text, ENGLISH) == text


def test_a_formula_and_what_a_user_named_keep_their_direction():
    said = words("gradients.mohamed_crossings", {"exp": 0.915, "cos": 1.384}, FA)
    assert "\u2066k\xa0=\xa0۰٫۹۱۵\u2069" in said
    assert "$" not in said
    assert "\u2068my data\u2069" in words("run.title", {"system": "β-VAE", "dataset": "my data"}, FA)
    zero = words(
        "gradients.tie_per_sample", {"f": "1[z > 0]", "low": -3, "high": 3, "estimator": "a", "rival": "b"}, FA
    )
    assert "1[z > 0]" in zero
    assert words("run.title", {"system": "β-VAE", "dataset": "my data"}) == "β-VAE on my data"


def test_values_that_are_words_are_said_in_the_language():
    kinds = [{"id": "metrics.kind.blur"}, {"id": "metrics.kind.noise"}]
    values = {"metric": {"id": "metrics.name.fid"}, "kinds": kinds}
    assert words("metrics.worse", values) == "FID gets worse with: blur, noise."
    assert "تاری، نوفه" in words("metrics.worse", values, FA)
    betas = [0.5, 4.0, {"id": "beta.sigma_vae"}]
    assert words("beta.samples_images", {"betas": betas}).endswith("0.5, 4, σ-VAE")
    assert "۰٫۵، ۴، " in words("beta.samples_images", {"betas": betas}, FA)


def test_a_cell_of_another_script_keeps_its_direction():
    assert isolated("1[z > 0]", FA) == "\u20681[z > 0]\u2069"
    assert isolated("FID نمونه‌ها", FA) == "FID نمونه‌ها"
    assert isolated("1[z > 0]", ENGLISH) == "1[z > 0]"


def test_names_hold_numbers():
    assert named("of 32 latent dimensions", FA) == "از ۳۲ بعد نهان"
    assert named("grey value in [0, 1]", FA) == "مقدار خاکستری در [۰، ۱]"
    assert named("something new of 3", FA) == "something new of 3"
    assert named("of 32 latent dimensions", ENGLISH) == "of 32 latent dimensions"


def test_every_option_has_a_persian_meaning():
    for system, recipe in recipes.SYSTEMS.items():
        documentation = recipes.documentation(recipe)
        for field in dataclasses.fields(recipe):
            option, documented = field.name, documentation[field.name]
            meaning = page.Say("fa").meaning(system, option, documented)
            assert re.search("[\u0600-\u06ff]", meaning), (system, option)
            assert page.Say().meaning(system, option, documented) == documented


def test_speaking_is_left_again():
    with speaking("fa"):
        assert words("run.epoch") == "دوره"
    assert words("run.epoch") == "epoch"


def test_arms_are_called_by_name_in_their_own_study_alone():
    best = {"value": 0.36, "arm": "l1_cgan", "share": 0.8}
    assert "L1 + cGAN" in words("translation.best", best, FA)
    assert "\u2068pix2pix\u2069 روی" in words("run.title", {"system": "pix2pix", "dataset": "streets"}, FA)
