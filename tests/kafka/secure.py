"""An Apache Kafka with a door for every way in which Sluice connects, on certificates that are made for the occasion.

Whoever comes in by the plain listener may do everything, `admin` too; everybody else only what an ACL allows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from shared.broker.rights import Right
from shared.embedded.process import LOOPBACK
from tests.kafka.apache import ApacheKafka, Security

ADMIN, SECRET = "admin", "open-sesame-7c1f"
"""A user of every mechanism, and the password of every user."""
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
CERTIFIED = "certified"
"""What the client certificate calls its holder."""
_LOGIN = "org.apache.kafka.common.security"
_ACL = {"topic": 2, "group": 3, "Read": 3, "Write": 4, "literal": 3, "allow": 3}
"""Numbers of the Kafka protocol."""


class SecureKafka:
    """One broker; `users` log in with SCRAM-SHA-512 beside the admin."""

    def __init__(self, directory: Path, users: Sequence[str] = ()) -> None:
        self._certificates = directory / "certificates"
        self._certificates.mkdir()
        authority = trustme.CA()
        self.authority = self._write("authority.pem", authority.cert_pem)
        strange = trustme.CA()
        self.stranger = self._write("stranger.pem", strange.cert_pem)
        """An authority that nobody here trusts."""
        self.strange_client = self._write_pair("strange-client", strange.issue_cert("client.example"))
        self._own = self._write_pair("server", authority.issue_cert(LOOPBACK))
        self.client = self._write_pair("client", authority.issue_cert("client.example", common_name=CERTIFIED))
        self._kafka = ApacheKafka(directory, security=self._security(users))

    async def start(self) -> str:
        """Start it; returns the address of the plain listener."""
        return await self._kafka.start()

    async def stop(self) -> None:
        await self._kafka.stop()

    def port(self, listener: str) -> int:
        return self._kafka.nodes[0].ports[listener]

    def variables(self, protocol: str, **more: str) -> dict[str, str]:
        """What tells Sluice to come by a protocol: as `admin` if it has a login, certified if there is none."""
        given = {
            "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{self.port(protocol)}",
            "KAFKA_SECURITY_PROTOCOL": protocol,
            "KAFKA_SSL_CAFILE": str(self.authority) if protocol.endswith("SSL") else "",
            "KAFKA_SSL_CERTFILE": str(self.client[0]) if protocol == "SSL" else "",
            "KAFKA_SSL_KEYFILE": str(self.client[1]) if protocol == "SSL" else "",
            "KAFKA_SASL_USERNAME": ADMIN if protocol.startswith("SASL") else "",
            "KAFKA_SASL_PASSWORD": SECRET if protocol.startswith("SASL") else "",
            **more,
        }
        return {f"SLUICE_{name}": value for name, value in given.items()}

    async def grant(self, rights: Sequence[Right]) -> None:
        """Allow what is listed."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka.address)
        await admin.start()
        try:
            for right in rights:
                answer = await admin._send_request(_creation(right))
                assert [code for code, *_ in answer.creation_responses] == [0], answer
        finally:
            await admin.close()

    def _security(self, users: Sequence[str]) -> Security:
        names = {ADMIN: ("SCRAM-SHA-256", "SCRAM-SHA-512"), **dict.fromkeys(users, ("SCRAM-SHA-512",))}
        return Security(
            listeners={name: name for name in ("SSL", "SASL_SSL", "SASL_PLAINTEXT")},
            properties={
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": f"User:ANONYMOUS;User:{ADMIN};User:{CERTIFIED}",
                **_of("ssl", {**self._tls(), "ssl.client.auth": "required"}),
                "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
                **_of("sasl_ssl", {**self._tls(), **_LOGINS}),
                **_of("sasl_plaintext", _LOGINS),
            },
            users=[f"{kind}=[name={name},password={SECRET}]" for name, kinds in names.items() for kind in kinds],
        )

    def _tls(self) -> dict[str, object]:
        both = self._certificates / "server-both.pem"
        both.write_bytes(self._own[1].read_bytes() + self._own[0].read_bytes())
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority,
        }

    def _write(self, name: str, blob: trustme.Blob) -> Path:
        path = self._certificates / name
        blob.write_to_path(str(path))
        return path

    def _write_pair(self, name: str, issued: trustme.LeafCert) -> tuple[Path, Path]:
        """Certificate and key, the key in the one form that Kafka reads."""
        certificate = self._certificates / f"{name}.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key = self._certificates / f"{name}.key"
        parsed = load_pem_private_key(issued.private_key_pem.bytes(), None)
        key.write_bytes(parsed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


_LOGINS: Mapping[str, object] = {
    "sasl.enabled.mechanisms": ",".join(MECHANISMS),
    "plain.sasl.jaas.config": f'{_LOGIN}.plain.PlainLoginModule required user_{ADMIN}="{SECRET}";',
    **{f"{kind.lower()}.sasl.jaas.config": f"{_LOGIN}.scram.ScramLoginModule required;" for kind in MECHANISMS[1:]},
}


def _of(listener: str, properties: Mapping[str, object]) -> dict[str, object]:
    return {f"listener.name.{listener}.{name}": value for name, value in properties.items()}


def _creation(right: Right) -> CreateAclsRequest:
    return CreateAclsRequest(
        _ACL[right.resource],
        right.name,
        _ACL["literal"],
        f"User:{right.principal}",
        "*",
        _ACL[right.operation],
        _ACL["allow"],
    )
