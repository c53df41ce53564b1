"""Files of TLS that are of no use: named, with the variable to look at, before any connection."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from shared.errors import UsageError
from shared.tls import client_context


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate, its key, and the key encrypted."""
    folder, issued = tmp_path_factory.mktemp("pair"), trustme.CA().issue_cert("client.example")
    paths = folder / "client.pem", folder / "client.key", folder / "encrypted.key"
    issued.cert_chain_pems[0].write_to_path(str(paths[0]))
    issued.private_key_pem.write_to_path(str(paths[1]))
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    paths[2].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    return paths


def test_a_certificate_and_its_key_are_taken(pair: tuple[Path, Path, Path]) -> None:
    context = client_context(pair[0], pair[0], pair[1], setting="X")
    assert context.check_hostname
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=rf"{path} .*\nCheck SLUICE_X_CAFILE"):
        client_context(path, setting="SLUICE_X")


def test_a_key_that_does_not_fit_is_named(pair: tuple[Path, Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    trustme.CA().issue_cert("client.example").private_key_pem.write_to_path(str(other))
    for key in (other, tmp_path / "none.key", None):
        with pytest.raises(UsageError, match="Check SLUICE_X_CERTFILE and SLUICE_X_KEYFILE"):
            client_context(None, pair[0], key, setting="SLUICE_X")


def test_an_encrypted_key_is_refused_instead_of_asked_about(pair: tuple[Path, Path, Path]) -> None:
    with pytest.raises(UsageError, match="encrypted"):
        client_context(None, pair[0], pair[2], setting="SLUICE_X")
