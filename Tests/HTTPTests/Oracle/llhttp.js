'use strict';
// Judges requests with llhttp, the parser of node's own HTTP server, as strict as that server has it by default.
//
//   node --expose-internals --no-warnings llhttp.js CASES VERDICTS
//
// CASES: a case a line, its bytes in Base64, then the offsets to cut them at: `R0VU…Cg== 36,37`. VERDICTS: a JSON object a line, the first names the
// versions, then one for each case. Text is Latin-1, a character for a byte. A message's `end` is that of the piece it was complete with, so
// whoever believes in an end cuts there and one byte before it.
//
// Driven through node's own binding, so that neither sockets nor the rest of node's server stand between; process.binding, the way to it without a
// flag, is gone in Node 24.

const fs = require('fs');
const { internalBinding } = require('internal/test/binding');

const { HTTPParser, methods, allMethods } = internalBinding('http_parser');
const methodNames = allMethods ?? methods; // Node 18 has one list only, and numbers into it.

const headBytesMax = 1 << 24; // Limits are not what we ask llhttp about.

/** llhttp takes any protocol for an upgrade, and leaves to the server which ones it knows; what follows the head is that protocol's then. */
function offersWebSocket(fields) {
  return fields.some((name, index) => {
    if (index % 2 === 1 || name.toLowerCase() !== 'upgrade') return false;
    return fields[index + 1].split(',').some((protocol) => /^[ \t]*websocket[ \t]*$/i.test(protocol));
  });
}

/** What llhttp makes of `bytes`, given to it in pieces that end at `cuts`. */
function judge(bytes, cuts) {
  const messages = []; // Those whose head is complete.
  let message;
  let began = false; // Anything of a next message was seen.
  let completed = 0;
  let isUpgraded = false;

  const parser = new HTTPParser(HTTPParser.REQUEST);
  parser.initialize(HTTPParser.REQUEST, {}, headBytesMax, HTTPParser.kLenientNone | 0);
  parser[HTTPParser.kOnMessageBegin] = () => {
    message = { target: '', fields: [], trailers: [], pieces: [] };
    began = true;
  };
  // More than 32 fields come in portions; and so, after the head, do trailers.
  parser[HTTPParser.kOnHeaders] = (fields, target) => {
    if (message.method !== undefined) return void message.trailers.push(...fields);
    message.fields.push(...fields);
    message.target += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, fields, method, target, _status, _reason, upgrade, keepAlive) => {
    message.fields.push(...(fields ?? []));
    message.target += target ?? '';
    Object.assign(message, { method: methodNames[method], version: `HTTP/${major}.${minor}`, upgrade, keepAlive });
    messages.push(message);
    isUpgraded = upgrade && offersWebSocket(message.fields);
    return isUpgraded ? 2 : 0; // 2: no content, another protocol follows.
  };
  parser[HTTPParser.kOnBody] = (body) => void message.pieces.push(Buffer.from(body));
  parser[HTTPParser.kOnMessageComplete] = () => {
    completed += 1;
    began = false;
  };

  let error;
  let position = 0;
  for (const cut of [...cuts, bytes.length]) {
    while (position < cut && error === undefined && !(isUpgraded && completed === messages.length)) {
      const before = completed;
      const result = parser.execute(bytes.subarray(position, cut));
      const isError = typeof result !== 'number';
      const next = position + (isError ? result.bytesParsed : result);
      for (let index = before; index < completed; index++) messages[index].end = index === completed - 1 && !began && !isError ? next : cut;
      if (isError) {
        error = result.code;
      } else if (next < cut) {
        // A pause after a message that llhttp takes for an upgrade: where it is not to WebSocket, HTTP goes on. After such a message, though,
        // node does not report errors: they look the same, but happen within a message, or before any of one.
        const isPause = !began && completed > before && messages[completed - 1].upgrade;
        if (!isPause) error = 'NOT_REPORTED';
      }
      position = next;
    }
  }
  parser.free?.();
  return { messages, completed, error };
}

function show({ messages, completed, error }, withEnds) {
  const shown = messages.map(({ method, target, version, fields, trailers, upgrade, keepAlive, pieces, end }, index) => {
    const content = index < completed ? { body: Buffer.concat(pieces).toString('base64'), ...(withEnds && { end }) } : {};
    return { method, target, version, fields, trailers, upgrade, keepAlive, ...content };
  });
  return JSON.stringify({ messages: shown, error });
}

function verdict(line) {
  const [base64, cuts] = line.split(' ');
  const bytes = Buffer.from(base64, 'base64');
  const inPieces = judge(bytes, cuts === '' ? [] : cuts.split(',').map(Number));
  // What does not depend on our cuts must not: or the judge is not to be trusted.
  const [expected, found] = [show(judge(bytes, []), false), show(inPieces, false)];
  if (expected !== found) throw new Error(`llhttp contradicts itself about ${line}\n${expected}\n${found}`);
  return show(inPieces, true);
}

const [casesPath, verdictsPath] = process.argv.slice(2);
const cases = fs.readFileSync(casesPath, 'latin1').split('\n').slice(0, -1);
const versions = JSON.stringify({ node: process.version, llhttp: process.versions.llhttp });
fs.writeFileSync(verdictsPath, [versions, ...cases.map(verdict), ''].join('\n'));
