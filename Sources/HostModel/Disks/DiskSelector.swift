/// Which disk to install to: a name that only one disk has, or a rule that must fit exactly one.
///
///     serial=S4EWNX0N123456           wwn=0x5002538e40a1b2c3
///     ata-Samsung_SSD_870_S5Y1NX0N    the name below /dev/disk/by-id
///     rule:only                       the only disk there is
///     rule:bus=nvme,size>=400G        more terms: size<=, model=
///
/// Sizes take K, M, G, T (powers of 1024). `rule:` may be left out where a term has an operator.
package struct DiskSelector: Hashable, Sendable {
    fileprivate enum Term: Hashable, Sendable {
        case only
        case serial(String)
        case wwn(String)
        case byID(String)
        case model(String)
        case bus(String)
        case sizeAtLeast(Int64)
        case sizeAtMost(Int64)
    }

    /// Why a text is no selector, or why no disk was chosen.
    package enum Refusal: Error, Hashable, Sendable {
        case malformed(String)
        /// Candidates are what could have been meant; empty where there is no disk.
        case noMatch(candidates: [DiskReport])
        case ambiguous(matches: [DiskReport])
        /// The disk that was named may not be written to.
        case notCandidate(DiskReport)
    }

    private let terms: [Term]
    /// As it was written.
    package let text: String

    package static let kernelArgumentName = "muster.install"
    /// Kernel argument: the serial number of the disk that may be wiped.
    package static let wipeArgumentName = "muster.wipe"
    private static let longest = 512

    package init(parsing text: String) throws(Refusal) {
        self.text = text
        let isRule = text.hasPrefix("rule:")
        let body = isRule ? text.dropFirst(5) : text[...]
        guard !body.isEmpty, text.utf8.count <= Self.longest else {
            throw .malformed("it is empty or over \(Self.longest) bytes")
        }
        guard isRule || body.contains(where: { "=<>".contains($0) }) || body == "only" else {
            terms = [.byID(String(body))]
            return
        }
        var terms: [Term] = []
        for word in body.split(separator: ",", omittingEmptySubsequences: false) {
            terms.append(try Self.term(word.drop { $0 == " " }))
        }
        self.terms = terms
    }

    private static func term(_ word: Substring) throws(Refusal) -> Term {
        func value(_ prefix: String) -> String? {
            guard word.hasPrefix(prefix), word.utf8.count > prefix.utf8.count else { return nil }
            return String(word.dropFirst(prefix.count))
        }
        if word == "only" { return .only }
        if let serial = value("serial=") { return .serial(serial) }
        if let wwn = value("wwn=") { return .wwn(wwn.lowercased()) }
        if let name = value("id=") { return .byID(name) }
        if let model = value("model=") { return .model(model) }
        if let bus = value("bus=") { return .bus(bus.lowercased()) }
        if let size = value("size>=").flatMap(bytes) { return .sizeAtLeast(size) }
        if let size = value("size<=").flatMap(bytes) { return .sizeAtMost(size) }
        throw .malformed("“\(word)” is none of only, serial=, wwn=, id=, model=, bus=, size>=, size<=")
    }

    private static func bytes(_ text: String) -> Int64? {
        let shifts: [Character: Int64] = ["K": 10, "M": 20, "G": 30, "T": 40]
        var digits = text[...]
        for suffix in ["iB", "B"] where digits.hasSuffix(suffix) { digits = digits.dropLast(suffix.count) }
        let shift = digits.last.flatMap { shifts[Character($0.uppercased())] }
        if shift != nil { digits = digits.dropLast() }
        guard let number = Int64(digits), number >= 0, digits.first != "+", number <= Int64.max >> (shift ?? 0) else {
            return nil
        }
        return number << (shift ?? 0)
    }

    /// The one disk that is meant. A disk that is removable or in use is never taken, and never counts in a rule.
    package func choose(from disks: [DiskReport]) throws(Refusal) -> DiskReport {
        let matches = disks.filter { disk in terms.allSatisfy { $0.fits(disk) } }
        let fitting = matches.filter(\.isCandidate)
        guard fitting.count <= 1 else { throw .ambiguous(matches: fitting) }
        if let disk = fitting.first { return disk }
        if namesOne, let disk = matches.first { throw .notCandidate(disk) }
        throw .noMatch(candidates: disks)
    }

    /// True when it names a disk, and is no rule.
    var namesOne: Bool {
        terms.contains { term in
            switch term {
            case .serial, .wwn, .byID: true
            case .only, .model, .bus, .sizeAtLeast, .sizeAtMost: false
            }
        }
    }
}

extension DiskSelector.Term {
    fileprivate func fits(_ disk: DiskReport) -> Bool {
        switch self {
        case .only: true
        case .serial(let serial): !disk.serial.isEmpty && disk.serial == serial
        case .wwn(let wwn): !disk.wwn.isEmpty && disk.wwn.lowercased() == wwn
        case .byID(let name): !disk.byID.isEmpty && (disk.byID == name || "/dev/disk/by-id/\(disk.byID)" == name)
        case .model(let model): disk.model == model
        case .bus(let bus): disk.bus == bus
        case .sizeAtLeast(let size): disk.bytes >= size
        case .sizeAtMost(let size): disk.bytes <= size
        }
    }
}

extension DiskSelector.Refusal: CustomStringConvertible {
    /// One sentence of cause without a full stop, with the disks that are there; safe on a terminal.
    package var description: String {
        switch self {
        case .malformed(let reason): "the disk is not named in a form that is known: \(terminalEscaped(reason))"
        case .noMatch(let disks) where disks.isEmpty: "this machine has no disk"
        case .noMatch(let disks): "no disk fits; there are: " + Self.list(disks)
        case .ambiguous(let disks): "\(disks.count) disks fit: " + Self.list(disks)
        case .notCandidate(let disk):
            "that disk is \(disk.inUse ? "in use" : "removable"), and nothing is installed to it: \(disk)"
        }
    }

    private static func list(_ disks: [DiskReport]) -> String { disks.map(\.description).joined(separator: " | ") }
}

/// Whether a disk may be wiped (F25): one that holds anything only with a consent that names its very serial number.
package enum WipeConsent {
    /// `nil` when it may be written to; otherwise the sentence that refuses. An installation that an earlier run began
    /// (`isUnfinished`) had its consent then.
    package static func refusal(_ disk: DiskReport, consent: String?, isUnfinished: Bool) -> String? {
        if let consent, consent != disk.identity {
            return "the consent to wipe names \(terminalEscaped(consent)), and the chosen disk is \(disk)"
        }
        guard !disk.contents.isEmpty, !isUnfinished, consent == nil else { return nil }
        return "the disk holds data: \(disk)"
    }
}
