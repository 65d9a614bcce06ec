"""The page of the demo in a real browser, before the real server: what is painted, asked, shown, said and saved."""

import io
import json
import shutil
import threading
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from report.test_browser import FLAGS, UNREADABLE

from arzhang.palettes import CITYSCAPES, nearest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
    pytest.mark.skipif(not all(map(find_spec, ("starlette", "uvicorn"))), reason="needs the extra 'demo'"),
]
SIDE = 32
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
CLASSES = dict(CITYSCAPES)
PIXELS = """
canvas => {
  const {height, width} = canvas, copy = new OffscreenCanvas(width, height), context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0);
  return [height, width, Array.from(context.getImageData(0, 0, width, height).data)];
}
"""
# What the model makes of the drawing as it stands, asked for by ourselves.
ASKED = """
async address => {
  const drawing = await new Promise(done => document.querySelector('section:not([hidden]) .paper').toBlob(done));
  const answer = await fetch(address, {method: 'POST', body: drawing, headers: {'Content-Type': 'image/png'}});
  const image = await createImageBitmap(await answer.blob());
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return [image.height, image.width, Array.from(context.getImageData(0, 0, image.width, image.height).data)];
}
"""


def array(found):
    height, width, values = found
    return np.array(values, np.uint8).reshape(height, width, 4)[:, :, :3]


@pytest.fixture(scope="module")
def address():
    """The server, in a thread of its own."""
    from demo.made import offered

    from arzhang.demo.server import application, listening, server

    with listening("127.0.0.1", 0) as socket:
        running = server(application(offered()))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]})
        thread.start()
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/"
        running.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One panel on an open page, by hand."""

    def __init__(self, page, panel):
        self.page, self.panel = page, page.locator(f"#panel-{panel}")
        self.settle()

    def settle(self):
        """Until every answer is shown."""
        self.panel.locator(".panel > *").first.wait_for()
        from playwright.sync_api import expect

        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def find(self, selector):
        return self.panel.locator(selector)

    def pixels(self, selector=".paper"):
        return array(self.find(selector).first.evaluate(PIXELS))

    def all(self, selector):
        return np.stack([array(each.evaluate(PIXELS)) for each in self.find(selector).all()])

    def press(self, name):
        self.panel.get_by_role("button", name=name, exact=True).click()

    def choose(self, name):
        self.panel.get_by_role("radio", name=name, exact=True).check()

    def slide(self, name, value):
        self.panel.get_by_role("slider", name=name).fill(str(value))

    def place(self, x, y, selector=".cursor"):
        """The middle of a pixel of the drawing, on the page."""
        over = self.find(selector)
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        return box["x"] + (x + 0.5) * box["width"] / SIDE, box["y"] + (y + 0.5) * box["height"] / SIDE

    def stroke(self, *places, button="left"):
        mouse = self.page.mouse
        mouse.move(*self.place(*places[0]))
        mouse.down(button=button)
        for place in places[1:]:
            mouse.move(*self.place(*place), steps=4)
        mouse.up(button=button)

    def keys(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, text):
        return self.panel.get_by_role("status").filter(has_text=text).first.wait_for(timeout=5000)


@pytest.fixture
def visit(chromium, address):
    """Opens a panel in a profile of its own; at the end nothing may have been said, nor any other host asked."""
    contexts, said, asked = [], [], []

    def open_page(panel, viewport=DESKTOP, scheme="light", said_of=()):
        phone = viewport is PHONE
        context = chromium.new_context(
            viewport=viewport, color_scheme=scheme, has_touch=phone, is_mobile=phone, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: said.append(m.text) if not any(part in m.text for part in said_of) else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}#{panel}")
        return Visit(page, panel)

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith((address, "blob:" + address))} == set()


# --------------------------------------------------------------------------------------------------- how it looks


WIDE = {"width": 1400, "height": 900}


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (PHONE, "dark"), (WIDE, "dark")])
def test_every_panel_is_readable_and_fits(visit, viewport, scheme):
    here = visit("painter", viewport, scheme)
    for panel in ("painter", "edges", "cyclegan", "vae", "gan", "cgan", "gradients"):
        here.page.evaluate("id => { location.hash = id; }", panel)
        Visit(here.page, panel)
        here.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        over = here.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{panel}: {over} px too wide"
        assert "[object" not in here.page.inner_text("main"), panel
        seen, unreadable = here.page.evaluate(UNREADABLE)
        assert seen > 20
        assert unreadable == [], panel
        unnamed = """() => [...document.querySelectorAll(':is(button, input, select, canvas, svg)')]
          .filter(e => e.checkVisibility() && !e.ariaHidden && !e.querySelector('[aria-label]')
            && !e.closest('[aria-hidden=true]') && !e.ariaLabel
            && !e.textContent.trim() && !e.closest('label')?.textContent.trim()).map(e => e.outerHTML)"""
        assert here.page.evaluate(unnamed) == [], panel


def test_light_and_dark_are_chosen_by_the_browser_or_by_hand(visit):
    here = visit("gradients", scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = here.page.evaluate(ground)
    here.page.get_by_role("radio", name="Light").check()
    assert here.page.evaluate(ground) == "rgb(255, 255, 255)" != dark
    here.page.reload()
    assert here.page.evaluate(ground) == "rgb(255, 255, 255)"  # remembered
    here.page.get_by_role("radio", name="Auto").check()
    assert here.page.evaluate(ground) == dark


# ------------------------------------------------------------------------------------------------------- painting


def test_painting_changes_the_drawing_and_its_translation(visit):
    here = visit("painter")
    begun, translated = here.pixels(), here.pixels(".result canvas")
    assert {tuple(c) for c in begun.reshape(-1, 3)} <= set(CLASSES.values())
    here.choose("car")
    here.slide("Size", 4)
    here.stroke((5, 20), (25, 20))
    here.settle()
    painted = here.pixels()
    assert (painted[19:21, 5:26] == CLASSES["car"]).all()
    changed = (painted != begun).any(2)
    assert (painted[changed] == CLASSES["car"]).all()
    assert not changed[:17].any()
    assert not changed[23:].any()
    after = here.pixels(".result canvas")
    assert (after != translated).any()
    # What is shown belongs to what is drawn, however many strokes were on the way.
    asked = array(here.page.evaluate(ASKED, "api/translate?panel=painter&seed=0&dropout=1&direction=ab"))
    assert (after == asked).all()

    here.press("Undo")
    here.settle()
    assert (here.pixels() == begun).all()
    assert (here.pixels(".result canvas") == translated).all()
    here.press("Redo")
    assert (here.pixels() == painted).all()


def test_line_fill_eraser_and_clear(visit):
    here = visit("painter")
    here.find(".colours select").select_option(label="sky")
    here.press("Clear")
    assert (here.pixels() == CLASSES["sky"]).all()
    here.choose("wall")
    here.choose("Line")
    here.slide("Size", 1)
    for start, end in [((4, 4), (20, 4)), ((20, 4), (20, 16)), ((20, 16), (4, 16)), ((4, 16), (4, 4))]:
        here.stroke(start, (30, 30), end)  # a line is straight, wherever the hand has been
    frame = np.zeros((SIDE, SIDE), bool)
    frame[[4, 16], 4:21] = frame[4:17, [4, 20]] = True
    assert ((here.pixels() == CLASSES["wall"]).all(2) == frame).all()
    here.choose("Fill")
    here.choose("vegetation")
    here.stroke((10, 10))
    filled = here.pixels()
    assert (filled[5:16, 5:20] == CLASSES["vegetation"]).all()
    outside = np.ones((SIDE, SIDE), bool)
    outside[4:17, 4:21] = False
    assert (filled[outside] == CLASSES["sky"]).all()
    here.choose("Brush")
    here.slide("Size", 3)
    here.stroke((10, 10), button="right")  # erases
    assert (here.pixels()[9:12, 10] == CLASSES["sky"]).all()
    here.choose("Eraser")
    here.stroke((12, 8), (12, 12))
    assert (here.pixels()[8:13, 12] == CLASSES["sky"]).all()
    here.settle()


def test_seed_dropout_and_maps(visit):
    here = visit("painter")
    first = here.pixels(".result canvas")
    seed = here.panel.get_by_role("spinbutton", name="Seed")
    seed.fill("7")
    here.settle()
    other = here.pixels(".result canvas")
    assert (other != first).any()
    seed.fill("0")
    here.settle()
    assert (here.pixels(".result canvas") == first).all()
    here.panel.get_by_role("checkbox", name="Dropout").uncheck()
    here.settle()
    still = here.pixels(".result canvas")
    seed.fill("7")
    here.settle()
    assert (here.pixels(".result canvas") == still).all()
    drawing = here.pixels()
    here.press("Next validation image")
    here.find(".stepper").filter(has_text="2 of 3").wait_for()
    assert (here.pixels() != drawing).any()
    here.press("Previous validation image")
    here.find(".stepper").filter(has_text="1 of 3").wait_for()
    assert (here.pixels() == drawing).all()
    here.settle()


def test_both_images_are_saved(visit):
    here = visit("painter")
    for name, selector in (("Save drawing", ".paper"), ("Save translation", ".result canvas")):
        with here.page.expect_download() as download:
            here.press(name)
        saved = np.asarray(Image.open(download.value.path()).convert("RGB"))
        assert (saved == here.pixels(selector)).all()
        assert download.value.suggested_filename in ("segmentation.png", "photo.png")


def test_an_own_image_is_snapped_to_the_palette(visit):
    here = visit("painter")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2 * SIDE + 1, SIDE + 5, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    upload = here.find("input[type=file]")
    upload.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()})
    here.says("mine.png, resized to 32 × 32; 100 % of its pixels took the nearest colour")
    rows, columns = ((np.arange(SIDE) + 0.5) * n // SIDE for n in pixels.shape[:2])
    near = pixels[rows.astype(int)][:, columns.astype(int)]
    expected = np.array([colour for _, colour in CITYSCAPES])[nearest(torch.from_numpy(near))]
    assert (here.pixels() == expected).all()
    here.press("Undo")
    upload.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no image"})
    here.says("notes.txt is no image that this browser can read.")
    here.settle()


def test_without_a_palette_one_draws_in_greys(visit):
    here = visit("edges")
    assert here.panel.get_by_role("checkbox", name="Dropout").count() == 0
    before = here.pixels(".result canvas")
    here.choose("white")
    here.stroke((3, 3), (28, 28))
    here.settle()
    assert (here.pixels()[15, 15] == 255).all()
    assert (here.pixels(".result canvas") != before).any()


def test_cyclegan_goes_there_and_back(visit):
    here = visit("cyclegan")
    made = here.pixels(".result canvas")
    here.choose("Photo → segmentation")
    here.find(".drawing h3").filter(has_text="Photo").wait_for()
    here.settle()
    assert (here.pixels() == made).all()  # the translation is what is translated back
    asked = array(here.page.evaluate(ASKED, "api/translate?panel=cyclegan&seed=0&direction=ba"))
    assert (here.pixels(".result canvas") == asked).all()


def test_by_keyboard_alone(visit):
    here = visit("painter")
    here.find(".palette input:checked").focus()
    for _ in range(12):
        here.keys("Tab")
        if here.page.evaluate("document.activeElement.matches('.cursor')"):
            break
    assert here.page.evaluate("document.activeElement.matches('.cursor:focus-visible')")
    cursor = here.find(".cursor").evaluate(PIXELS)
    assert any(cursor[2])  # it is drawn
    here.keys("b", "3", *["["] * 9)
    here.says("Brush of 1 pixels.")
    here.keys(*["Shift+ArrowLeft"] * 5, *["Shift+ArrowUp"] * 5)
    here.says("Column 1, row 1")
    here.keys("ArrowRight", "ArrowDown", "Space")
    assert (here.pixels()[1, 1] == CLASSES["building"]).all()
    here.page.keyboard.down(" ")
    here.keys("ArrowRight", "ArrowRight", "ArrowRight")
    here.page.keyboard.up(" ")
    assert (here.pixels()[1, 1:5] == CLASSES["building"]).all()
    begun = here.pixels()
    here.keys(".", "l", "Enter", *["ArrowDown"] * 6, "Enter")
    assert (here.pixels()[1:8, 4] == CLASSES["wall"]).all()
    here.keys("Enter", "ArrowRight", "Escape", "z")
    here.says("Undone.")
    assert (here.pixels() == begun).all()
    here.keys("y", "f", "1", "Space")
    assert (here.pixels()[7, 5] == CLASSES["road"]).all()
    here.keys("Control+z", "Control+z", "Control+Shift+z")
    here.says("Done again.")
    here.keys("ArrowLeft", "i", "Shift+ArrowDown")
    assert here.find(".palette input:checked").evaluate("input => input.value") == "3"  # picked up: wall
    here.settle()


def test_by_finger_on_a_phone(visit):
    here = visit("painter", PHONE)
    here.panel.get_by_role("radio", name="rider").check(force=True)
    top = here.page.evaluate("scrollY")
    points = [dict(zip("xy", here.place(4 + i, 6), strict=True)) for i in range(0, 20, 2)]
    top = here.page.evaluate("scrollY")
    client = here.page.context.new_cdp_session(here.page)
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    here.settle()
    assert (here.pixels()[6, 4:23] == CLASSES["rider"]).all()
    assert here.page.evaluate("scrollY") == top  # the drawing moves, the page does not
    boxes = [here.find(selector).bounding_box() for selector in (".cursor", ".result canvas")]
    assert boxes[1]["y"] - (boxes[0]["y"] + boxes[0]["height"]) < 80  # the translation is in sight


def test_the_latest_wins_and_errors_are_told_in_place(visit):
    here = visit("painter", said_of=("503", "ERR_FAILED"))
    answers = []

    def slow(route):
        answers.append(route)
        if len(answers) == 1:
            return  # never answered
        route.continue_()

    here.page.route("**/api/translate?*", slow)
    here.choose("bus")
    here.stroke((5, 5), (10, 5))
    here.stroke((5, 25), (10, 25))
    here.settle()
    asked = array(here.page.evaluate(ASKED, "api/translate?panel=painter&seed=0&dropout=1&direction=ab"))
    assert (here.pixels(".result canvas") == asked).all()
    assert len(answers) > 2
    here.page.unroute("**/api/translate?*")

    error = json.dumps({"error": "too many requests at once; ask again in a moment"})
    here.page.route("**/api/translate?*", lambda route: route.fulfill(status=503, body=error))
    here.stroke((20, 20))
    here.says("too many requests at once; ask again in a moment")
    here.page.unroute("**/api/translate?*")
    here.page.route("**/api/translate?*", lambda route: route.abort())
    here.stroke((22, 20))
    here.says("The demo does not answer: start it again, then reload this page.")
    here.page.unroute("**/api/translate?*")
    here.stroke((24, 20))
    here.settle()
    assert here.find(".wrong").count() == 0


# -------------------------------------------------------------------------------------------------- latents, noise


def test_latent_space(visit):
    here = visit("vae")
    large = ".now canvas"
    seen = [here.pixels(large)]

    def changed():
        here.settle()
        seen.append(here.pixels(large))
        return (seen[-1] != seen[-2]).any()

    slider = here.find(".units input").first
    slider.fill("3.5")
    assert changed()
    here.find(".plane").click(position={"x": 20, "y": 30})  # the test images' plane
    assert changed()
    assert float(slider.input_value()) != 3.5
    here.choose("Two units")
    here.find(".plane").focus()
    here.keys("Shift+ArrowRight", "Shift+ArrowUp", "ArrowLeft")
    here.says("across")
    assert changed()
    here.press("Anywhere")
    here.page.wait_for_timeout(50)
    assert changed()
    strip = here.find(".compared canvas")
    assert strip.count() == 2  # beta=9 has other latents
    assert (array(strip.nth(0).evaluate(PIXELS)) == seen[-1]).all()
    assert (array(strip.nth(1).evaluate(PIXELS)) != seen[-1]).any()
    here.find(".ends + .strip button").last.click()
    assert changed()
    last = here.find(".ends + .strip canvas").last
    assert (array(last.evaluate(PIXELS)) == seen[-1]).all()
    here.find(".many button").nth(5).click()
    assert changed()
    samples = here.all(".many canvas")
    here.panel.get_by_label("From").select_option(label="component 2")
    here.settle()
    assert (here.all(".many canvas") != samples).any()
    rebuilt = here.find(".rebuilt canvas").nth(1)
    before = array(rebuilt.evaluate(PIXELS))
    here.press("Clear")
    here.settle()
    assert (array(rebuilt.evaluate(PIXELS)) != before).any()
    assert "KL" in here.find(".rebuilt figcaption").nth(1).text_content()
    here.press("Show its latents above")
    assert changed()
    assert (seen[-1] == array(here.find(".rebuilt canvas").first.evaluate(PIXELS))).all()
    here.choose("beta=9.0")
    here.settle()
    assert here.find(".units input").count() == 3
    assert here.find(".compared canvas").count() == 0


@pytest.mark.parametrize("panel", ["gan", "cgan"])
def test_noise_and_classes(visit, panel):
    here = visit(panel)
    first = here.all(".many canvas")
    assert len(first) == (20 if panel == "gan" else 6)
    steps = here.find(".steps .strip canvas")
    assert (array(steps.first.evaluate(PIXELS)) == first[0]).all()
    here.find(".many button").nth(4).click()
    here.find(".many button").nth(1).click()
    here.settle()
    assert (array(steps.first.evaluate(PIXELS)) == first[4]).all()
    here.slide("A to B", 0)
    here.settle()
    assert (here.pixels(".way .stage canvas") == first[4]).all()
    if panel == "cgan":
        here.choose("sandal")
        here.settle()
        alone = here.all(".many canvas")
        assert len(alone) == 20
        assert (alone[0] == first[1]).all()  # the same noise, of that class
    here.panel.get_by_role("spinbutton", name="Noise").fill("3")
    here.settle()
    assert (here.pixels(".many canvas") != first[0]).any()


# ------------------------------------------------------------------------------------------------------- gradients


def test_gradients_update_as_one_moves(visit):
    here = visit("gradients")
    here.find(".truth").filter(has_text="2").wait_for()  # of z², μ = 1
    assert here.find(".histograms svg.plot").count() == here.find("tbody tr").count() == 3
    curve = here.find("svg[aria-label^=Variance] .line").first
    before = curve.get_attribute("d")
    here.slide("μ", -1.5)
    here.find(".truth").filter(has_text="−3").wait_for()
    assert curve.get_attribute("d") != before
    rule = here.find(".histograms .rule").first
    assert rule.get_attribute("d").startswith("M")
    here.panel.get_by_label("Derivative in").select_option(label="σ")
    here.find(".truth").filter(has_text=", 2").wait_for()  # 2σ
    chosen = here.find(".estimators input:checked")
    while chosen.count():
        chosen.first.uncheck()
    here.says("Choose an estimator.")
    here.panel.get_by_role("checkbox", name="pathwise").check()
    here.settle()
    assert here.find("tbody tr").count() == 1
    assert here.find(".wrong").count() == 0
