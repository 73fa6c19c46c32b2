"""Documents: what a partner received, opened to the envelope as it was written and the signature over it."""

from typing import Any, NamedTuple

from maritime.errors import InputError
from maritime.sharing.strict_json import read_json


class Document(NamedTuple):
    """`envelope` is as received, not read as this version's model, so that a signature holds over all of it."""

    envelope: dict[str, Any]
    jws: str | None


def open_document(document: bytes) -> Document:
    """Open a CloudEvent (JSON, its data an envelope, its attribute `jws` the signature) or {"envelope": …, "jws": …}.

    Raises InputError for anything else.
    """
    read = read_json(document)
    envelope = read.get("data") if "specversion" in read else read.get("envelope")
    jws = read.get("jws")
    if not isinstance(envelope, dict):
        raise InputError(
            "the document holds no envelope: it is neither a CloudEvent with an object as data "
            'nor {"envelope": …, "jws": …}'
        )
    if not isinstance(jws, str | None):
        raise InputError("'jws' must be text")
    return Document(envelope, jws)
