"""How every Kafka client of Sluice connects: addresses, TLS and SASL from the settings."""

import ssl
from typing import Any

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.errors import UsageError
from shared.settings import KafkaSettings

CLIENT_ID = "sluice"
METADATA_MAX_AGE_MS = 10_000
"""How long a client may believe in a leader that has moved: aiokafka does not ask anew after every refusal."""


def bootstrap_servers(settings: KafkaSettings) -> list[str]:
    """The configured addresses, each on its own: FastStream takes one text for one. UsageError if there are none."""
    if not settings.bootstrap_servers:
        raise UsageError("no broker is configured", remedy="set SLUICE_KAFKA_BOOTSTRAP_SERVERS, or start `sluice up`")
    return [address.strip() for address in settings.bootstrap_servers.split(",")]


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that aiokafka's consumer, producer and admin client share."""
    options: dict[str, Any] = {
        "bootstrap_servers": bootstrap_servers(settings),
        "client_id": CLIENT_ID,
        "security_protocol": settings.security_protocol,
        "request_timeout_ms": settings.request_timeout_ms,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL") and settings.sasl_password:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return options


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(settings.ssl_cafile) if settings.ssl_cafile else None)
    if settings.ssl_certfile:
        context.load_cert_chain(str(settings.ssl_certfile), str(settings.ssl_keyfile) if settings.ssl_keyfile else None)
    return context


def faststream_security(settings: KafkaSettings) -> BaseSecurity:
    """The same connection in FastStream's terms."""
    context = _ssl_context(settings) if settings.security_protocol.endswith("SSL") else None
    if not settings.sasl_password or not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=context is not None)
    kind = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}[
        settings.sasl_mechanism
    ]
    return kind(
        settings.sasl_username or "", settings.sasl_password.get_secret_value(), context, use_ssl=context is not None
    )
