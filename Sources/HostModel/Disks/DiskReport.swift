/// A disk of a node, and what is on it: an element of `muster-agent disks --json`.
package struct DiskReport: Hashable, Sendable, Codable {
    /// `sda`.
    package var name: String
    /// As udev names it below /dev/disk/by-id: `ata-MODEL_SERIAL`; empty where nothing is known of it.
    package var byID: String
    package var serial: String
    /// `0x5000c500a1b2c3d4`, or an NVMe's `eui.…`.
    package var wwn: String
    package var bytes: Int64
    package var model: String
    package var bus: String
    package var removable: Bool
    /// Mounted, held by a mapping or an array, or swapped to.
    package var inUse: Bool
    /// What is on it, each a phrase for a person; empty for a disk that holds nothing.
    package var contents: [String]
    /// Of a disk that Muster is installed on.
    package var muster: Installation?
    /// Bytes of a logical block.
    package var blockSize = 512

    package struct Installation: Hashable, Sendable, Codable {
        package var guid: String
        package var slots: [String: Slot]
        /// The slot that this node runs from, if it is one of this disk.
        package var running: String?

        package init(guid: String, slots: [String: Slot], running: String?) {
            (self.guid, self.slots, self.running) = (guid, slots, running)
        }
    }

    package struct Slot: Hashable, Sendable, Codable {
        package enum State: String, Hashable, Sendable, Codable {
            case good, trial, empty, unfinished, failed
        }

        package var name: String?
        package var version: String?
        package var state: State

        package init(name: String?, version: String?, state: State) {
            (self.name, self.version, self.state) = (name, version, state)
        }
    }

    package init(name: String, bytes: Int64) {
        (self.name, self.bytes) = (name, bytes)
        (byID, serial, wwn, model, bus) = ("", "", "", "", "")
        (removable, inUse, contents, muster) = (false, false, [], nil)
    }

    /// By what a person consents to wiping it: the serial number, else the WWN; `nil` for a disk without either.
    package var identity: String? { serial.isEmpty ? (wwn.isEmpty ? nil : wwn) : serial }

    /// True for one that an installation may go to at all.
    package var isCandidate: Bool { !removable && !inUse && bytes > 0 }

    private enum CodingKeys: String, CodingKey {
        case name, byID, serial, wwn, bytes, model, bus, removable, inUse, contents, muster
    }
}

extension DiskReport: CustomStringConvertible {
    /// One line for a person, safe on a terminal.
    package var description: String {
        let size = bytes >= 10 << 30 ? "\(bytes >> 30) GiB" : "\(bytes >> 20) MiB"
        let words = [
            name, "serial \(serial.isEmpty ? "none" : serial)", "wwn \(wwn.isEmpty ? "none" : wwn)", size, bus, model,
        ]
        var text = words.filter { !$0.isEmpty }.map { terminalEscaped($0) }.joined(separator: ", ")
        if removable { text += ", removable" }
        if inUse { text += ", in use" }
        return text + ": " + (contents.isEmpty ? "empty" : contents.map { terminalEscaped($0) }.joined(separator: "; "))
    }
}
