extension Schema {
    /// Machines that a person announced and that have not come yet. Of a token only the SHA-256 is stored.
    static let arrivals = """
        CREATE TABLE arrival (
            host TEXT PRIMARY KEY NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            switched INTEGER,
            digest TEXT UNIQUE CHECK (length(digest) = 64),
            handed INTEGER,
            claim TEXT,
            user TEXT,
            correlation TEXT,
            CHECK ((digest IS NULL) = (handed IS NULL))
        ) STRICT;
        """
}
