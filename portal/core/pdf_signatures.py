"""The one door to pyHanko: an invisible PAdES signature on a PDF, and what is true of the signature on a given one.

The level is B-B: signed attributes with the certificate's hash, no time stamp of a third party (B-T), no answers about
revocation (B-LT): both would have to be fetched.

A signature covers all of a file but its own bytes, which stand as hexadecimal digits between two brackets. Those too
have one spelling here: upper case, the shortest DER, zeros up to the end; no certificate more or less, no attribute
that is not signed. So no byte of a file can be changed without being found, which is more than readers of PDFs ask for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from typing import Any

from portal.core.signatures import PrivateKey, PublicKey, issuer_and_serial

__all__ = ["Examined", "Fault", "attachment_of", "examine", "is_confirmed", "is_usable", "sign"]

FIELD = "Signature"
_RANGE = re.compile(rb"/ByteRange \[0 ([1-9][0-9]{0,9}) ([1-9][0-9]{0,9}) ([1-9][0-9]{0,9})\] *\n")
_TIME = re.compile(rb"/M \(D\\072([0-9]{14})Z\)\n")
_DIGITS = re.compile(rb"[0-9A-F]+")


class Fault(StrEnum):
    """Why the signature on a PDF does not hold."""

    # There is none, or not of the kind that we make.
    NONE = "none"
    # Another signature, or the text of another, is in the file.
    SEVERAL = "several"
    # Something stands before, behind or between what was signed.
    OUTSIDE = "outside"
    # The signature's own bytes are not in the one spelling that they have.
    SPELLING = "spelling"
    # It was made with a certificate that is none of the given ones.
    UNKNOWN_KEY = "unknown_key"
    # It is not that of this file.
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: the first fault, or by which key and when (as the signer says) the whole file was signed."""

    fault: Fault | None
    key: PublicKey | None = None
    signed_at: datetime | None = None


# --- signing ------------------------------------------------------------------------------------------------------


def sign(content: bytes, key: PrivateKey, *, at: datetime) -> bytes:
    """Return the PDF with the signature of a document key, which says that it was made at an instant."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import cms_embedder
    from pyhanko.sign.signers.pdf_byterange import SignatureObject

    class Writer(IncrementalPdfFileWriter):  # type: ignore[misc, unused-ignore]
        def _update_meta(self) -> None:
            # The file's description stays as it was: pyHanko's own would no longer agree with the information
            # dictionary, which PDF/A asks for, and would lose how PDF/UA is described.
            return

    writer = Writer(BytesIO(content))
    steps: Any = cms_embedder.PdfCMSEmbedder().write_cms(field_name=FIELD, writer=writer)
    _describe_field(writer, next(steps))
    steps.send(
        cms_embedder.SigObjSetup(
            sig_placeholder=SignatureObject(
                timestamp=at, subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * _reserved(key.public)
            )
        )
    )
    prepared, output = steps.send(cms_embedder.SigIOSetup(md_algorithm="sha256", output=BytesIO()))
    steps.send(_signed(key, prepared.document_digest))
    signed = bytes(output.getvalue())
    found = examine(signed, [key.public])
    if found.fault is not None:
        # Another pyHanko may sign otherwise: better no file than one that would be called forged.
        raise RuntimeError(f"what was signed would not be found to be so: {found.fault.value}")
    return signed


# What the field of the signature is called, to those who hear a page, in the languages that pages have.
_FIELD_NAMES = {"en": "Digital signature", "ja": "電子署名"}


def _describe_field(writer: Any, reference: Any) -> None:
    """Name the signature's field and give it its place among the page's structure elements, as PDF/UA asks for.

    A file without such a structure is left without.
    """
    from pyhanko.pdf_utils import generic as untyped

    generic: Any = untyped

    def name(text: str) -> Any:
        return generic.pdf_name(text)

    field, root = reference.get_object(), writer.root
    told = _FIELD_NAMES.get(str(root.get("/Lang", "")), _FIELD_NAMES["en"])
    field[name("/TU")] = field[name("/Contents")] = generic.pdf_string(told)
    if "/StructTreeRoot" not in root:
        return
    tree = root["/StructTreeRoot"]
    numbers = tree["/ParentTree"]["/Nums"]
    key = 1 + max((int(numbers[at]) for at in range(0, len(numbers), 2)), default=-1)
    document = tree["/K"].raw_get(0)
    place = generic.DictionaryObject(
        {name("/Type"): name("/OBJR"), name("/Obj"): reference, name("/Pg"): field.raw_get("/P")}
    )
    element = writer.add_object(
        generic.DictionaryObject(
            {
                name("/Type"): name("/StructElem"),
                name("/S"): name("/Form"),
                name("/P"): document,
                name("/Pg"): field.raw_get("/P"),
                name("/K"): generic.ArrayObject([place]),
            }
        )
    )
    field[name("/StructParent")] = generic.NumberObject(key)
    writer.mark_update(reference)
    numbers.extend((generic.NumberObject(key), element))
    writer.update_container(numbers)
    children = document.get_object()["/K"]
    children.append(element)
    writer.update_container(children)


def is_usable(key: PrivateKey) -> bool:
    """Say whether what the key signs would be found to be so: not where its certificate is an odd one."""
    digest = sha256(b"tried once").digest()
    try:
        signature = _signed(key, digest).dump()
        return len(signature) <= _reserved(key.public) and _fault_of(signature, key.public, digest) is None
    # An odd certificate fails in the libraries' many ways.
    except Exception:
        return False


def _signed(key: PrivateKey, digest: bytes) -> Any:
    """Return the signature over a digest as pyHanko makes it (CMS)."""
    from asn1crypto import x509
    from pyhanko.sign.signers import Signer
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class OwnSigner(Signer):  # type: ignore[misc, unused-ignore]
        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            # pyHanko's own would read the key anew, and try it, for each file: ninety times as long as signing.
            return key.sign(data)

    own, *others = (x509.Certificate.load(each) for each in key.public.certificates)
    store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(others)
    signer = OwnSigner(signing_cert=own, cert_registry=store)
    return _elsewhere(lambda: asyncio.run(signer.async_sign(digest, "sha256", use_pades=True)))


def _elsewhere(work: Callable[[], Any]) -> Any:
    """Do something in a thread of its own: pyHanko begins event loops, which a thread with one does not allow."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(work).result()


# --- examining ----------------------------------------------------------------------------------------------------


def examine(content: bytes, keys: Iterable[PublicKey]) -> Examined:
    """Say whether one of the keys signed every byte of the file, and in the one spelling that a signature has."""
    if content.count(b"/ByteRange") != 1:
        return Examined(Fault.SEVERAL if b"/ByteRange" in content else Fault.NONE)
    found = _RANGE.search(content)
    if found is None:
        return Examined(Fault.NONE)
    before, behind, length = (int(each) for each in found.groups())
    if behind + length != len(content) or not before + 2 < behind < found.start():
        return Examined(Fault.OUTSIDE)
    if content[before : before + 1] != b"<" or content[behind - 1 : behind] != b">":
        return Examined(Fault.OUTSIDE)
    digits = content[before + 1 : behind - 1]
    signature = _signature_in(digits)
    if signature is None:
        return Examined(Fault.SPELLING)
    key = next((each for each in keys if each.certificates and each.certificates[0] in signature), None)
    if key is None:
        return Examined(Fault.UNKNOWN_KEY)
    if len(digits) != 2 * _reserved(key):
        return Examined(Fault.SPELLING)
    hashed = sha256(content[:before])
    hashed.update(content[behind:])
    fault = _fault_of(signature, key, hashed.digest())
    return Examined(fault, key, _time_in(content[behind:]) if fault is None else None)


def _reserved(key: PublicKey) -> int:
    """Return how many bytes a signature by the key has room for; a name within it may stand twice."""
    return 3072 + 2 * sum(map(len, key.certificates))


def _signature_in(digits: bytes) -> bytes | None:
    """Return the DER that the digits hold, where they are spelt as they must be, or None."""
    if len(digits) % 2 or not _DIGITS.fullmatch(digits):
        return None
    raw = bytes.fromhex(digits.decode())
    # A sequence whose length takes two bytes: from 256 to 65,535.
    if raw[:2] != b"\x30\x82":
        return None
    size = 4 + int.from_bytes(raw[2:4])
    return raw[:size] if size <= len(raw) and not any(raw[size:]) else None


def _fault_of(signature: bytes, key: PublicKey, digest: bytes) -> Fault | None:
    if digest not in signature:
        return Fault.CHANGED
    value = signature[-key.signature_bytes :]
    attributes = _attributes(key, digest)
    if _spelt(key, attributes, value) != signature:
        return Fault.SPELLING
    # What is signed is the set itself, not as the part of something (RFC 5652, 5.4).
    return None if key.verifies(value, b"\x31" + attributes[1:]) else Fault.CHANGED


_DATA = bytes.fromhex("06092a864886f70d010701")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_ONE = bytes.fromhex("020101")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")


def _attributes(key: PublicKey, digest: bytes) -> bytes:
    """Return the DER of what is signed: that it is data, its digest, and by which certificate (RFC 5035)."""
    own = key.certificates[0]
    issuer, serial = issuer_and_serial(own)
    named = _der(0x30, _der(0x30, _der(0xA4, issuer)), _der_of_number(serial))
    certified = _der(0x30, _der(0x30, _der(0x30, _der(0x04, sha256(own).digest()), named)))
    attributes = (
        _der(0x30, _CONTENT_TYPE, _der(0x31, _DATA)),
        _der(0x30, _MESSAGE_DIGEST, _der(0x31, _der(0x04, digest))),
        _der(0x30, _SIGNING_CERTIFICATE_V2, _der(0x31, certified)),
    )
    return _der(0xA0, *sorted(attributes))


def _spelt(key: PublicKey, attributes: bytes, value: bytes) -> bytes:
    """Return the one DER of a signature (RFC 5652) by the key, with these signed attributes and this value."""
    issuer, serial = issuer_and_serial(key.certificates[0])
    named = _der(0x30, issuer, _der_of_number(serial))
    signer = _der(0x30, _ONE, named, _SHA256, attributes, _SHA256_WITH_RSA, _der(0x04, value))
    signed = _der(
        0x30,
        _ONE,
        _der(0x31, _SHA256),
        _der(0x30, _DATA),
        # A set is written in the order of its members' bytes.
        _der(0xA0, *sorted(key.certificates)),
        _der(0x31, signer),
    )
    return _der(0x30, _SIGNED_DATA, _der(0xA0, signed))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _der_of_number(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _time_in(text: bytes) -> datetime | None:
    """Return when the signer says to have signed; to be asked of what is signed."""
    found = _TIME.search(text)
    return datetime.strptime(found[1].decode() + "+0000", "%Y%m%d%H%M%S%z") if found else None


def is_confirmed(content: bytes, key: PublicKey, at: datetime) -> bool:
    """Say whether pyHanko, too, finds the one signature whole, over all of the file, by this key and valid then."""
    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    certificates = [x509.Certificate.load(each) for each in key.certificates]
    context = ValidationContext(
        # The given key is trusted; whoever issued its certificate need not be known.
        trust_roots=certificates,
        allow_fetching=False,
        moment=at,
        best_signature_time=at,
    )
    try:
        (embedded,) = PdfFileReader(BytesIO(content)).embedded_signatures
        usage = KeyUsageConstraints(set())
        status = _elsewhere(lambda: validate_pdf_signature(embedded, context, key_usage_settings=usage))
    except Exception:  # whatever is wrong with a foreign file
        return False
    return bool(status.intact and status.valid and status.trusted) and (
        status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    )


def attachment_of(content: bytes, name: str) -> bytes | None:
    """Return the file of a name that lies in the PDF, or None; for a file whose signature holds."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        names = PdfFileReader(BytesIO(content)).root["/Names"]["/EmbeddedFiles"]["/Names"]
        for at in range(0, len(names), 2):
            if str(names[at]) == name:
                return bytes(names[at + 1]["/EF"]["/F"].data)
    except Exception:  # whatever is wrong with a foreign file
        return None
    return None
