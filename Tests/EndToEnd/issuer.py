"""Issues tokens as an identity provider does (PyJWT), and forges them as an attacker would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any, Optional, Union

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a secret of the issuer, longer than 32 bytes"


def encode(data: Union[bytes, str]) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(subject: str = "anna", sessions: Optional[list[str]] = None, seconds: float = 3600, **more: Any) -> dict[str, Any]:
    """Good for an hour, for every session, unless said otherwise."""
    return {"sub": subject, "sessions": ["*"] if sessions is None else sessions, "exp": int(time.time() + seconds)} | more


def signed(header: Union[dict, str, bytes], payload: Union[dict, str, bytes], secret: Union[bytes, str] = SECRET, hash: str = "sha256") -> str:
    """With HMAC, whatever the header says: what no library would issue."""
    parts = [part if isinstance(part, (str, bytes)) else json.dumps(part) for part in (header, payload)]
    text = f"{encode(parts[0])}.{encode(parts[1])}"
    code = hmac.new(secret.encode() if isinstance(secret, str) else secret, text.encode(), hash).digest()
    return f"{text}.{encode(code)}"


class Issuer:
    """Has a key of each kind, and publishes them as a key set."""

    def __init__(self) -> None:
        self.keys = {
            "RS256": rsa.generate_private_key(65537, 2048),
            "PS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }

    def token(self, algorithm: str, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.keys[algorithm], algorithm=algorithm, headers={"kid": algorithm} | header)

    def pem(self, algorithm: str) -> bytes:
        return self.keys[algorithm].public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def key_set(self) -> str:
        makers = {"RS256": RSAAlgorithm, "PS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        keys = [
            json.loads(maker.to_jwk(self.keys[name].public_key())) | {"kid": name, "alg": name, "use": "sig"}
            for name, maker in makers.items()
        ]
        for key in keys:
            key.pop("key_ops", None)
        return json.dumps({"keys": keys})


def secret_file(directory: Path) -> str:
    path = directory / "secret"
    path.write_text(SECRET + "\n")
    return str(path)


def no_algorithm(payload: dict[str, Any], name: str = "none") -> str:
    return f"{encode(json.dumps({'alg': name, 'typ': 'JWT'}))}.{encode(json.dumps(payload))}."


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
