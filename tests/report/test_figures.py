"""What a figure leaves beside its picture: the numbers that it draws, and words for who cannot see it."""

import csv
import re

import numpy as np
from matplotlib.figure import Figure

from arzhang.report import figures
from arzhang.report.page import Say


def drawn():
    """Two panels: a line with error bars, points, bars, and a line across that has no numbers of its own."""
    figure = Figure()
    first, second = figure.subplots(1, 2)
    first.set_title("Loss", loc="left")
    first.errorbar([1, 2, 3], [4.0, 5.0, 6.0], [0.5, np.nan, 0.25], label="mean")
    first.axhline(4.5)
    second.scatter([0.0, 1.0], [7.0, 8.0])
    second.bar([1, 2], [-3.0, 9.0], label="counts")
    return figure


def test_the_numbers_of_a_figure_stand_beside_it(tmp_path):
    assert figures.save(drawn(), tmp_path, "both") == "both"
    with (tmp_path / "both.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == figures.COLUMNS
    line = [row for row in rows if row["series"] == "mean"]
    assert [(float(row["x"]), float(row["y"])) for row in line] == [(1, 4), (2, 5), (3, 6)]
    assert [float(row["low"]) for row in (line[0], line[2])] == [3.5, 5.75]
    assert [float(row["high"]) for row in (line[0], line[2])] == [4.5, 6.25]
    others = [(row["panel"], float(row["y"])) for row in rows if row["series"] != "mean"]
    assert others == [("panel 2", 7.0), ("panel 2", 8.0), ("panel 2", -3.0), ("panel 2", 9.0)]


def test_the_reach_of_each_panel_is_said(tmp_path):
    figures.save(drawn(), tmp_path, "both")
    said = figures.described(tmp_path / "both.csv", Say("en"))
    assert said == ["Loss: from 4 to 6.", "panel 2: from −3 to 9."]
    assert figures.described(tmp_path / "other.csv", Say("en")) == []


def test_a_course_of_one_point_is_seen():
    """A line through one point is none; its panel was empty, and the ticks about it overlapped."""
    one = figures.Course(([1.0], [2.0]), ([1.0], [3.0]))
    svg, *_ = figures.course(one, "c", "loss", "epoch", "nats", "alt")
    (line,) = re.findall(r'<use [^>]*x="([\d.]+)" [^>]*--series-0', svg)
    (point,) = re.findall(r'<use [^>]*x="([\d.]+)" [^>]*--series-1', svg)
    ticks = [float(x) for x in re.findall(r'<use [^>]*x="([\d.]+)" y="138[^>]*--grid', svg)]
    assert line == point
    assert min(ticks) < float(line) < max(ticks)
    within = figures.Course(([0.1, 0.5, 1.0], [4.0, 3.0, 2.0]), ([1.0], [3.0]))
    svg, *_ = figures.course(within, "c", "loss", "epoch", "nats", "alt")
    assert re.findall(r">(\d+)<", svg)[:3] == ["0", "1", "2"]
