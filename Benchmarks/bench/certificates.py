"""The certificate of servers that speak TLS: for this machine, its own authority, made once in .build-bench."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .failure import MeasuringFailed
from .programs import REPOSITORY

FOLDER = REPOSITORY / ".build-bench/tls"


@dataclass(frozen=True)
class Identity:
    certificate: Path
    key: Path

    @property
    def flags(self) -> list[str]:
        return ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]

    @property
    def trust(self) -> list[str]:
        return ["--ca", str(self.certificate)]


IDENTITY = Identity(FOLDER / "certificate.pem", FOLDER / "key.pem")


def make() -> Identity:
    """Of a P-256 key, as most are by now."""
    if not (IDENTITY.certificate.exists() and IDENTITY.key.exists()):
        FOLDER.mkdir(parents=True, exist_ok=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(IDENTITY.key)]
        names = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "36500"]
        command = ["openssl", "req", "-x509", *key, *names, "-out", str(IDENTITY.certificate)]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as failed:
            raise MeasuringFailed(f"openssl makes no certificate: {failed}") from None
    return IDENTITY
