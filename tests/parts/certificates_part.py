"""Certificate authorities of the test's own, and certificates for 127.0.0.1 by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = ip_address("127.0.0.1")


@dataclass(frozen=True)
class Files:
    """What a server needs, and what its clients trust it by."""

    certificate: Path
    key: Path
    ca: Path


def _signed(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> bytes:
    now, is_ca = datetime.now(UTC), subject == issuer
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    made = (
        x509.CertificateBuilder(*reversed(names), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
    )
    if not is_ca:
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
    return made.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)


def certificates(folder: Path, ca_name: str = "test CA") -> Files:
    """A CA and a server's certificate by it, as PEM files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    files = Files(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    files.ca.write_bytes(_signed(ca_name, ca_name, ca_key, ca_key))
    files.certificate.write_bytes(_signed("127.0.0.1", ca_name, key, ca_key))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
