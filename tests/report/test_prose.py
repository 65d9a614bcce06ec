"""Markdown with formulas becomes HTML with MathML, and nothing else that a text might hold."""

import re

from arzhang.report.prose import rendered


def test_formulas_are_mathml():
    html = rendered("Let $\\mu = -1$ and\n\n$$\n\\frac{1}{n} \\sum_i \\log p(x_i)\n$$\n")
    assert html.count("<math") == 2
    assert 'display="block"' in html
    assert "<mfrac>" in html
    assert "μ" in html or "&#x003BC;" in html


def test_signs_and_functions_stand_as_in_print():
    assert '<mo form="prefix">&#x02212;</mo><mn>1</mn>' in rendered("$[-1, 1]$")
    assert 'form="prefix"' not in rendered("$a - b$")
    assert '<mi>log</mi><mspace width="0.167em"/><mi>p</mi>' in rendered("$\\log p$")
    assert "mspace" not in rendered("$\\log (p)$")


def test_html_is_text_and_links_are_links():
    html = rendered("<script>alert(1)</script> [here](https://example.org) [3f](#3f)")
    assert "<script" not in html
    assert re.findall('href="([^"]*)"', html) == ["https://example.org", "#3f"]
