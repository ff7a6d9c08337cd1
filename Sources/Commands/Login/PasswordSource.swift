import Foundation
import SystemPackage

/// Where a password comes from: a file, standard input, or a person; never the command line, which others can read.
struct PasswordSource {
    /// `-` is standard input; `nil` asks.
    var file: String?

    /// The longest password, in bytes.
    static let bytesMax = 4096

    func password(for user: String) throws(UserError) -> String {
        let password: String
        if let file {
            password = try read(file)
        } else if Terminal.isInteractive {
            guard let typed = Terminal.askSecret("Password of \(user): ") else {
                throw UserError(.noPermission, "no password was typed", remedy: "muster login again")
            }
            password = typed
        } else {
            throw UserError(.usage, "there is no terminal to ask for the password", remedy: "use --password-file FILE")
        }
        guard !password.isEmpty else {
            throw UserError(.badData, "the password is empty", remedy: "put it into the first line of the file")
        }
        return password
    }

    private func read(_ file: String) throws(UserError) -> String {
        if file == "-" { return readLine(strippingNewline: true) ?? "" }
        do {
            let descriptor = try FileDescriptor.open(FilePath(file), .readOnly, options: .closeOnExec)
            let bytes = try descriptor.closeAfter {
                try [UInt8](unsafeUninitializedCapacity: Self.bytesMax) { buffer, count in
                    count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
            return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        } catch {
            throw UserError(
                .badData,
                "the password file \(file) cannot be read: \(error)",
                remedy: "check the path and its permissions"
            )
        }
    }
}
