extension Schema {
    /// What hosts of a cluster need of a network. A network is in every cluster of its data center until it is taken out of one:
    /// the triggers put it there, whichever of the two comes later. `usages` are those that oVirt says of a cluster's network;
    /// whether a network is for guests, or the management network, is said of itself.
    static let clusterNetworks = """
        CREATE TABLE clusterNetwork (
            cluster TEXT NOT NULL REFERENCES cluster(id) ON DELETE CASCADE,
            network TEXT NOT NULL REFERENCES network(id) ON DELETE CASCADE,
            usages TEXT NOT NULL,
            isRequired INTEGER NOT NULL CHECK (isRequired IN (0, 1)),
            PRIMARY KEY (cluster, network)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX clusterNetworkByNetwork ON clusterNetwork (network);
        INSERT INTO clusterNetwork (cluster, network, usages, isRequired)
            SELECT cluster.id, network.id, network.usages, network.isRequired
            FROM cluster JOIN network ON network.dataCenter = cluster.dataCenter;
        CREATE TRIGGER networkIsInClusters AFTER INSERT ON network BEGIN
            INSERT INTO clusterNetwork (cluster, network, usages, isRequired)
                SELECT id, NEW.id, NEW.usages, NEW.isRequired FROM cluster WHERE dataCenter = NEW.dataCenter;
        END;
        CREATE TRIGGER clusterHasNetworks AFTER INSERT ON cluster BEGIN
            INSERT INTO clusterNetwork (cluster, network, usages, isRequired)
                SELECT NEW.id, id, usages, isRequired FROM network WHERE dataCenter = NEW.dataCenter;
        END;
        CREATE TRIGGER clusterChangesNetworks AFTER UPDATE OF dataCenter ON cluster
        WHEN OLD.dataCenter IS NOT NEW.dataCenter BEGIN
            DELETE FROM clusterNetwork WHERE cluster = NEW.id;
            INSERT INTO clusterNetwork (cluster, network, usages, isRequired)
                SELECT NEW.id, id, usages, isRequired FROM network WHERE dataCenter = NEW.dataCenter;
        END;
        """
}
