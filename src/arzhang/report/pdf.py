"""A page as PDF, printed by a headless Chromium where there is one."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from arzhang.errors import ArzhangError, UsageError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer", "--disable-quic")
"""No sandbox: it cannot be had as root or in containers, and the page is our own and asks nothing of the network."""
PATIENCE = 180
"""Seconds that a page may take to print."""


def browser() -> str | None:
    """The first of the known browsers that is here."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def write(page: Path, out: Path | None = None) -> Path:
    """Print a page into `out` (by default the page's name with `.pdf`); returns where it is.

    What the page folds away is opened, since paper cannot be clicked. Raises UsageError where there is no browser,
    ArzhangError where it prints nothing.
    """
    found, out = browser(), out or page.with_suffix(".pdf")
    if found is None:
        raise UsageError("a PDF needs Chromium or Chrome, and there is none here; a browser's own Print makes one, too")
    with tempfile.TemporaryDirectory() as private:
        copy, made = Path(private) / page.name, Path(private) / "page.pdf"
        copy.write_text(unfolded(page.read_text(encoding="utf-8")), encoding="utf-8")
        words = [found, *FLAGS, f"--user-data-dir={private}/profile", f"--print-to-pdf={made}", copy.as_uri()]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except (subprocess.TimeoutExpired, OSError) as error:
            raise ArzhangError(f"{out}: {Path(found).name} did not print it ({type(error).__name__})") from None
        if not made.is_file():
            lines = done.stderr.strip().splitlines()
            raise ArzhangError(
                f"{out}: {Path(found).name} did not print it ({lines[-1] if lines else 'without a word'})"
            )
        shutil.move(made, out)
    return out


def unfolded(html: str) -> str:
    """The page with every fold open, and without links to files beside it, which would lead from paper to nowhere.

    >>> unfolded('<details><summary>More</summary></details> <a class="file" href="a.svg">SVG</a> <a href="#x">x</a>')
    '<details open><summary>More</summary></details>  <a href="#x">x</a>'
    """
    html = re.sub(r"<details\b(?![^>]*\bopen\b)", "<details open", html)
    html = re.sub(r'<a class="file"[^>]*>[^<]*</a>', "", html)
    return re.sub(r'(<a\b[^>]*?) href="(?!https?:|#)[^"]*"', r"\1", html)
