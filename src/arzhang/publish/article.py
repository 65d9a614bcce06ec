"""An English article as Markdown and HTML, with its pictures: on a run, or on all that `arzhang reproduce` left."""

from collections.abc import Callable
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt

from arzhang.errors import UsageError
from arzhang.publish.document import Document, Told
from arzhang.publish.found import runs_in, studies_in
from arzhang.report import study_page

Notify = Callable[[str], None]
ARTICLE, HTML = "article.md", "article.html"


def write(path: Path, folder: Path, name: str | None, notify: Notify) -> None:
    """The article on a run, or on a folder of runs and studies. Raises UsageError where there is nothing to tell of."""
    document = Document(folder)
    if (path / "config.yaml").is_file():
        text = document.render("article.md.j2", run=Told(path, document))
    else:
        text = _whole(path, document)
    (folder / ARTICLE).write_text(text, encoding="utf-8")
    (folder / HTML).write_text(_html(text), encoding="utf-8")


def plan(name: str | None, owner: str | None) -> list[str]:
    """What is left to the author."""
    return [
        f"open {HTML} in a browser and paste it into Medium, pictures and all; read it once more before you publish it"
    ]


def _whole(path: Path, document: Document) -> str:
    studies = {name: _study(folder, name, document) for name, folder in studies_in(path).items()}
    runs = {kind: Told(run, document, f"{kind}-") for kind, run in runs_in(path).items()}
    if not studies and not runs:
        raise UsageError(f"{path}: neither a run nor a folder with runs or studies (`arzhang reproduce` makes one)")
    return document.render("whole.md.j2", studies=studies, runs=runs)


def _study(folder: Path, name: str, document: Document) -> str:
    """A study's figures and what was found, without its tables, which Medium cannot show."""
    blocks = study_page.section(folder).blocks
    return document.blocks(name, [b for b in blocks if b.kind in ("text", "findings", "drawings", "pictures")])


def _html(text: str) -> str:
    """The Markdown as a page that can be read here and pasted elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("arzhang.publish", "templates"), undefined=jinja2.StrictUndefined, autoescape=False
    )
    title = text.splitlines()[0].removeprefix("# ")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return environment.get_template("article.html.j2").render(title=title, body=body)
