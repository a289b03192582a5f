"""Where everything stands on the sheets that are drawn from templates: three designs, each in both orientations.

All lengths are millimetres of an A4 sheet. A text of varying length has a box; its size is the
largest at which it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from portal.certificates.formats import drawings
from portal.certificates.rules.templates import Design, Orientation


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the sheet, and how large its text may be set.

    `english` is the share of `largest` that an English text takes; `one_line_from` the size down to which a text stays
    in one line; `anchor` is where a short text stands in a high box: top, middle or bottom.
    """

    left: float
    top: float
    width: float
    height: float
    largest: float = 0.0
    smallest: float = 1.4
    leading: float = 1.25
    one_line_from: float = 0.0
    align: str = "left"
    anchor: str = "top"
    english: float = 1.0

    def lower(self, by: float) -> Box:
        """Return the box with its head moved down and its foot where it is."""
        return replace(self, top=self.top + by, height=self.height - by)


@dataclass(frozen=True, slots=True)
class Layout:
    """A design in an orientation: the sheet, its drawing, the boxes by their parts, and the order in which it is read.

    `lines` are the boxes of what stands in a block and flows: only their width, height and sizes count.
    """

    width: int
    height: int
    frame: Callable[[], bytes]
    order: tuple[str, ...]
    boxes: Mapping[str, Box]
    lines: Mapping[str, Box]
    seal: float
    signature: tuple[float, float]
    # By how much the block of the signatory begins higher where there is a signature, and the text above it ends.
    lift: float
    # Where there is a logo: what of the above stands elsewhere.
    beside_logo: Mapping[str, Box]

    def box(self, part: str, *, has_logo: bool) -> Box:
        """Return the place of a part."""
        return (has_logo and self.beside_logo.get(part)) or self.boxes[part]


_READ = ("logo", "number", "heading", "credential", "lead", "holder", "body", "dates", "signed", "foot")
_READ_MODERN = ("logo", "heading", "lead", "holder", "credential", "body", "facts", "signed", "foot")
_READ_PLAIN = ("logo", "issuer", "heading", "credential", "lead", "holder", "body", "dates", "signed", "foot")


def _line(width: float, height: float, largest: float, smallest: float = 1.4, one: float = 0.0) -> Box:
    return Box(0, 0, width, height, largest, smallest, 1.25, one)


def _holder(width: float, name: float, largest: float) -> dict[str, Box]:
    return {
        "name": _line(width, name, largest, 2.4, largest * 0.56),
        "other-name": _line(width, 6.5, 4.6, 1.4, 2.7),
        "kana": _line(width, 5.5, 3.4, 1.2, 2.2),
    }


def _classic_landscape() -> Layout:
    return Layout(
        width=297,
        height=210,
        frame=lambda: drawings.classic_frame(297, 210),
        order=_READ,
        boxes={
            "logo": Box(31, 23.5, 46, 17),
            "number": Box(176, 24, 90, 6, 3.6, 2, align="right"),
            "heading": Box(58.5, 29.5, 180, 17, 14, 4, 1.2, 7, align="center", anchor="middle", english=0.82),
            "credential": Box(41, 47.8, 215, 11.5, 7.4, 3, 1.25, 5, align="center"),
            "lead": Box(46, 61.2, 205, 6, 3.9, 2, align="center"),
            "holder": Box(46, 65.5, 205, 34, align="center", anchor="middle"),
            "body": Box(46, 101.5, 205, 34, 5.4, 2, 1.85),
            "dates": Box(46, 141, 92, 22),
            "signed": Box(147, 140, 110, 28),
            "qr": Box(43.4, 168, 21, 21),
            "check": Box(66, 171.4, 78, 14),
            "fine": Box(147, 171, 104, 16),
        },
        lines={
            **_holder(205, 20, 12.5),
            "issued": _line(92, 7, 5),
            "expires": _line(92, 6, 3.5),
            "issuer": _line(80, 7, 5, 2.2, 3.2),
            "signatory-title": _line(54, 9, 3.9, 1.8, 2.6),
            "signatory": _line(40, 9, 6, 2.2, 3.4),
            "fine": _line(104, 16, 3.2, 1.9),
        },
        seal=20,
        signature=(48, 12),
        lift=7,
        beside_logo={"heading": Box(80, 29.5, 137, 17, 14, 4, 1.2, 7, align="center", anchor="middle", english=0.82)},
    )


def _classic_portrait() -> Layout:
    return Layout(
        width=210,
        height=297,
        frame=lambda: drawings.classic_frame(210, 297),
        order=_READ,
        boxes={
            "logo": Box(65, 33, 80, 19, align="center", anchor="middle"),
            "number": Box(92, 25, 88, 6, 3.6, 2, align="right"),
            "heading": Box(28, 47, 154, 22, 15.5, 4, 1.2, 7, align="center", anchor="middle", english=0.66),
            "credential": Box(30, 76, 150, 14, 7.6, 3, 1.25, 5, align="center"),
            "lead": Box(30, 96, 150, 7, 4, 2, align="center"),
            "holder": Box(30, 104, 150, 40, align="center", anchor="middle"),
            "body": Box(33, 150, 144, 52, 5.5, 2, 2.0),
            "dates": Box(33, 205, 100, 14),
            "signed": Box(70, 224, 112, 29),
            "qr": Box(30.4, 255, 21, 21),
            "check": Box(53, 258.6, 62, 14),
            "fine": Box(115, 256.5, 65, 20.5),
        },
        lines={
            **_holder(150, 25, 12.5),
            "issued": _line(100, 7.5, 5.2),
            "expires": _line(100, 6, 3.6),
            "issuer": _line(84, 8, 5.2, 2.2, 3.3),
            "signatory-title": _line(52, 9, 3.9, 1.8, 2.5),
            "signatory": _line(40, 9, 6, 2.2, 3.4),
            "fine": _line(65, 20.5, 2.8, 1.7),
        },
        seal=21,
        signature=(48, 12),
        lift=5,
        beside_logo={
            "heading": Box(28, 54, 154, 21, 14.5, 4, 1.2, 7, align="center", anchor="middle", english=0.68),
            "credential": Box(30, 80, 150, 13, 7.4, 3, 1.25, 5, align="center"),
            "lead": Box(30, 98, 150, 7, 4, 2, align="center"),
            "holder": Box(30, 106, 150, 39, align="center", anchor="middle"),
        },
    )


def _modern_landscape() -> Layout:
    return Layout(
        width=297,
        height=210,
        frame=lambda: drawings.modern_path(297, 210),
        order=_READ_MODERN,
        boxes={
            "logo": Box(192, 26, 82, 17, align="right"),
            "heading": Box(44, 34.6, 140, 8, 4.6, 2.6, 1.6),
            "lead": Box(44, 47, 212, 6, 3.4, 2),
            "holder": Box(44, 50, 230, 42, anchor="middle"),
            "credential": Box(44, 104.2, 212, 10, 7, 3, 1.25, 4.6),
            "other-credential": Box(44, 114.2, 212, 6, 3.8, 1.8, 1.25, 2.8),
            "body": Box(44, 122.5, 172, 34, 4.1, 1.7, 1.7),
            "facts": Box(44, 161.6, 66, 36),
            "signed": Box(116, 161.2, 104, 23),
            "qr": Box(251.6, 158.6, 27, 27),
            "check": Box(216, 186.4, 60, 14, align="right"),
            "fine": Box(116, 186.6, 96, 13),
        },
        lines={
            **_holder(212, 24, 13.5),
            "fact": _line(66, 6, 4.1),
            "issuer": _line(76, 6, 4.3, 2, 3),
            "signatory-title": _line(50, 8, 3.2, 1.7, 2.3),
            "signatory": _line(40, 8, 5, 2, 3),
            "fine": _line(96, 13, 2.9, 1.8),
        },
        seal=17,
        signature=(44, 10),
        lift=7,
        beside_logo={"holder": Box(44, 52, 230, 40, anchor="middle")},
    )


def _modern_portrait() -> Layout:
    return Layout(
        width=210,
        height=297,
        frame=lambda: drawings.modern_path(210, 297, x=24, done=(46.2, 84, 134), ahead=231),
        order=_READ_MODERN,
        boxes={
            "logo": Box(108, 20, 82, 17, align="right"),
            "heading": Box(40, 42.3, 150, 8, 4.6, 2.6, 1.6),
            "lead": Box(40, 57, 150, 6, 3.4, 2),
            "holder": Box(40, 62, 150, 46, anchor="middle"),
            "credential": Box(40, 127.9, 150, 14, 7.2, 3, 1.25, 4.6),
            "other-credential": Box(40, 140.4, 150, 6.5, 3.9, 1.8, 1.25, 2.8),
            "body": Box(40, 152, 146, 62, 4.5, 1.7, 1.8),
            "facts": Box(40, 226.8, 50, 50),
            "signed": Box(95, 226.4, 100, 30),
            "qr": Box(166, 252, 27, 27),
            "check": Box(130, 279, 60.5, 12, align="right"),
            "fine": Box(40, 275.5, 88, 14),
        },
        lines={
            **_holder(150, 30, 13),
            "fact": _line(50, 6, 4),
            "issuer": _line(76, 6, 4.3, 2, 3),
            "signatory-title": _line(46, 8, 3.2, 1.7, 2.3),
            "signatory": _line(38, 8, 5, 2, 3),
            "fine": _line(88, 14, 2.8, 1.7),
        },
        seal=17,
        signature=(44, 10),
        lift=0,
        beside_logo={},
    )


def _plain_landscape() -> Layout:
    return Layout(
        width=297,
        height=210,
        frame=lambda: drawings.plain_frame(297, 210, inner=2.4),
        order=_READ_PLAIN,
        boxes={
            "logo": Box(98.5, 19, 100, 13, align="center", anchor="middle"),
            "issuer": Box(48.5, 25.5, 200, 7, 5, 2.2, 1.3, 3.4, align="center"),
            "heading": Box(48.5, 36, 200, 16, 11.5, 4, 1.25, 7, align="center", anchor="middle"),
            "credential": Box(36, 55.5, 225, 10, 6.4, 3, 1.25, 4.6, align="center"),
            "lead": Box(36, 58, 225, 6, 4.2, 2, align="center"),
            "holder": Box(36, 63, 225, 35, align="center", anchor="middle"),
            "body": Box(50, 99.5, 197, 35.5, 4.9, 2, 1.65, anchor="middle"),
            "dates": Box(36, 146.5, 90, 22),
            "signed": Box(171, 134, 90, 34),
            "qr": Box(33.2, 170.5, 21, 21),
            "check": Box(56, 173.9, 90, 14),
            "fine": Box(171, 169.4, 90, 20),
        },
        lines={
            **_holder(225, 22, 13),
            "issued": _line(90, 7, 5),
            "expires": _line(90, 5, 3.3),
            "signatory": _line(66, 7.5, 5, 2.2, 3.4),
            "signatory-title": _line(90, 5.5, 3.3, 1.8, 2.4),
            "in-body-credential": _line(197, 10, 7.2, 3, 5),
            "fine": _line(90, 20, 3, 1.8),
        },
        seal=16,
        signature=(56, 12),
        lift=0,
        beside_logo={
            "issuer": Box(48.5, 33.6, 200, 6, 4.4, 2.2, 1.3, 3.4, align="center"),
            "heading": Box(48.5, 40, 200, 15, 10.5, 4, 1.25, 7, align="center", anchor="middle"),
        },
    )


def _plain_portrait() -> Layout:
    return Layout(
        width=210,
        height=297,
        frame=lambda: drawings.plain_frame(210, 297, inner=2.4),
        order=_READ_PLAIN,
        boxes={
            "logo": Box(60, 25, 90, 18, align="center", anchor="middle"),
            "issuer": Box(26, 35, 158, 8, 5.2, 2.2, 1.3, 3.4, align="center"),
            "heading": Box(26, 50, 158, 18, 11.8, 4, 1.25, 7, align="center", anchor="middle", english=0.94),
            "credential": Box(26, 77, 158, 14, 6.8, 3, 1.25, 4.6, align="center"),
            "lead": Box(26, 90, 158, 7, 4.3, 2, align="center"),
            "holder": Box(26, 98, 158, 44, align="center", anchor="middle"),
            "body": Box(33, 148, 144, 58, 5, 2, 1.8, anchor="middle"),
            "dates": Box(30, 221, 68, 24),
            "signed": Box(112, 208.5, 68, 36),
            "qr": Box(27.2, 252, 21, 21),
            "check": Box(50, 255.4, 60, 14),
            "fine": Box(115, 250.5, 66, 27),
        },
        lines={
            **_holder(158, 27, 13),
            "issued": _line(68, 7, 5),
            "expires": _line(68, 5, 3.3),
            "signatory": _line(50, 7.5, 5, 2.2, 3.2),
            "signatory-title": _line(68, 9, 3.3, 1.8, 2.4),
            "in-body-credential": _line(144, 14, 7.2, 3, 5),
            "fine": _line(66, 27, 2.8, 1.7),
        },
        seal=16,
        signature=(50, 12),
        lift=0,
        beside_logo={
            "issuer": Box(26, 47, 158, 7, 4.8, 2.2, 1.3, 3.4, align="center"),
            "heading": Box(26, 56, 158, 17, 11.4, 4, 1.25, 7, align="center", anchor="middle", english=0.94),
        },
    )


_MAKERS: Mapping[tuple[Design, Orientation], Callable[[], Layout]] = {
    (Design.CLASSIC, Orientation.LANDSCAPE): _classic_landscape,
    (Design.CLASSIC, Orientation.PORTRAIT): _classic_portrait,
    (Design.MODERN, Orientation.LANDSCAPE): _modern_landscape,
    (Design.MODERN, Orientation.PORTRAIT): _modern_portrait,
    (Design.PLAIN, Orientation.LANDSCAPE): _plain_landscape,
    (Design.PLAIN, Orientation.PORTRAIT): _plain_portrait,
}


@cache
def layout_of(design: Design, orientation: Orientation) -> Layout:
    """Return how a design is laid out."""
    return _MAKERS[design, orientation]()


@cache
def frame_of(design: Design, orientation: Orientation) -> bytes:
    """Return the drawing behind a design."""
    return layout_of(design, orientation).frame()
