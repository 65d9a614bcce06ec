"""The page as a browser shows it: silent, self-contained, readable at any width and in both schemes."""

import shutil

import pytest
from report.made import make_run

from arzhang.report import page, run_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
UNREADABLE = """
() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const contrast = ratio(channels(drawn ? style.fill : style.color), ground(element));
    seen += 1;
    if (contrast < 4.5) found.push(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  for (const line of document.querySelectorAll('svg [style*="--series"]')) {  // what is drawn, not read: 3 to 1
    const style = getComputedStyle(line);
    const colour = /fill: var\\(--series/.test(line.getAttribute('style')) ? style.fill : style.stroke;
    if (ratio(channels(colour), ground(line)) < 3) found.push(line.outerHTML.slice(0, 80));
    seen += 1;
  }
  return [seen, found];
}
"""
SMALL = """
() => [...document.querySelectorAll('svg[role=img] text')]
  .filter(text => text.getBoundingClientRect().height < 9).map(text => text.textContent)
"""
BROKEN = "() => [...document.images].filter(i => !i.complete || !i.naturalWidth).length"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    run = make_run(folder / "run", beta=4.0, data="/a/rather/long/path/without/a/place/to/break/it/my_pictures")
    bare = make_run(folder / "bare", lines=[], evaluated=False, drawn=False)
    both = [section for path in (run, bare) for section in run_page.sections(path)]
    return {
        "run": run_page.write(run),
        "persian": run_page.write(run, language="fa"),
        "bare": run_page.write(bare),
        "several": page.write_page(folder / "index.html", "Several runs on one page", both),
    }


@pytest.fixture
def visit(chromium):
    """Opens a file in a profile of its own; at the end nothing may have been said or asked for."""
    contexts, said, asked, wanted = [], [], [], set()

    def open_page(path, width=1280, scheme="light", touch=False):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=touch, reduced_motion="reduce"
        )
        contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: asked.append(request.url))
        wanted.add(path.as_uri())
        opened.goto(path.as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == wanted


@pytest.mark.parametrize("name", ["run", "bare", "several", "persian"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable(visit, pages, name, width, scheme):
    opened = visit(pages[name], width, scheme)
    for folded in (True, False):
        overflow = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow == 0, f"{overflow} px too wide, folded: {folded}"
        seen, unreadable = opened.evaluate(UNREADABLE)
        assert seen > 80
        assert unreadable == []
        opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert opened.evaluate(SMALL) == []
    assert opened.evaluate(BROKEN) == 0


def test_persian_runs_from_right_to_left_and_numbers_do_not(visit, pages):
    opened = visit(pages["persian"])
    styles = """selector => [...document.querySelectorAll(selector)].map(e => getComputedStyle(e).direction)"""
    assert set(opened.evaluate(styles, "p, .findings li, h2, nav")) == {"rtl"}
    assert set(opened.evaluate(styles, "pre, code, svg, tbody .number, .options tbody th")) == {"ltr"}
    edges = """([selector, from, to]) => [...document.querySelectorAll(selector)].map(e => {
      const range = document.createRange(); range.selectNodeContents(e);
      if (to) { range.setStart(e.firstChild, from); range.setEnd(e.firstChild, to); }
      const box = range.getBoundingClientRect(); return [Math.round(box.left), Math.round(box.right)] })"""
    names = opened.evaluate(edges, [".options tbody th", 0, 0])
    dashes = opened.evaluate(edges, [".options tbody th", 0, 2])
    assert [left for left, _ in dashes] == [left for left, _ in names]  # "--lr", not "lr--"
    heads, cells = (
        opened.evaluate(edges, [f".options {part} tr:first-child > *", 0, 0]) for part in ("thead", "tbody")
    )
    assert [right for _, right in heads] == [right for _, right in cells]


def test_the_check_of_contrast_sees_what_is_faint(visit, pages):
    opened = visit(pages["run"])
    opened.evaluate("document.querySelector('h1').style.color = '#999'")
    opened.evaluate("document.querySelector('svg[role=img] text').style.fill = '#bbb'")
    _, unreadable = opened.evaluate(UNREADABLE)
    assert len(unreadable) == 2


def test_the_scheme_can_be_chosen(visit, pages):
    opened = visit(pages["run"], scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = opened.evaluate(colour)
    opened.locator(".theme").get_by_text("dark", exact=True).click()
    dark = opened.evaluate(colour)
    assert dark != light
    assert opened.evaluate(UNREADABLE)[1] == []
    opened.keyboard.press("ArrowLeft")
    assert opened.evaluate(colour) == light
    opened.emulate_media(color_scheme="dark")
    assert opened.evaluate(colour) == light
    opened.locator(".theme").get_by_text("auto", exact=True).click()
    assert opened.evaluate(colour) == dark


def test_originals_show_in_place_of_their_reconstructions(visit, pages):
    shown = "getComputedStyle(document.querySelector('.stack .top')).opacity"
    mouse = visit(pages["run"])
    assert mouse.evaluate(shown) == "0"
    mouse.locator(".stack").hover()
    assert mouse.evaluate(shown) == "1"
    mouse.mouse.move(0, 0)
    assert mouse.evaluate(shown) == "0"
    mouse.locator(".over-toggle").focus()
    mouse.keyboard.press("Space")
    assert mouse.evaluate(shown) == "1"
    places = "[...document.querySelectorAll('.stack img')].map(i => JSON.stringify(i.getBoundingClientRect()))"
    below, above = mouse.evaluate(places)
    assert below == above


def test_sheets_stand_side_by_side_where_there_is_room(visit, pages):
    tops = "[...document.querySelectorAll('.several figure')].map(f => Math.round(f.getBoundingClientRect().top))"
    assert len(set(visit(pages["run"], 1280).evaluate(tops))) == 1
    assert len(set(visit(pages["run"], 360).evaluate(tops))) == 3


def test_the_contents_lead_to_every_section(visit, pages):
    opened = visit(pages["several"])
    links = opened.locator("nav a")
    assert links.count() == opened.locator("section").count() == 18
    links.last.click()
    assert opened.locator("section:target").count() == 1
