extension Schema {
    /// How machines are switched, by what they are watched, and what is being switched: at most one order a host.
    /// A password is sealed with the key of the key directory: who has only the database cannot read it.
    static let power = """
        CREATE TABLE fenceAgent (
            id TEXT PRIMARY KEY NOT NULL,
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            type TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 32),
            address TEXT NOT NULL,
            port INTEGER CHECK (port BETWEEN 1 AND 65535),
            username TEXT NOT NULL,
            password BLOB NOT NULL,
            options TEXT NOT NULL,
            turn INTEGER NOT NULL CHECK (turn BETWEEN 1 AND 99),
            isConcurrent INTEGER NOT NULL CHECK (isConcurrent IN (0, 1))
        ) STRICT;
        CREATE INDEX fenceAgentByHost ON fenceAgent (host, turn);
        CREATE TABLE powerManagement (
            host TEXT PRIMARY KEY NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            isEnabled INTEGER NOT NULL CHECK (isEnabled IN (0, 1)),
            detectsKdump INTEGER NOT NULL CHECK (detectsKdump IN (0, 1)),
            proxies TEXT NOT NULL,
            fault TEXT,
            remedy TEXT,
            faultSince INTEGER,
            failures INTEGER NOT NULL DEFAULT 0,
            retry INTEGER
        ) STRICT;
        CREATE TABLE powerJob (
            id TEXT PRIMARY KEY NOT NULL,
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('on', 'off', 'restart', 'fence')),
            state TEXT NOT NULL CHECK (state IN ('started', 'finished', 'failed', 'aborted')),
            step TEXT NOT NULL,
            since INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            bootsFromNetwork INTEGER NOT NULL CHECK (bootsFromNetwork IN (0, 1)),
            told TEXT,
            started INTEGER NOT NULL,
            ended INTEGER,
            error TEXT,
            remedy TEXT,
            user TEXT,
            correlation TEXT,
            CHECK ((state = 'started') = (ended IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX onePowerJob ON powerJob (host) WHERE state = 'started';
        CREATE INDEX powerJobByHost ON powerJob (host, started);
        ALTER TABLE cluster ADD COLUMN fencing TEXT;
        """
}
