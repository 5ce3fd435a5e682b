"""Web pages for a real browser: served from here, and told back what became of them."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote


def find_chromium() -> Optional[str]:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("WSG_CHROMIUM") or next((found for found in map(shutil.which, names) if found), None)


CHROMIUM = find_chromium()
NO_CHROMIUM = "NO BROWSER: install chromium, or set WSG_CHROMIUM"
START_SECONDS = 30

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

CONTENT_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class PageServer(http.server.ThreadingHTTPServer):
    """Serves files by their paths, and keeps the newest story that a page tells."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.files = files
        self.story: dict[str, Any] = {}
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class PageHandler(http.server.BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        file = self.server.files.get(self.path.partition("?")[0])
        body = file.read_bytes() if file else b""
        self.send_response(200 if file else 404)
        self.send_header("Content-Type", CONTENT_TYPES[file.suffix] if file else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        story = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # Tellings may overtake each other; the longest is the newest.
        if len(json.dumps(story)) >= len(json.dumps(self.server.story)):
            self.server.story = story
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Browsers:
    """Opens the page in a browser of its own, on the WebSocket URL of a session."""

    def __init__(self, page: PageServer, directory: Path) -> None:
        self._page = page
        self._directory = directory
        self._browsers: list[subprocess.Popen[bytes]] = []

    def __call__(self, url: str, host: str = "127.0.0.1", trusted: str = "") -> None:
        """`trusted`: the fingerprint of the one key that needs no authority the browser knows."""
        assert CHROMIUM is not None
        address = f"http://{host}:{self._page.server_port}/?url={quote(url, safe='')}"
        profile = self._directory / f"profile-{len(self._browsers)}"
        trust = [f"--ignore-certificate-errors-spki-list={trusted}"] if trusted else []
        with open(self._directory / "chromium.log", "ab") as log:
            self._browsers.append(subprocess.Popen([CHROMIUM, *FLAGS, *trust, f"--user-data-dir={profile}", address], stdout=log, stderr=log))

    def stop(self) -> None:
        for browser in self._browsers:
            browser.terminate()
            try:
                browser.wait(5)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
