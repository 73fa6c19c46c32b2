"""XML trees: text that XML 1.0 can carry, and documents from outside read without trusting them."""

import re
from typing import Final

import rfc8785
from lxml import etree

from maritime.errors import InputError

MAX_DOCUMENT_BYTES: Final = 4 << 20  # chosen: an envelope has a few kB; a track of 20,000 positions still fits

# Whatever XML 1.0 (section 2.2, Char) cannot carry, not even escaped.
_NO_CHARACTER: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text with U+FFFD in place of each character that XML 1.0 cannot carry."""
    return _NO_CHARACTER.sub("\ufffd", text)


def worded(value: str | float | bool) -> str:
    """Numbers and truth as canonical JSON has them, so that 50 and 50.0 are the same text."""
    return value if isinstance(value, str) else rfc8785.dumps(value).decode()


def add(parent: etree._Element, tag: str, value: str | float | bool | None = None) -> etree._Element:
    """A new last child; its text is the value, cleaned."""
    child = etree.SubElement(parent, tag)
    if value is not None:
        child.text = clean(worded(value))
    return child


def add_known(parent: etree._Element, tag: str, value: str | float | bool | None) -> None:
    """A new last child with this value; none when the value is not known."""
    if value is not None:
        add(parent, tag, value)


def read_tree(document: bytes) -> etree._Element:
    """The root of an XML document from outside; nothing is expanded, fetched or executed.

    Raises InputError when it is too large, no XML, nested too deep, or declares a document type.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InputError(f"XML document has {len(document)} bytes; at most {MAX_DOCUMENT_BYTES} are read")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, LookupError) as error:  # LookupError: an encoding that does not exist
        raise InputError(f"document is no XML ({error}); send it as it was written") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InputError("XML document has a DOCTYPE, which is refused; send it without")
    return root
