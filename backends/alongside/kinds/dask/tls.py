"""The credentials of one Dask cluster: a certificate authority of its own, gone once it has signed.

Scheduler and workers share one certificate (each is server and client of the others), clients have
another one that no server can be run with. Whoever has neither can't connect. A token opens its web
pages where these are on a network.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FILES = ("ca.pem", "cluster.pem", "cluster-key.pem", "client.pem", "client-key.pem", "token")
_SLACK = timedelta(minutes=5)  # for clocks that differ


def make_credentials(name: str, lasting: timedelta) -> dict[str, bytes]:
    """File name to content, for `FILES`. `name` is shown in the certificates' subjects."""
    begin = datetime.now(UTC) - _SLACK
    end = begin + lasting + 2 * _SLACK
    authority_key = ec.generate_private_key(ec.SECP256R1())
    issuer = _subject(f"{name} authority")
    authority = (
        _builder(issuer, issuer, authority_key, authority_key, begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    files = {"ca.pem": authority.public_bytes(serialization.Encoding.PEM)}
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    for party, uses in (("cluster", [server, client]), ("client", [client])):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(f"{name} {party}")
        certificate = (
            _builder(subject, issuer, key, authority_key, begin, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signing=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        files[f"{party}.pem"] = certificate.public_bytes(serialization.Encoding.PEM)
        files[f"{party}-key.pem"] = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    files["token"] = secrets.token_urlsafe(32).encode()
    return files


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    public, authority = key.public_key(), authority_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False
        )
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signing,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
