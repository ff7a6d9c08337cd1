extension Schema {
    /// What a site is ordered by. A data center that names no pool of MAC addresses uses the default one.
    static let site = """
        CREATE TABLE macPool (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            allowsDuplicates INTEGER NOT NULL CHECK (allowsDuplicates IN (0, 1)),
            isDefault INTEGER NOT NULL CHECK (isDefault IN (0, 1)),
            ranges TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX oneDefaultPool ON macPool (isDefault) WHERE isDefault = 1;
        INSERT INTO macPool VALUES
            ('58ca604b-017d-0374-0220-00000000014e', 'Default', 'The pool of data centers that name none', 0, 1,
             '[{"from":"56:6f:5d:ab:00:00","to":"56:6f:5d:ab:ff:ff"}]');
        ALTER TABLE dataCenter ADD COLUMN comment TEXT NOT NULL DEFAULT '';
        ALTER TABLE dataCenter ADD COLUMN hostsMax INTEGER NOT NULL DEFAULT 200 CHECK (hostsMax BETWEEN 1 AND 100000);
        ALTER TABLE dataCenter ADD COLUMN macPool TEXT REFERENCES macPool(id);
        ALTER TABLE cluster ADD COLUMN comment TEXT NOT NULL DEFAULT '';
        ALTER TABLE cluster ADD COLUMN hasVirt INTEGER NOT NULL DEFAULT 1 CHECK (hasVirt IN (0, 1));
        ALTER TABLE cluster ADD COLUMN hasGluster INTEGER NOT NULL DEFAULT 0 CHECK (hasGluster IN (0, 1));
        ALTER TABLE cluster ADD COLUMN onError TEXT NOT NULL DEFAULT 'migrate'
            CHECK (onError IN ('migrate', 'migrate_highly_available', 'do_not_migrate'));
        ALTER TABLE cluster ADD COLUMN schedulingPolicy TEXT NOT NULL DEFAULT 'none';
        ALTER TABLE cluster ADD COLUMN macPool TEXT REFERENCES macPool(id);
        CREATE INDEX clusterByDataCenter ON cluster (dataCenter);
        CREATE INDEX hostByCluster ON host (cluster);
        ALTER TABLE host ADD COLUMN comment TEXT NOT NULL DEFAULT '';
        ALTER TABLE host ADD COLUMN spmPriority INTEGER NOT NULL DEFAULT 5 CHECK (spmPriority BETWEEN -1 AND 10);
        CREATE TABLE tag (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            parent TEXT REFERENCES tag(id) ON DELETE CASCADE,
            CHECK (parent IS NOT NULL OR id = '00000000-0000-0000-0000-000000000000')
        ) STRICT;
        INSERT INTO tag VALUES ('00000000-0000-0000-0000-000000000000', 'root', 'The root of all tags', NULL);
        CREATE TABLE hostTag (
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            tag TEXT NOT NULL REFERENCES tag(id) ON DELETE CASCADE,
            PRIMARY KEY (host, tag)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE affinityLabel (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            isImplicit INTEGER NOT NULL CHECK (isImplicit IN (0, 1))
        ) STRICT;
        CREATE TABLE hostAffinityLabel (
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            affinityLabel TEXT NOT NULL REFERENCES affinityLabel(id) ON DELETE CASCADE,
            PRIMARY KEY (host, affinityLabel)
        ) STRICT, WITHOUT ROWID;
        """

    /// What clusters are asked of besides, as one value: nothing searches in it.
    static let clusterPolicies = "ALTER TABLE cluster ADD COLUMN policies TEXT NOT NULL DEFAULT '{}'"
}
