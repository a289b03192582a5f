"""The sheet of a certificate that is drawn from a template: its words, filled in, in the boxes of its design."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil
from typing import Any

from portal.certificates.formats import drawings
from portal.certificates.formats.layouts import Box, Layout, frame_of, layout_of
from portal.certificates.formats.printed import (
    TEMPLATES,
    Sheet,
    document_words,
    labels_of,
    name_pieces,
    narrower,
    pieces_of,
    version_parted,
    version_words,
)
from portal.certificates.rules import (
    fill,
    grouped_code,
    lines_of,
    name_spacing,
    size_to_fit,
    well_broken_size,
    width_in_ems,
)
from portal.certificates.rules.templates import (
    Design,
    Honorific,
    ImageKind,
    Orientation,
    SealPlace,
    Shown,
    TemplateSpec,
    parse,
    written_date,
)
from portal.core.i18n import LANGUAGES, other
from portal.core.pdf import FONTS

_HONORIFICS = {Honorific.DONO: "殿", Honorific.SAMA: "様", Honorific.NONE: ""}
# Second-language paragraphs beside those of the sheet's own.
_OTHER_SHARE = 0.74
# Millimetres.
_SEAL_BETWEEN = 11.0
# A seal over the organisation's name stands between two lines of text: smaller, and moved up.
_SHARE_OVER_ISSUER = 0.8
_RAISED = 2.8
# Characters; a longer name is not repeated within a sentence.
MAX_SUBJECT = 60
_SUBJECT = {"en": "The holder", "ja": "上記の者"}


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A paragraph of the running text: its words, how large they are beside the others, and what is above it (ems)."""

    name: str
    text: str
    language: str
    share: float = 1.0
    gap: float = 0.0


def draw_sheet(snapshot: Mapping[str, Any], language: str, images: Mapping[str, bytes]) -> Sheet:
    """Lay a certificate out as its template says. `images` are the pictures that it names, by their SHA-256."""
    spec, faults = parse(snapshot["template"]["spec"])
    if spec is None:
        raise ValueError(f"the snapshot holds no template: {faults[0]}")
    layout = layout_of(spec.design, spec.orientation)
    second = other(language)
    both = spec.shown is Shown.BOTH
    values = {tag: _values(snapshot, spec, tag) for tag in LANGUAGES}
    own, beside = values[language], values[second]
    holder = snapshot["holder"]
    spacing = name_spacing(holder[language]) if language == "ja" else 0.0
    honorific = _HONORIFICS[spec.honorific] if language == "ja" else ""
    heading = fill(spec.heading.in_(language), own)
    shown = {
        "name": holder[language],
        "kana": holder["kana"] if language == "ja" and holder["kana"] != holder["ja"] else "",
        "other-name": holder[second] if holder[second] != holder[language] and (both or language == "en") else "",
        "heading": heading,
        "credential": own["credential"],
        "other-credential": beside["credential"] if both else "",
        "lead": fill(spec.lead_in.in_(language) if _text(spec.lead_in, language) else "", own),
        "issuer": own["organisation"],
        "signatory": own["signatory"],
        "signatory-title": own["signatory_title"],
        "number": fill(spec.number_line.in_(language), {"number": snapshot["number"]}),
    }
    plan = version_words(snapshot["plan"]["title"][language], snapshot["plan"]["version"], language)
    documents = document_words(snapshot, language)
    paragraphs = _paragraphs(spec, values, language, both)
    issued = written_date(date.fromisoformat(snapshot["issued_on"]), language, spec)
    expires = written_date(date.fromisoformat(snapshot["expires_on"]), language, spec) if snapshot["expires_on"] else ""
    labels = {tag: labels_of(tag) for tag in LANGUAGES}
    assets = {"frame.svg": frame_of(spec.design, spec.orientation), "qr.svg": drawings.qr_code(snapshot["verify_url"])}
    pictures = {kind.value: f"{kind.value}.png" for kind in spec.images()}
    for kind, hash_ in spec.images().items():
        assets[f"{kind.value}.png"] = images[hash_]
    if spec.seal and not spec.seal_image:
        assets["seal.svg"] = drawings.seal(spec.seal, FONTS["serif"])
        pictures["seal"] = "seal.svg"
    title = f"{heading} {snapshot['number']}"
    html = TEMPLATES.html(
        "template",
        language=language,
        second=second,
        title=title,
        design=spec.design.value,
        orientation=spec.orientation.value,
        order=_order(layout, spec, language),
        shown=shown,
        both=both,
        second_heading=fill(spec.heading.in_(second), beside) if both else "",
        labels=labels[language],
        second_labels=labels[second],
        honorific=honorific,
        name_pieces=name_pieces(shown["name"]) if _size_of_name(layout, shown, honorific, spacing)[1] else (),
        number=snapshot["number"],
        issued=issued,
        expires=expires,
        paragraphs=[
            {"name": each.name, "pieces": pieces_of(each.text), "language": each.language} for each in paragraphs
        ],
        pictures=pictures,
        # On an English sheet a seal over letters would be one over half a word.
        seal_place=(spec.seal_place if language == "ja" else SealPlace.BESIDE).value,
        plan=version_parted(plan, language),
        documents=[version_parted(each, language) for each in documents],
        code=grouped_code(snapshot["code"]),
        verify_url=snapshot["verify_url"],
        short_url=snapshot["verify_url"].split("://", 1)[-1].rsplit("/", 1)[0],
    )
    paper = f"{layout.width}mm {layout.height}mm"
    family = FONTS["sans" if spec.design is Design.MODERN else "serif"]
    over: list[str] = []
    rules = _rules(
        layout,
        spec,
        language,
        shown=shown,
        paragraphs=paragraphs,
        honorific=honorific,
        spacing=spacing,
        images=images,
        days=(issued, expires),
        fine=_fine_pieces(spec, language, number=shown["number"], plan=plan, documents=documents),
        over=over,
    )
    return Sheet(
        html=html,
        stylesheets=(
            TEMPLATES.style("template"),
            f"@page {{ size: {paper}; background-size: {paper} }}\n"
            f'body {{ width: {layout.width}mm; height: {layout.height}mm; font-family: "{family}" }}\n{rules}',
        ),
        assets=assets,
        fonts=("sans", "serif") if spec.design is Design.MODERN else ("serif",),
        identifier=f"{snapshot['code']}-{snapshot['issue_no']}-{language}",
        title=title,
        language=language,
        over=tuple(over),
    )


def _text(words: Any, language: str) -> str:
    """Return a text that may be empty in one language without the other's taking its place."""
    return str(words.ja if language == "ja" else words.en)


def _values(snapshot: Mapping[str, Any], spec: TemplateSpec, language: str) -> dict[str, str]:
    """Return what the placeholders stand for in a language."""
    name: str = snapshot["holder"][language]
    return {
        "holder": name if len(name) <= MAX_SUBJECT else _SUBJECT[language],
        "credential": snapshot["credential"]["title"][language],
        "statement": snapshot["credential"]["statement"][language],
        "plan": snapshot["plan"]["title"][language],
        "version": snapshot["plan"]["version"],
        "organisation": snapshot["issuer"][language],
        "signatory": snapshot["signatory"]["name"][language],
        "signatory_title": snapshot["signatory"]["title"][language],
        "issued_on": written_date(date.fromisoformat(snapshot["issued_on"]), language, spec),
    }


def _order(layout: Layout, spec: TemplateSpec, language: str) -> list[str]:
    """Return the parts in the order in which they are read; a plain English sheet names the credential in its text."""
    in_body = spec.design is Design.PLAIN and language == "en"
    return [part for part in layout.order if not (part == "credential" and in_body)]


def _paragraphs(
    spec: TemplateSpec, values: Mapping[str, Mapping[str, str]], language: str, both: bool
) -> list[_Paragraph]:
    second = other(language)
    found = [_Paragraph("statement", fill(_text(spec.statement, language), values[language]), language)]
    if _text(spec.closing, language):
        found.append(_Paragraph("closing", fill(_text(spec.closing, language), values[language]), language, 1.0, 0.3))
    if spec.design is Design.PLAIN and language == "en":
        found.append(_Paragraph("in-body-credential", values[language]["credential"], language, 1.5, 0.5))
        if both:
            title = values[second]["credential"]
            found.append(_Paragraph("in-body-other-credential", title, second, _OTHER_SHARE, 0.1))
    if both:
        text = fill(_text(spec.statement, second), values[second])
        if second == "en" and text[:1].islower():
            # It goes on from a name that stands right above the English sheet's own statement.
            text = f"{values[second]['holder']} {text}"
        found.append(_Paragraph("other-statement", text, second, _OTHER_SHARE, 0.7))
    return found


def _fine_pieces(
    spec: TemplateSpec, language: str, *, number: str, plan: str, documents: Sequence[str]
) -> list[list[str]]:
    """Return the lines of the fine print, each in the pieces between which it may be broken."""
    labels, colon = labels_of(language), "：" if language == "ja" else ": "

    def parts(text: str) -> list[str]:
        title, version = version_parted(text, language)
        pieces = list(title) if language == "ja" else title.split(" ")
        return [each if language == "ja" else f"{each} " for each in pieces if each] + [version]

    found = [[number]] if spec.design is Design.PLAIN else []
    found.append([f"{labels['plan']}{colon}", *parts(plan)])
    if documents:
        # On a narrow sheet titles are broken as well.
        narrow = spec.orientation is Orientation.PORTRAIT
        listed = [piece for each in documents for piece in (parts(each) if narrow else [f"{each} "])]
        found.append([f"{labels['documents']}{colon}", *listed])
    return found


def body_height(paragraphs: Sequence[tuple[Sequence[str], float, float]], size: float, box: Box) -> float:
    """Return how high paragraphs are together at a size, in a box as wide as this."""
    height = 0.0
    for pieces, share, gap in paragraphs:
        own = size * share
        lines = sum(ceil(max(1.0, line * own / box.width)) for line in lines_of(pieces, box.width / own * 0.985))
        height += own * (lines * box.leading + gap)
    return height


def body_size(paragraphs: Sequence[tuple[Sequence[str], float, float]], box: Box) -> float:
    """Return the size at which paragraphs fit into a box together.

    Each is its pieces, its share of the size, and the space above it in ems. At the smallest size they may be taller.
    """
    size = box.largest
    while size > box.smallest:
        if body_height(paragraphs, size, box) <= box.height:
            return size
        size *= 0.97
    return box.smallest


def _rules(
    layout: Layout,
    spec: TemplateSpec,
    language: str,
    *,
    shown: Mapping[str, str],
    paragraphs: Sequence[_Paragraph],
    honorific: str,
    spacing: float,
    images: Mapping[str, bytes],
    days: tuple[str, str],
    fine: Sequence[Sequence[str]],
    over: list[str],
) -> str:
    """Return the stylesheet with the places and sizes of this one sheet; add to `over` the parts that do not fit."""
    has_logo = bool(spec.logo)
    rules = []
    boxes = {part: layout.box(part, has_logo=has_logo) for part in layout.boxes}
    # Over a name that stands between logo and heading there is less room.
    is_between = spec.design is Design.PLAIN and spec.seal_place is SealPlace.ORGANISATION and language == "ja"
    seal = _SEAL_BETWEEN if is_between and spec.has_seal else layout.seal
    is_over_issuer = (
        spec.has_seal
        and spec.design is not Design.PLAIN
        and spec.seal_place is SealPlace.ORGANISATION
        and language == "ja"
    )
    if is_over_issuer:
        seal *= _SHARE_OVER_ISSUER
    if not shown["lead"]:
        lead, holder = boxes["lead"], boxes["holder"]
        if spec.design is not Design.MODERN and not (spec.design is Design.PLAIN and language == "ja"):
            boxes["holder"] = replace(holder, top=lead.top, height=holder.height + holder.top - lead.top)
    elif spec.design is Design.PLAIN and language == "ja":
        # Between the credential, which stands above the name, and the name.
        boxes["lead"] = boxes["lead"].lower(min(9.0, boxes["holder"].top - boxes["lead"].top - 1.0))
        boxes["holder"] = boxes["holder"].lower(3.5)
    elif spec.design is Design.MODERN:
        boxes["holder"] = boxes["holder"].lower(3.0)
    if spec.signature and layout.lift:
        # Beneath a seal that stands over the organisation's name the signature takes no more room.
        lift = layout.lift / 2 if is_over_issuer else layout.lift
        boxes["signed"] = boxes["signed"].lower(-lift)
        boxes["body"] = replace(boxes["body"], height=boxes["body"].height - lift / 2)
    if spec.design is Design.MODERN and not shown["other-credential"]:
        boxes["body"] = boxes["body"].lower(boxes["other-credential"].top - boxes["body"].top + 3.0)
    if is_over_issuer:
        issuer = layout.lines["issuer"]
        size = _fit(shown["issuer"], issuer, 0.0)
        # The middle of the line, from there half of the seal and what it is moved up, and some air.
        head = boxes["signed"].top + 0.7 * size * issuer.leading - seal / 2 - _RAISED - 0.6
        body = boxes["body"]
        boxes["body"] = replace(body, height=min(body.height, head - body.top))
        rules.append(f".seal-organisation {{ top: -{_RAISED}mm }}")
        if not spec.signature:
            rules.append(".signed-line { margin-top: 4.8mm }")
    if shown["other-credential"] and spec.design is not Design.MODERN:
        rules.append(".other-credential { font-size: 3.6mm; line-height: 1.3 }")
    for part, box in boxes.items():
        rules.append(_place(part, box))
    sized = {"heading", "credential", "other-credential", "number", "lead", "issuer"} & boxes.keys()
    for part in sorted(sized):
        box = boxes[part]
        largest = box.largest * (box.english if language == "en" else 1.0)
        wide = _heading_spacing(shown[part]) if part == "heading" and spec.design is not Design.MODERN else 0.0
        room = box.height - (
            5.0 if part == "credential" and shown["other-credential"] and spec.design is not Design.MODERN else 0.0
        )
        size = _fit(shown[part], replace(box, largest=largest, height=room), wide)
        if _fit(shown[part], replace(box, largest=largest, height=room, smallest=0.0), wide) < box.smallest:
            over.append(part)
        rules.append(f".{part} {{ font-size: {size:.2f}mm; line-height: {box.leading} }}")
        if wide:
            rules.append(f".heading {{ letter-spacing: {wide:.2f}em; text-indent: {wide:.2f}em }}")
    body = boxes["body"]
    leading = body.leading if language == "ja" else body.leading * 0.9
    body = replace(body, leading=leading)
    pieces = [(pieces_of(each.text), each.share, each.gap) for each in paragraphs]
    size = body_size(pieces, body)
    if body_height(pieces, size, body) > body.height:
        over.append("body")
    size = min(size, well_broken_size(pieces[0][0], size, body.width))
    for each in paragraphs:
        rules.append(
            f".{each.name} {{ font-size: {size * each.share:.2f}mm; line-height: {leading:.2f};"
            f" margin-top: {each.gap}em }}"
        )
    measured = dict(shown)
    if "issued" in layout.lines:
        measured["issued"], measured["expires"] = days[0], f"{labels_of(language)['expires']}　{days[1]}"
    else:
        measured["fact"] = max(*days, shown["number"], key=width_in_ems)
    box = layout.lines["fine"]
    size = body_size([(pieces, 1.0, 0.0) for pieces in fine], box)
    rules.append(f".fine {{ font-size: {size:.2f}mm; line-height: {box.leading} }}")
    for part, box in layout.lines.items():
        if part in measured:
            fitted = _fit(measured[part], box, 0.0)
            if part == "name":
                fitted = _size_of_name(layout, shown, honorific, spacing)[0]
            rules.append(f".{part} {{ font-size: {fitted:.2f}mm; line-height: {box.leading} }}")
    rules.append(f".name {{ letter-spacing: {spacing:.2f}em }}")
    rules.append(narrower(shown))
    for kind, hash_ in spec.images().items():
        if kind is ImageKind.LOGO and is_between and spec.has_seal:
            # Out of the way of a seal over the name below.
            boxes["logo"] = replace(boxes["logo"], height=min(boxes["logo"].height, boxes["issuer"].top - 23.6))
        box = boxes["logo"]
        places = {
            ImageKind.LOGO: (box.width, box.height),
            ImageKind.SIGNATURE: layout.signature,
            ImageKind.SEAL: (seal, seal),
        }
        width, height = _contained(images[hash_], *places[kind])
        if kind is ImageKind.LOGO:
            # A picture is a block and does not follow how text is aligned.
            margin = {"left": "0", "center": "0 auto", "right": "0 0 0 auto"}[box.align]
            rules.append(f".logo-picture {{ margin: {margin} }}")
        rules.append(f".{kind.value}-picture {{ width: {width:.2f}mm; height: {height:.2f}mm }}")
    if spec.design is Design.PLAIN:
        # Both lines at one height, whatever stands on them.
        above = boxes["dates"].top - boxes["signed"].top + 6.3
        rules.append(f".issued {{ height: 6.3mm; line-height: 6.3mm }}\n.above-line {{ height: {above:.2f}mm }}")
    if not spec.seal_image:
        rules.append(f".seal-picture {{ width: {seal}mm; height: {seal}mm }}")
    # The seal is as high as several lines and moves none of them.
    rules.append(f".seal-picture {{ margin-top: {-seal / 2:.1f}mm; margin-bottom: {-seal / 2:.1f}mm }}")
    return "\n".join(rules)


def _place(part: str, box: Box) -> str:
    flow = {
        "top": "",
        "middle": "; display: flex; flex-direction: column; justify-content: center",
        "bottom": "; display: flex; flex-direction: column; justify-content: flex-end",
    }[box.anchor]
    return (
        f".at-{part} {{ left: {box.left:.2f}mm; top: {box.top:.2f}mm; width: {box.width:.2f}mm;"
        f" height: {box.height:.2f}mm; text-align: {box.align}{flow} }}"
    )


def _fit(text: str, box: Box, spacing: float) -> float:
    return size_to_fit(
        text,
        width=box.width,
        height=box.height,
        largest=box.largest,
        smallest=box.smallest,
        leading=box.leading,
        one_line_from=box.one_line_from,
        spacing=spacing,
    )


# So much smaller may a name become that is broken between its parts only; else it is broken wherever a line ends.
_SMALLER = 0.75


def _size_of_name(layout: Layout, shown: Mapping[str, str], honorific: str, spacing: float) -> tuple[float, bool]:
    """Return the size of the name, and whether it is broken between its parts only."""
    box, text = layout.lines["name"], shown["name"] + (f"　{honorific}" if honorific else "")
    size = _fit(text, box, spacing)
    pieces = name_pieces(text)
    wide = 1 + spacing * len(text) / (width_in_ems(text) or 1.0)
    smaller = size
    while len(pieces) > 1 and smaller >= max(size * _SMALLER, box.smallest):
        lines = lines_of(pieces, box.width / smaller / wide * 0.985)
        if len(lines) * smaller * box.leading <= box.height and max(lines) * smaller * wide <= box.width:
            return smaller, True
        smaller *= 0.98
    return size, False


def _heading_spacing(heading: str) -> float:
    """Return the space between the characters of a heading in ems: a short Japanese one is set wide, others hardly."""
    if width_in_ems(heading) < len(heading) * 0.95:
        return 0.04
    return {1: 0.9, 2: 0.9, 3: 0.7, 4: 0.55, 5: 0.4, 6: 0.25}.get(len(heading), 0.08)


def _contained(png: bytes, width: float, height: float) -> tuple[float, float]:
    """Return how large a picture is where it must fit into a place; its own size stands in its first chunk."""
    pixels_wide, pixels_high = struct.unpack(">II", png[16:24])
    scale = min(width / pixels_wide, height / pixels_high)
    return pixels_wide * scale, pixels_high * scale
