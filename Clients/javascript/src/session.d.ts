/** An event of the session's stream, as the gateway sent it. `data` is the engine's and was not looked at. */
export interface StreamEvent {
    id: string;
    type: string;
    data: Record<string, any>;
    timestamp: string;
}

/** A message of an engine to this connection alone: it belongs to no stream, and is lost when the connection is. */
export interface DirectMessage {
    type: string;
    data: Record<string, any>;
    timestamp?: string;
}

export interface Connected {
    connection_id: string;
    session_id: string;
    /** Null while the stream is empty. */
    epoch: string | null;
    last_id: string | null;
    /** Null where nothing was resumed. */
    resume: { recovered: boolean; from: string; oldest_id: string | null } | null;
}

/** Events that will not come. */
export interface Lost {
    /** The last id before the hole; null where there was none. */
    after: string | null;
    /** Null where it is not known: the stream began anew, and nobody knows how far the old one went. */
    firstId: string | null;
    /** Null where it is not known, or nothing of the new stream is lost. */
    lastId: string | null;
}

/** Events left out on purpose. */
export interface Conflated {
    /** The first id and the last of each range. */
    ranges: [string, string][];
    types?: string[];
    [name: string]: unknown;
}

/** Events that are missing without a word: a defect. The session comes back with the last good id by itself. */
export interface Gap {
    after: string | null;
    before: string | null;
}

export interface GatewayError {
    /** The gateway's `error_code`, or `UNREADABLE` for a message that is not in its form. */
    code: string;
    message: string;
    details: Record<string, any>;
}

export type State = "connecting" | "open" | "waiting" | "closed";

export interface StateChange {
    state: State;
    /** Of the close that led here, in `waiting` and `closed`; 1006 where the connection was given up here. */
    code?: number;
    reason?: string;
    /** In `waiting`: milliseconds until the next try. */
    retryInMs?: number;
}

export interface Heartbeat {
    server_time: string;
    last_id: string | null;
    delivered: number;
    /** Milliseconds; null before the first round trip. */
    rtt_ms: number | null;
}

export interface SessionEvents {
    event: CustomEvent<StreamEvent>;
    direct: CustomEvent<DirectMessage>;
    connected: CustomEvent<Connected>;
    lost: CustomEvent<Lost>;
    conflated: CustomEvent<Conflated>;
    gap: CustomEvent<Gap>;
    state: CustomEvent<StateChange>;
    error: CustomEvent<GatewayError>;
}

/** What a test puts in place of the clock. `now` is in milliseconds. */
export interface Timers {
    setTimeout(action: () => void, ms: number): unknown;
    clearTimeout(timer: any): void;
    now(): number;
}

export interface SessionOptions {
    /** Where to begin without `lastEventId`: with what is published next, with all that is kept, or with so many (1 to 10,000,000) of the latest
     * events. By default as the session is registered, else "live". */
    join?: "live" | "all" | number | null;
    /** Only events of these types, 1 to 64. By default all. */
    types?: string[] | null;
    token?: string | null;
    /** Begin behind this event: `lastEventId` of an earlier session. */
    lastEventId?: string | null;
    /** Play a recorded session by its event times, at this speed: "0.5x" to "100x" of the recorded pace, or "max". From the oldest event kept, where neither
     * `join` nor `lastEventId` says otherwise. A reconnect goes on at the speed last set with `send("speed", { speed })`, and plays. */
    replay?: string | null;
    /** By default the global one. */
    WebSocket?: new (url: string, protocols: string[]) => any;
    /** Gives [0, 1); by default Math.random. */
    random?: () => number;
    timers?: Timers;
    /** The first reconnect comes within so many milliseconds, by default 500; the limit doubles with each that fails. */
    reconnectMinMs?: number;
    /** The limit's limit, by default 30,000. */
    reconnectMaxMs?: number;
    /** A connection silent for so many milliseconds is given up, by default 75,000: set it where the gateway's heartbeat interval is not 30 s. */
    silenceMs?: number;
    /** How long a command waits for its answer, in milliseconds; by default 35,000: more than any deadline of the gateway, whose word comes first. */
    commandTimeoutMs?: number;
}

export declare const SUBPROTOCOL: "wsg.v1";

export declare const DEFAULTS: Readonly<{
    reconnectMinMs: number;
    reconnectMaxMs: number;
    silenceMs: number;
    commandTimeoutMs: number;
}>;

/** Why a command has no answer. */
export declare class CommandError extends Error {
    /**
     * `INVALID_COMMAND` and `NOT_CONNECTED`: it was not sent. `CONNECTION_LOST` and `TIMEOUT`: perhaps it was carried out. Anything else is the
     * gateway's or the engine's `error_code`.
     */
    code: string;
    details: Record<string, any>;
    constructor(code: string, message: string, details?: Record<string, any>);
}

/** A session of a WebSocket Gateway, followed over any number of connections: every event once and in order. */
export declare class Session extends EventTarget {
    /**
     * Connects at once.
     * @param url `ws://host:port/ws/backtest/{session_id}`, or `wss:` and `/ws/forward/`
     * @throws TypeError, RangeError or SyntaxError for a URL or options that no gateway would accept
     */
    constructor(url: string, options?: SessionOptions);

    readonly state: State;

    /** Everything up to this event was handed out or announced as gone; null before the first. */
    readonly lastEventId: string | null;

    /** Sends a command. Rejects with a {@link CommandError}. */
    send(action: "ping"): Promise<Heartbeat>;
    /** To go on at another place of a replay. After it events that were handed out come again. */
    send(action: "seek", fields: { id: string } | { timestamp: string }): Promise<Record<string, any>>;
    send(action: string, fields?: Record<string, unknown>): Promise<Record<string, any>>;

    /** Ends it for good. Commands that wait are rejected. */
    close(): void;

    addEventListener<Name extends keyof SessionEvents>(
        name: Name, listener: ((event: SessionEvents[Name]) => void) | null, options?: boolean | AddEventListenerOptions): void;
    addEventListener(name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}
