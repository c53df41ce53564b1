"""TLS towards a server: whose certificates are trusted, the one we show, and what it means if that does not work."""

import ssl
from pathlib import Path

from shared.errors import UsageError

_ANOTHER_NAME = {62, 64}
"""OpenSSL's verdict that a certificate is for other host names, or other addresses."""


def client_context(
    cafile: Path | None, certfile: Path | None = None, keyfile: Path | None = None, *, setting: str
) -> ssl.SSLContext:
    """A context that verifies the server's certificate and its name. Raises UsageError for a file that is of no use.

    `setting` is what the variables that name the files begin with. Without `cafile` the system's authorities count.
    """
    try:
        context = ssl.create_default_context(cafile=str(cafile) if cafile else None)
    except OSError as error:
        raise UsageError(
            f"{cafile} cannot be read as certificates to trust: {error}", remedy=f"Check {setting}_CAFILE."
        ) from error
    if certfile:
        _show(context, certfile, keyfile, f"Check {setting}_CERTFILE and {setting}_KEYFILE.")
    return context


def _show(context: ssl.SSLContext, certfile: Path, keyfile: Path | None, remedy: str) -> None:
    def no_password() -> str:  # OpenSSL would ask for it at the terminal, and a service would wait there for ever
        raise UsageError(f"the key of {certfile} is encrypted", remedy="Give one that is not, readable for us alone.")

    try:
        context.load_cert_chain(certfile, keyfile, no_password)
    except OSError as error:
        raise UsageError(f"{certfile} cannot be shown as our certificate: {error}", remedy=remedy) from error


def distrust(error: ssl.SSLCertVerificationError, *, address: str, cafile: str) -> str:
    """What is wrong with a server's certificate, and what to do; `address` and `cafile` are the variables to set."""
    if error.verify_code in _ANOTHER_NAME:
        return f"{error.verify_message.rstrip('.')}; use the name in {address} that the certificate has"
    return (
        f"the certificate is not trusted: {error.verify_message}; "
        f"set {cafile} to the certificate of the authority that issued it"
    )
