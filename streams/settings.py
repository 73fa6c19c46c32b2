"""Settings of live operation. Passwords are no settings: they come from the environment or from a file named there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from maritime.errors import ConfigurationError
from streams.exercise import LogStatus

PASSWORD_VARIABLE: Final = "MARITIME_KAFKA_PASSWORD"
PASSWORD_FILE_VARIABLE: Final = "MARITIME_KAFKA_PASSWORD_FILE"
AISSTREAM_KEY: Final = "MARITIME_AISSTREAM_KEY"
HTTP_TOKEN: Final = "MARITIME_HTTP_TOKEN"
MQTT_PASSWORD: Final = "MARITIME_MQTT_PASSWORD"
SECRETS: Final = (PASSWORD_VARIABLE, AISSTREAM_KEY, HTTP_TOKEN, MQTT_PASSWORD)


class KafkaSettings(BaseModel):
    """How the log is reached, and as whom. A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap: str = Field("127.0.0.1:9092", description="addresses of brokers, host:port, with commas between")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="SASL_SSL in earnest; SSL where a client shows itself by its certificate (mTLS)"
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="how the password is shown; used with SASL only"
    )
    username: str | None = Field(None, description=f"who this is; the password is in ${PASSWORD_VARIABLE} or a file")
    ca_file: Path | None = Field(None, description="PEM file with the authority that signed the brokers' certificates")
    cert_file: Path | None = Field(None, description="PEM file with this client's certificate, if brokers ask for one")
    key_file: Path | None = Field(None, description="PEM file with the key of cert_file")
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once", description="at_least_once is for brokers that forbid transactional ids"
    )
    request_timeout_ms: int = Field(10_000, ge=1_000, description="how long a broker may take to answer")
    transaction_timeout_ms: int = Field(
        15_000,
        ge=5_000,
        le=60_000,
        description="an open transaction holds up all readers, so a dead writer's ends soon",
    )
    session_timeout_ms: int = Field(15_000, ge=1_000, description="silence after which a member's partitions move")
    most_record_bytes: int = Field(
        600 * 1024, ge=600 * 1024, description="larger records are refused before they are sent; the project's own fit"
    )
    compression: Literal["none", "lz4", "zstd"] = Field("lz4", description="of records on their way and in the log")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.security_protocol.startswith("SASL") and not self.username:
            raise ValueError(f"security_protocol {self.security_protocol} needs a username")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are needed together")
        return self


class LogSettings(BaseModel):
    """The topics and the group of detectors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: LogStatus = Field(
        "actual",
        description="exercise: replays and drills; topics and groups begin with exercise., and partners get it as such",
    )
    group: str = Field("maritime-detect", pattern=r"^[A-Za-z0-9._-]{1,100}$", description="consumer group of detectors")
    partitions: int = Field(12, ge=1, le=1_000, description="of the topics by vessel; fixed when they are created")
    replication: int = Field(1, ge=1, le=32_767, description="copies of each partition; three in earnest")
    positions_days: float = Field(7.0, gt=0, description="how long ais.positions and ais.rejects are kept")
    alerts_days: float = Field(90.0, gt=0, description="how long alerts are kept in the log")
    cycle_s: float = Field(0.5, gt=0, le=5.0, description="length of a detector's transaction")
    snapshot_every_s: float = Field(120.0, gt=0, description="how often a detector saves the state of a partition")


class IngestSettings(BaseModel):
    """How sources are waited for, and when one is said to be silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flush_s: float = Field(0.2, gt=0, le=5.0, description="a report waits so long for others to go with it")
    hold_s: float = Field(
        5.0, ge=0, description="… and with several sources so long for slower ones, so as to keep order"
    )
    idle_s: float = Field(60.0, gt=0, description="a source without a report for so long is not waited for")
    stale_s: float = Field(120.0, gt=0, description="… and for so long is told as feed_stale; the same for detectors")


class LiveSettings(BaseModel):
    """Live operation as a whole: sections of the same file that holds the settings of detection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)


def secret(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    """A secret from the environment, or from the file that it names with _FILE; None when there is neither.

    White space around it is no part of it. Raises ConfigurationError when both are set, or the file cannot be read or
    is empty.
    """
    value, path = environment.get(variable, "").strip(), environment.get(f"{variable}_FILE")
    if value and path:
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set; set one of them")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(f"{variable}_FILE names {path}, which cannot be read as text; check it") from None
        if not value:
            raise ConfigurationError(f"{variable}_FILE names {path}, which is empty; write the secret into it")
    return SecretStr(value) if value else None


def secrets(environment: Mapping[str, str]) -> list[SecretStr | None]:
    """All secrets there are, for those who must not show them. Raises ConfigurationError as `secret` does."""
    return [secret(environment, variable) for variable in SECRETS]


def password_from(environment: Mapping[str, str]) -> SecretStr | None:
    """The log's password."""
    return secret(environment, PASSWORD_VARIABLE)
