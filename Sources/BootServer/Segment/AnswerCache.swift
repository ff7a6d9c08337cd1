import FoundationEssentials
import HostModel
import Logging
import NIOPosix
import Synchronization

/// The engine's last answers about machines that it knows, on the disk, for the time in which it does not answer.
///
/// Kept is only what does no harm when it is given twice: nothing that holds for one boot, nothing that installs, nothing with
/// a token. Machines that are no hosts are not kept, so that no stranger can push a host out. There is one answer for each
/// MAC address, whatever hardware ids are named with it: a denial is not got round by another id, and many ids are no more room.
final class AnswerCache: Sendable {
    /// Answers kept; the oldest one gives way.
    static let answersMax = 16_384
    /// Bytes of all of them, and of one.
    static let bytesMax = 256 << 20
    static let answerBytesMax = 64 << 10
    /// MAC addresses under which one host's answers are kept: whoever names its hardware id with others pushes out no other host.
    static let addressesPerHostMax = 64
    /// The longest file of reservations.
    private static let reservationBytesMax = 8 << 20
    /// An answer that did not change is written down again after so many milliseconds.
    private static let freshness: Int64 = 600_000

    /// One file.
    struct Entry: Hashable, Sendable, Codable {
        /// The MAC address.
        var key: String
        /// The hardware id that was asked with, as long as it may be what the engine found the host by: then the answer is nobody
        /// else's. `nil`: the host was found by its MAC address.
        var id: HardwareID?
        var answer: BootAnswer
        /// When the engine gave it, in milliseconds since 1970.
        var time: Int64
    }

    private struct Known {
        var entry: Entry
        var bytes: Int
        /// When it was written, which may be long before `entry.time`.
        var written: Int64
    }

    private let answers: CacheDirectory
    private let root: CacheDirectory
    private let known: Mutex<[String: Known]>
    /// One writer at a time, each of which writes what is known then.
    private let disk = Mutex(())
    private let kept: Mutex<[AddressReservation]?>
    private let ageMax: Int64
    private let logger: Logger

    private static let reservationFile = "reservations"

    /// Reads what is there; may block on the disk. `ageMax`: of an answer that is given out, in milliseconds.
    init(directory: String, ageMax: Int64, logger: Logger) throws(CacheDirectory.Failure) {
        (root, answers) = (CacheDirectory(directory), CacheDirectory("\(directory)/answers"))
        (self.ageMax, self.logger) = (ageMax, logger)
        try root.make()
        try answers.make()
        var found: [String: Known] = [:]
        var damaged = 0
        for name in answers.names() {
            let entry = answers.value(Entry.self, in: name, bytesMax: Self.answerBytesMax)
            guard let entry, Self.fileName(entry.key) == name, MACAddress(entry.key) != nil else {
                damaged += 1
                answers.remove(name)
                continue
            }
            let bytes = Int(answers.facts(name)?.size ?? 0)
            found[entry.key] = Known(entry: entry, bytes: bytes, written: entry.time)
        }
        if damaged > 0 { logger.warning("\(damaged) kept answers were damaged and are asked for anew: check the disk") }
        known = Mutex(found)
        kept = Mutex(
            root.value([AddressReservation].self, in: Self.reservationFile, bytesMax: Self.reservationBytesMax)
        )
    }

    var count: Int { known.withLock(\.count) }

    /// Keeps an answer in the place of the one before, or forgets that where this one may not be kept. What is new is on the
    /// disk afterwards.
    func keep(_ answer: BootAnswer, to request: BootRequest, at now: Int64) async {
        let key = Self.key(request)
        guard Self.isKept(answer) else { return await forget(key, answer, request.hardwareID) }
        let changed: [String] = known.withLock { known in
            let former = known[key]
            let id = Self.id(request.hardwareID, answer, former?.entry)
            let isSame =
                former?.entry.answer == answer && former?.entry.id == id
                && now - (former?.written ?? 0) < Self.freshness
            let written = isSame ? former?.written ?? now : now
            let gone = former == nil ? Self.makeRoom(for: answer.host, in: &known) : []
            let entry = Entry(key: key, id: id, answer: answer, time: now)
            known[key] = Known(entry: entry, bytes: former?.bytes ?? 0, written: written)
            return isSame ? [] : gone + [key]
        }
        if !changed.isEmpty { await onDisk { for key in changed { self.write(key) } } }
    }

    /// The engine looks for the MAC address first. So when two ids bring the same host, or an id and none, it was found by that.
    private static func id(_ asked: HardwareID?, _ answer: BootAnswer, _ former: Entry?) -> HardwareID? {
        guard let former, former.answer.host == answer.host, former.id != asked else { return asked }
        return nil
    }

    /// Takes the oldest answer of a host out that has as many as one may have; its key.
    private static func makeRoom(for host: HostName?, in known: inout [String: Known]) -> [String] {
        let own = known.filter { $0.value.entry.answer.host == host }
        guard own.count >= addressesPerHostMax,
            let oldest = own.min(by: { $0.value.entry.time < $1.value.entry.time })
        else { return [] }
        known[oldest.key] = nil
        return [oldest.key]
    }

    /// What the machine was told last; `nil` when that is too old, or was told to another hardware id, or nothing was.
    func answer(to request: BootRequest, at now: Int64) -> Entry? {
        guard let entry = known.withLock({ $0[Self.key(request)]?.entry }) else { return nil }
        if let id = entry.id, let asked = request.hardwareID, id != asked { return nil }
        // A clock that was set back makes nothing young for ever: it is never before the time of the answer for long.
        guard now - entry.time <= ageMax, entry.time - now <= ageMax else { return nil }
        return entry
    }

    func keep(_ reservations: [AddressReservation]) async {
        let isNew = kept.withLock { kept in
            guard kept != reservations else { return false }
            kept = reservations
            return true
        }
        guard isNew else { return }
        await onDisk {
            do throws(CacheDirectory.Failure) {
                try self.root.write(value: self.kept.withLock { $0 ?? [] }, as: Self.reservationFile)
            } catch { self.logger.warning("kept addresses \(error)") }
        }
    }

    var reservations: [AddressReservation]? { kept.withLock(\.self) }

    /// The engine has sent this boot server away: nothing of what it was told counts any more.
    func empty() async {
        known.withLock { $0 = [:] }
        kept.withLock { $0 = nil }
        await onDisk {
            self.answers.empty()
            self.root.remove(Self.reservationFile)
        }
    }

    private func forget(_ key: String, _ answer: BootAnswer, _ asked: HardwareID?) async {
        let isForgotten = known.withLock { known in
            // That the engine knows no host by one id says nothing of the host that has another: made-up ids forget nobody.
            if answer.host == nil, let asked, let id = known[key]?.entry.id, id != asked { return false }
            return known.removeValue(forKey: key) != nil
        }
        if isForgotten { await onDisk { self.write(key) } }
    }

    /// Brings the file of a machine to what is known of it.
    private func write(_ key: String) {
        guard let entry = known.withLock({ $0[key]?.entry }) else { return answers.remove(Self.fileName(key)) }
        guard let payload = try? JSONEncoder().encode(entry), payload.count < Self.answerBytesMax - 100 else { return }
        do throws(CacheDirectory.Failure) {
            try answers.write(SealedFile.encode(Array(payload)), as: Self.fileName(key))
            known.withLock { $0[key]?.bytes = payload.count }
        } catch { logger.warning("an answer of the engine \(error)") }
        for old in surplus() { answers.remove(Self.fileName(old)) }
    }

    /// Takes what is too much out of what is known, the oldest first.
    private func surplus() -> [String] {
        known.withLock { known in
            var bytes = known.values.reduce(0) { $0 + $1.bytes }
            guard known.count > Self.answersMax || bytes > Self.bytesMax else { return [] }
            var gone: [String] = []
            for (key, old) in known.sorted(by: { $0.value.entry.time < $1.value.entry.time }) {
                guard known.count > Self.answersMax || bytes > Self.bytesMax else { break }
                bytes -= old.bytes
                known[key] = nil
                gone.append(key)
            }
            return gone
        }
    }

    private func onDisk(_ body: @escaping @Sendable () -> Void) async {
        // While the program ends nothing is written any more.
        try? await NIOThreadPool.singleton.runIfActive { self.disk.withLock { _ in body() } }
    }

    static func isKept(_ answer: BootAnswer) -> Bool {
        guard answer.host != nil, answer.isOnce != true, answer.awaitsToken != true else { return false }
        switch answer.profile.mode {
        case .run, .rescue, .local, .deny: return true
        case .install, .kickstart: return false
        }
    }

    static func key(_ request: BootRequest) -> String { "\(request.mac)" }

    /// Of any text one that is a file's name.
    static func fileName(_ key: String) -> String {
        key.utf8.map { byte in
            let isPlain = (48...57).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
            return isPlain ? String(UnicodeScalar(byte)) : "_" + String(byte, radix: 16)
        }.joined()
    }
}
