/// The file's tables, version 1. docs/HISTORY-FILE.md tells their readers about them.
enum Schema {
    /// `WSGW`, in the file's header: what tells our file from every other SQLite file.
    static let applicationID: Int32 = 0x5753_4757

    /// `PRAGMA user_version`. Grows with every change that an older gateway cannot live with.
    static let version = 1

    static let sql = """
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(version);
        CREATE TABLE sessions (
            number INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL UNIQUE,
            epoch TEXT,
            newest_dropped INTEGER NOT NULL DEFAULT 0,
            registration TEXT
        );
        CREATE TABLE events (
            place INTEGER PRIMARY KEY,
            published_at INTEGER NOT NULL,
            stream_offset INTEGER NOT NULL,
            type TEXT NOT NULL,
            key TEXT,
            timestamp TEXT,
            data TEXT NOT NULL
        );
        CREATE TABLE keys (
            number INTEGER NOT NULL,
            key TEXT NOT NULL,
            digest INTEGER NOT NULL,
            first_sequence INTEGER NOT NULL,
            count INTEGER NOT NULL,
            published_at INTEGER NOT NULL,
            PRIMARY KEY (number, key)
        ) WITHOUT ROWID;
        CREATE INDEX keys_by_time ON keys (published_at);
        CREATE TABLE dropped (
            number INTEGER PRIMARY KEY,
            oldest INTEGER NOT NULL,
            newest INTEGER NOT NULL
        );
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
        INSERT INTO meta VALUES ('state', 'closed');
        CREATE VIEW history AS
            SELECT
                s.session_id AS session_id,
                e.place & \(Place.sequenceMax) AS sequence,
                s.epoch || '-' || (e.place & \(Place.sequenceMax)) AS id,
                e.type AS type,
                e.key AS key,
                coalesce(e.timestamp, strftime('%Y-%m-%dT%H:%M:%S', e.published_at / 1000000, 'unixepoch')
                    || printf('.%06dZ', e.published_at % 1000000)) AS timestamp,
                e.published_at AS published_at,
                e.data AS data
            FROM sessions s CROSS JOIN events e ON e.place BETWEEN s.number << 40 AND s.number << 40 | \(Place.sequenceMax);

        """
}

/// An event's key in the file: its session's number, then its sequence. One integer, so that a session's events lie beside each other in the order they
/// are read, and appending one needs no index.
enum Place {
    static let sequenceMax: UInt64 = 1 << 40 - 1
    static let numberMax: Int64 = 1 << 22 - 1
    /// The number of what belongs to all sessions: the keys of broadcasts.
    static let noSession: Int64 = 0

    /// Of numbers and sequences within their limits; the sequence may be one more, the end of all.
    static func of(_ number: Int64, _ sequence: UInt64) -> Int64 { number << 40 + Int64(clamping: sequence) }

    static func sequence(_ place: Int64) -> UInt64 { UInt64(place & Int64(sequenceMax)) }
}
