import GRDB
import HostModel

extension Store {
    /// The addresses that are kept for hosts: the fixed ones first, then the one that each approved host has now.
    func reservations() async throws(EngineError) -> [AddressReservation] {
        try await read { db in
            let fixed = try Self.fixedAddresses(in: db)
            let approved = try HostRow.fetchAll(
                db,
                sql: """
                    SELECT host.* FROM host WHERE EXISTS (
                        SELECT 1 FROM certificate WHERE certificate.host = host.id AND revoked IS NULL)
                    ORDER BY created, id
                    """
            )
            let held = approved.compactMap { host -> AddressReservation? in
                guard !fixed.keys.contains(host.id), let (mac, address) = host.bootAddress else { return nil }
                return AddressReservation(mac: mac, address: address, name: host.name)
            }
            return try fixed.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { id, address in
                guard let host = try HostRow.fetch(id, in: db), let mac = try Self.mac(of: host, in: db) else {
                    return nil
                }
                return AddressReservation(mac: mac, address: address, name: host.name)
            } + held
        }
    }

    static func fixedAddresses(in db: Database) throws -> [UniqueID: IPv4Address] {
        let rows = try Row.fetchAll(db, sql: "SELECT host, address FROM fixedAddress")
        return rows.reduce(into: [:]) { addresses, row in
            addresses[row["host"]] = IPv4Address(row["address"] as String)
        }
    }

    /// The network card that the host is reached by, else the first one known of it.
    private static func mac(of host: HostRow, in db: Database) throws -> MACAddress? {
        if let mac = host.bootAddress?.mac { return mac }
        return try Row.fetchOne(db, sql: "SELECT mac FROM hostMAC WHERE host = ? ORDER BY mac", arguments: [host.id])
            .map { $0["mac"] }
    }

    /// Fixes the address of a host, or gives it up.
    func setFixedAddress(
        _ id: UniqueID,
        _ address: IPv4Address?,
        context: TransitionContext
    ) async throws(EngineError) {
        try await write { db in
            let host = try HostRow.require(id, in: db)
            try db.execute(literal: "DELETE FROM fixedAddress WHERE host = \(id)")
            if let address {
                try requireFree(address, for: host, in: db)
                try db.execute(literal: "INSERT INTO fixedAddress (host, address) VALUES (\(id), \("\(address)"))")
            }
            let text =
                address.map { "Host \(host.name) gets the address \($0) from its next boot on." }
                ?? "Host \(host.name) has no fixed address any more."
            try record(
                Occurrence(
                    .bootAddressSet,
                    .normal,
                    text,
                    host: host,
                    user: context.user,
                    correlation: context.correlation
                ),
                at: context.now,
                in: db
            )
        }
    }

    private func requireFree(_ address: IPv4Address, for host: HostRow, in db: Database) throws {
        let other = try String.fetchOne(
            db,
            sql: """
                SELECT name FROM host WHERE id <> :host AND (
                    id IN (SELECT host FROM fixedAddress WHERE address = :address)
                    OR address = :address AND EXISTS (
                        SELECT 1 FROM certificate WHERE certificate.host = host.id AND revoked IS NULL))
                """,
            arguments: ["host": host.id, "address": "\(address)"]
        )
        guard let other else { return }
        throw EngineError(
            .conflict,
            "Host \(other) has the address \(address).",
            remedy: "Choose another, or change that host's first."
        )
    }
}

extension HostRow {
    /// The host's address and the card that carries it, where the machine said so.
    fileprivate var bootAddress: (mac: MACAddress, address: IPv4Address)? {
        guard let own = IPv4Address(address), let facts: HostFacts = ColumnJSON.decode(facts),
            let card = facts.interfaces.first(where: { $0.addresses.contains { $0.address == own } }),
            !card.mac.isMulticast, card.mac.rawValue != 0
        else { return nil }
        return (card.mac, own)
    }
}
