"""Question files that nobody sends by accident, and real ones that broke on the way: what importers must hold against.

Everything is made anew from a fixed seed; no file is read from elsewhere but the real ones of the material.
"""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import AnyStr

from portal.quizzes.formats.foreign import NAMES, format_named
from portal.quizzes.formats.interchange import (
    FULL,
    ForeignAnswer,
    ForeignChoice,
    ForeignQuestion,
    Kind,
    TextFormat,
)
from tests.material import find_material

DEEP = 10_000
MANY = 100_000
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A file, the format that it is sent as, and what is wrong with it in a few words."""

    format: str
    about: str
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.format}: {self.about}"


# --- files to begin with ---------------------------------------------------------------------------


@cache
def own_questions() -> tuple[ForeignQuestion, ...]:
    """Return questions of the types that every format can say something of, in both languages."""
    return (
        ForeignQuestion(
            Kind.SINGLE_CHOICE,
            "Parody",
            "Which label does a parody account need?",
            choices=(ForeignChoice("None", FULL, "It says so itself."), ForeignChoice("“Fan account”")),
            tags=("fans",),
            id="fan-001",
            category="Policies/Fans",
        ),
        ForeignQuestion(
            Kind.SINGLE_CHOICE,
            "なりすまし",
            "パロディアカウントに必要な表示はどれですか。",
            choices=(ForeignChoice("表示は要らない", FULL, "名前で分かります。"), ForeignChoice("ファンと書く")),
        ),
        ForeignQuestion(Kind.TRUE_FALSE, "Notice", "Is a notice needed?", correct=True, feedback_false="Always."),
        ForeignQuestion(
            Kind.SHORT_ANSWER,
            "Term",
            "What is it called?",
            answers=(ForeignAnswer("impersonation"), ForeignAnswer("なりすまし", fraction=FULL / 2)),
        ),
        ForeignQuestion(
            Kind.NUMERIC, "Days", "Within how many days?", answers=(ForeignAnswer(value="3", tolerance="0.5"),)
        ),
        ForeignQuestion(
            Kind.MATCHING, "Pairs", "What belongs to what?", pairs=(("Fan", "Label"), ("Company", "No label"))
        ),
        ForeignQuestion(
            Kind.ORDERING,
            "Steps",
            "In which order?",
            choices=(ForeignChoice("Look"), ForeignChoice("Decide"), ForeignChoice("Tell")),
        ),
        ForeignQuestion(Kind.FREE_TEXT, "Essay", "<p>Say <b>why</b>.</p>", text_format=TextFormat.HTML),
    )


@cache
def whole_files() -> tuple[tuple[str, str, bytes], ...]:
    """Return what is broken: format, name and bytes of the real files that there are, and one of ours a format."""
    found: list[tuple[str, str, bytes]] = []
    folder = find_material("qbanks")
    for path in sorted(folder.rglob("*")) if folder else ():
        if path.is_file() and path.suffix in (".gift", ".xml", ".txt") and "oracle" not in path.parts:
            kind = "moodle-xml" if path.suffix == ".xml" else "aiken" if "aiken" in path.name else "gift"
            found.append((kind, path.name, path.read_bytes()))
    for name in NAMES:
        writer = format_named(name)
        found.append((name, f"own{writer.suffix}", writer.write(own_questions()).data))
    writer = format_named("qti")
    package = zipfile.ZipFile(io.BytesIO(writer.write(own_questions()[:1]).data))
    found.append(("qti", "item.xml", package.read("items/item-0001.xml")))
    return tuple(found)


# --- broken at random ------------------------------------------------------------------------------

# Pieces that mean something to one of the formats, or to whoever decodes it.
PIECES = [
    b"{", b"}", b"=", b"~", b"#", b"::", b"\\", b"%50%", b"->", b"\n\n", b"\n", b"\r", b"\x00", b"\xff", b"\xe3\x81",
    b"<", b">", b"&", b"<p>", b"</text>", b"<![CDATA[", b"]]>", b"<question>", b"</question>", b"ANSWER: A", b"A) ",
    b'"', b"'", b",", b"[[1]]", b"<img src=x>", b"<b>", b"{#1:0}", b"$CATEGORY: x\n", b"[html]", "＝".encode(),
    b"<!--", b"&#x0;", b"1e999", b"1e999999", b"%99999%", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b$B",
    b"<?x?>", b"<!DOCTYPE a>", b"&a;", b"&#1114112;", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"{1:MC:=a~b}", b"|",
    b"## x {#y}\n", b"- [x] ", b"../", b"PK\x01\x02", b"PK\x05\x06",
]  # fmt: skip
TEXTS = [piece.decode("utf-8", "replace") for piece in PIECES] + [
    "100", "-50", "0", '"', "'", "１００", "\u3000", "\u200b", "\u202e", "\x1f", "￿", "<![CDATA[<b>]]>", "&amp;",
    "&lt;br&gt;", 'fraction="1e9"', 'identifier="A"', "<value>A</value>", "<simpleChoice/>", "<text/>", "<mapping/>",
    "<correct/>",
    'maxChoices="0"', 'cardinality="multiple"', 'baseType="float"', "multichoice", "cloze", "{2:NM:=1:9}", "[[2]]",
    "{type=gap}", "points=9", "|", " = ", " ± ", "A|B", "choice_1", "\t", ";", "=1+1", "@@PLUGINFILE@@/x.png",
]  # fmt: skip
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "euc_jp", "iso2022_jp", "latin-1")


def mutants(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """Yield a file with a few things wrong: bytes, or signs of its text, cut, doubled, moved, put in, turned over.

    Of an archive it is now the archive, now a file in it, which would not be looked at otherwise.
    """
    while True:
        if data.startswith(b"PK") and chance.random() < 0.8:
            yield _with_a_member_broken(data, chance)
        else:
            yield _broken(data, chance)


def _with_a_member_broken(data: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(files))
    files[name] = _broken(files[name], chance)
    return zipped(files)


def _broken(data: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.6:
        try:
            signs = data.decode()
        except UnicodeDecodeError:
            signs = data.decode("latin-1")
        return _changed(signs, TEXTS, chance).encode("utf-8", "replace")
    broken = _changed(data, PIECES, chance)
    if broken and chance.random() < 0.3:
        turned = bytearray(broken)
        turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
        broken = bytes(turned)
    kind = chance.randrange(12)
    if kind == 0:
        return _recoded(broken, chance.choice(ENCODINGS))
    if kind == 1:
        return broken.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\r", b"\x85"]))
    return broken


def _changed(whole: AnyStr, pieces: Sequence[AnyStr], chance: random.Random) -> AnyStr:
    for _change in range(chance.randint(1, 6)):
        place = chance.randrange(len(whole) + 1)
        length = chance.choice([1, 1, 2, 8, 60, 400])
        before, piece, after = whole[:place], whole[place : place + length], whole[place + length :]
        match chance.randrange(6):
            case 0:
                whole = before + after
            case 1:
                whole = before + piece + piece + after
            case 2:
                whole = before + chance.choice(pieces) * chance.choice([1, 1, 1, 30]) + piece + after
            case 3:
                other = chance.randrange(len(whole) + 1)
                whole = whole[:other] + piece + whole[other:]
            case 4:
                other = chance.randrange(len(whole) + 1)
                whole = before + whole[other : other + length] + after
            case _ if chance.random() < 0.2:
                whole = before
    return whole


def _recoded(data: bytes, encoding: str) -> bytes:
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def in_other_encodings() -> Iterator[Case]:
    """Yield files of text in encodings that they were not written in, alone and mixed."""
    for form, name, data in whole_files():
        if name.startswith("own") and not data.startswith(b"PK"):
            text = data.decode()
            for encoding in ENCODINGS:
                coded = text.encode(encoding, "replace")
                yield Case(form, f"{name} in {encoding}", coded)
            half = len(text) // 2
            mixed = text[:half].encode() + text[half:].encode("cp932", "replace")
            yield Case(form, f"{name} half in CP932", mixed)
            ended = text.replace("\n", "\r").encode()
            yield Case(form, f"{name} with the line ends of an old Macintosh", ended)
            zeros = text.replace(" ", "\0").encode()
            yield Case(form, f"{name} with NUL for each space", zeros)
            marks = text.replace(" ", "\ufeff").encode()
            yield Case(form, f"{name} with marks of byte order inside", marks)
            halves = text.encode().replace(b" ", b"\xed\xa0\x80")
            yield Case(form, f"{name} with lone surrogates", halves)


# --- too much of something -------------------------------------------------------------------------

_QUIZ = "<quiz>{}</quiz>"
_QUESTION = '<question type="{}"><name><text>n</text></name><questiontext format="html"><text>{}</text></questiontext>'
_ITEM = (
    '<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="i" title="t">{}'
    "<itemBody>{}</itemBody>{}</assessmentItem>"
)
_DECLARED = (
    '<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="{}"><correctResponse><value>{}</value>'
    "</correctResponse></responseDeclaration>"
)
_ENTRY = '<p><textEntryInteraction responseIdentifier="RESPONSE"/></p>'


def _cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>"


def too_much() -> Iterator[Case]:
    """Yield files with something ten thousand levels deep, a hundred thousand times, or a million letters long."""

    def text(form: str, about: str, said: str) -> Case:
        return Case(form, about, said.encode())

    for form in ("gift", "aiken", "markdown", "csv", "moodle-xml", "qti", "xlsx"):
        yield Case(form, "nothing", b"")
        yield Case(form, "a mark of byte order alone", b"\xef\xbb\xbf")
        yield Case(form, "half a mark of byte order", b"\xff")
        yield Case(form, "odd UTF-16", b"\xff\xfea")
        yield Case(form, "a line of a megabyte", b"a" * MEGABYTE)
        yield Case(form, "a line of a megabyte of kanji", "漢".encode() * (MEGABYTE // 3))
        yield Case(form, "a million empty lines", b"\n" * MEGABYTE)
        yield Case(form, "a million old line ends", b"\r" * MEGABYTE)
        yield Case(form, "a megabyte of zeros", b"\0" * MEGABYTE)
        yield Case(form, "a megabyte of noise", random.Random(1).randbytes(MEGABYTE))
        yield Case(form, "a beginning of XML without an end", b"<" * MEGABYTE)

    # GIFT
    for sign in ("{", "}", "{}", "{=", "~", "=", "#", "####", "->", "::", "\\", "[html]", "%1", "<", "//", "$", "\\{"):
        count = MEGABYTE // len(sign)
        yield text("gift", f"nothing but {sign}", sign * count)
        yield text(
            "gift",
            f"{DEEP} of {sign} as an answer",
            f"::a::b {{={sign * DEEP}}}",
        )
    yield text("gift", "empty questions", "::a::b{}\n\n" * MANY)
    yield text("gift", "broken questions", "::a::b{\n\n" * MANY)
    yield text("gift", "a question of many lines", "::a::b{\n" + "=c\n" * MANY + "}")
    yield text("gift", "categories", "$CATEGORY: a/b\n\n" * MANY)
    yield text("gift", "a category of many levels", "$CATEGORY: " + "a/" * MANY + "\n\n::a::b{}")
    yield text("gift", "tags", "// " + "[tag:a] " * MANY + "\n::a::b{}")
    yield text("gift", "open tags", "// " + "[tag:" * MANY + "\n::a::b{}")
    for number in ("1e999999", "1e-999999", "1e9", "9" * DEEP, "1." + "0" * DEEP, "-" * DEEP, "NaN", "inf", "１２"):
        for answer in (f"#{number}", f"#1:{number}", f"#{number}..{number}", f"#=%{number}%1", f"=%{number}%a ~b"):
            yield text("gift", f"the number {answer[:20]}", f"::a::b {{{answer}}}")
    yield text("gift", "a percentage without end", "::a::b {=%" + "9" * MEGABYTE + "%c ~d}")

    # Aiken
    yield text("aiken", "answers alone", "a\nANSWER: A\n" * MANY)
    yield text("aiken", "questions", "a\nA) b\nB) c\nANSWER: A\n" * MANY)
    yield text("aiken", "one question of many choices", "a\n" + "A) b\n" * MANY + "ANSWER: A\n")
    yield text("aiken", "questions without an answer", "a\nA) b\n\n" * MANY)
    yield text("aiken", "a long answer", "a\nA) b\nB) c\nANSWER: " + "A," * MANY)
    yield text("aiken", "full-width space", "a\nA)" + "　" * MEGABYTE + "\n")

    # Our own Markdown
    head = "---\ntitle: t\n---\n\n"
    attributes = "{type=single_choice}\n\n"
    for sign in ("> ", "- ", "1. ", "[", "(", "![", "*", "_", "`", "{", "|", "<", "&", "\\", "#", "~", "<div>", "**a "):
        yield text(
            "markdown",
            f"{DEEP} of {sign} as a text",
            f"{head}## x {{#q}}\n\n{attributes}{sign * DEEP}\n\n- [x] a\n- [ ] b\n",
        )
        yield text(
            "markdown",
            f"{DEEP} of {sign} as a choice",
            f"{head}## x {{#q}}\n\n{attributes}a\n\n- [x] {sign * DEEP}\n- [ ] b\n",
        )
    yield text("markdown", "empty questions", head + "## x {#q}\n" * MANY)
    yield text("markdown", "a head without end", "---\n" + "a: b\n" * MANY)
    yield text("markdown", "a head of aliases", "---\n" + _laughs_of_yaml() + "\n---\n## x {#q}\n")
    yield text("markdown", "a table", head + "## x {#q}\n\n" + "|a" * DEEP + "|\n" + "|-" * DEEP + "|\n" * 50)
    yield text("markdown", "attributes", head + "## x {#q}\n\n{" + "a=b " * MANY + "}\n")

    # Tables
    yield text("csv", "a million columns", "stem," * MEGABYTE + "\n")
    yield text("csv", "16,384 columns", ",".join(f"choice_{n}" for n in range(16_384)) + "\nstem")
    yield text("csv", "a million rows with nothing in them", "stem,right\n" + ",\n" * MEGABYTE)
    yield text("csv", "a quotation mark that is never closed", 'stem\n"' + "a,b\n" * MANY)
    yield text("csv", "quotation marks", "stem\n" + '"' * MEGABYTE)
    yield text("csv", "a cell of a megabyte", "stem,answers\na," + "|" * MEGABYTE)
    yield text("csv", "questions", "stem,right\n" + "a,true\n" * MANY)
    yield text("csv", "broken questions", "stem,right\n" + "a,?\n" * MANY)
    yield text("csv", "huge numbers", "stem,answers,points\na,1e999999,1e999999\nb,9e99999999999,1/0\n")
    yield text("csv", "a huge tolerance", "type,stem,answers,tolerance\nnumeric,a,1,1e999999\n")
    yield text("csv", "long runs", "type,stem,gap_1\ngap,[[1]]," + "a=" * MANY + "\n")

    # Moodle XML
    for tag in ("question", "text", "quiz", "a", "answer", "name", "x:y"):
        yield text("moodle-xml", f"<{tag}> in itself", _QUIZ.format(f"<{tag}>" * DEEP))
        yield text(
            "moodle-xml",
            f"<{tag}> in a question",
            _QUIZ.format(_QUESTION.format("essay", "s") + f"<{tag}>" * DEEP + f"</{tag}>" * DEEP + "</question>"),
        )
    yield text("moodle-xml", "empty questions", _QUIZ.format("<question/>" * MANY))
    yield text("moodle-xml", "questions", _QUIZ.format((_QUESTION.format("essay", "s") + "</question>") * MANY))
    yield text("moodle-xml", "broken questions", _QUIZ.format("<question><a></question>" * 20_000))
    yield text("moodle-xml", "open questions", "<quiz>" + "<question>\n" * MANY)
    yield text("moodle-xml", "attributes", _QUIZ.format("<question " + 'a="b" ' * MANY + "/>"))
    many = " ".join(f"a{n}='b'" for n in range(MANY))
    yield text("moodle-xml", "different attributes", _QUIZ.format(f"<question {many}/>"))
    yield text("qti", "different attributes", _ITEM.format("", f"<p {many}/>", ""))
    yield text("moodle-xml", "comments", _QUIZ.format("<!-- a -->" * MANY))
    yield text("moodle-xml", "instructions", _QUIZ.format("<?php a ?>" * MANY))
    yield text("moodle-xml", "a comment without end", "<quiz><!--" + "-" * MEGABYTE)
    yield text("moodle-xml", "text between questions", _QUIZ.format("a" * MEGABYTE))
    yield text("moodle-xml", "references", _QUIZ.format(_QUESTION.format("essay", "&#65;" * MANY)))
    for sign in (
        "{1:MC:",
        "{1:SA:=",
        "{",
        "}",
        "~",
        "=",
        "{1:NM:=1e999999:1e999999}",
        "[[1]]",
        "#",
        "\\",
        "%1%",
        "<p>",
    ):
        for kind in ("cloze", "gapselect", "multichoice"):
            yield text(
                "moodle-xml",
                f"{DEEP} of {sign} in a {kind}",
                _QUIZ.format(
                    _QUESTION.format(kind, _cdata(sign * DEEP))
                    + "<selectoption><text>a</text></selectoption>" * 2
                    + "</question>"
                ),
            )
    for number in ("1e999999", "9" * DEEP, "NaN", "-inf", "1/0", "0x10", "１", ""):
        yield text(
            "moodle-xml",
            f"the number {number[:20]}",
            _QUIZ.format(
                _QUESTION.format("numerical", "s")
                + f'<defaultgrade>{number}</defaultgrade><answer fraction="{number}"><text>{number}</text>'
                f"<tolerance>{number}</tolerance></answer><units><unit><multiplier>{number}</multiplier>"
                "<unit_name>m</unit_name></unit></units></question>"
            ),
        )

    # Items of QTI
    for tag in ("div", "p", "and", "assessmentItem", "span", "ul", "rubricBlock", "table", "math", "a:b"):
        yield text("qti", f"<{tag}> in itself", _ITEM.format("", f"<{tag}>" * DEEP, ""))
        yield text(
            "qti",
            f"<{tag}> many times",
            _ITEM.format("", f"<{tag}>a</{tag}>" * MANY, ""),
        )
        yield text(
            "qti",
            f"<{tag}> as deep as it may be",
            _ITEM.format("", f"<{tag}>" * 90 + "a" + f"</{tag}>" * 90, ""),
        )
    for tag in ("and", "or", "not", "sum", "responseIf", "responseCondition"):
        rules = f"<responseProcessing><responseCondition><responseIf>{'<%s>' * 80}{'</%s>' * 80}</responseIf>"
        rules += "</responseCondition></responseProcessing>"
        yield text(
            "qti",
            f"<{tag}> as a rule",
            _ITEM.format(_DECLARED.format("string", "a"), _ENTRY, rules % ((tag,) * 160)),
        )
    yield text("qti", "responses", _ITEM.format(_DECLARED.format("string", "a") * 15_000, _ENTRY, ""))
    yield text("qti", "values", _ITEM.format(_DECLARED.format("string", "</value><value>" * 19_000), _ENTRY, ""))
    yield text("qti", "gaps", _ITEM.format(_DECLARED.format("string", "a"), _ENTRY * 5_000, ""))
    yield text("qti", "text", _ITEM.format("", "a " * MEGABYTE, ""))
    yield text("qti", "white space", _ITEM.format("", "\n" * MEGABYTE, ""))
    for number in ("1e999999", "9" * DEEP, "NaN", "INF", "1e-999999", "0x1", "１", ""):
        scored = (
            f'<outcomeDeclaration identifier="SCORE" baseType="float" normalMaximum="{number}"/>'
            f'<outcomeDeclaration identifier="MAXSCORE"><defaultValue><value>{number}</value></defaultValue>'
            "</outcomeDeclaration>"
        )
        compared = (
            '<responseProcessing><responseCondition><responseIf><equal toleranceMode="absolute" '
            f'tolerance="{number} {number}"><variable identifier="RESPONSE"/><baseValue baseType="float">{number}'
            f'</baseValue></equal><setOutcomeValue identifier="SCORE"><baseValue baseType="float">{number}</baseValue>'
            "</setOutcomeValue></responseIf></responseCondition></responseProcessing>"
        )
        yield text(
            "qti",
            f"the number {number[:20]}",
            _ITEM.format(_DECLARED.format("float", number) + scored, _ENTRY, compared),
        )


def _laughs_of_yaml() -> str:
    lines = ['a0: &a0 "lol"']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines)


# --- XML that reaches out --------------------------------------------------------------------------


def reaching_out() -> Iterator[Case]:
    """Yield XML with entities, document types and addresses, by itself and in the archives that hold XML."""
    laughs = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    prologues = {
        "a billion laughs": f"<!DOCTYPE x [{laughs}]>",
        "a quadratic blow-up": f'<!DOCTYPE x [<!ENTITY a9 "{"a" * 50_000}">]>',
        "a file of the system": '<!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>',
        "an address": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
        "a document type elsewhere": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        "a document type that does nothing": "<!DOCTYPE x>",
        "a style sheet": '<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>',
        "entities in UTF-16": f"<!DOCTYPE x [{laughs}]>",
    }
    for about, prologue in prologues.items():
        coding = "utf-16" if "UTF-16" in about else "utf-8"
        used = _cdata("a") if "sheet" in about or "nothing" in about or "else" in about else "&a9;" * 1_000
        quiz = prologue + _QUIZ.format(_QUESTION.format("essay", used) + "</question>")
        item = prologue + _ITEM.format("", f"<p>{used}</p>", "")
        yield Case("moodle-xml", about, quiz.encode(coding))
        yield Case("qti", about, item.encode(coding))
        yield Case(
            "qti",
            f"{about}, in a package",
            package({"i.xml": item.encode(coding)}),
        )
        yield Case(
            "xlsx",
            about,
            workbook({"xl/worksheets/sheet1.xml": (prologue + SHEET.format("")).encode(coding)}),
        )
    included = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    yield Case("qti", "an inclusion", _ITEM.format("", included, "").encode())
    yield Case("moodle-xml", "an inclusion", _QUIZ.format(included).encode())


# --- archives --------------------------------------------------------------------------------------

MANIFEST = "imsmanifest.xml"
_RESOURCES = '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources>{}</resources></manifest>'
_RESOURCE = '<resource identifier="r" type="imsqti_item_xmlv2p1" href="{}"/>'
ITEM = _ITEM.format(_DECLARED.format("string", "a"), _ENTRY, "").encode()


def package(files: dict[str, bytes], manifest: str | None = None) -> bytes:
    """Return a content package of the files, all of them items unless a manifest says otherwise."""
    listed = "".join(_RESOURCE.format(name) for name in files)
    return zipped({MANIFEST: (manifest or _RESOURCES.format(listed)).encode(), **files})


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of files by their names, which are taken as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, compression
            archive.writestr(info, data)
    return out.getvalue()


_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
    'sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATION = '<Relationship Id="rId{}" Type="' + _OFFICE + '/{}" Target="{}"/>'
_RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = f'<worksheet xmlns="{_MAIN}"><sheetData>{{}}</sheetData></worksheet>'
_BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>"
)


def workbook(parts: dict[str, bytes], without: tuple[str, ...] = ()) -> bytes:
    """Return the smallest workbook there is, with parts of it replaced or left out."""
    files = {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELATIONS.format(_RELATION.format(1, "officeDocument", "xl/workbook.xml")).encode(),
        "xl/workbook.xml": _BOOK.encode(),
        "xl/_rels/workbook.xml.rels": _RELATIONS.format(
            _RELATION.format(1, "worksheet", "worksheets/sheet1.xml")
            + _RELATION.format(2, "sharedStrings", "sharedStrings.xml")
        ).encode(),
        "xl/worksheets/sheet1.xml": SHEET.format(_row(1, "stem", "right") + _row(2, "a", "true")).encode(),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}"><si><t>stem</t></si></sst>'.encode(),
    }
    return zipped({name: data for name, data in (files | parts).items() if name not in without})


def _row(number: int, *texts: str) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{cells}</row>'


def _lying(data: bytes, size: int) -> bytes:
    """Return an archive whose first entry says that it is of another size, in both places."""
    lied = bytearray(data)
    struct.pack_into("<I", lied, 22, size)
    struct.pack_into("<I", lied, data.index(b"PK\x01\x02") + 24, size)
    return bytes(lied)


def _overlapping() -> bytes:
    """Return an archive of many entries that all are the same bytes."""
    inside = zlib.compress(b"a" * MEGABYTE)[2:-4]
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 33, zlib.crc32(b"a" * MEGABYTE), len(inside), MEGABYTE, 1, 0
    )
    listed = b""
    for number in range(900):
        name = f"{number:03}.xml".encode()
        listed += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, zlib.crc32(b"a" * MEGABYTE), len(inside),
            MEGABYTE, len(name), 0, 0, 0, 0, 0, 0,
        ) + name  # fmt: skip
    body = local + b"x" + inside
    return body + listed + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 900, 900, len(listed), len(body), 0)


def _linked(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(MANIFEST, _RESOURCES.format(_RESOURCE.format(name)))
        link = zipfile.ZipInfo(name)
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _named(name: bytes) -> bytes:
    """Return a package whose item has a name of these bytes, which say nothing of their encoding."""
    stand_in = "N" * len(name)
    return package({stand_in: ITEM}, _RESOURCES.format(_RESOURCE.format("i.xml"))).replace(stand_in.encode(), name)


_PATHS = (
    "../i.xml", "/i.xml", "a/../../i.xml", "..\\i.xml", "C:\\i.xml", "c:i.xml", "\\\\host\\i.xml", "", ".", "/",
    "a//i.xml", "./i.xml", "a\0b.xml", "CON", "i.xml.", "\u202ei.xml", "a" * 60_000,
)  # fmt: skip
_ADDRESSES = (
    "imsmanifest.xml", "", "#", "http://127.0.0.1:9/i.xml", "//host/i.xml", "file:///etc/passwd", "[", "../i.xml",
    "%2e%2e/i.xml", "%00", "i.xml?a#b", "a" * 100_000, "http://[::1", "data:,a", "\ud800",
)  # fmt: skip


def archives() -> Iterator[Case]:
    """Yield packages and workbooks that are not what they seem."""
    big = b"<a>" + b" " * (30 * MEGABYTE) + b"</a>"
    kinds: dict[str, Callable[[dict[str, bytes]], bytes]] = {"qti": package, "xlsx": workbook}
    for form, build in kinds.items():
        name = "i.xml" if form == "qti" else "xl/worksheets/sheet1.xml"
        yield Case(form, "a bomb", build({name: big}))
        yield Case(form, "four bombs", build({f"{n}.xml": big for n in range(4)}))
        yield Case(form, "an archive in it", build({"a.zip": zipped({"b": big})}))
        yield Case(
            form,
            "an archive in it under another name",
            build({name: zipped({"b.xml": ITEM})}),
        )
        yield Case(form, "entries that overlap", _overlapping())
        yield Case(form, "a lie of being small", _lying(build({name: big}), 10))
        yield Case(form, "a lie of being large", _lying(build({}), 2**31))
        yield Case(form, "1,001 files", build({f"{n}.xml": ITEM for n in range(1_001)}))
        yield Case(form, "another compression", zipped({MANIFEST: ITEM}, zipfile.ZIP_BZIP2))
        yield Case(form, "half an archive", build({})[:200])
        yield Case(form, "an archive without its beginning", b"PK\x03\x04" + build({})[100:])
        yield Case(form, "an archive of nothing", zipped({}))
        for path in _PATHS:
            yield Case(
                form,
                f"the name {path[:20]!r}",
                build({path: ITEM}),
            )
        yield Case(form, "a link", _linked("i.xml"))
        yield Case(
            form,
            "names that differ in case alone",
            build({"i.xml": ITEM, "I.XML": ITEM, "İ.xml": ITEM}),
        )
        yield Case(
            form,
            "one name twice",
            build({"i.xml": ITEM, "I.xml": ITEM}).replace(b"I.xml", b"i.xml"),
        )
    for encoding in ("cp437", "cp932", "utf-8"):
        named = ("äöü.xml" if encoding == "cp437" else "設問.xml").encode(encoding)
        yield Case("qti", f"a name in {encoding}", _named(named))
    yield Case("qti", "no manifest", zipped({"i.xml": ITEM}))
    yield Case("qti", "a manifest of nothing", package({}, "<manifest/>"))
    yield Case("qti", "a manifest that is no XML", package({}, "{}"))
    for href in _ADDRESSES:
        listed = _RESOURCES.format(_RESOURCE.format(href) * 3).encode("utf-8", "xmlcharrefreplace").decode()
        yield Case("qti", f"the address {href[:20]!r}", package({"i.xml": ITEM}, listed))
    cycle = (
        '<resource identifier="a" type="imsqti_item_xmlv2p1"><dependency identifierref="b"/></resource>'
        '<resource identifier="b" type="imsqti_item_xmlv2p1"><dependency identifierref="a"/></resource>'
    )
    yield Case("qti", "a manifest in circles", package({}, _RESOURCES.format(cycle)))
    yield Case(
        "qti",
        "many addresses of one item",
        package({"i.xml": ITEM}, _RESOURCES.format(_RESOURCE.format("i.xml") * 15_000)),
    )
    yield Case(
        "qti",
        "many addresses of nothing",
        package({}, _RESOURCES.format("".join(_RESOURCE.format(f"{n}.xml") for n in range(15_000)))),
    )
    yield Case(
        "qti",
        "a manifest in a manifest",
        package({"i.xml": ITEM}, _RESOURCES.format("<resources>" * 90 + "</resources>" * 90)),
    )

    # Workbooks
    def sheet(rows: str) -> bytes:
        return workbook({"xl/worksheets/sheet1.xml": SHEET.format(rows).encode()})

    head = _row(1, "stem", "right")
    yield Case("xlsx", "formulas", sheet(head + '<row r="2"><c><f>1+1</f><v>2</v></c><c t="str"><f>A2</f></c></row>'))
    yield Case("xlsx", "errors", sheet(head + '<row r="2"><c t="e"><v>#REF!</v></c><c t="b"><v>1</v></c></row>'))
    yield Case("xlsx", "a million empty rows", sheet(head + "<row/>" * 1_000_000))
    yield Case("xlsx", "a row far below", sheet(head + _row(1_048_576, "a", "true")))
    yield Case("xlsx", "a row beyond all rows", sheet(head + _row(10**15, "a", "true")))
    yield Case("xlsx", "rows backwards", sheet(_row(5, "stem") + _row(2, "a") + _row(2, "b")))
    yield Case("xlsx", "16,384 columns", sheet(_row(1, *[f"choice_{n}" for n in range(16_384)])))
    yield Case("xlsx", "a cell far to the right", sheet('<row r="1"><c r="XFD1" t="str"><v>stem</v></c></row>'))
    yield Case("xlsx", "a cell beyond all", sheet('<row r="1"><c r="ZZZZZ9" t="str"><v>stem</v></c></row>'))
    yield Case("xlsx", "a cell without sense", sheet('<row r="x"><c r="!" t="?"><v>stem</v></c></row>'))
    yield Case("xlsx", "a string that is not there", sheet('<row><c t="s"><v>99</v></c><c t="s"><v>x</v></c></row>'))
    yield Case("xlsx", "numbers", sheet(head + '<row r="2"><c><v>1e999</v></c><c><v>NaN</v></c></row>'))
    yield Case("xlsx", "a date", sheet(head + '<row r="2"><c t="d"><v>0000-00-00</v></c></row>'))
    strings = f'<sst xmlns="{_MAIN}">' + "<si><t>stem</t></si>" * 200_000 + "</sst>"
    yield Case("xlsx", "200,000 strings", workbook({"xl/sharedStrings.xml": strings.encode()}))
    long = f'<sst xmlns="{_MAIN}"><si><t>{"あ" * 1_000_000}</t></si></sst>'
    used = SHEET.format(head + '<row><c t="s"><v>0</v></c></row>' * 5_000)
    yield Case(
        "xlsx",
        "one long string in 5,000 cells",
        workbook({"xl/sharedStrings.xml": long.encode(), "xl/worksheets/sheet1.xml": used.encode()}),
    )
    yield Case("xlsx", "deep XML", sheet("<row>" * DEEP))
    for part in ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels",
                 "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):  # fmt: skip
        yield Case("xlsx", f"no {part}", workbook({}, (part,)))
        yield Case("xlsx", f"nothing in {part}", workbook({part: b""}))
    targets = _RELATIONS.format(_RELATION.format(1, "worksheet", "../../../etc/passwd"))
    yield Case("xlsx", "a sheet elsewhere", workbook({"xl/_rels/workbook.xml.rels": targets.encode()}))


def all_cases() -> Iterator[Case]:
    """Yield every file that is made on purpose."""
    yield from in_other_encodings()
    yield from too_much()
    yield from reaching_out()
    yield from archives()
