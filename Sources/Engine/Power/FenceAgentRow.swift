import AgentWire
import Foundation
import GRDB
import HostModel

/// A fence agent as it stands in the database.
struct FenceAgentRow: Sendable, Hashable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "fenceAgent"

    var id: UniqueID
    var host: UniqueID
    var type: String
    var address: String
    var port: UInt16?
    var username: String
    /// Sealed, bound to `id`.
    var password: Data
    /// JSON of names and values.
    var options: String
    var turn: Int
    var isConcurrent: Bool

    static func fetch(of host: UniqueID, in db: Database) throws -> [FenceAgentRow] {
        try filter(Column("host") == host).order(Column("turn"), Column("id")).fetchAll(db)
    }

    init(_ id: UniqueID, of host: UniqueID, _ settings: FenceAgentSettings, turn: Int, password: Data) throws {
        (self.id, self.host, self.password) = (id, host, password)
        (type, address, port, username) = (settings.type, settings.address, settings.port, settings.username)
        (options, self.turn, isConcurrent) = (try ColumnJSON.encode(settings.options), turn, settings.isConcurrent)
    }

    var settings: FenceAgentSettings {
        FenceAgentSettings(
            type: type,
            address: address,
            port: port,
            username: username,
            options: ColumnJSON.decode(options) ?? [:],
            order: turn,
            isConcurrent: isConcurrent
        )
    }

    var record: FenceAgentRecord { FenceAgentRecord(id: id, host: host, settings: settings) }
}

extension FenceAgentSettings {
    /// The most of one host, and bytes of a password.
    static let agentsMax = 8
    static let passwordMax = 256

    /// What a host is asked by `fenceNode`, and what the engine runs itself. oVirt's port is the one that the board listens on;
    /// fence agents call that ipport.
    func parameters(_ action: FenceOrder.Action, _ password: Secret) -> JSONValue {
        var given = options
        if let port { given["ipport"] = "\(port)" }
        let lines = given.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return .object([
            "agent": .string(type), "addr": .string(address), "username": .string(username),
            "password": .string(password.value), "action": .string(action.rawValue),
            "options": .string(lines.joined(separator: "\n")),
        ])
    }

    func order(_ action: FenceOrder.Action, _ password: Secret) throws(RPCError) -> FenceOrder {
        try FenceOrder(params: parameters(action, password))
    }

    /// Throws what a fence agent could not be given. Nothing of the password is in the refusal.
    func check(_ password: Secret?) throws(EngineError) {
        guard order.map({ (1...99).contains($0) }) ?? true else {
            throw EngineError(.invalid, "The order of a fence agent is a number from 1 to 99.")
        }
        guard !address.isEmpty else {
            throw EngineError(.invalid, "A fence agent needs the address of its board.", remedy: "Give the address.")
        }
        guard (password?.value.utf8.count ?? 0) <= Self.passwordMax else {
            throw EngineError(.invalid, "The password of a fence agent has at most \(Self.passwordMax) bytes.")
        }
        do throws(RPCError) { _ = try order(.status, password ?? Secret("")) } catch {
            throw EngineError(
                .invalid,
                "The fence agent is refused: \(terminalEscaped(error.message.prefix(1000))).",
                remedy: "`man fence_\(terminalEscaped(type.prefix(32)))` names its options; see docs/power.md."
            )
        }
    }
}
