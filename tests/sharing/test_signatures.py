"""Signatures and keys, against RFC 8037's own vectors and a second library."""

import hmac
import json
import pickle
import traceback
from base64 import urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws
from joserfc.errors import JoseError

from maritime.errors import ConfigurationError, InputError, SignatureError, UsageError
from maritime.sharing.envelope import Envelope
from maritime.sharing.keys import OVERLAP_MS, KeySet, SigningKey, current_key
from maritime.sharing.receipts import HEAD
from maritime.sharing.signatures import ENVELOPE, JWS, sign, sign_bytes, verify, verify_bytes
from maritime.sharing.untrusted import read_object
from maritime.times import from_rfc3339
from tests.sharing.samples import EVERY, full

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc says so each time

KEY = SigningKey.from_seed(bytes(range(32)))
OTHER = SigningKey.from_seed(bytes(32))
KEYS = KeySet((KEY.public(),))
SENT_MS = from_rfc3339("2026-03-14T21:00:00+00:00")
NOW_MS = SENT_MS + 86_400_000
DAY_MS = 86_400_000

# RFC 8037 appendix A.1 to A.4
D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
PAYLOAD = b"Example of Ed25519 signing"
SIGNED = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def received(envelope):
    return read_object(json.dumps(envelope.to_dict(), indent=1).encode())


def base64url(octets):
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def with_header(token, **changes):
    """The signature with another header, not signed anew; None removes."""
    head, _, tail = token.partition(".")
    header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4))) | changes
    header = {name: value for name, value in header.items() if value is not None}
    return f"{base64url(json.dumps(header).encode())}.{tail}"


def signed_anew(payload, **header):
    """A true signature of KEY under any header."""
    head = {"alg": "EdDSA", "kid": KEY.kid, "typ": ENVELOPE, "b64": False, "crit": ["b64"]} | header
    start = base64url(json.dumps({name: value for name, value in head.items() if value is not None}).encode())
    return f"{start}..{base64url(KEY.private.sign(start.encode() + b'.' + payload))}"


def reason(envelope, token, keys=KEYS, at_ms=NOW_MS):
    with pytest.raises(SignatureError) as refused:
        verify(envelope, token, keys, at_ms)
    assert str(refused.value)
    assert "CHAO LE" not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("envelope", EVERY, ids=lambda each: f"{each.event.type}-{each.kind}-{each.revision}")
def test_what_was_signed_is_verified_here_and_by_another_library(envelope):
    token = sign(envelope, KEY)
    assert token == sign(envelope, KEY)
    assert verify(received(envelope), token, KEYS, NOW_MS).kid == KEY.kid
    checked = jws.deserialize_compact(
        token, published_to_joserfc(KEYS), algorithms=["EdDSA"], payload=envelope.canonical()
    )
    assert checked.headers() == {
        "alg": "EdDSA",
        "kid": KEY.kid,
        "typ": "maritime-envelope+jws",
        "b64": False,
        "crit": ["b64"],
    }
    with pytest.raises(JoseError):
        jws.deserialize_compact(
            token, published_to_joserfc(KEYS), algorithms=["EdDSA"], payload=envelope.canonical() + b" "
        )


@pytest.mark.parametrize("envelope", EVERY, ids=lambda each: f"{each.event.type}-{each.kind}-{each.revision}")
@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("typ", [ENVELOPE, HEAD])
def test_what_is_signed_is_to_the_byte_what_the_library_writes(envelope, detached, typ):
    for key in (KEY, OTHER):
        headers = {"kid": key.kid, "typ": typ}
        expected = JWS.encode(envelope.canonical(), key.private, "EdDSA", headers, is_payload_detached=detached)
        assert sign_bytes(envelope.canonical(), key, typ, detached=detached) == expected


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_who_signs_and_who_verifies_make_the_same_signature(seed, octets):
    key = SigningKey.from_seed(seed)
    assert key.sign(octets) == key.private.sign(octets)


def published_to_joserfc(keys):
    return jwk.KeySet.import_key_set(json.loads(keys.to_jwks()))


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_what_another_library_signed_is_verified_here_under_either_name(algorithm):
    envelope = full()
    header = {"alg": algorithm, "kid": OTHER.kid, "typ": ENVELOPE, "b64": False, "crit": ["b64"]}
    key = jwk.import_key(OTHER.to_pem(), "OKP")
    assert key.thumbprint() == OTHER.kid
    token = jws.serialize_compact(header, envelope.canonical(), key, algorithms=[algorithm])
    assert verify(received(envelope), token, KeySet((OTHER.public(),)), NOW_MS).kid == OTHER.kid


def test_the_vectors_of_rfc_8037_hold():
    key = SigningKey.from_seed(urlsafe_b64decode(D + "="))
    assert key.kid == THUMBPRINT
    (public,) = KeySet.from_jwks(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X}]}).encode()).keys
    assert public.kid == THUMBPRINT
    assert JWS.decode(SIGNED, public.key, ["EdDSA"]) == PAYLOAD
    assert JWS.encode(PAYLOAD, key.private, "EdDSA", {"typ": None}) == SIGNED
    with pytest.raises(jwt.InvalidSignatureError):
        JWS.decode(SIGNED[:-3] + "AAg", public.key, ["EdDSA"])


def test_fields_that_this_version_does_not_know_count():
    newer = received(full()) | {"schema_version": "1.7", "weather": {"wind_kn": None, "seen": []}}
    token = sign_bytes(rfc8785.dumps(newer), KEY, ENVELOPE, detached=True)
    assert verify(newer, token, KEYS, NOW_MS)
    assert reason(newer | {"weather": {"seen": []}}, token) == "altered"
    assert reason({name: each for name, each in newer.items() if name != "weather"}, token) == "altered"


@given(st.data())
def test_any_altered_field_shows(data):
    envelope = received(full())
    token = sign(full(), KEY)
    name = data.draw(st.sampled_from(sorted(envelope)))
    value = data.draw(st.one_of(st.none(), st.integers(-9, 9), st.text(st.characters(exclude_categories=["Cs"]))))
    if value != envelope[name]:
        assert reason(envelope | {name: value}, token) == "altered"
    del envelope[name]
    assert reason(envelope, token) == "altered"


def test_every_way_to_confuse_the_algorithm_is_refused():
    envelope, token = received(full()), sign(full(), KEY)
    payload = full().canonical()
    raw = KEY.private.public_key().public_bytes_raw()
    spki = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (raw, base64url(raw).encode(), KEYS.to_jwks(), spki):
        for name, digest in (("HS256", "sha256"), ("HS512", "sha512")):  # the latter is as long as Ed25519's
            start = base64url(
                json.dumps({"alg": name, "kid": KEY.kid, "typ": ENVELOPE, "b64": False, "crit": ["b64"]}).encode()
            )
            mac = hmac.digest(secret, start.encode() + b"." + payload, digest)
            assert reason(envelope, f"{start}..{base64url(mac)}") == (
                "malformed" if name == "HS256" else "wrong_algorithm"
            )
    for name in ("none", "None", "HS256", "HS512", "RS256", "ES256", "Ed448", "", None, 7, ["EdDSA"]):
        assert reason(envelope, with_header(token, alg=name)) == "wrong_algorithm"
        assert reason(envelope, signed_anew(payload, alg=name)) == "wrong_algorithm"
    assert reason(envelope, f"{base64url(json.dumps({'alg': 'none', 'kid': KEY.kid}).encode())}..") == "malformed"


def test_only_the_key_that_the_header_names_is_tried():
    envelope = received(full())
    both = KeySet((KEY.public(), OTHER.public()))
    assert reason(envelope, sign(full(), OTHER)) == "unknown_key"
    assert reason(envelope, with_header(sign(full(), KEY), kid=OTHER.kid), both) == "altered"
    assert reason(envelope, signed_anew(full().canonical(), kid=None)) == "unknown_key"
    assert reason(envelope, signed_anew(full().canonical(), kid="\x1b[31m" * 99)) == "unknown_key"


def test_what_was_signed_as_another_thing_is_no_envelope():
    envelope = received(full())
    assert reason(envelope, sign_bytes(full().canonical(), KEY, HEAD, detached=True)) == "wrong_type"
    assert reason(envelope, signed_anew(full().canonical(), typ=None)) == "wrong_type"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "a..b", "é..é", "A" * 9000, sign(full(), KEY) + "=", sign(full(), KEY)[:-1]]
)
def test_what_is_no_signature_is_refused(token):
    assert reason(received(full()), token) == "malformed"


@pytest.mark.parametrize(
    "header",
    [
        {"b64": None, "crit": None},
        {"b64": True},
        {"crit": None},
        {"crit": ["b64", "exp"], "exp": 1},
        {"crit": []},
        {"b64": 0},
        {"kid": 7},
    ],
)
def test_a_header_that_asks_for_what_is_not_understood_is_refused(header):
    assert reason(received(full()), signed_anew(full().canonical(), **header)) in ("malformed", "unknown_key")


def test_a_header_nested_deep_is_refused():
    head = base64url(b"[" * 2000)
    assert reason(received(full()), f"{head}..{'A' * 86}") == "malformed"


def test_a_key_verifies_what_was_sent_while_it_was_valid_until_it_is_dropped():
    keys = KeySet((KEY.public(SENT_MS, SENT_MS + 1),))
    envelope, token = received(full()), sign(full(), KEY)
    assert verify(envelope, token, keys, NOW_MS + 999 * DAY_MS)
    assert reason(envelope, token, KeySet((KEY.public(SENT_MS + 1),))) == "key_not_yet_valid"
    assert reason(envelope, token, KeySet((KEY.public(None, SENT_MS),))) == "key_expired"
    assert reason(envelope, token, keys.without(KEY.kid)) == "unknown_key"


def test_nobody_sends_from_the_future():
    envelope, token = received(full()), sign(full(), KEY)
    assert verify(envelope, token, KEYS, SENT_MS - 299_000)
    assert reason(envelope, token, at_ms=SENT_MS - 301_000) == "sent_in_future"


@pytest.mark.parametrize("sent", [None, 5, "soon", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:59", ""])
def test_what_has_no_time_of_sending_is_refused(sent):
    envelope = received(full()) | {"sent": sent}
    token = sign_bytes(rfc8785.dumps(envelope), KEY, ENVELOPE, detached=True)
    keys = KeySet((KEY.public(0),))
    assert reason(envelope, token, keys) in ("no_time", "sent_in_future", "key_not_yet_valid")


def test_a_key_signs_for_its_originator_only():
    envelope, token = received(full()), sign(full(), KEY)
    assert verify(envelope, token, KeySet((KEY.public(org_id="nmc.example"),)), NOW_MS).org_id == "nmc.example"
    assert reason(envelope, token, KeySet((KEY.public(org_id="neighbour.example"),))) == "other_originator"


@pytest.mark.parametrize("number", [2**53, -(2**60), 1e400])
def test_numbers_without_canonical_form_are_refused(number):
    assert reason(received(full()) | {"odd": number}, sign(full(), KEY)) == "not_canonical"
    assert reason(received(full()) | {"odd": "\ud800"}, sign(full(), KEY)) == "not_canonical"


# Keys


def test_a_published_set_holds_no_private_part():
    keys = KeySet((KEY.public(SENT_MS, NOW_MS, "nmc.example"), OTHER.public()))
    document = keys.to_jwks()
    assert KeySet.from_jwks(document) == keys
    for published in json.loads(document)["keys"]:
        assert set(published) <= {"kty", "crv", "x", "kid", "alg", "use", "nbf", "exp", "org_id"}
    for key in (KEY, OTHER):
        seed = key.private.private_bytes_raw()
        for form in (base64url(seed).encode(), seed.hex().encode(), seed):
            assert form not in document
    assert all(not each.is_private for each in published_to_joserfc(keys).keys)
    assert len(jwt.PyJWKSet.from_json(document.decode()).keys) == 2


def test_a_set_with_a_private_key_is_refused():
    for private in (
        {"kty": "OKP", "crv": "Ed25519", "x": X, "d": D},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "d": "A"},
    ):
        with pytest.raises(InputError, match="private key") as refused:
            KeySet.from_jwks(json.dumps({"keys": [private]}).encode())
        assert D not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"x": "AAAA"},
        {"x": None},
        {"x": "é"},
        {"kid": 7},
        {"org_id": 7},
        {"kid": "\x1b[2J"},
        {"kid": "k" * 129},
        {"nbf": "2026"},
        {"exp": -1},
        {"exp": True},
        {"exp": 1e300},
        {"exp": [1]},
    ],
)
def test_a_set_with_a_key_that_is_none_is_refused(changes):
    with pytest.raises(InputError):
        KeySet.from_jwks(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X} | changes]}).encode())


@pytest.mark.parametrize("document", [b"{}", b'{"keys":{}}', b'{"keys":[1]}', b"no"])
def test_what_is_no_set_is_refused(document):
    with pytest.raises(InputError):
        KeySet.from_jwks(document)


def test_two_keys_of_one_name_are_refused_and_keys_of_other_kinds_passed_over():
    ours = {"kty": "OKP", "crv": "Ed25519", "x": X}
    with pytest.raises(InputError, match="two keys"):
        KeySet.from_jwks(json.dumps({"keys": [ours, ours]}).encode())
    others = [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": X}, ours | {"use": "enc"}]
    keys = KeySet.from_jwks(json.dumps({"keys": [*others, ours]}).encode())
    assert ([key.kid for key in keys.keys], keys.passed_over) == ([THUMBPRINT], 3)


def test_a_private_key_is_never_shown():
    shown = [repr(KEY), str(KEY), f"{KEY}", f"{[KEY]}"]
    seed = KEY.private.private_bytes_raw()
    for text in shown:
        assert KEY.kid in text
        assert base64url(seed) not in text
        assert repr(seed)[2:-1] not in text
        assert "Private" not in text
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def pem_file(folder, pem, mode=0o600):
    path = folder / "key.pem"
    path.write_bytes(pem)
    path.chmod(mode)
    return path


def test_a_key_file_is_read(tmp_path):
    assert SigningKey.read(pem_file(tmp_path, KEY.to_pem())).kid == KEY.kid
    assert SigningKey.read(pem_file(tmp_path, KEY.to_pem(), 0o400)).kid == KEY.kid


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601, 0o620])
def test_a_key_file_that_is_open_to_others_is_refused(tmp_path, mode):
    with pytest.raises(ConfigurationError, match="chmod 600"):
        SigningKey.read(pem_file(tmp_path, KEY.to_pem(), mode))


def pkcs8(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"no key",
        KEY.to_pem()[:60],
        KEY.to_pem().replace(b"MC4C", b"MC4D"),
        pkcs8(ec.generate_private_key(ec.SECP256R1())),
        pkcs8(ed448.Ed448PrivateKey.generate()),
        KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
        KEY.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    ],
    ids=["empty", "text", "cut", "altered", "p256", "ed448", "encrypted", "openssh"],
)
def test_what_is_no_key_is_refused_without_showing_it(tmp_path, pem):
    with pytest.raises(ConfigurationError, match=r"key\.pem") as refused:
        SigningKey.read(pem_file(tmp_path, pem))
    told = "".join(traceback.format_exception(refused.value))
    assert not pem or pem.splitlines()[-1].decode() not in told or pem == b"no key"


def test_a_key_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        SigningKey.read(tmp_path / "none.pem")


def test_keys_follow_each_other_with_overlap():
    begins_ms = NOW_MS + 7 * DAY_MS
    keys = KeySet((KEY.public(SENT_MS),)).rotated(OTHER.public(), begins_ms)
    own = [OTHER, KEY]
    assert current_key(own, keys, NOW_MS).kid == KEY.kid
    assert current_key(own, keys, begins_ms - 1).kid == KEY.kid
    assert current_key(own, keys, begins_ms).kid == OTHER.kid
    assert keys.find(KEY.kid).signs_at(begins_ms)
    assert not keys.find(KEY.kid).signs_at(begins_ms + OVERLAP_MS)
    token = sign(full(), KEY)
    assert verify(received(full()), token, KeySet.from_jwks(keys.to_jwks()), begins_ms + 99 * DAY_MS).kid == KEY.kid


def test_rotation_leaves_ends_that_are_set_and_keys_of_others():
    keys = KeySet((KEY.public(0, 5000), SigningKey.from_seed(b"n" * 32).public(org_id="neighbour.example")))
    assert keys.rotated(OTHER.public(), NOW_MS).keys[:2] == keys.keys
    with pytest.raises(UsageError, match="already"):
        keys.rotated(KEY.public(), NOW_MS)


def test_nothing_is_signed_with_a_key_that_partners_do_not_have():
    for keys in (
        KeySet(),
        KeySet((OTHER.public(),)),
        KeySet((KEY.public(NOW_MS + 1),)),
        KeySet((KEY.public(0, NOW_MS),)),
    ):
        with pytest.raises(ConfigurationError, match="published and valid"):
            current_key([KEY], keys, NOW_MS)


def test_the_envelope_read_back_is_still_what_was_signed():
    envelope = full()
    again = Envelope.model_validate(read_object(envelope.canonical()))
    assert sign(again, KEY) == sign(envelope, KEY)


def test_bytes_that_are_not_detached_come_back():
    token = sign_bytes(b'{"a":1}', KEY, HEAD, detached=False)
    assert verify_bytes(token, KEYS, HEAD) == (KEY.public(), b'{"a":1}')
    with pytest.raises(SignatureError, match="RFC 7797"):
        verify_bytes(token, KEYS, HEAD, b"other")
