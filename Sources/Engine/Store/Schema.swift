import GRDB

/// The tables and the rules that hold whatever the code does. Migrations only go forward; one that was ever released
/// is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 inventory") { try $0.execute(sql: inventory) }
        migrator.registerMigration("2 enrolment") { try $0.execute(sql: enrolment) }
        migrator.registerMigration("3 boot") { try $0.execute(sql: boot) }
        migrator.registerMigration("4 sessions") { try $0.execute(sql: sessions) }
        migrator.registerMigration("5 enrolment limits") { try $0.execute(sql: enrolmentLimits) }
        migrator.registerMigration("6 event classes") { try $0.execute(sql: eventClasses) }
        migrator.registerMigration("7 cluster demands") { try $0.execute(sql: clusterDemands) }
        migrator.registerMigration("8 boot outcomes") { try $0.execute(sql: bootOutcomes) }
        migrator.registerMigration("9 kickstart") { try $0.execute(sql: kickstart) }
        migrator.registerMigration("10 node images") { try $0.execute(sql: nodeImages) }
        migrator.registerMigration("11 conversions") { try $0.execute(sql: conversions) }
        migrator.registerMigration("12 network orders") { try $0.execute(sql: networkOrders) }
        migrator.registerMigration("13 power") { try $0.execute(sql: power) }
        migrator.registerMigration("14 site") { try $0.execute(sql: site) }
        migrator.registerMigration("15 event chain") { try $0.execute(sql: eventChain) }
        migrator.registerMigration("16 reboots") { try $0.execute(sql: reboots) }
        migrator.registerMigration("17 arrivals") { try $0.execute(sql: arrivals) }
        migrator.registerMigration("18 users") { try $0.execute(sql: users) }
        migrator.registerMigration("19 cluster policies") { try $0.execute(sql: clusterPolicies) }
        migrator.registerMigration("20 external events") { try $0.execute(sql: externalEvents) }
        migrator.registerMigration("21 network comments") { try $0.execute(sql: networkComments) }
        migrator.registerMigration("22 external jobs") { try $0.execute(sql: externalJobs) }
        migrator.registerMigration("23 cluster networks") { try $0.execute(sql: clusterNetworks) }
        migrator.registerMigration("24 profile loaders") { try $0.execute(sql: profileLoaders) }
        migrator.registerMigration("25 profile scopes") { try $0.execute(sql: profileScopes) }
        migrator.registerMigration("26 boot servers") { try $0.execute(sql: bootServers) }
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

    private static let sessions = """
        CREATE TABLE session (
            digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
            user TEXT NOT NULL,
            issued INTEGER NOT NULL,
            used INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX sessionByUse ON session (used);
        """

    /// Who made a host known, so that one flooder's are told from others'; closed claims without facts; spent nonces
    /// with their key, so that they can be forgotten; and the machines that a person turned away.
    private static let enrolmentLimits = """
        ALTER TABLE host ADD COLUMN source TEXT;
        UPDATE host SET
            source = coalesce((SELECT source FROM claim WHERE claim.host = host.id ORDER BY created LIMIT 1), ''),
            lastSeen = coalesce(lastSeen, created)
        WHERE status = 'pending_approval'
            AND NOT EXISTS (SELECT 1 FROM certificate WHERE certificate.host = host.id);
        CREATE INDEX waitingHostBySource ON host (source, lastSeen) WHERE status = 'pending_approval';
        UPDATE claim SET facts = '{}' WHERE closed IS NOT NULL;
        CREATE INDEX openClaimByExpiry ON claim (expires) WHERE closed IS NULL;
        CREATE INDEX claimByClosing ON claim (closed) WHERE closed IS NOT NULL;
        CREATE TABLE spentNonce (
            hash TEXT PRIMARY KEY NOT NULL,
            publicKey BLOB NOT NULL,
            time INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO spentNonce
            SELECT hash, coalesce((SELECT publicKey FROM claim WHERE nonceHash = hash), x''), time FROM usedNonce;
        DROP TABLE usedNonce;
        CREATE INDEX spentNonceByKey ON spentNonce (publicKey, time);
        CREATE INDEX spentNonceByTime ON spentNonce (time);
        CREATE TABLE rejection (
            id TEXT PRIMARY KEY NOT NULL,
            publicKey BLOB,
            hardwareID TEXT,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            user TEXT,
            time INTEGER NOT NULL,
            until INTEGER NOT NULL,
            CHECK (publicKey IS NOT NULL OR hardwareID IS NOT NULL)
        ) STRICT;
        CREATE INDEX rejectionByKey ON rejection (publicKey);
        CREATE INDEX rejectionByHardware ON rejection (hardwareID);
        CREATE INDEX rejectionByEnd ON rejection (until);
        """

    /// 0: what people and hosts did, 1: what a stranger can cause without a password, 2: boot steps.
    private static let eventClasses = """
        ALTER TABLE event ADD COLUMN class INTEGER NOT NULL DEFAULT 0 CHECK (class IN (0, 1, 2));
        UPDATE event SET class = 1 WHERE code IN (826, 828, 834, 20010, 20011, 20030);
        UPDATE event SET class = 2 WHERE code IN (20000, 20001, 20002);
        CREATE INDEX eventByClass ON event (class, "index");
        """

    private static let clusterDemands = """
        ALTER TABLE cluster ADD COLUMN level TEXT NOT NULL DEFAULT '4.7';
        ALTER TABLE cluster ADD COLUMN cpu TEXT;
        ALTER TABLE cluster ADD COLUMN architecture TEXT CHECK (architecture IN ('x86_64', 'aarch64', 'ppc64'));
        ALTER TABLE cluster ADD COLUMN emulatedMachine TEXT;
        ALTER TABLE cluster ADD COLUMN rngSources TEXT NOT NULL DEFAULT '';
        """

    private static let profileLoaders = "ALTER TABLE profile ADD COLUMN loader TEXT"

    private static let bootOutcomes = """
        ALTER TABLE bootAssignment ADD COLUMN firstDenied INTEGER;
        CREATE TABLE fixedAddress (
            host TEXT PRIMARY KEY NOT NULL REFERENCES host(id) ON DELETE CASCADE,
            address TEXT NOT NULL UNIQUE
        ) STRICT;
        """
}
