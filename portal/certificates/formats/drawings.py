"""The drawings on a certificate, in flat colours: frame, seal, QR code, path."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import segno

from portal.certificates.rules import seal_columns

VERMILION = "#b8321c"
INK = "#1e1c19"
INDIGO = "#15355f"
# The pattern of the band; light enough to vanish beside the text in a black-and-white print.
BAND = "#a79d86"
WIDTH, HEIGHT = 297, 210


def _page(content: str, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
    return f'{head} viewBox="0 0 {width} {height}">{content}</svg>'.encode()


def _notched(inset: float, notch: float, stroke: float, size: tuple[int, int]) -> str:
    """Return a rectangle whose corners are cut in quarter circles towards the inside (隅入角)."""
    left, top, right, bottom = inset, inset, size[0] - inset, size[1] - inset
    r = notch
    return (
        f'<path fill="none" stroke="{INK}" stroke-width="{stroke}" d="M{left + r} {top}H{right - r}'
        f"A{r} {r} 0 0 0 {right} {top + r}V{bottom - r}A{r} {r} 0 0 0 {right - r} {bottom}H{left + r}"
        f'A{r} {r} 0 0 0 {left} {bottom - r}V{top + r}A{r} {r} 0 0 0 {left + r} {top}Z"/>'
    )


def classic_frame(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Draw the classic frame: two lines with notched corners, between them a band of seven treasures (七宝)."""
    outer, inner, notch = 9.0, 16.5, 9.0
    middle = 13.5
    # Seven treasures: whole circles on the middle line, half ones between them on both edges.
    radius = 1.9
    start = notch + 3.0
    pieces = []
    for length, at, across in (
        (width, middle, True),
        (width, height - middle, True),
        (height, middle, False),
        (height, width - middle, False),
    ):
        usable = length - 2 * (middle + start)
        count = 2 * round(usable / radius / 2)
        step = usable / count
        for index in range(count + 1):
            along = middle + start + index * step
            if index % 2 == 0:
                x, y = (along, at) if across else (at, along)
                pieces.append(_arc((x - radius, y), (x + radius, y), radius, 1))
                pieces.append(_arc((x + radius, y), (x - radius, y), radius, 1))
                continue
            for side, sweep in ((-radius, 0), (radius, 1)):
                edge = at + side
                if across:
                    pieces.append(_arc((along - radius, edge), (along + radius, edge), radius, sweep))
                else:
                    pieces.append(_arc((edge, along + radius), (edge, along - radius), radius, sweep))
    return _page(
        # One path for the whole band: each element of a drawing costs WeasyPrint time of its own.
        f'<path fill="none" stroke="{BAND}" stroke-width="0.16" d="{"".join(pieces)}"/>'
        + _notched(outer, notch, 0.9, (width, height))
        + _notched(outer + 1.5, notch, 0.2, (width, height))
        + _notched(inner, notch - 3, 0.2, (width, height))
        + _notched(inner + 1.0, notch - 3, 0.45, (width, height)),
        width,
        height,
    )


def _arc(start: tuple[float, float], end: tuple[float, float], radius: float, sweep: int) -> str:
    return f"M{start[0]:.2f} {start[1]:.2f}A{radius} {radius} 0 0 {sweep} {end[0]:.2f} {end[1]:.2f}"


def plain_frame(width: int = WIDTH, height: int = HEIGHT, *, inner: float = 0) -> bytes:
    """Draw the plain frame: one hairline with a heavier rule at the head and the foot.

    `inner` is how far within it stands a second, finer one; 0: none.
    """
    left, top, right, bottom = 14, 14, width - 14, height - 14
    finer = (
        f'<rect x="{left + inner}" y="{top + inner}" width="{right - left - 2 * inner}"'
        f' height="{bottom - top - 2 * inner}" fill="none" stroke="{INK}" stroke-width="0.12"/>'
        if inner
        else ""
    )
    return _page(
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="none" stroke="{INK}"'
        f' stroke-width="0.2"/><path d="M{left} {top}H{right}M{left} {bottom}H{right}" stroke="{INK}"'
        ' stroke-width="1.3"/>' + finer,
        width,
        height,
    )


def modern_path(
    width: int = WIDTH,
    height: int = HEIGHT,
    *,
    x: float = 27,
    done: Sequence[float] = (38.5, 66, 110),
    ahead: float = 166,
) -> bytes:
    """Draw the path: one hairline from the head to the foot of the sheet, posts done and one ahead (millimetres)."""
    posts = "".join(f'<circle cx="{x}" cy="{y}" r="1.5" fill="{INDIGO}"/>' for y in done)
    last = f'<circle cx="{x}" cy="{ahead}" r="1.75" fill="#fff" stroke="{INDIGO}" stroke-width="0.45"/>'
    line = f'<path d="M{x} 0V{height}" stroke="{INDIGO}" stroke-width="0.3"/>'
    return _page(line + posts + last, width, height)


def seal(characters: str, family: str) -> bytes:
    """Draw a square seal in vermilion with one to nine characters, read down and then to the left."""
    columns = seal_columns(characters)
    rows = max(len(column) for column in columns)
    inner = 78.0
    cell_x, cell_y = inner / len(columns), inner / rows
    size = min(cell_x, cell_y) * 0.94
    drawn = []
    for column_no, column in enumerate(columns):
        x = 50 + inner / 2 - cell_x * (column_no + 0.5)
        height = inner / len(column)
        for row_no, character in enumerate(column):
            y = 50 - inner / 2 + height * (row_no + 0.5) + size * 0.36
            drawn.append(f'<text x="{x:.1f}" y="{y:.1f}">{escape(character)}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24mm" height="24mm" viewBox="0 0 100 100">'
        f'<g fill="none" stroke="{VERMILION}"><rect x="3" y="3" width="94" height="94" rx="5" stroke-width="4.2"/>'
        f'<rect x="8" y="8" width="84" height="84" rx="2.5" stroke-width="1.1"/></g>'
        f'<g fill="{VERMILION}" stroke="{VERMILION}" stroke-width="1.1" text-anchor="middle" font-family="{family}"'
        f' font-size="{size:.1f}">{"".join(drawn)}</g></svg>'
    ).encode()


def qr_code(address: str) -> bytes:
    """Draw the QR code of an address, with the quiet zone that scanners need."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", border=4, dark=INK, light=None, xmldecl=False)
    return out.getvalue()
