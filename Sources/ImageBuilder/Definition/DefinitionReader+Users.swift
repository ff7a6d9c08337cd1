import Archive

extension DefinitionReader {
    /// Ids up to the greatest that shadow's tools give out.
    private static let ids = 0...60_000_000

    static func groups(_ fields: DefinitionFields) throws(ImageDefinitionError) -> [String: Int] {
        guard let node = fields["groups"] else { return [:] }
        var groups: [String: Int] = [:]
        for (key, value) in try node.pairs("groups with their numbers") {
            groups[try key.accountName()] = try value.integer(in: ids)
        }
        return groups
    }

    /// Users by name: what a site's overlay says of one that is there already is added to it.
    static func users(_ fields: DefinitionFields) throws(ImageDefinitionError) -> [UserDefinition] {
        var users: [UserDefinition] = []
        for node in try fields["users"]?.list() ?? [] {
            let user = try user(node)
            if let place = users.firstIndex(where: { $0.name == user.name }) {
                users[place].add(user)
            } else {
                users.append(user)
            }
        }
        return users
    }

    private static func user(_ node: DefinitionNode) throws(ImageDefinitionError) -> UserDefinition {
        for (key, _) in try node.pairs("the keys of a user") where try key.text() == "password" {
            throw key.failure("a definition holds no password in clear text: use password-hash (openssl passwd -6)")
        }
        let fields = try node.fields([
            "name", "uid", "gid", "groups", "home", "shell", "comment", "ssh-keys", "password-hash",
        ])
        return UserDefinition(
            name: try fields.required("name").accountName(),
            uid: try fields.value("uid") { node throws(ImageDefinitionError) in try node.integer(in: ids) },
            gid: try fields.value("gid") { node throws(ImageDefinitionError) in try node.integer(in: ids) },
            groups: try fields.list("groups") { node throws(ImageDefinitionError) in try node.accountName() },
            home: try fields.value("home") { node throws(ImageDefinitionError) in try node.absolutePath() },
            shell: try fields.value("shell") { node throws(ImageDefinitionError) in try node.absolutePath() },
            comment: try fields.value("comment") { node throws(ImageDefinitionError) in try node.accountComment() },
            sshKeys: try fields.list("ssh-keys") { node throws(ImageDefinitionError) in try node.sshKey() },
            passwordHash: try fields.value("password-hash") { node throws(ImageDefinitionError) in
                try node.passwordHash()
            }
        )
    }
}

extension UserDefinition {
    fileprivate mutating func add(_ other: UserDefinition) {
        (uid, gid) = (other.uid ?? uid, other.gid ?? gid)
        (home, shell, comment) = (other.home ?? home, other.shell ?? shell, other.comment ?? comment)
        passwordHash = other.passwordHash ?? passwordHash
        groups += other.groups
        sshKeys += other.sshKeys
    }
}

extension DefinitionNode {
    private static let sshKeyTypes = [
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    /// useradd(8): 1 to 32 of lower-case letters, digits, '_' and '-', no digit or hyphen first.
    func accountName() throws(ImageDefinitionError) -> String {
        let text = try text()
        func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte) || byte == 95 }
        guard (1...32).contains(text.utf8.count), text.utf8.first.map(isLetter) == true,
            text.utf8.allSatisfy({ isLetter($0) || (48...57).contains($0) || $0 == 45 })
        else { throw failure("\(text.debugDescription) is no account name") }
        return text
    }

    /// A path of the tree as a field of passwd(5).
    func absolutePath() throws(ImageDefinitionError) -> String {
        let text = try line(longest: 255)
        guard text.hasPrefix("/"), !text.contains(":"), !text.contains(" "), text == "/" || TreePath(text) != nil else {
            throw failure("\(text.debugDescription) is no absolute path")
        }
        return text
    }

    fileprivate func accountComment() throws(ImageDefinitionError) -> String {
        let text = try line(longest: 255)
        guard !text.contains(":") else { throw failure("a comment has no colon: passwd(5) ends the field there") }
        return text
    }

    /// One line of authorized_keys without options.
    fileprivate func sshKey() throws(ImageDefinitionError) -> String {
        let text = try line(longest: 16_384)
        let words = text.split(separator: " ")
        func isBase64(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 0x20) || (48...57).contains(byte) || [43, 47, 61].contains(byte)
        }
        guard words.count >= 2, Self.sshKeyTypes.contains(String(words[0])), words[1].utf8.count >= 16,
            words[1].utf8.allSatisfy(isBase64)
        else { throw failure("expected the public key of an SSH key pair: TYPE BASE64 COMMENT") }
        return text
    }

    /// SHA-crypt, yescrypt or bcrypt; `*` and `!` let nobody in.
    fileprivate func passwordHash() throws(ImageDefinitionError) -> String {
        let text = try text()
        if text == "*" || text == "!" { return text }
        let isHash = ["$5$", "$6$", "$y$", "$2b$"].contains { text.hasPrefix($0) }
        func isAllowed(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 0x20) || (48...57).contains(byte) || [36, 44, 46, 47, 61].contains(byte)
        }
        guard isHash, (20...256).contains(text.utf8.count), text.utf8.allSatisfy(isAllowed) else {
            throw failure("expected a hash as in shadow(5): openssl passwd -6 makes one")
        }
        return text
    }
}
