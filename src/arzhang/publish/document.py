"""A Markdown document filled from results: a template, the numbers and sentences of a run, its pictures beside it."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from arzhang import __version__, recipes
from arzhang.publish import bundle
from arzhang.report import markdown, page, run_page
from arzhang.report.blocks import Block
from arzhang.report.results import Results, number, read

PICTURES = "pictures"
PAPERS: dict[str, tuple[tuple[str, str], ...]] = {
    "pix2pix": (("Isola et al., Image-to-Image Translation with Conditional Adversarial Networks", "1611.07004"),),
    "cyclegan": (("Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Networks", "1703.10593"),),
    "vae": (("Kingma and Welling, Auto-Encoding Variational Bayes", "1312.6114"),),
    "cs_vae": (
        ("Kingma and Welling, Auto-Encoding Variational Bayes", "1312.6114"),
        ("Tran, Pantic and Deisenroth, Cauchy–Schwarz Regularized Autoencoder", "2101.02149"),
    ),
    "gan": (("Goodfellow et al., Generative Adversarial Networks", "1406.2661"),),
    "cgan": (("Mirza and Osindero, Conditional Generative Adversarial Nets", "1411.1784"),),
    "segmenter": (("Long, Shelhamer and Darrell, Fully Convolutional Networks", "1411.4038"),),
    "classifier": (),
}
"""Whose work each system is: title, and its number at arXiv."""
SOURCE = "https://github.com/arzhang-ml/arzhang"


class Document:
    """What a template can ask for, and the folder where pictures go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, dict[str, str]()
        (folder / PICTURES).mkdir(exist_ok=True)
        self.environment = jinja2.Environment(
            loader=jinja2.PackageLoader("arzhang.publish", "templates"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # Markdown: what is data goes through `escaped`
        )

    def render(self, template: str, **values: Any) -> str:
        """A template with these values; an undefined one is an error."""
        text = self.environment.get_template(template).render(version=__version__, source=SOURCE, **values)
        return squeezed(text)

    def blocks(self, name: str, blocks: list[Block]) -> str:
        """Blocks as Markdown, their pictures kept as `pictures/NAME-1.png`, …; none is kept twice."""
        return markdown.text(markdown.pieces(blocks), self._keeper(name)).rstrip()

    def _keeper(self, name: str) -> Callable[[markdown.Shown], str]:
        count = 0

        def keep(shown: markdown.Shown) -> str:
            nonlocal count
            digest = hashlib.sha256(shown.content).hexdigest()
            if digest not in self.kept:
                count += 1
                self.kept[digest] = f"{PICTURES}/{name}-{count}.{'jpg' if shown.kind == 'jpeg' else shown.kind}"
                (self.folder / self.kept[digest]).write_bytes(markdown.enlarged(shown.content))
            return self.kept[digest]

        return keep


class Told:
    """A run as a template sees it: numbers with their errors, sentences chosen by them, sections by name."""

    def __init__(self, path: Path, document: Document | None = None, prefix: str = "") -> None:
        self.results: Results = read(path)
        self.recipe, self.data = self.results.recipe, self.results.data
        config = recipes.read_yaml(path / "config.yaml")
        self.given: dict[str, Any] = config["recipe"]
        """The recipe with the paths of this machine: not to be told."""
        self.licence = bundle.licence(self.given, str(self.data.get("description", "")))
        self.say = page.Say()
        self.document, self.prefix = document, prefix
        self.sections = {part: make for part, _, make in run_page.parts_of(self.system)}

    @property
    def system(self) -> str:
        return self.results.system

    @property
    def kind(self) -> str:
        """The system, a Cauchy–Schwarz VAE told from others."""
        return "cs_vae" if self.recipe.get("divergence") == "cauchy-schwarz" else self.system

    @property
    def title(self) -> str:
        return self.say.label(self.kind, "system")

    @property
    def dataset(self) -> str:
        return str(self.recipe.get("data") or self.recipe.get("dataset"))

    @property
    def papers(self) -> tuple[tuple[str, str], ...]:
        return PAPERS.get(self.kind, ())

    @property
    def changed(self) -> dict[str, Any]:
        """Options that are not at their defaults, as one types them."""
        kind = recipes.SYSTEMS.get(self.system)
        defaults = {field: kind.__dataclass_fields__[field].default for field in self.recipe} if kind else {}
        return {name: value for name, value in self.recipe.items() if value != defaults.get(name)}

    def has(self, *names: str) -> bool:
        """Whether all of these were measured."""
        return all(name in self.results.evaluation for name in names)

    def number(self, name: str) -> str:
        """A measured value and its standard error."""
        return number(self.results.evaluation[name])

    def value(self, name: str) -> float:
        return self.results.evaluation[name].value

    def n(self, name: str) -> int | None:
        return self.results.evaluation[name].n

    def above(self, first: str, second: str) -> bool:
        """Whether the first number is above the second by more than twice the standard error of the difference."""
        a, b = (self.results.evaluation[name] for name in (first, second))
        return a.value - b.value > 2 * ((a.uncertainty or 0) ** 2 + (b.uncertainty or 0) ** 2) ** 0.5

    def listed(self) -> str:
        """Every number as a list, with its unit, its images and its network: where there are no tables."""
        lines = []
        for name, metric in self.results.evaluation.items():
            told = [f"n = {metric.n:,}"] if metric.n is not None else []
            told += [str(metric.protocol[key]) for key in ("network", "resize", "precision") if key in metric.protocol]
            of = f" ({'; '.join(told)})" if told else ""
            what, unit = (markdown.escaped(text) for text in (self.say.label(name), metric.unit))
            lines.append(f"- {what}: **{number(metric)}** {unit}{of}")
        return "\n".join(lines) or markdown.escaped(self.say("run.evaluation_missing"))

    def section(self, name: str, kinds: str = "") -> str:
        """A section of the run's page; of its blocks those of some kinds alone, where these are named."""
        if self.document is None or name not in self.sections:
            return ""
        wanted = kinds.split()
        blocks = [b for b in self.sections[name](self.results, self.say, "p") if not wanted or b.kind in wanted]
        return self.document.blocks(f"{self.prefix}{name}", blocks)


def squeezed(text: str) -> str:
    """No more than one empty line in a row, and one line end at the end."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


def metadata(values: Mapping[str, Any]) -> str:
    """The YAML between two lines of dashes that a Markdown file may begin with."""
    import yaml

    return "---\n" + yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=120) + "---\n"
