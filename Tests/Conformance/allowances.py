"""The cases that may be less than plain OK, each with its reason. One that is not here must be OK: a gateway that gets worse is noticed."""

from __future__ import annotations

ALLOWANCES = {
    "7.1.6": "The suite judges nothing here: it sends 256 KiB, a short message and a Close back to back and looks on. Whoever closes wants "
    "nothing more: what has begun is finished, what waits behind it is dropped, and the Close is answered (RFC 6455 §5.5.1).",
    "7.13.1": "The suite judges nothing here, as RFC 6455 says nothing about close codes above 4999. The gateway answers 5000 with 1002.",
    "7.13.2": "As 7.13.1, with the code 65535.",
}
