"""Where the servers that are no Python are: in the system, or in a folder of unpacked packages, WSG_PEERS_ROOT (else what setup made)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from contract import REPOSITORY

ROOT = Path(os.environ.get("WSG_PEERS_ROOT") or REPOSITORY / ".build-bench/root").absolute()
_PROGRAMS = ["usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin"]
_LIBRARIES = ["usr/lib", "usr/lib64", "lib", "lib64"]


def program(name: str) -> Optional[Path]:
    """An executable's path. What was unpacked for us goes before the system's."""
    places = [ROOT / place for place in _PROGRAMS] + [Path("/", place) for place in _PROGRAMS]
    found = shutil.which(name, path=os.pathsep.join(map(str, places)) + os.pathsep + os.environ.get("PATH", ""))
    return Path(found) if found else None


def library(name: str) -> Optional[Path]:
    """A module's path, say `nginx/modules/ngx_nchan_module.so`."""
    return next((path for base in (ROOT, Path("/")) for place in _LIBRARIES if (path := base / place / name).exists()), None)


def environment() -> dict[str, str]:
    """Ours, and where unpacked programs find unpacked libraries."""
    places = [str(path) for place in _LIBRARIES for path in (ROOT / place, *(ROOT / place).glob("*-linux-gnu")) if path.is_dir()]
    known = os.environ.get("LD_LIBRARY_PATH")
    return os.environ | ({"LD_LIBRARY_PATH": os.pathsep.join(places + ([known] if known else []))} if places else {})


def said(*command: str) -> str:
    """What a program prints, to either stream; empty when it cannot run."""
    try:
        ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout + ended.stderr
