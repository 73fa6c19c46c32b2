"""Verify an alert that a partner sent as a CloudEvent. Needs two packages: pip install 'PyJWT[crypto]' rfc8785.

python verify_envelope.py EVENT.json KEYS.json
"""

import json
import sys
from datetime import datetime

import jwt
import rfc8785


def verified_envelope(event: dict, key_set: dict) -> dict:
    """The envelope, if one of the originator's keys signed exactly this while it was valid; else an exception."""
    envelope, signature = event["data"], event["jws"]
    header = jwt.get_unverified_header(signature)
    if header.get("typ") != "maritime-envelope+jws":
        raise ValueError("signed as something else than an envelope")
    (jwk,) = (each for each in key_set["keys"] if each["kid"] == header["kid"])
    jwt.PyJWS().decode(
        signature, jwt.PyJWK(jwk, "EdDSA"), algorithms=["EdDSA"], detached_payload=rfc8785.dumps(envelope)
    )
    sent_s = datetime.fromisoformat(envelope["sent"]).timestamp()
    if not jwk.get("nbf", 0) <= sent_s < jwk.get("exp", float("inf")):
        raise ValueError("sent at a time at which the key was not valid")
    if jwk.get("org_id", envelope["originator"]["org_id"]) != envelope["originator"]["org_id"]:
        raise ValueError("signed with the key of another originator")
    return envelope


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as event, open(sys.argv[2], "rb") as keys:
        envelope = verified_envelope(json.load(event), json.load(keys))
    print(f"valid: {envelope['kind']} {envelope['alert_id']} revision {envelope['revision']}")
