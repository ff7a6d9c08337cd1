/// The account files of a tree: passwd(5), group(5), shadow(5), gshadow(5), with what a definition adds. Fields that it does
/// not touch stay as they are.
///
/// A distribution's packages take numbers for their accounts as they come (100 to 999). Where a definition wants one of
/// these for itself, or another number for an account that has one of these, accounts move; `movedUsers` and
/// `movedGroups` say how, so that the files that they own move along.
struct UserDatabase: Sendable {
    struct Conflict: Error, Hashable {
        var description: String
    }

    /// Ids that are given out where a definition names none, as login.defs has it for people.
    private static let freeIDs = 1000...59_999
    /// Numbers that packages took as they came.
    private static let dynamicIDs = 100...999

    private var passwd: [[String]]
    private var group: [[String]]
    private var shadow: [[String]]
    private var gshadow: [[String]]
    /// For shadow's date of the last change, which would tell the day of the build.
    private let epochDay: Int64
    private let before: (users: [String: Int64], groups: [String: Int64])

    /// `epoch` in seconds since 1970.
    init(passwd: String, group: String, shadow: String, gshadow: String, epoch: Int64) {
        func fields(_ text: String) -> [[String]] {
            text.split(whereSeparator: \.isNewline).map { line in
                line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            }
        }
        (self.passwd, self.group) = (fields(passwd), fields(group))
        (self.shadow, self.gshadow) = (fields(shadow), fields(gshadow))
        epochDay = epoch / 86_400
        before = (Self.numbers(self.passwd), Self.numbers(self.group))
        for index in self.shadow.indices where self.shadow[index].count > 2 {
            if let day = Int64(self.shadow[index][2]), day > epochDay { self.shadow[index][2] = String(epochDay) }
        }
    }

    var passwdText: String { Self.text(passwd) }
    var groupText: String { Self.text(group) }
    var shadowText: String { Self.text(shadow) }
    var gshadowText: String { Self.text(gshadow) }

    /// Old numbers of users and their new ones.
    var movedUsers: [Int64: Int64] { Self.moves(from: before.users, to: Self.numbers(passwd)) }
    /// Old numbers of groups and their new ones.
    var movedGroups: [Int64: Int64] { Self.moves(from: before.groups, to: Self.numbers(group)) }

    private static func numbers(_ lines: [[String]]) -> [String: Int64] {
        Dictionary(lines.compactMap { line in line.count > 2 ? Int64(line[2]).map { (line[0], $0) } : nil }) {
            first,
            _ in first
        }
    }

    private static func moves(from old: [String: Int64], to new: [String: Int64]) -> [Int64: Int64] {
        var moves: [Int64: Int64] = [:]
        for (name, number) in old { if let now = new[name], now != number { moves[number] = now } }
        return moves
    }

    /// An account's numbers and its home.
    func account(_ name: String) -> (uid: Int64, gid: Int64, home: String)? {
        guard let line = passwd.first(where: { $0.first == name }), line.count >= 6, let uid = Int64(line[2]),
            let gid = Int64(line[3])
        else { return nil }
        return (uid, gid, line[5])
    }

    /// The group is there with this number afterwards.
    mutating func ensureGroup(_ name: String, gid: Int) throws(Conflict) {
        if let holder = group.firstIndex(where: { $0.count > 2 && $0[2] == String(gid) && $0[0] != name }) {
            guard Self.dynamicIDs.contains(gid) else {
                throw Conflict(
                    description: "the number \(gid) belongs to the group \(group[holder][0]), not to \(name)"
                )
            }
            try renumberGroup(at: holder, to: freeDynamicID(besides: gid))
        }
        guard let place = group.firstIndex(where: { $0.first == name && $0.count > 2 }) else {
            group.append([name, "x", String(gid), ""])
            gshadow.append([name, "!", "", ""])
            return
        }
        let present = group[place][2]
        guard present != String(gid) else { return }
        guard let number = Int(present), Self.dynamicIDs.contains(number) else {
            throw Conflict(description: "the group \(name) has the number \(present) already, not \(gid)")
        }
        renumberGroup(at: place, to: gid)
    }

    private mutating func renumberGroup(at place: Int, to gid: Int) {
        let old = group[place][2]
        group[place][2] = String(gid)
        for index in passwd.indices where passwd[index].count > 3 && passwd[index][3] == old {
            passwd[index][3] = String(gid)
        }
    }

    /// From the top, as packages do: the lower ones look like a distribution's own.
    private func freeDynamicID(besides wanted: Int) throws(Conflict) -> Int {
        let taken = Set((passwd + group).compactMap { $0.count > 2 ? Int($0[2]) : nil })
        guard let free = Self.dynamicIDs.reversed().first(where: { !taken.contains($0) && $0 != wanted }) else {
            throw Conflict(description: "there is no number left to give way for \(wanted)")
        }
        return free
    }

    /// The account is there as the definition says afterwards.
    mutating func ensureUser(_ user: UserDefinition) throws(Conflict) {
        if let place = passwd.firstIndex(where: { $0.first == user.name }), passwd[place].count >= 7 {
            try change(at: place, to: user)
        } else {
            try add(user)
        }
        for name in user.groups { try addMember(user.name, to: name) }
        guard let hash = user.passwordHash else { return }
        guard let place = shadow.firstIndex(where: { $0.first == user.name }), shadow[place].count > 2 else { return }
        (shadow[place][1], shadow[place][2]) = (hash, String(epochDay))
    }

    private mutating func change(at place: Int, to user: UserDefinition) throws(Conflict) {
        if let uid = user.uid, passwd[place][2] != String(uid) {
            guard let number = Int(passwd[place][2]), Self.dynamicIDs.contains(number) else {
                throw Conflict(
                    description: "the user \(user.name) has the number \(passwd[place][2]) already, not \(uid)"
                )
            }
            try giveWay(to: uid, for: user.name)
            passwd[place][2] = String(uid)
        }
        if let gid = user.gid { passwd[place][3] = String(gid) }
        if let comment = user.comment { passwd[place][4] = comment }
        if let home = user.home { passwd[place][5] = home }
        if let shell = user.shell { passwd[place][6] = shell }
    }

    private mutating func giveWay(to uid: Int, for name: String) throws(Conflict) {
        guard let holder = passwd.firstIndex(where: { $0.count > 2 && $0[2] == String(uid) && $0[0] != name }) else {
            return
        }
        guard Self.dynamicIDs.contains(uid) else {
            throw Conflict(description: "the number \(uid) belongs to the user \(passwd[holder][0]), not to \(name)")
        }
        passwd[holder][2] = String(try freeDynamicID(besides: uid))
    }

    private mutating func add(_ user: UserDefinition) throws(Conflict) {
        let uid: Int
        if let wanted = user.uid { uid = wanted } else { uid = try freeID(besides: user.name) }
        try giveWay(to: uid, for: user.name)
        let gid = user.gid ?? uid
        if !group.contains(where: { $0.count > 2 && $0[2] == String(gid) }) { try ensureGroup(user.name, gid: gid) }
        let isPerson = Self.freeIDs.contains(uid)
        let home = user.home ?? (isPerson ? "/home/\(user.name)" : "/")
        let shell = user.shell ?? (isPerson ? "/bin/sh" : "/usr/sbin/nologin")
        passwd.append([user.name, "x", String(uid), String(gid), user.comment ?? "", home, shell])
        shadow.append([user.name, "!", String(epochDay), "0", "99999", "7", "", "", ""])
    }

    private func freeID(besides name: String) throws(Conflict) -> Int {
        let taken = Set((passwd + group).compactMap { $0.count > 2 ? Int($0[2]) : nil })
        guard let free = Self.freeIDs.first(where: { !taken.contains($0) }) else {
            throw Conflict(description: "there is no number left for the user \(name)")
        }
        return free
    }

    private mutating func addMember(_ user: String, to name: String) throws(Conflict) {
        guard let place = group.firstIndex(where: { $0.first == name }), group[place].count > 3 else {
            throw Conflict(description: "the user \(user) is to be in the group \(name), which is not there")
        }
        Self.insert(user, into: &group[place][3])
        guard let shadowed = gshadow.firstIndex(where: { $0.first == name }), gshadow[shadowed].count > 3 else {
            return
        }
        Self.insert(user, into: &gshadow[shadowed][3])
    }

    private static func insert(_ member: String, into list: inout String) {
        let members = list.split(separator: ",").map(String.init)
        if !members.contains(member) { list = (members + [member]).joined(separator: ",") }
    }

    private static func text(_ lines: [[String]]) -> String {
        lines.map { $0.joined(separator: ":") + "\n" }.joined()
    }
}
