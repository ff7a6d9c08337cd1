extension Schema {
    /// Boot servers on other segments: those that wait for a person, those that were approved, and those that were turned
    /// away, for a time. A row is one key; a removed boot server's row is gone, and its key counts for nothing.
    static let bootServers = """
        CREATE TABLE bootServer (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('committed', 'pending', 'approved', 'rejected')),
            source TEXT NOT NULL,
            publicKey BLOB NOT NULL,
            engineNonce TEXT NOT NULL UNIQUE CHECK (length(engineNonce) = 64),
            nonceHash TEXT NOT NULL CHECK (length(nonceHash) = 64),
            nodeNonce TEXT CHECK (length(nodeNonce) = 64),
            wrongCodes INTEGER NOT NULL DEFAULT 0,
            created INTEGER NOT NULL,
            until INTEGER,
            certificate TEXT,
            issued INTEGER,
            lastHeard INTEGER,
            lastEvent INTEGER NOT NULL DEFAULT 0,
            lastSeries TEXT,
            CHECK ((state = 'approved') = (certificate IS NOT NULL)),
            CHECK ((state = 'approved') = (issued IS NOT NULL)),
            CHECK ((state = 'approved') = (until IS NULL)),
            CHECK (state = 'committed' OR nodeNonce IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX bootServerName ON bootServer (name) WHERE state <> 'rejected';
        CREATE UNIQUE INDEX oneBootServerOfKey ON bootServer (publicKey);
        """
}
