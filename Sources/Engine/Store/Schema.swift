import GRDB

/// The tables and the rules that hold whatever the code does. Migrations only go forward; one that was ever released
/// is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 inventory") { try $0.execute(sql: inventory) }
        migrator.registerMigration("2 enrolment") { try $0.execute(sql: enrolment) }
        migrator.registerMigration("3 boot") { try $0.execute(sql: boot) }
        migrator.registerMigration("kickstart") { try $0.execute(sql: kickstart) }
        return migrator
    }

    private static let inventory = """
        CREATE TABLE dataCenter (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL
        ) STRICT;
        CREATE TABLE cluster (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            dataCenter TEXT NOT NULL REFERENCES dataCenter(id)
        ) STRICT;
        CREATE TABLE network (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            dataCenter TEXT NOT NULL REFERENCES dataCenter(id),
            mtu INTEGER NOT NULL CHECK (mtu = 0 OR mtu BETWEEN 68 AND 65535),
            vlan INTEGER CHECK (vlan BETWEEN 0 AND 4094),
            usages TEXT NOT NULL,
            isRequired INTEGER NOT NULL CHECK (isRequired IN (0, 1)),
            UNIQUE (dataCenter, name)
        ) STRICT;
        CREATE TABLE user (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE,
            password TEXT NOT NULL
        ) STRICT;
        CREATE TABLE event (
            "index" INTEGER PRIMARY KEY AUTOINCREMENT,
            code INTEGER NOT NULL,
            severity TEXT NOT NULL CHECK (severity IN ('normal', 'warning', 'error', 'alert')),
            time INTEGER NOT NULL,
            text TEXT NOT NULL,
            host TEXT,
            hostName TEXT,
            mac TEXT CHECK (length(mac) = 17),
            user TEXT,
            correlation TEXT
        ) STRICT;
        CREATE INDEX eventByHost ON event (host, "index");
        CREATE INDEX eventOfUnknownMachine ON event (mac, "index") WHERE host IS NULL AND mac IS NOT NULL;
        """

    private static let enrolment = """
        CREATE TABLE certificate (
            serial TEXT PRIMARY KEY NOT NULL,
            host TEXT REFERENCES host(id) ON DELETE SET NULL,
            publicKey BLOB NOT NULL,
            pem TEXT NOT NULL,
            subject TEXT NOT NULL,
            issued INTEGER NOT NULL,
            revoked INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX oneValidCertificate ON certificate (host) WHERE revoked IS NULL;
        CREATE TABLE host (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
            address TEXT NOT NULL,
            port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
            status TEXT NOT NULL CHECK (status IN (
                'unassigned', 'down', 'maintenance', 'up', 'non_responsive', 'error', 'installing', 'install_failed',
                'reboot', 'preparing_for_maintenance', 'non_operational', 'pending_approval', 'initializing',
                'connecting', 'installing_os', 'kdumping')),
            statusDetail TEXT,
            cluster TEXT NOT NULL REFERENCES cluster(id),
            hardwareID TEXT UNIQUE,
            facts TEXT,
            hardware TEXT,
            capabilities TEXT,
            lastSeen INTEGER,
            created INTEGER NOT NULL,
            version INTEGER NOT NULL DEFAULT 1
        ) STRICT;
        CREATE TABLE hostMAC (
            mac TEXT PRIMARY KEY NOT NULL CHECK (length(mac) = 17),
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE
        ) STRICT;
        CREATE INDEX hostMACByHost ON hostMAC (host);
        CREATE TABLE claim (
            id TEXT PRIMARY KEY NOT NULL,
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('committed', 'pending', 'approved', 'rejected', 'expired')),
            hardwareID TEXT NOT NULL,
            address TEXT NOT NULL,
            port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
            source TEXT NOT NULL,
            publicKey BLOB NOT NULL,
            nonceHash TEXT NOT NULL UNIQUE CHECK (length(nonceHash) = 64),
            engineNonce TEXT NOT NULL UNIQUE CHECK (length(engineNonce) = 64),
            nodeNonce TEXT CHECK (length(nodeNonce) = 64),
            wrongCodes INTEGER NOT NULL DEFAULT 0,
            facts TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            closed INTEGER,
            certificate TEXT REFERENCES certificate(serial),
            CHECK (state = 'committed' OR nodeNonce IS NOT NULL OR closed IS NOT NULL),
            CHECK ((state = 'approved') = (certificate IS NOT NULL)),
            CHECK ((state IN ('committed', 'pending')) = (closed IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX oneOpenClaimOfKey ON claim (publicKey) WHERE closed IS NULL;
        CREATE INDEX claimByHost ON claim (host, state);
        CREATE INDEX openClaimBySource ON claim (source) WHERE closed IS NULL;
        CREATE TABLE usedNonce (
            hash TEXT PRIMARY KEY NOT NULL,
            time INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE job (
            id TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('install')),
            host TEXT NOT NULL UNIQUE REFERENCES host(id) ON DELETE CASCADE,
            step TEXT NOT NULL,
            deadline INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            user TEXT,
            correlation TEXT
        ) STRICT;
        """

    private static let boot = """
        CREATE TABLE profile (
            name TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
            mode TEXT NOT NULL,
            image TEXT,
            kernelArguments TEXT NOT NULL
        ) STRICT;
        CREATE TABLE bootAssignment (
            host TEXT NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            schedule TEXT NOT NULL CHECK (schedule IN ('next', 'always')),
            profile TEXT NOT NULL REFERENCES profile(name),
            PRIMARY KEY (host, schedule)
        ) STRICT;
        CREATE TABLE image (
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('uploading', 'published')),
            isActive INTEGER NOT NULL CHECK (isActive IN (0, 1) AND (isActive = 0 OR state = 'published')),
            created INTEGER NOT NULL,
            manifest TEXT NOT NULL,
            PRIMARY KEY (name, version)
        ) STRICT;
        CREATE UNIQUE INDEX oneActiveVersion ON image (name) WHERE isActive = 1;
        """
}
