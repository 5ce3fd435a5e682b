"""Publishes a key set as an identity provider does, over http or https, or fails to in every way there is; and counts who asks."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Optional

from certificates import Identity


class KeyServer:
    """At a port of 127.0.0.1. What it answers may be changed at any time."""

    def __init__(self, document: str = "", identity: Optional[Identity] = None, host: str = "localhost") -> None:
        self.document = document.encode()
        self.status = 200
        self.fields: Mapping[str, str] = {}
        self.requests: list[str] = []
        """The paths that were asked for."""
        self.agents: set[str] = set()
        self.others: set[str] = set()
        """Names of header fields that came besides."""
        self.speaks = threading.Event()
        """Cleared: requests are read, and not answered."""
        self.speaks.set()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.requests.append(self.path)
                owner.agents.add(self.headers["User-Agent"])
                owner.others |= {name.lower() for name in self.headers} - {"host", "user-agent", "accept"}
                owner.speaks.wait(60)
                document = owner.document
                self.send_response(owner.status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(document)), **owner.fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that leaves in the middle is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if identity:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            # The handshake is the connection's thread's: one that fails does not stop the others.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nobody listens there any more."""
        self.speaks.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SilentServer:
    """Its kernel takes connections, and nobody is there: as a server that was stopped by SIGSTOP."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def stop(self) -> None:
        self._listening.close()
