"""The documentation as a site: it builds without a warning, leads nowhere in vain, and asks nothing of other hosts."""

import ast
import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest
from command import environment
from documentation import pages
from report.test_browser import BROKEN, FLAGS

from arzhang.report.prose import formula

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("zensical", "mkdocstrings"))),
    reason="needs the extra 'docs'",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built as `make docs` does, warnings as errors, in a folder of its own."""
    home = tmp_path_factory.mktemp("site")
    for name in ("docs", "src", "theme"):
        shutil.copytree(pages.ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(pages.ROOT / "mkdocs.yml", home)
    words = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(words, cwd=home, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "site"


class Page(HTMLParser):
    """The ids of a page, and what it links to or loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values["id"]} if values.get("id") else set()
        leads = [values[name] for name in ("href", "src") if values.get(name)]
        self.targets += leads
        self.loaded += leads if tag in ("script", "img", "link", "iframe", "source") else []


def broken(site: Path) -> list[str]:
    """The links between the pages of a site that lead nowhere."""
    found, known = [], {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    for path, page in known.items():
        for target in page.targets:
            if re.match(r"[a-z]+:|//", target):
                continue
            where, _, anchor = target.partition("#")
            there = (path.parent / unquote(where)).resolve() if where else path
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file() or (anchor and there in known and unquote(anchor) not in known[there].ids):
                found.append(f"{path.relative_to(site)}: {target}")
    return found


def test_links_of_the_site_resolve(site):
    assert len(list(site.rglob("*.html"))) > 20
    assert broken(site.resolve()) == []


def test_a_broken_link_of_a_site_is_seen(tmp_path):
    home = tmp_path.resolve()
    (home / "a.html").write_text('<h1 id="top"></h1><a href="b.html#there"></a><a href="#top"></a><img src="c.png">')
    (home / "b.html").write_text('<a href="a.html#top"></a><a href="a.html#bottom"></a><a href="https://x.org/"></a>')
    assert sorted(broken(home)) == ["a.html: b.html#there", "a.html: c.png", "b.html: a.html#bottom"]


def test_nothing_is_loaded_from_elsewhere(site):
    for path in site.rglob("*.html"):
        page = Page(path)
        away = [target for target in page.loaded if re.match(r"https?:|//", target)]
        assert [target for target in away if "canonical" not in target] == [], path


def test_formulas_are_mathml(site):
    for name in ("gradients", "divergences", "vae", "metrics", "translation"):
        html = (site / f"{name}.html").read_text(encoding="utf-8")
        text = pages.BLOCK.sub("", pages.read(pages.DOCS / f"{name}.md"))
        formulas = len(re.findall(r"\$\$.+?\$\$|\$[^$\n`]+?\$", text, re.DOTALL))
        assert html.count("<math ") >= 0.9 * formulas > 5  # a few stand on two lines
        assert "arithmatex" not in html


def public(file: Path) -> list[str]:
    """The functions and classes that a module defines for others."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    defined = [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [name for name in defined if not name.startswith("_")]


def test_a_functions_name_stands_apart():
    assert '<mi>log</mi><mspace width="0.167em"/><mi>p</mi>' in formula(r"\log p")
    assert "<msub><mi>log</mi><mn>2</mn></msub>" in formula(r"\log_2 p")  # a third part would be no formula


def raw(html: str) -> list[str]:
    """Paragraphs in which a list or a table was meant: the site wants an empty line before it, four spaces within."""
    prose = re.sub(r"<(pre|code|math)\b.*?</\1>", "", html, flags=re.DOTALL)
    paragraphs = re.findall(r"<p>(.*?)</p>", prose, re.DOTALL)
    return [text for text in paragraphs if re.search(r"\n\s*([-*] |\d+\. |\|)|\*\*|\$.+\$", text)]


def test_no_markdown_is_left(site):
    for path in site.rglob("*.html"):
        if path.parent.name != "api":  # docstrings have lines of their own
            assert raw(path.read_text(encoding="utf-8")) == [], path
    assert len(raw("<p>this\n- is none</p> <p>and $this$ neither</p> <p>fine <code>a\n- b</code></p>")) == 2


OTHERS = {"arzhang", "arzhang.cli", "arzhang.wording", "arzhang.wording.english", "arzhang.wording.persian"}
"""What is not in the reference: the command, which explains itself, and its words."""


def test_every_public_name_is_in_the_reference(site):
    ids = set().union(*(Page(path).ids for path in (site / "api").glob("*.html")))
    source, count = pages.ROOT / "src", 0
    for file in source.rglob("*.py"):
        module = ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        if module not in OTHERS and not module.startswith("arzhang.check.blanks."):  # exercises, which learners fill in
            lacking = [name for name in public(file) if f"{module}.{name}" not in ids]
            assert lacking == [], f"`::: {module}` belongs on a page in docs/api"
            count += len(public(file))
    assert count > 300


# ----------------------------------------------------------------------------------------------------------- a browser


@pytest.fixture(scope="module")
def served(site):
    """The site over HTTP, since a search needs a worker."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


SHOWN = ("index.html", "vae.html", "metrics.html", "how-to/slurm.html", "api/gradients.html")


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_in_a_browser(chromium, served):
    """On a desk and on a phone, light and dark: whole, within the width, silent, and asking nobody else."""
    said, asked, grounds = [], set(), {}
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            opened = context.new_page()
            opened.on("console", lambda message: said.append(message.text))
            opened.on("pageerror", lambda error: said.append(str(error)))
            opened.on("request", lambda request: asked.add(request.url))
            for name in SHOWN:
                opened.goto(f"{served}/{name}")
                over = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert over <= 0, f"{name} is {over} px too wide at {width}"
                assert opened.evaluate(BROKEN) == 0, name
                wide = "[...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().height < 6).length"
                assert opened.evaluate(wide) == 0, f"{name}: a formula that is not drawn"
                ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
                grounds.setdefault(scheme, set()).add(ground)
            context.close()
    opened = chromium.new_page()  # the search is the site's own
    opened.on("request", lambda request: asked.add(request.url))
    opened.goto(f"{served}/index.html")
    opened.locator("button.md-search__button:visible").click()
    opened.keyboard.type("checkerboard")
    opened.get_by_text(re.compile(r"[1-9]\d* results")).wait_for(timeout=90_000)
    assert said == []
    assert asked
    assert {url for url in asked if not url.startswith((served, "data:", "blob:"))} == set()
    assert grounds["light"].isdisjoint(grounds["dark"])
