from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from bench.plot import HEIGHT, PANEL_WIDTH, Axis, Curve, Panel, limits, svg, ticks

PANELS = [
    Panel("a session & more", "connections", "µs", (Curve("gateway", ((10, 9.5), (9_000, 4.6))), Curve("floor", ((10, 8), (9_000, 4.4))))),
    Panel("sessions", "sessions", "µs", (Curve("gateway", ((1, 4.5), (10_000, 27.0))), Curve("floor", ((1, 4.4), (10_000, 22.0))))),
]
SPACE = "{http://www.w3.org/2000/svg}"


def test_it_is_xml_with_a_line_for_each_curve_and_a_dot_for_each_point() -> None:
    root = ElementTree.fromstring(svg(PANELS))
    assert len(root.findall(f"{SPACE}polyline")) == 4
    assert len(root.findall(f"{SPACE}circle")) == 8
    texts = [element.text for element in root.iter(f"{SPACE}text")]
    assert {"a session & more", "connections", "sessions", "gateway", "floor", "10,000"} <= set(texts)


def test_every_dot_is_within_its_panel() -> None:
    root = ElementTree.fromstring(svg(PANELS))
    for index, circle in enumerate(root.findall(f"{SPACE}circle")):
        x, y = float(circle.attrib["cx"]), float(circle.attrib["cy"])
        assert PANEL_WIDTH * (index // 4) < x < PANEL_WIDTH * (index // 4 + 1)
        assert 0 < y < HEIGHT


def test_dearer_is_higher_and_the_floor_is_told_apart_without_colours() -> None:
    root = ElementTree.fromstring(svg(PANELS))
    gateway, floor = root.findall(f"{SPACE}circle")[0], root.findall(f"{SPACE}circle")[2]
    assert float(gateway.attrib["cy"]) < float(floor.attrib["cy"])
    assert ["stroke-dasharray" in line.attrib for line in root.findall(f"{SPACE}polyline")] == [False, True, False, True]


def test_every_power_of_ten_is_as_wide_as_the_next() -> None:
    axis = Axis(10, 1000, 0, 200)
    assert [axis.place(value) for value in (10, 100, 1000)] == pytest.approx([0, 100, 200])


@pytest.mark.parametrize(
    "values, expected", [([4.4, 9.5], (2, 10)), ([10, 15_000], (10, 20_000)), ([5, 5], (2.5, 10)), ([0.03, 0.2], (0.02, 0.2))])
def test_limits_are_round_and_apart(values: list[float], expected: tuple[float, float]) -> None:
    assert limits(values) == pytest.approx(expected)


def test_ticks_are_at_powers_of_ten_and_between_them_where_there_is_room() -> None:
    assert ticks(2, 10) == pytest.approx([2, 5, 10])
    assert ticks(10, 20_000) == pytest.approx([10, 100, 1000, 10_000])
