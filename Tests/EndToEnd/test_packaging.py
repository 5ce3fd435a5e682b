"""What is in packaging/: that it fits the executable and the scripts, as far as that can be told without a container or systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from certificates import Authority
from gateway import REPOSITORY, run
from issuer import Issuer

PACKAGING = REPOSITORY / "packaging"


def test_the_example_of_settings_passes_its_check(tmp_path: Path) -> None:
    identity = Authority(tmp_path).issue("gateway")
    (tmp_path / "jwks.json").write_text(Issuer().key_set())
    (tmp_path / "keys").write_text(run("api-key", "engine", "--scopes", "publish,manage").stdout)
    (tmp_path / "data").mkdir(mode=0o700)
    text = (PACKAGING / "gateway.conf").read_text()
    there = {
        "/etc/websocket-gateway/fullchain.pem": identity.certificate, "/etc/websocket-gateway/privkey.pem": identity.key,
        "/etc/websocket-gateway/jwks.json": tmp_path / "jwks.json", "/etc/websocket-gateway/api-keys": tmp_path / "keys",
        "/var/lib/websocket-gateway": tmp_path / "data",
    }  # fmt: skip
    for name, file in there.items():
        assert text.count(name) == 1
        text = text.replace(name, str(file))
    (tmp_path / "gateway.conf").write_text(text)
    checked = run("serve", "--check", "--config", str(tmp_path / "gateway.conf"))
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="NO SYSTEMD: put systemd-analyze on PATH")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "websocket-gateway.service"
    # Whether a program is there is looked at as well.
    unit.write_text((PACKAGING / unit.name).read_text().replace("/usr/local/bin/websocket-gateway", shutil.which("true") or ""))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if unit.name in line]) == (0, [])


def test_the_container_is_built_from_the_packages_of_the_scripts() -> None:
    needed = re.search(r"need (libuv1-dev [^\n]*)", (REPOSITORY / "scripts/packages.sh").read_text())
    assert needed
    assert f"--no-install-recommends {needed[1]}" in (PACKAGING / "Dockerfile").read_text()
