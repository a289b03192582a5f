"""Templates in the browser: begun, written, drawn, published, used; nothing is lost and nothing issued changes."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from portal.accounts.models import Role
from portal.certificates import limits, queries
from portal.certificates.errors import PictureRefused
from portal.certificates.models import CertificateImage
from portal.certificates.queries import templates
from portal.certificates.rules.templates import CHOICES, IMAGES, TEXT_LIMITS, Design, ImageKind, starting_spec
from portal.certificates.service import pictures
from portal.certificates.service import templates as service
from portal.core import jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.pictures import MAX_BYTES, PictureTooLarge
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_grant, make_person
from tests.certificates.builders import issue, make_credential, make_picture, make_template
from tests.queries import counted_queries

BOTH = pytest.mark.parametrize("language", ["en", "ja"])


@pytest.fixture(autouse=True)
def _fresh_drawings() -> Any:
    limits.drawings.clear()
    yield
    limits.drawings.clear()


@pytest.fixture
def author(cast: Cast) -> Any:
    return cast.author


@pytest.fixture
def policy_owner(app: Any) -> Any:
    person = make_person("owner@portal.example", family_name="森", given_name="章子")
    make_grant(person, Role.POLICY_OWNER)
    return person


def filled(slug: str, **changes: Any) -> dict[str, Any]:
    """The form as the page shows it, with changes."""
    draft = templates.get_template(slug).draft
    form: dict[str, Any] = {"revision": str(draft.revision), "language": "ja", "holder": "common"}
    form |= {key: draft.spec[key] for key in (*CHOICES, *IMAGES, "seal")}
    for key in TEXT_LIMITS:
        form |= {f"{key}_{tag}": draft.spec[key][tag] for tag in ("en", "ja")}
    return form | changes


def begin(by: Any, slug: str = "framed") -> None:
    with own_transaction():
        service.begin_template(slug=slug, spec=starting_spec(Design.CLASSIC), by=by)


@BOTH
def test_without_a_template_the_list_says_what_to_do_first(author: Any, as_: Any, language: str) -> None:
    page = as_(author, language=language).get("certificates.list_templates")
    assert {"en": "No templates yet", "ja": "テンプレートはまだありません"}[language] in page.text


def test_a_template_begins_with_a_design_and_is_written_published_and_used(
    author: Any, policy_owner: Any, cast: Cast, as_: Any
) -> None:
    browser = as_(author, language="en")
    form = {"name_en": "Reviewers", "name_ja": "審査担当者用", "slug": "reviewers", "design": "plain"}
    page = browser.follow(browser.post("certificates.begin_template", form))
    assert page.heading == "Edit “Reviewers”"
    changed = filled("reviewers", heading_ja="認定証", orientation="landscape")
    browser.post("certificates.save_template", changed, slug="reviewers")
    page = browser.follow(browser.post("certificates.publish_template", {"revision": "2"}, slug="reviewers"))
    assert "Version 1" in page.text
    make_credential()
    owner = as_(policy_owner, language="en")
    sent = {"credential": "impersonation-reviewer"}
    page = owner.follow(owner.post("certificates.use_template", sent, slug="reviewers", number=1))
    assert "Version 1.1 of “Impersonation Reviewer” uses this template" in page.text
    certificate = issue(cast.learner, queries.get_credential("impersonation-reviewer"))
    drawn = certificate.snapshot["template"]
    assert (certificate.snapshot["format"], drawn["slug"], drawn["number"]) == (3, "reviewers", 1)
    assert drawn["spec"]["heading"]["ja"] == "認定証"
    jobs.run_due()
    assert len(queries.get_certificate(certificate.number).files) == 2
    actions = [each.action for each in list_entries_about("certificate_template", "reviewers")]
    assert sorted(actions) == [
        "accounts.owner_set",
        "certificates.template_begun",
        "certificates.template_published",
        "certificates.template_used",
    ]


def test_a_credential_that_is_not_there_is_told_beside_the_field(author: Any, policy_owner: Any, as_: Any) -> None:
    make_template(by=author)
    make_credential()
    page = as_(policy_owner, language="ja").post(
        "certificates.use_template", {"credential": "nobody"}, expect=400, slug="framed", number=1
    )
    assert "資格を選んでください。" in page.text


def test_what_is_issued_stays_when_its_template_goes_on(author: Any, policy_owner: Any, cast: Cast) -> None:
    version = make_template(by=author)
    credential = make_credential()
    with own_transaction():
        service.use_for(version=version, credential=credential, by=policy_owner)
    certificate = issue(cast.learner, credential)
    before = dict(certificate.snapshot)
    with own_transaction():
        template = templates.get_template("framed")
        spec = replace(templates.spec_of(template.draft.spec), heading=Words("Licence", "免許"))
        service.save_draft(template=template, spec=spec, revision=1, by=author)
        service.publish(template=template, revision=2, by=author)
    assert queries.get_certificate(certificate.number).snapshot == before
    # The credential stays with the version that was chosen for it.
    latest = queries.find_latest_version(queries.get_credential("impersonation-reviewer"))
    assert latest is not None
    assert latest.template_version is not None
    assert latest.template_version.number == 1
    assert templates.get_version("framed", 1).hash == version.hash


@BOTH
@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("statement_en", "<script>alert(1)</script>", {"en": "holds markup", "ja": "マークアップ"}),
        ("closing_ja", "https://127.0.0.1/x", {"en": "holds an address", "ja": "アドレス"}),
        (
            "heading_en",
            "{surname}",
            {"en": "{surname} is no placeholder", "ja": "{surname}という差し込み項目は"},
        ),
        ("number_line_ja", "番号", {"en": "exactly once", "ja": "1回だけ"}),
        ("seal", "一二三四五六七八九十", {"en": "one to nine characters", "ja": "1～9文字"}),
        ("logo", "f" * 64, {"en": "This picture is not known", "ja": "この画像は登録されていません"}),
    ],
)
def test_what_cannot_be_printed_is_refused_beside_its_field_and_nothing_is_lost(
    author: Any, as_: Any, language: str, field: str, text: str, words: dict[str, str]
) -> None:
    begin(author)
    sent = filled("framed", **{field: text, "lead_in_ja": "ここに残る文"})
    page = as_(author, language=language).post("certificates.save_template", sent, expect=400, slug="framed")
    assert words[language] in page.text
    assert any(each.get("value") == "ここに残る文" for each in page.all("input"))
    assert templates.get_template("framed").draft.revision == 1


def test_of_two_who_write_the_second_is_told_and_loses_nothing(author: Any, policy_owner: Any, as_: Any) -> None:
    begin(author)
    first, second = filled("framed", heading_ja="認定書"), filled("framed", heading_en="Diploma", closing_en="Thanks.")
    as_(author, language="en").post("certificates.save_template", first, slug="framed")
    browser = as_(policy_owner, language="en")
    page = browser.post("certificates.save_template", second, expect=409, slug="framed")
    assert "saved this template while it was being changed here" in page.text
    assert "Heading in JapaneseNow saved: 認定書" in page.text
    assert any(each.get("value") == "Diploma" for each in page.all("input"))
    assert page.one("input", name="revision").get("value") == "2"
    browser.post("certificates.save_template", second | {"revision": "2"}, slug="framed")
    assert templates.get_template("framed").draft.spec["heading"] == {"en": "Diploma", "ja": "修了証書"}


def test_a_draft_that_somebody_has_saved_since_is_not_published_unseen(author: Any, as_: Any) -> None:
    begin(author)
    browser = as_(author, language="en")
    browser.post("certificates.save_template", filled("framed", heading_en="Diploma"), slug="framed")
    browser.post("certificates.publish_template", {"revision": "1"}, expect=409, slug="framed")
    assert templates.get_template("framed").versions == []
    browser.post("certificates.publish_template", {"revision": "2"}, slug="framed")
    page = browser.post("certificates.publish_template", {"revision": "2"}, expect=409, slug="framed")
    assert "says what version 1 says" in page.text


WITHOUT_GLYPH = [
    ("closing_en", "Well done 🏅", "Closing in English", "英語の結びの言葉"),
    ("statement_en", "{statement} 🏅", "Statement in English", "英語の証明文"),
    ("seal", "修了🏅", "Characters of the seal", "印影の文字"),
]


@pytest.mark.parametrize(("field", "text", "english", "_japanese"), WITHOUT_GLYPH)
def test_what_no_font_has_is_refused_at_save_beside_its_field(
    author: Any, as_: Any, field: str, text: str, english: str, _japanese: str
) -> None:
    begin(author)
    browser = as_(author, language="en")
    page = browser.post("certificates.save_template", filled("framed", **{field: text}), expect=400, slug="framed")
    assert "No font has 🏅 (U+1F3C5). Write another character instead." in page.text
    assert templates.get_template("framed").draft.revision == 1


@pytest.mark.parametrize(("field", "text", "english", "_japanese"), WITHOUT_GLYPH)
def test_an_old_draft_that_cannot_be_drawn_is_not_published_and_its_pictures_say_why(
    author: Any, as_: Any, field: str, text: str, english: str, _japanese: str
) -> None:
    begin(author)
    place, _, tag = field.rpartition("_")
    with own_transaction():
        draft = templates.get_template("framed").draft
        draft.spec = draft.spec | ({place: draft.spec[place] | {tag: text}} if place else {field: text})
    browser = as_(author, language="en")
    page = browser.post("certificates.publish_template", {"revision": "1"}, expect=409, slug="framed")
    assert f"{english}: No font has 🏅 (U+1F3C5)" in page.text
    assert "romanised" not in page.text
    assert templates.get_template("framed").versions == []
    for holder in ("common", "rare"):
        picture = browser.get("certificates.draft_picture", slug="framed", language="en", holder=holder, expect=409)
        assert f"{english}: No font has" in picture.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seal": "{holder}"}, "A seal takes no placeholders"),
        ({"statement_en": "{statement} See www.evil.example"}, "The text holds an address (www.evil.example)"),
        ({"statement_ja": "{statement}//evil.example"}, "The text holds an address (//evil.example)"),
    ],
)
def test_addresses_and_placeholders_are_refused_wherever_they_do_nothing(
    author: Any, as_: Any, changes: dict[str, str], said: str
) -> None:
    begin(author)
    browser = as_(author, language="en")
    page = browser.post("certificates.save_template", filled("framed", **changes), expect=400, slug="framed")
    assert said in page.text


def test_the_same_form_sent_again_with_other_words_is_told_what_is_saved_now(author: Any, as_: Any) -> None:
    begin(author)
    browser = as_(author, language="en")
    form = filled("framed", heading_en="First", form_key="0123456789abcdef")
    browser.post("certificates.save_template", form, slug="framed")
    page = browser.post("certificates.save_template", form | {"heading_en": "Second"}, expect=409, slug="framed")
    assert "Now saved: First" in page.text
    assert page.one("input", name="heading_en").get("value") == "Second"
    assert page.one("input", name="revision").get("value") == "2"


def test_without_script_the_preview_is_the_page_with_what_was_typed(author: Any, as_: Any) -> None:
    begin(author)
    browser = as_(author, language="en")
    sent = filled("framed", heading_ja="認定証", seal_image_file=(BytesIO(make_picture()), "印影.png"))
    page = browser.post("certificates.preview_template", sent, expect=200, slug="framed")
    (picture,) = [each for each in page.all("img") if each.get("src", "").startswith("data:image/png;base64,")]
    assert picture.get("alt") == "What the certificate looks like"
    chosen = [each for each in page.one("select", name="seal_image").iter("option") if each.get("selected") is not None]
    assert [each.text for each in chosen] == ["印影.png"]
    # Drawn, not saved.
    assert templates.get_template("framed").draft.revision == 1
    sent = filled("framed", heading_en="{")
    wrong = browser.post("certificates.preview_template", sent, expect=400, slug="framed")
    assert "A brace stands alone" in wrong.text


def test_the_script_is_answered_with_the_picture_or_with_what_is_wrong(author: Any, as_: Any) -> None:
    begin(author)
    browser = as_(author, language="en")

    def ask(**changes: Any) -> Any:
        form = filled("framed", **changes) | {"csrf_token": browser.token()}
        address = browser.url("certificates.preview_template", slug="framed")
        return browser.send("POST", address, data=form, headers={"Accept": "application/json"}).get_json()

    answer = ask(logo_file=(BytesIO(make_picture("navy", (300, 90))), "logo.png"))
    assert answer["picture"].startswith("data:image/png;base64,")
    (kept,) = session.query(CertificateImage)
    assert answer["kept"] == {"logo": kept.sha256}
    wrong = ask(heading_en="{nobody}")
    assert wrong["picture"] == ""
    assert wrong["faults"] == [
        "Heading in English: {nobody} is no placeholder. Known are {holder}, {credential}, {statement}, {plan}, "
        "{version}, {organisation}, {signatory}, {signatory_title}, {issued_on}."
    ]
    assert "U+1F3C5" in ask(heading_en="🏅", language="en")["faults"][0]


def test_pictures_of_a_version_are_for_those_who_see_templates(author: Any, cast: Cast, as_: Any) -> None:
    make_template(by=author)
    for endpoint in ("certificates.template_picture", "certificates.draft_picture"):
        values = {"slug": "framed"} | ({"number": 1} if endpoint.endswith("template_picture") else {})
        answer = as_(author).fetch(endpoint, size="small", **values)
        assert answer.mimetype == "image/png"
        assert Image.open(BytesIO(answer.data)).width == 560
        assert as_(cast.learner).fetch(endpoint, **values).status_code in (403, 404)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", PictureRefused),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, PictureRefused),
        (b"GIF89a" + b"\x00" * 60, PictureRefused),
        (b"", PictureRefused),
        (b"\x00" * (100 * 1024 * 1024), PictureTooLarge),
    ],
    ids=["svg", "broken", "gif", "empty", "100 MB"],
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        pictures.remake(data, ImageKind.LOGO)


def test_many_pixels_in_few_bytes_are_refused_before_they_are_unpacked() -> None:
    target = BytesIO()
    Image.new("1", (30_000, 30_000)).save(target, "PNG")
    assert len(target.getvalue()) < MAX_BYTES
    with pytest.raises(PictureTooLarge):
        pictures.remake(target.getvalue(), ImageKind.LOGO)


def test_of_a_picture_nothing_is_kept_but_its_pixels_and_of_a_seal_its_ink() -> None:
    photograph = Image.new("RGB", (2400, 1200), "white")
    photograph.paste((200, 50, 30), (0, 0, 600, 1200))
    target = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "the camera of somebody"
    photograph.save(target, "JPEG", exif=exif, quality=95)
    made = pictures.remake(target.getvalue(), ImageKind.SEAL)
    assert b"camera" not in made.data
    assert (made.width, made.height) == (1000, 500)
    kept = Image.open(BytesIO(made.data))
    assert kept.mode == "RGBA"
    assert kept.getpixel((900, 100))[3] == 0  # type: ignore[index]
    on_white = Image.alpha_composite(Image.new("RGBA", kept.size, "white"), kept).getpixel((50, 100))
    assert all(abs(seen - meant) < 12 for seen, meant in zip(on_white[:3], (200, 50, 30), strict=True))  # type: ignore[index]
    # Read again from a folder it is the same.
    assert pictures.of_file(made.data, ImageKind.SEAL).sha256 == made.sha256


def test_a_list_costs_the_same_however_many_templates_there_are(author: Any, as_: Any) -> None:
    browser = as_(author)
    counts = []
    for number in range(1, 7):
        make_template(f"framed-{number}", by=author)
        if number in (3, 6):
            with counted_queries() as counted:
                browser.get("certificates.list_templates")
            counts.append(len(counted))
    assert counts[0] == counts[1]


def test_an_address_that_is_taken_or_none_is_told_beside_the_field(author: Any, as_: Any) -> None:
    begin(author)
    browser = as_(author, language="ja")
    form = {"name_en": "A", "name_ja": "あ", "design": "classic"}
    for slug, status, words in (
        ("framed", 409, "このアドレスのテンプレートは既にあります"),
        ("new", 400, "英小文字"),
        ("Ａ", 400, "英小文字"),
    ):
        page = browser.post("certificates.begin_template", form | {"slug": slug}, expect=status)
        assert words in page.text
