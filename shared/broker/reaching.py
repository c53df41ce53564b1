"""Reaching the broker or saying why not, and what to do: the client keeps that to its log."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from shared.broker.connection import bootstrap_servers, connection_options
from shared.errors import TransientError
from shared.settings import KafkaSettings
from shared.tls import distrust

PROBE_MS = 5_000
_UNAUTHORIZED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
_PROTOCOL = "SLUICE_KAFKA_SECURITY_PROTOCOL"
_OUR_CERTIFICATE = "SLUICE_KAFKA_SSL_CERTFILE and SLUICE_KAFKA_SSL_KEYFILE"


@asynccontextmanager
async def reaching(settings: KafkaSettings) -> AsyncIterator[None]:
    """Around the start of a client: if it fails, raises TransientError with the reason and a remedy."""
    try:
        yield
    except KafkaError as error:
        raise TransientError(f"broker: {await hindrance(settings, error)}") from error


async def hindrance(settings: KafkaSettings, error: KafkaError) -> str:
    """What keeps a client from the broker, as a connection of our own meets it; else what the client said."""
    if not isinstance(error, KafkaConnectionError):
        return described(error)
    places = [(host, port) for host, port, _ in collect_hosts(bootstrap_servers(settings), randomize=False)]
    met = await asyncio.gather(*(_met(settings, *place) for place in places))
    found = [(place, failure) for place, failure in zip(places, met, strict=True) if failure]
    if not found:
        return described(error)
    # One that is just not there says less than one that does not like us.
    (host, port), failure = min(found, key=lambda one: isinstance(one[1], ConnectionRefusedError))
    return f"{host}:{port}: {_explained(failure, settings)}"


def described(error: Exception) -> str:
    """An error of the client in words; with what to do if our user may not do what we tried."""
    name, text = type(error).__name__, str(error)
    said = text if name in text else f"{name}: {text}"
    if isinstance(error, _UNAUTHORIZED):
        return f"{said}; grant our user what `sluice topics --acls` lists"
    return said


async def _met(settings: KafkaSettings, host: str, port: int) -> Exception | None:
    """What goes wrong on the way to an answer from one address."""
    options = connection_options(settings) | {"request_timeout_ms": PROBE_MS}
    del options["bootstrap_servers"], options["metadata_max_age_ms"]
    try:
        connection = await create_conn(host, port, **options)
        try:
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()
    except (OSError, KafkaError, TimeoutError) as failure:
        return failure.__cause__ if isinstance(failure.__cause__, ssl.SSLError) else failure
    return None


def _explained(failure: Exception, settings: KafkaSettings) -> str:
    match failure:
        case ssl.SSLError():
            return _refused(failure, settings)
        case KafkaConnectionError() | ConnectionResetError():
            return _hung_up(failure, settings)
        case TimeoutError():
            return f"no answer in {PROBE_MS / 1000:g} s"
        case SaslAuthenticationFailed():
            remedy = "SLUICE_KAFKA_SASL_USERNAME and SLUICE_KAFKA_SASL_PASSWORD"
        case UnsupportedSaslMechanismError() | IllegalSaslStateError():
            remedy = f"SLUICE_KAFKA_SASL_MECHANISM and {_PROTOCOL}"
        case _:
            remedy = "SLUICE_KAFKA_BOOTSTRAP_SERVERS, and whether it runs"
    return f"{failure}; check {remedy}"


def _refused(failure: ssl.SSLError, settings: KafkaSettings) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return distrust(failure, address="SLUICE_KAFKA_BOOTSTRAP_SERVERS", cafile="SLUICE_KAFKA_SSL_CAFILE")
    if "CERTIFICATE" not in (failure.reason or ""):
        return _hung_up(failure, settings)
    if settings.ssl_certfile:
        return f"it does not accept our certificate: {failure.reason}; check {_OUR_CERTIFICATE}"
    return f"it wants a certificate of ours: {failure.reason}; set {_OUR_CERTIFICATE}"


def _hung_up(failure: Exception, settings: KafkaSettings) -> str:
    """A broker that hangs up without a word misses something."""
    said = str(failure) or type(failure).__name__
    if settings.security_protocol == "SSL" and not settings.ssl_certfile:
        return f"it hung up ({said}): it may want a certificate ({_OUR_CERTIFICATE}), or another {_PROTOCOL}"
    return f"it hung up ({said}); check {_PROTOCOL}: it may want TLS, a login or neither"
