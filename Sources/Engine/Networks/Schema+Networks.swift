extension Schema {
    /// How networks were ordered of hosts, in VDSM's attributes as JSON; the labels of hosts' nics, each on one nic of a host;
    /// and that of a network.
    static let networkOrders = """
        CREATE TABLE networkOrder (
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            network TEXT NOT NULL REFERENCES network(id) ON DELETE CASCADE,
            attributes TEXT NOT NULL,
            PRIMARY KEY (host, network)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE nicLabel (
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 50),
            nic TEXT NOT NULL CHECK (length(nic) BETWEEN 1 AND 15),
            PRIMARY KEY (host, label)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE network ADD COLUMN label TEXT CHECK (length(label) BETWEEN 1 AND 50);
        """

    static let networkComments = "ALTER TABLE network ADD COLUMN comment TEXT NOT NULL DEFAULT ''"
}
