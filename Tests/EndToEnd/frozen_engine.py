"""An engine as a process of its own, which a test can stop and kill: it serves a session and answers every command but `hang`.

python frozen_engine.py URL SESSION -> prints `serving` once it does
"""

from __future__ import annotations

import asyncio
import json
import sys

from websockets.asyncio.client import connect


async def main(url: str, session: str) -> None:
    async with connect(url, compression=None) as link:
        await link.send(json.dumps({"op": "serve", "session_id": session}))
        async for text in link:
            message = json.loads(text)
            if message["op"] == "serving":
                print("serving", flush=True)
            elif message["op"] == "command" and message["action"] != "hang":
                await link.send(json.dumps({"op": "reply", "command_id": message["command_id"], "ok": True}))


asyncio.run(main(*sys.argv[1:]))
