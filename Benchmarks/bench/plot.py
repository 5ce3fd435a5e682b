"""A picture of curves, as SVG, written here: both axes logarithmic, a panel beside the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

PANEL_WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 56, 52
BACKGROUND, TEXT, GRID, FRAME = "#ffffff", "#24292f", "#e4e7eb", "#8c959f"
# Told apart also where colours are not seen.
STYLES = [("#0969da", ""), ("#57606a", "6 4")]
FONT = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclass(frozen=True)
class Curve:
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Panel:
    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Axis:
    """Values between two powers or simple multiples of ten, to pixels."""

    least: float
    greatest: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = math.log(value / self.least) / math.log(self.greatest / self.least)
        return self.start + share * (self.end - self.start)


def svg(panels: Sequence[Panel]) -> str:
    width = PANEL_WIDTH * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" {FONT}>']
    parts.append(f'<rect width="{width}" height="{HEIGHT}" fill="{BACKGROUND}"/>')
    for index, panel in enumerate(panels):
        parts += _panel(panel, index * PANEL_WIDTH)
    return "\n".join([*parts, "</svg>"]) + "\n"


def ticks(least: float, greatest: float) -> list[float]:
    """1, 2 and 5 of every power of ten within less than two of them; only the powers in more."""
    steps = (1, 2, 5) if greatest / least < 100 else (1,)
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(greatest)) + 1)
    return [step * 10.0**power for power in powers for step in steps if least * 0.999 <= step * 10.0**power <= greatest * 1.001]


def limits(values: Sequence[float]) -> tuple[float, float]:
    """The nearest of 1, 2 and 5 times a power of ten around all values, never equal."""
    steps = [step * 10.0**power for power in range(-6, 10) for step in (1, 2, 5)]
    least = max(step for step in steps if step <= min(values) * 1.0001)
    greatest = min(step for step in steps if step >= max(values) * 0.9999)
    return (least, greatest) if least < greatest else (least / 2, greatest * 2)


def _panel(panel: Panel, x: float) -> list[str]:
    points = [point for curve in panel.curves for point in curve.points]
    across = Axis(*limits([point[0] for point in points]), x + LEFT, x + PANEL_WIDTH - RIGHT)
    up = Axis(*limits([point[1] for point in points]), HEIGHT - BOTTOM, TOP)
    parts = [_text(x + LEFT, 24, panel.title, size=14, weight=600)]
    for tick in ticks(across.least, across.greatest):
        parts += [_line(across.place(tick), TOP, across.place(tick), HEIGHT - BOTTOM, GRID)]
        parts += [_text(across.place(tick), HEIGHT - BOTTOM + 18, f"{tick:,.0f}", anchor="middle")]
    for tick in ticks(up.least, up.greatest):
        parts += [_line(x + LEFT, up.place(tick), x + PANEL_WIDTH - RIGHT, up.place(tick), GRID)]
        parts += [_text(x + LEFT - 8, up.place(tick) + 4, f"{tick:g}", anchor="end")]
    frame = f'x="{x + LEFT}" y="{TOP}" width="{PANEL_WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    parts.append(f'<rect {frame} fill="none" stroke="{FRAME}"/>')
    parts.append(_text((across.start + across.end) / 2, HEIGHT - 12, panel.x_label, anchor="middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<g transform="rotate(-90 {x + 16} {middle})">{_text(x + 16, middle, panel.y_label, anchor="middle")}</g>')
    for index, curve in enumerate(panel.curves):
        parts += _curve(curve, across, up, *STYLES[index % len(STYLES)])
        parts += _legend(curve, x + LEFT + 110 * index, *STYLES[index % len(STYLES)])
    return parts


def _curve(curve: Curve, across: Axis, up: Axis, colour: str, dashes: str) -> list[str]:
    places = [(across.place(x), up.place(y)) for x, y in curve.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>']
    return parts + [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]


def _legend(curve: Curve, x: float, colour: str, dashes: str) -> list[str]:
    return [_line(x, 41, x + 24, 41, colour, 2, dashes), _text(x + 30, 45, curve.name)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start", weight: int = 400) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{TEXT}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
