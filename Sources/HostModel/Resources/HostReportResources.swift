// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Members of a host that its agent reports.

extension HostResource {
    package struct Enabled: Hashable, Sendable, Codable {
        package var enabled: Bool
        package init(_ enabled: Bool) { self.enabled = enabled }
    }

    package struct SELinux: Hashable, Sendable, Codable {
        /// `enforcing`, `permissive` or `disabled`.
        package var mode: String
        package init(mode: String) { self.mode = mode }
    }

    package struct ISCSI: Hashable, Sendable, Codable {
        package var initiator: String
        package init(initiator: String) { self.initiator = initiator }
    }

    /// Of a program on the host: what of `full_version` is a number stands in the others.
    package struct PackageVersion: Hashable, Sendable, Codable {
        package var major: String?
        package var minor: String?
        package var build: String?
        package var revision: String?
        package var full_version: String

        /// `package`-`version`, as oVirt writes it.
        package init(_ package: String, _ version: String) {
            full_version = "\(package)-\(version)"
            let numbers = version.split(separator: "-").first.map { $0.split(separator: ".").map { Int($0) } } ?? []
            func number(_ place: Int) -> String? {
                numbers.count > place ? numbers[place].map { String($0) } : nil
            }
            (major, minor, build, revision) = (number(0), number(1), number(2), number(3))
        }
    }

    /// Of guests.
    package struct Summary: Hashable, Sendable, Codable {
        package var active: String
        package var migrating: String
        package var total: String
        package init(active: Int, migrating: Int, total: Int) {
            (self.active, self.migrating, self.total) = (String(active), String(migrating), String(total))
        }
    }
}
