"""Certificates of any kind, good or not, and servers that show them."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

HOST = "venue.example"
NAMES = (HOST, "localhost", "127.0.0.1")
DAY = timedelta(days=1)
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: timedelta
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) + start
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 2 * DAY)
    )


class Authority:
    """One that signs; ``file`` is what clients would trust. Its files lie in ``folder``."""

    def __init__(self, folder: Path, name: str = "test CA") -> None:
        self._folder, self._subject, self._issued_n = folder, _name(name), 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _builder(self._subject, self._subject, self._key, -DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(made.public_bytes(Encoding.PEM))

    def server(
        self,
        names: Sequence[str] = NAMES,
        start: timedelta = -DAY,
        usage: ObjectIdentifier = SERVER_AUTH,
        *,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        """A server that shows a certificate for ``names``, valid for two days from ``start``."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name("server")
        issuer, signer = (subject, key) if self_signed else (self._subject, self._key)
        made = (
            _builder(subject, issuer, key, start)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([*map(_general, names)]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        self._issued_n += 1
        path = self._folder / f"server-{self._issued_n}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(made.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
