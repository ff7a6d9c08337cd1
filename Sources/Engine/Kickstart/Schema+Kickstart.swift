extension Schema {
    /// Of a token only the SHA-256 is stored: who reads the database can fetch nothing with it.
    static let kickstart = """
        ALTER TABLE profile ADD COLUMN kickstart TEXT;
        CREATE TABLE hostKickstart (
            host TEXT PRIMARY KEY NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            settings TEXT NOT NULL
        ) STRICT;
        CREATE TABLE installToken (
            digest TEXT PRIMARY KEY NOT NULL CHECK (length(digest) = 64),
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            purpose TEXT NOT NULL CHECK (purpose IN ('kickstart', 'report')),
            profile TEXT NOT NULL,
            firmware TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            spent INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX installTokenByHost ON installToken (host, purpose, created);
        """
}
