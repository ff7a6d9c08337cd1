import Crypto
import Foundation
import GRDB
import HostModel

/// What makes a change of recorded events show. The events of each class are a chain: an event's link is the SHA-256 of the link
/// before it and of what the event says, so that none in between can be changed, taken out or put in without every later link
/// being another one. Whoever can write the database can make a whole chain anew; the heads that were noted elsewhere (the
/// engine's log has them hourly) then tell.
///
/// The host of a boot step is not covered: a machine's steps go to its host once it has one.
enum EventChain {
    static let linkLength = 32
    static let begin = Data(count: linkLength)

    /// The link of an event after `previous`.
    static func link(after previous: Data, _ row: Row) -> Data {
        var hash = SHA256()
        hash.update(data: previous)
        let mac: String? = row["mac"]
        let host: String? = mac == nil ? row["host"] : nil
        let hostName: String? = mac == nil ? row["hostName"] : nil
        let numbers = ["index", "code", "class", "time"].map { String(row[$0] as Int64) }
        let texts: [String?] = [row["severity"], row["text"], host, hostName, mac, row["user"], row["correlation"]]
        for field in numbers.map(Optional.init) + texts {
            // A length before each, so that no two events are the same bytes; none is not empty.
            hash.update(data: Data("\(field.map { "\($0.utf8.count)" } ?? "-"):\(field ?? "")".utf8))
        }
        return Data(hash.finalize())
    }
}

extension Schema {
    /// Events from before have no link; each chain begins after them.
    static let eventChain = """
        ALTER TABLE event ADD COLUMN link BLOB CHECK (length(link) = 32);
        CREATE TABLE eventChain (
            class INTEGER PRIMARY KEY NOT NULL CHECK (class IN (0, 1, 2)),
            begin INTEGER NOT NULL,
            anchor BLOB NOT NULL CHECK (length(anchor) = 32),
            newest INTEGER NOT NULL,
            head BLOB NOT NULL CHECK (length(head) = 32)
        ) STRICT;
        INSERT INTO eventChain
            SELECT class.class, coalesce((SELECT max("index") FROM event), 0), zeroblob(32),
                   coalesce((SELECT max("index") FROM event), 0), zeroblob(32)
            FROM (SELECT 0 AS class UNION SELECT 1 UNION SELECT 2) AS class;
        CREATE INDEX eventByTime ON event (class, time);
        """
}

extension Store {
    /// Adds the event of this index, just written, to the chain of its class.
    func chain(_ index: Int64, _ kind: EventCode.Class, in db: Database) throws {
        let head = try Data.fetchOne(db, sql: "SELECT head FROM eventChain WHERE class = ?", arguments: [kind.rawValue])
        guard let row = try Row.fetchOne(db, sql: #"SELECT * FROM event WHERE "index" = ?"#, arguments: [index]) else {
            return
        }
        let link = EventChain.link(after: head ?? EventChain.begin, row)
        try db.execute(sql: #"UPDATE event SET link = ? WHERE "index" = ?"#, arguments: [link, index])
        try db.execute(
            sql: "UPDATE eventChain SET head = ?, newest = ? WHERE class = ?",
            arguments: [link, index, kind.rawValue]
        )
    }

    /// Drops the events of a class up to this index; its chain begins after them from now on.
    func dropEvents(of kind: EventCode.Class, upTo index: Int64, in db: Database) throws {
        try db.execute(
            literal: """
                UPDATE eventChain SET (begin, anchor) = (
                    SELECT "index", link FROM event WHERE class = \(kind.rawValue) AND "index" <= \(index)
                    ORDER BY "index" DESC LIMIT 1)
                WHERE class = \(kind.rawValue) AND EXISTS (
                    SELECT 1 FROM event WHERE class = \(kind.rawValue) AND "index" <= \(index)
                    AND "index" > eventChain.begin AND link IS NOT NULL)
                """
        )
        try db.execute(literal: #"DELETE FROM event WHERE class = \#(kind.rawValue) AND "index" <= \#(index)"#)
    }
}
