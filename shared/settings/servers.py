"""Where the broker and the database are, and how the embedded ones are kept."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import SecretStr, model_validator

from shared.settings.concern import Concern, variable
from shared.settings.values import Count, DatabaseAddress, Lower, Seconds, Upper

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]
SslMode = Literal["disable", "prefer", "require", "no-verify", "verify-ca", "verify-full"]

SYSTEM_STATE_DIR = Path("/var/lib/sluice")
"""State of root's commands: the database does not run as root and could not reach into root's home."""


class KafkaSettings(Concern):
    """The broker. Without addresses Sluice runs its own."""

    bootstrap_servers: str | None = variable(
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS",
        default=None,
        meaning="host:port of the brokers, comma between them; unset: the embedded broker",
    )
    security_protocol: Annotated[SecurityProtocol, Upper] = variable(
        "SLUICE_KAFKA_SECURITY_PROTOCOL",
        default="PLAINTEXT",
        meaning="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    )
    sasl_mechanism: Annotated[SaslMechanism, Upper] = variable(
        "SLUICE_KAFKA_SASL_MECHANISM", default="PLAIN", meaning="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    sasl_username: str | None = variable("SLUICE_KAFKA_SASL_USERNAME", default=None, meaning="user for SASL")
    sasl_password: SecretStr | None = variable("SLUICE_KAFKA_SASL_PASSWORD", default=None, meaning="password for SASL")
    ssl_cafile: Path | None = variable(
        "SLUICE_KAFKA_SSL_CAFILE", default=None, meaning="certificates to trust; unset: the system's"
    )
    ssl_certfile: Path | None = variable(
        "SLUICE_KAFKA_SSL_CERTFILE", default=None, meaning="client certificate for mutual TLS"
    )
    ssl_keyfile: Path | None = variable(
        "SLUICE_KAFKA_SSL_KEYFILE", default=None, meaning="key of the client certificate"
    )
    compression: Annotated[Compression, Lower] = variable(
        "SLUICE_KAFKA_COMPRESSION",
        default="none",
        meaning="none, gzip, snappy, lz4 or zstd, of what Sluice writes; the last three cost no measurable CPU and "
        "save disk and network; what it reads may be compressed in any way",
    )
    partitions: Count = variable(
        "SLUICE_KAFKA_PARTITIONS", default=12, meaning="partitions of every topic Sluice creates"
    )
    replication_factor: Count | None = variable(
        "SLUICE_KAFKA_REPLICATION_FACTOR",
        default=None,
        meaning="copies of every topic Sluice creates; unset: 3, or as many as there are brokers",
    )
    min_insync_replicas: Count | None = variable(
        "SLUICE_KAFKA_MIN_INSYNC_REPLICAS",
        default=None,
        meaning="copies that must hold a record before it counts as written, for every topic Sluice creates; unset: "
        "one fewer than there are copies, so that one broker may be away",
    )
    idempotent_producer: bool = variable(
        "SLUICE_KAFKA_IDEMPOTENT_PRODUCER",
        default=True,
        meaning="no duplicates from producer retries; always off on the embedded broker, which lacks it",
    )
    group_instance_id: str | None = variable(
        "SLUICE_KAFKA_GROUP_INSTANCE_ID",
        default=None,
        meaning="static membership: a name for this replica that outlives its process, such as its pod's, and that no "
        "other replica has; back within the session timeout it goes on with its partitions, and nobody else's move. "
        "Unset: the partitions of a replica that stops go to the others at once",
    )
    session_timeout_ms: Count = variable(
        "SLUICE_KAFKA_SESSION_TIMEOUT_MS", default=10_000, meaning="a silent consumer is dead after this"
    )
    heartbeat_interval_ms: Count = variable(
        "SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS", default=3_000, meaning="how often a consumer says it lives"
    )
    max_poll_interval_ms: Count = variable(
        "SLUICE_KAFKA_MAX_POLL_INTERVAL_MS",
        default=300_000,
        meaning="longest time between two fetches of a consumer",
    )
    request_timeout_ms: Count = variable(
        "SLUICE_KAFKA_REQUEST_TIMEOUT_MS", default=40_000, meaning="longest wait for the broker's answer"
    )

    @model_validator(mode="after")
    def _enough_copies(self) -> Self:
        if self.min_insync_replicas and self.min_insync_replicas > (
            self.replication_factor or self.min_insync_replicas
        ):
            raise ValueError("SLUICE_KAFKA_MIN_INSYNC_REPLICAS is above SLUICE_KAFKA_REPLICATION_FACTOR")
        return self

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError("SASL needs SLUICE_KAFKA_SASL_USERNAME and SLUICE_KAFKA_SASL_PASSWORD")
        return self

    @model_validator(mode="after")
    def _nothing_is_passed_over(self) -> Self:
        """A password that is not shown, or a certificate that is not checked, has to be noticed."""
        if (self.sasl_username or self.sasl_password) and not self.security_protocol.startswith("SASL"):
            raise ValueError("SLUICE_KAFKA_SASL_… has no effect unless SLUICE_KAFKA_SECURITY_PROTOCOL begins with SASL")
        if (self.ssl_cafile or self.ssl_certfile) and not self.security_protocol.endswith("SSL"):
            raise ValueError("SLUICE_KAFKA_SSL_… has no effect unless SLUICE_KAFKA_SECURITY_PROTOCOL ends with SSL")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("SLUICE_KAFKA_SSL_KEYFILE has no effect without SLUICE_KAFKA_SSL_CERTFILE")
        return self


class DatabaseSettings(Concern):
    """PostgreSQL. Without an address Sluice runs its own."""

    url: DatabaseAddress | None = variable(
        "SLUICE_DATABASE_URL",
        "POSTGRES_URL",
        "DATABASE_URL",
        default=None,
        meaning="postgresql://user:password@host:port/database; unset: the embedded database",
    )
    pool_min: Count = variable("SLUICE_DATABASE_POOL_MIN", default=1, meaning="connections kept open, per process")
    pool_max: Count = variable(
        "SLUICE_DATABASE_POOL_MAX", "PG_MAX_POOL", default=4, meaning="most connections, per process"
    )
    idle_timeout_seconds: Seconds = variable(
        "SLUICE_DATABASE_IDLE_TIMEOUT",
        "PG_IDLE_TIMEOUT",
        default=20.0,
        meaning="seconds after which an idle connection above the minimum is closed",
    )
    connect_timeout_seconds: Seconds = variable(
        "SLUICE_DATABASE_CONNECT_TIMEOUT",
        "PG_CONNECT_TIMEOUT",
        default=10.0,
        meaning="seconds to wait for a connection",
    )
    statement_timeout_seconds: Seconds = variable(
        "SLUICE_DATABASE_STATEMENT_TIMEOUT",
        default=60.0,
        meaning="seconds after which a statement is given up, or a transaction in which nothing more is said",
    )
    ssl_mode: Annotated[SslMode, Lower] | None = variable(
        "SLUICE_DATABASE_SSL_MODE",
        "POSTGRES_SSL_MODE",
        default=None,
        meaning="disable, prefer, require (or no-verify), verify-ca, verify-full; unset: as the URL says",
    )
    ssl_cafile: Path | None = variable(
        "SLUICE_DATABASE_SSL_CAFILE", default=None, meaning="certificates to trust with verify-ca and verify-full"
    )
    ssl_disabled: bool = variable(
        "POSTGRES_DISABLE_SSL", default=False, meaning="true: the same as SSL mode disable, and stronger"
    )

    @model_validator(mode="after")
    def _authority_is_asked(self) -> Self:
        """Whoever names an authority wants the certificate checked, which `require` does not."""
        if self.ssl_cafile and self.ssl_mode not in {"verify-ca", "verify-full"}:
            raise ValueError(
                "SLUICE_DATABASE_SSL_CAFILE has no effect unless SLUICE_DATABASE_SSL_MODE is verify-ca or verify-full"
            )
        return self

    @model_validator(mode="after")
    def _pool_fits(self) -> Self:
        if self.pool_min > self.pool_max:
            raise ValueError("SLUICE_DATABASE_POOL_MIN is above SLUICE_DATABASE_POOL_MAX")
        return self


class EmbeddedSettings(Concern):
    """The broker and database that Sluice starts itself when none is configured."""

    enabled: bool = variable(
        "SLUICE_EMBEDDED", default=True, meaning="false: refuse to run without a configured broker and database"
    )
    state_dir: Path | None = variable(
        "SLUICE_STATE_DIR",
        default=None,
        meaning="data, logs and locks of the embedded servers; unset: $XDG_STATE_HOME/sluice, "
        "else ~/.local/state/sluice, for root /var/lib/sluice",
    )
    xdg_state_home: Path | None = variable(
        "XDG_STATE_HOME", default=None, meaning="parent of the state directory when SLUICE_STATE_DIR is unset"
    )
    start_timeout_seconds: Seconds = variable(
        "SLUICE_EMBEDDED_START_TIMEOUT", default=60.0, meaning="seconds the embedded servers may take to start"
    )

    @property
    def directory(self) -> Path:
        """Where state lies, whoever decided it."""
        if self.state_dir:
            return self.state_dir.expanduser().absolute()
        if self.xdg_state_home:
            return self.xdg_state_home / "sluice"
        return SYSTEM_STATE_DIR if os.geteuid() == 0 else Path.home() / ".local" / "state" / "sluice"
