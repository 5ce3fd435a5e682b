"""Certificates for one test, made by the `openssl` command: an authority, and what it signs."""

from __future__ import annotations

import base64
import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
keyUsage = critical, keyCertSign, cRLSign
[intermediate]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[ca]
default_ca = files
[files]
database = index.txt
new_certs_dir = .
serial = serial
policy = any
default_md = sha256
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""

FOREVER = "20990101000000Z"


@dataclass(frozen=True)
class Identity:
    certificate: Path
    key: Path

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--tls-certificate", str(self.certificate), "--tls-key", str(self.key))

    @property
    def key_fingerprint(self) -> str:
        """SHA-256 of the public key, in Base64, as browsers know it."""
        command = ["openssl", "pkey", "-in", str(self.key), "-pubout", "-outform", "DER"]
        return base64.b64encode(hashlib.sha256(subprocess.run(command, capture_output=True, check=True).stdout).digest()).decode()


class Authority:
    """Its names: `directory/NAME.pem`, `directory/NAME.key`."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        (self.directory / "ca.conf").write_text(CONFIGURATION)
        (self.directory / "index.txt").write_text("")
        self.identity = self._identity(name)
        self._run("req", "-x509", *self._new_key(name), "-extensions", "authority", "-subj", f"/CN={name}", "-days", "10", "-out", f"{name}.pem")

    def issue(
        self, name: str, *, host: str = "localhost", begins: str = "20200101000000Z", ends: str = FOREVER, by: Optional[Identity] = None,
        intermediate: bool = False, rsa: bool = False,
    ) -> Identity:  # fmt: skip
        """Signs a certificate for the host and 127.0.0.1."""
        signer = by or self.identity
        names = f"subjectAltName=DNS:{host}" + (",IP:127.0.0.1" if host == "localhost" else "")
        self._run("req", "-new", *self._new_key(name, rsa), "-subj", f"/CN={name}", "-addext", names, "-out", f"{name}.csr")
        extensions = ["-extensions", "intermediate"] if intermediate else []
        self._run(
            "ca", "-config", "ca.conf", "-batch", "-notext", "-rand_serial", "-cert", str(signer.certificate), "-keyfile", str(signer.key),
            "-startdate", begins, "-enddate", ends, *extensions, "-in", f"{name}.csr", "-out", f"{name}.pem",
        )  # fmt: skip
        return self._identity(name)

    def self_signed(self, name: str) -> Identity:
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        self._run("req", "-x509", *self._new_key(name), "-subj", f"/CN={name}", "-addext", names, "-days", "10", "-out", f"{name}.pem")
        return self._identity(name)

    def trusting(self, *, checks: bool = True, client: Optional[Identity] = None) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        context = ssl.create_default_context(cafile=str(self.identity.certificate))
        if not checks:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if client:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def _identity(self, name: str) -> Identity:
        return Identity(self.directory / f"{name}.pem", self.directory / f"{name}.key")

    def _new_key(self, name: str, rsa: bool = False) -> list[str]:
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        return ["-config", "ca.conf", "-nodes", "-newkey", *kind, "-keyout", f"{name}.key"]

    def _run(self, *arguments: str) -> None:
        ended = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, f"openssl {' '.join(arguments)}: {ended.stderr}"
