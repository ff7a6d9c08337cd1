import Archive
import SystemPackage

extension DefinitionReader {
    static func base(_ node: DefinitionNode) throws(ImageDefinitionError) -> RootDefinition.Base {
        let distributions = EnterpriseLinuxBase.Distribution.allCases
        let fields = try node.fields(["debian", "tree"] + distributions.map(\.rawValue))
        guard fields.values.count == 1, let (kind, value) = fields.values.first else {
            throw node.failure("a tree has one base, not \(fields.values.count)")
        }
        switch kind {
        case "debian": return .debian(try debian(value))
        case "tree": return .tree(try value.sitePath())
        default:
            guard let distribution = EnterpriseLinuxBase.Distribution(rawValue: kind) else {
                throw node.failure("unknown base")
            }
            return .enterpriseLinux(try enterpriseLinux(distribution, value))
        }
    }

    private static func debian(_ node: DefinitionNode) throws(ImageDefinitionError) -> DebianBase {
        let keys = ["suite", "components", "mirror", "security-mirror", "updates", "keyring", "repositories"]
        let fields = try node.fields(keys)
        let suite = try fields.required("suite").archiveWord()
        let keyring =
            try fields.value("keyring") { node throws(ImageDefinitionError) in try node.sitePath() }
            ?? DebianBase.keyring
        let components = try fields.list("components") { node throws(ImageDefinitionError) in try node.archiveWord() }
        func repository(_ location: DebianBase.Location, _ suite: String) -> DebianBase.Repository {
            .init(
                location: location,
                suite: suite,
                components: components.isEmpty ? ["main"] : components,
                keyring: keyring
            )
        }
        let mirror = try fields.value("mirror") { node throws(ImageDefinitionError) in try node.address() }
        let location = mirror.map(DebianBase.Location.address) ?? .ofThisMachine(security: false)
        var repositories = [repository(location, suite)]
        // A mirror of one's own need not have the two other archives; Debian's has them for every stable suite.
        let isStable = mirror == nil && suite != "sid" && suite != "unstable"
        if try fields.value("updates", { node throws(ImageDefinitionError) in try node.flag() }) ?? isStable {
            repositories.append(repository(location, "\(suite)-updates"))
        }
        let security = try fields.value("security-mirror") { node throws(ImageDefinitionError) -> String? in
            try node.text() == "none" ? nil : try node.address()
        }
        // Two questions: is the key there, and does it say "none".
        let named: DebianBase.Location?? = security.map { $0.map(DebianBase.Location.address) }
        if let security = named ?? (isStable ? .ofThisMachine(security: true) : nil) {
            repositories.append(repository(security, "\(suite)-security"))
        }
        repositories += try fields.list("repositories") { node throws(ImageDefinitionError) in
            try debianRepository(node, keyring)
        }
        return DebianBase(suite: suite, repositories: repositories)
    }

    private static func debianRepository(
        _ node: DefinitionNode,
        _ keyring: FilePath
    ) throws(ImageDefinitionError) -> DebianBase.Repository {
        let fields = try node.fields(["url", "suite", "components", "keyring"])
        return .init(
            location: .address(try fields.required("url").address()),
            suite: try fields.required("suite").archiveWord(),
            components: try fields.required("components").each { node throws(ImageDefinitionError) in
                try node.archiveWord()
            },
            keyring: try fields.value("keyring") { node throws(ImageDefinitionError) in try node.sitePath() } ?? keyring
        )
    }

    private static func enterpriseLinux(
        _ distribution: EnterpriseLinuxBase.Distribution,
        _ node: DefinitionNode
    ) throws(ImageDefinitionError) -> EnterpriseLinuxBase {
        let fields = try node.fields(["release", "repositories"])
        var names: Set<String> = []
        let repositories = try fields.required("repositories").each { node throws(ImageDefinitionError) in
            let fields = try node.fields(["name", "url", "gpgkey", "gpgcheck"])
            let name = try fields.required("name").archiveWord()
            guard names.insert(name).inserted else { throw node.failure("a second repository \(name)") }
            let key = try fields.value("gpgkey") { node throws(ImageDefinitionError) in try node.sitePath() }
            let isChecked =
                try fields.value("gpgcheck") { node throws(ImageDefinitionError) in try node.flag() } ?? true
            guard key != nil || !isChecked else {
                throw node.failure("a repository has a gpgkey, or says gpgcheck: false")
            }
            return EnterpriseLinuxBase.Repository(
                name: name,
                url: try fields.required("url").address(),
                key: isChecked ? key : nil
            )
        }
        guard !repositories.isEmpty else { throw node.failure("there are no repositories to install from") }
        return EnterpriseLinuxBase(
            distribution: distribution,
            release: try fields.required("release").integer(in: 8...99),
            repositories: repositories
        )
    }
}

extension DefinitionNode {
    /// A word of an apt source or the name of an rpm repository: letters, digits, and signs within.
    func archiveWord() throws(ImageDefinitionError) -> String {
        let text = try text()
        func isAlphanumeric(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) || (48...57).contains(byte) }
        guard (1...64).contains(text.utf8.count), text.utf8.first.map(isAlphanumeric) == true,
            text.utf8.allSatisfy({ isAlphanumeric($0) || [43, 45, 46, 47, 95].contains($0) }), !text.contains("..")
        else { throw failure("\(text.debugDescription) is no name: letters, digits, '+', '-', '.', '_' and '/'") }
        return text
    }

    /// The address of a package archive: a URL of printable ASCII without blanks, quotes and brackets, which end or open
    /// fields in an apt source; or a folder of this machine beside the definition.
    func address() throws(ImageDefinitionError) -> String {
        let text = try text()
        let isClean = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && ![34, 39, 91, 93, 92, 96].contains($0) }
        guard isClean, text.utf8.count <= 1024 else { throw failure("\(text.debugDescription) is no address") }
        let schemes = ["http://", "https://", "file:///"]
        if schemes.contains(where: { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }) { return text }
        throw failure("\(text.debugDescription) is no address: \(schemes.joined(separator: ", ")) begin one")
    }
}
