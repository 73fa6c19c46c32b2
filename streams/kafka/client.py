"""What every client of kafka-python is made of: its configuration, its failures in our words, bounds on its calls."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, TypeVar

import kafka.errors as kafka_errors
from kafka.net.compat import KafkaNetClient
from pydantic import SecretStr

from maritime.errors import ConfigurationError, FencedError, RefusedError, TransportError
from streams.kafka.unpacking import CannotUnpackError
from streams.settings import PASSWORD_FILE_VARIABLE, PASSWORD_VARIABLE, KafkaSettings

Answer = TypeVar("Answer")
Client = TypeVar("Client")

RECONNECT_WITHIN_MS: Final = 1_000  # the client's own 30 s would keep detectors away long after a broker is back
# A transaction that begins while the last one is still being ended is put off by so much, and a consumer that waits for
# metadata sleeps so long; with the client's own 100 ms a busy writer's commits took 115 ms instead of 35.
RETRY_AFTER_MS: Final = 20

FENCED: Final = (
    kafka_errors.ProducerFencedError,
    kafka_errors.InvalidProducerEpochError,
    kafka_errors.FencedInstanceIdError,
    # The group has gone on without this member, so another one has its partitions.
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
)
REFUSED: Final = (
    kafka_errors.AuthorizationError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidRecordError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.PolicyViolationError,
    kafka_errors.UnsupportedCodecError,
    CannotUnpackError,
)


def client_config(settings: KafkaSettings, client_id: str, password: SecretStr | None) -> dict[str, Any]:
    """The configuration that producers, consumers and administrators share. Raises ConfigurationError."""
    config: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.bootstrap.split(",")],
        "client_id": client_id,
        "security_protocol": settings.security_protocol,
        "request_timeout_ms": settings.request_timeout_ms,
        "bootstrap_timeout_ms": settings.request_timeout_ms,
        "reconnect_backoff_max_ms": RECONNECT_WITHIN_MS,
        "retry_backoff_ms": RETRY_AFTER_MS,
    }
    for key in ("ca_file", "cert_file", "key_file"):
        path = getattr(settings, key)
        if path is None:
            continue
        if not path.is_file():
            raise ConfigurationError(f"kafka.{key} is {path}, which is no file; check the path")
        config[f"ssl_{key.replace('_', '')}"] = str(path)
    if settings.security_protocol.startswith("SASL"):
        if password is None:
            variables = f"{PASSWORD_VARIABLE} or {PASSWORD_FILE_VARIABLE}"
            raise ConfigurationError(f"the log wants a password for user '{settings.username}'; set {variables}")
        config["sasl_mechanism"] = settings.sasl_mechanism
        config["sasl_plain_username"] = settings.username
        config["sasl_plain_password"] = password.get_secret_value()
    return config


def connect(make: Callable[..., Client], settings: KafkaSettings, config: dict[str, Any]) -> Client:
    """Make a client, which connects. Raises RefusedError for a wrong user or password, else TransportError.

    kafka-python tells only its log why it cannot connect, raises a bare timeout, and leaves its I/O thread running.
    """
    made: list[Any] = []

    def keep(**given: Any) -> Any:
        made.append(KafkaNetClient(**given))
        return made[-1]

    with _Reasons() as reasons:
        try:
            return make(**config, kafka_client=keep)
        except (kafka_errors.KafkaError, OSError) as error:
            for client in made:
                with suppress(Exception):
                    client.close()
            raise _no_connection(settings, reasons.cause or error) from None


def bounded(call: Callable[[], Answer], timeout_s: float) -> Answer:
    """The answer of a call that has no timeout of its own. Raises KafkaTimeoutError, and leaves the call behind.

    The thread that is left behind ends with its client, or waits, idle, for the end of the process.
    """
    answers: SimpleQueue[tuple[Answer | None, BaseException | None]] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=answer, name="kafka-call", daemon=True).start()
    try:
        value, error = answers.get(timeout=timeout_s)
    except Empty:
        raise kafka_errors.KafkaTimeoutError(f"no answer in {timeout_s:g} s") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def in_our_words(error: BaseException, doing: str) -> TransportError:
    """A failure of kafka-python as one of ours. Nothing in it comes from the client's configuration."""
    reason = _reason(error)
    if isinstance(error, FENCED):
        return FencedError(f"{doing}: another client has taken this one's place ({reason})")
    if isinstance(error, REFUSED):
        return RefusedError(f"{doing}: the log refuses it ({reason})")
    return TransportError(f"{doing}: {reason}; is the log up?")


def _no_connection(settings: KafkaSettings, error: BaseException) -> TransportError:
    reason = _reason(error)
    where = settings.bootstrap
    if isinstance(error, REFUSED):
        return RefusedError(f"{where} refuses user '{settings.username}' ({reason}); check the name and the password")
    if settings.security_protocol.startswith("SASL") and "disconnected" in reason:
        # A broker that refuses a password hangs up, and the client does not always read why before it notices.
        user = settings.username
        return TransportError(f"{where} hung up on user '{user}' ({reason}); check the name and the password")
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return TransportError(f"{where} has a certificate that is not trusted ({reason}); check kafka.ca_file")
    if "SSL" in reason or "Handshake" in reason:
        return TransportError(f"{where} does not agree on TLS ({reason}); check kafka.security_protocol")
    protocol = settings.security_protocol
    return TransportError(
        f"{where} cannot be reached with {protocol} ({reason}); is the log up, and is that its protocol?"
    )


def _reason(error: BaseException) -> str:
    """One line: the class of the failure, and what it says."""
    name, said = type(error).__name__, " ".join(str(error).split())
    return said if said.startswith(name) else f"{name}: {said}" if said else name


class _Reasons(logging.Handler):
    """Keeps the failure that kafka-python logs while it connects: a refusal before others, else the first."""

    _logger = logging.getLogger("kafka.net.manager")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.cause: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        for part in record.args or ():
            if not isinstance(part, BaseException) or isinstance(part, kafka_errors.KafkaTimeoutError):
                continue
            if self.cause is None or isinstance(part, REFUSED):
                self.cause = part

    def __enter__(self) -> "_Reasons":
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)
