import Glibc

/// A user and its group that a child runs as.
struct Account: Hashable, Sendable {
    var user: uid_t
    var group: gid_t

    /// The packages make these two accounts. Where there are none, the numbers stand in.
    static let engineName = "muster"
    static let bootName = "muster-boot"
    static let numbers: [String: uid_t] = [engineName: 64700, bootName: 64701]

    /// Reads a name, or a number that then is the group's number too. Throws for a name without an account.
    init(_ text: String, setting: Setting) throws(StartFailure) {
        if let number = uid_t(text), number != uid_t.max {
            (user, group) = (number, Self.entry(user: number)?.group ?? number)
        } else if let entry = Self.entry(name: text) {
            self = entry
        } else if let number = Self.numbers[text] {
            (user, group) = (number, number)
        } else {
            throw StartFailure(
                .configuration,
                "There is no account \(text).",
                remedy: "Make it with adduser --system, or give --\(setting.rawValue) a number."
            )
        }
    }

    private init(_ entry: passwd) { (user, group) = (entry.pw_uid, entry.pw_gid) }

    private static func entry(name: String) -> Account? { getpwnam(name).map { Account($0.pointee) } }
    private static func entry(user: uid_t) -> Account? { getpwuid(user).map { Account($0.pointee) } }
}
