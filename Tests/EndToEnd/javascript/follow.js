// Follows a session with the JavaScript client, and tells what it heard: one JSON array a line, the event's name and its detail.
//   node --experimental-websocket follow.js CLIENT_MODULE URL OPTIONS_JSON
// After `session_completed` it sends a ping and a command, tells what became of them, and ends; else it ends when the session closes.

import { pathToFileURL } from "node:url";

const [module, url, options] = process.argv.slice(2);
const { Session } = await import(pathToFileURL(module));

const tell = (name, detail) => console.log(JSON.stringify([name, detail]));
const session = new Session(url, { reconnectMinMs: 20, reconnectMaxMs: 200, ...JSON.parse(options) });

for (const name of ["event", "direct", "connected", "lost", "conflated", "gap", "state", "error"]) {
    session.addEventListener(name, ({ detail }) => tell(name, detail));
}

session.addEventListener("event", async ({ detail }) => {
    if (detail.type !== "session_completed") return;
    for (const action of ["ping", "pause"]) {
        try {
            tell("answer", await session.send(action));
        } catch (error) {
            tell("refusal", { code: error.code, details: error.details });
        }
    }
    session.close();
});
