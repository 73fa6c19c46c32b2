"""XML trees: text that can be shown, and documents from outside read without trusting them."""

from lxml import etree

from maritime.errors import InputError
from maritime.sharing.canonical import in_text
from maritime.sharing.untrusted import bounded
from maritime.sharing.wording import one_line


def add(parent: etree._Element, tag: str, *lines: str | float | bool) -> etree._Element:
    """A new last child; its text is these lines, each without what cannot be printed."""
    child = etree.SubElement(parent, tag)
    if lines:
        child.text = "\n".join(one_line(in_text(line)) for line in lines)
    return child


def add_known(parent: etree._Element, tag: str, value: str | float | bool | None) -> None:
    """A new last child with this value; none when it is not known, or nothing of it can be printed."""
    if value is not None and one_line(in_text(value)):
        add(parent, tag, value)


def to_xml(root: etree._Element) -> bytes:
    """The document. Raises InputError when it is larger than what is read."""
    return bounded(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def read_xml(document: bytes) -> etree._Element:
    """The root of an XML document from outside; nothing is expanded, fetched or executed.

    Raises InputError when it is too large, no XML, nested too deeply (libxml2 reads 256 levels), or has a DOCTYPE.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(bounded(document), parser)
    except etree.XMLSyntaxError as error:  # its words may quote the document
        line, column = error.position
        raise InputError(f"the document is no XML that can be read: line {line}, column {column}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InputError("the XML document has a DOCTYPE, which could hide anything; ask the sender for one without")
    return root
