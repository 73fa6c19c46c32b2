"""Formats: a release as the recipient's own system reads it, and back. One file per format.

Each carries native fields, so that the recipient's tools work, and the canonical envelope with its signature, so that
nothing is lost: reading back what was written gives the same bytes. A writer sees the released copy only.
"""

import re
from collections.abc import Mapping
from typing import Final

from maritime.errors import InputError
from maritime.sharing.formats import cap, cise, cloudevent, geojson, misp, stix
from maritime.sharing.formats.format import Format
from maritime.sharing.formats.xml_tree import read_xml
from maritime.sharing.release import Release
from maritime.sharing.untrusted import Carried, read_json

FORMATS: Final[Mapping[str, Format]] = {
    "cise": cise.FORMAT,
    "cap": cap.FORMAT,
    "stix": stix.FORMAT,
    "geojson": geojson.FORMAT,
    "misp": misp.FORMAT,
    "cloudevent": cloudevent.FORMAT,
}
BARE: Final = "envelope"
"""What {"envelope": …, "jws": …} is called, which is in none of the formats."""
# Its first character, after a byte order mark and white space, in UTF-8 or UTF-16.
_XML: Final = re.compile(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<")


def open_document(document: bytes) -> Carried:
    """What a document of any format carries, or {"envelope": …, "jws": …}, opened and not yet read as an envelope.

    Raises InputError for anything else.
    """
    return identified(document)[1]


def identified(document: bytes) -> tuple[str, Carried]:
    """The format of a document, "envelope" for {"envelope": …}, and what it carries. Raises as `open_document`."""
    tree_of = read_xml if _XML.match(document) else read_json
    tree = tree_of(document)
    for name, each in FORMATS.items():
        carried = each.carried(tree) if each.tree_of is tree_of else None
        if carried is not None:
            return name, carried
    if isinstance(tree, dict) and "envelope" in tree:
        return BARE, Carried.of(tree["envelope"], tree.get("jws"))
    raise InputError(
        f'the document is none of {", ".join(each.name for each in FORMATS.values())} or {{"envelope": …, "jws": …}}'
    )


def read(document: bytes) -> Release:
    """The release in a document of any format. Raises InputError as `open_document`, and for what is no envelope."""
    return open_document(document).release()
