import ArgumentParser
import EngineClient
import Foundation
import HostModel

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Who may sign in, and what for.",
        discussion: """
            Each user has one role:
            \(UserRole.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))
            """,
        subcommands: [
            SiteList<UserResource>.self, SiteShow<UserResource>.self, SiteAdd<UserResource>.self,
            SiteUpdate<UserResource>.self, UserPassword.self, SiteRemove<UserResource>.self,
        ]
    )
}

extension UserRole: ExpressibleByArgument {
    /// In any case: nobody types ReadOnlyAdmin twice.
    public init?(argument: String) {
        guard let role = Self.allCases.first(where: { $0.rawValue.lowercased() == argument.lowercased() }) else {
            return nil
        }
        self = role
    }
}

struct UserFlags: SiteFlags {
    @Option(help: ArgumentHelp("What the user may do; ReadOnlyAdmin at first.", valueName: "role"))
    var role: UserRole?

    @Option(help: "A sentence for people.")
    var description: String?

    @Flag(inversion: .prefixedEnableDisable, help: "Whether the user may sign in.")
    var signIn: Bool?

    @Option(
        help: ArgumentHelp(
            "For a new user: read the password from the first line of a file; - is standard input.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passwordFile: String?

    func validate() throws {}

    func order(name: String?) throws -> UserResource.Order {
        var order = UserResource.Order()
        order.user_name = name
        order.description = description
        if role != nil || signIn != nil { order.muster = UserResource.Muster(role: role?.rawValue, enabled: signIn) }
        if let name {
            order.password = try PasswordSource(file: passwordFile).password(for: name)
        } else if passwordFile != nil {
            throw ValidationError("A password is changed with: muster user password NAME --password-file FILE.")
        }
        return order
    }
}

extension UserResource: SiteKind {
    typealias Flags = UserFlags
    static let words = (one: "user", many: "users")
    static let command = "user"
    static let header = ["NAME", "ROLE", "SIGNS IN", "DESCRIPTION"]

    /// There is one profile, so that its name may be left out.
    var names: [String] { [name, principal] }
    private var signsIn: String { muster.enabled == false ? "no" : "yes" }

    var row: [Cell] { [Cell(name), Cell(muster.role), Cell(signsIn), Cell(description)] }

    var details: [(name: String, value: Cell)] {
        [
            ("Name", Cell(name)), ("Id", Cell(id)), ("Role", Cell(muster.role)), ("Signs in", Cell(signsIn)),
            ("Description", Cell(description)),
        ]
    }
}

struct UserPassword: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Change a password.",
        discussion: """
            Your own, with the old one; another user's as a SuperUser. Every session of the user ends, but the one that does it. \
            Who lost the last one: muster-engine password, on the engine's machine.
            """
    )

    @Argument(help: "Name or id; your own at first.", completion: UserResource.completion)
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Read the new password from the first line of a file; - is standard input.",
            valueName: "file"
        ),
        completion: .file()
    )
    var passwordFile: String?

    @Option(
        help: ArgumentHelp("Read your old password from the first line of a file.", valueName: "file"),
        completion: .file()
    )
    var oldPasswordFile: String?

    @OptionGroup var options: EngineOptions

    func validate() throws {
        guard passwordFile != "-" || oldPasswordFile != "-" else {
            throw ValidationError("Standard input holds one password: put the other into a file.")
        }
    }

    func run() async throws {
        let own = try options.file.read().context(options.chosen).user
        try await options.withSession { session in
            let found = try await session.find(UserResource.self, name ?? own)
            let old =
                found.name == own
                ? try PasswordSource(file: oldPasswordFile).password(for: "\(found.name) (the old one)") : nil
            let new = try PasswordSource(file: passwordFile).password(for: "\(found.name) (the new one)")
            try await session.setPassword(of: found.id, UserResource.PasswordChange(old_password: old, password: new))
            Terminal.show("the password of \(found.name) is changed\n")
        }
    }
}
