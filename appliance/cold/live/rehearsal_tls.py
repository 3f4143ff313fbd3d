"""Both ends of a TLS connection inside this process, for the rehearsal: no socket leaves it."""

import contextlib
import ipaddress
import socket
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.cold.tls_client import TlsConnection, TlsContext, handshake

_HOST: Final = "127.0.0.1"
_TIMEOUT_S: Final = 20.0


class Pairs:
    """Makes connected pairs: (our TLS over a socket, the venue's end)."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = _certificate(Path(folder))
            self._client = TlsContext(path)
            self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._server.load_cert_chain(path)

    def make(self) -> tuple[socket.socket, TlsConnection, ssl.SSLSocket]:
        """Sockets are blocking and belong to the caller. Raises TlsRefused, OSError."""
        near, far = socket.socketpair()
        for end in (near, far):
            end.settimeout(_TIMEOUT_S)
        served: list[ssl.SSLSocket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):  # the client says what went wrong
                served.append(self._server.wrap_socket(far, server_side=True))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            tls = handshake(self._client, near, _HOST)
        except BaseException:
            near.close()
            raise
        finally:
            thread.join()
            if not served:
                far.close()
        return near, tls, served[0]


def _certificate(folder: Path) -> Path:
    """A certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address(_HOST))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.touch(0o600)
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path
