"""Users of a Kafka log and their bounds: SCRAM passwords, and quotas, for which kafka-python has no call of its own."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import kafka.errors as kafka_errors
from kafka.admin import UserScramCredentialDeletion, UserScramCredentialUpsertion
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest
from pydantic import SecretStr

from maritime.errors import RefusedError
from streams.topics import Credential

USER: Final = "user"
ANY_NAME: Final = 2  # KIP-546, match type: any entity with a name


def credentials(admin: Any) -> frozenset[Credential]:
    """All users with a SCRAM password, and its mechanism."""
    described = admin.describe_user_scram_credentials()
    return frozenset(
        Credential(user, held["mechanism"].name.replace("_", "-"))
        for user, found in described.items()
        for held in found["credential_infos"]
    )


def set_password(admin: Any, credential: Credential, password: SecretStr) -> None:
    """Give a user this password; one that it had counts no more. Only its salted hash travels. Raises RefusedError."""
    made = UserScramCredentialUpsertion(credential.user, credential.mechanism, password.get_secret_value())
    _altered(admin, [made], f"setting a password for '{credential.user}'")


def remove(admin: Any, gone: Iterable[Credential]) -> None:
    """Take the passwords away. Raises RefusedError, also for users that have none."""
    # one by one: a request may change a user only once
    for user, mechanism in sorted(gone):
        _altered(admin, [UserScramCredentialDeletion(user, mechanism)], f"removing user '{user}'")


def quotas(admin: Any) -> dict[str, dict[str, float]]:
    """The quotas of every user that has any of its own."""
    components = [DescribeClientQuotasRequest.ComponentData(entity_type=USER, match_type=ANY_NAME, match=None)]
    response = _sent(admin, DescribeClientQuotasRequest(components=components, strict=True))
    _raise_for(response.error_code, response.error_message)
    return {
        entry.entity[0].entity_name: {value.key: value.value for value in entry.values}
        for entry in response.entries or ()
    }


def set_quotas(admin: Any, wanted: Mapping[str, Mapping[str, float | None]]) -> None:
    """Set quotas of users; None takes one away."""
    data = AlterClientQuotasRequest.EntryData
    entries = [
        data(
            entity=[data.EntityData(entity_type=USER, entity_name=user)],
            ops=[data.OpData(key=key, value=value or 0.0, remove=value is None) for key, value in keys.items()],
        )
        for user, keys in wanted.items()
    ]
    response = _sent(admin, AlterClientQuotasRequest(entries=entries, validate_only=False))
    for entry in response.entries:
        _raise_for(entry.error_code, entry.error_message)


def _sent(admin: Any, request: Any) -> Any:
    return admin._manager.run(admin._manager.send, request)


def _raise_for(code: int, message: str | None) -> None:
    error = kafka_errors.for_code(code)
    if error is not kafka_errors.NoError:
        raise error(message)


def _altered(admin: Any, alterations: list[Any], doing: str) -> None:
    for said in admin.alter_user_scram_credentials(alterations).values():
        if said is not None:
            raise RefusedError(f"{doing}: the log refuses it ({said})")
