import Foundation
import Glibc
import HostModel
import SystemPackage
import Yams

/// The configuration file: the contexts in YAML, readable by its owner alone.
struct ContextFile: Hashable, Sendable {
    let path: FilePath

    /// The most bytes read of it.
    static let bytesMax = 1 << 20

    /// `--config`, else `MUSTER_CONFIG`, else `$XDG_CONFIG_HOME/muster/config.yaml`, else `~/.config/muster/config.yaml`.
    init(option: String?, environment: [String: String]) throws(UserError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let chosen = option ?? value("MUSTER_CONFIG") {
            path = FilePath(chosen)
        } else if let base = value("XDG_CONFIG_HOME") ?? value("HOME").map({ $0 + "/.config" }) {
            path = FilePath(base).appending("muster").appending("config.yaml")
        } else {
            throw UserError(
                .configuration,
                "there is no place for the configuration: neither HOME nor XDG_CONFIG_HOME is set",
                remedy: "name a file with --config"
            )
        }
    }

    /// The contexts in the file; none when there is no file.
    func read() throws(UserError) -> ContextBook {
        let text: String
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? file.close() }
            try refuseForeignReaders()
            text = try readText(file)
        } catch Errno.noSuchFileOrDirectory {
            return ContextBook()
        } catch let error as UserError {
            throw error
        } catch {
            throw unusable("cannot be read: \(error)", remedy: "check the path and its permissions")
        }
        return try parse(text)
    }

    /// Changes the contexts: what another program wrote meanwhile is not lost. The file is replaced as a whole: mode 0600,
    /// written beside its place, synchronised, and renamed.
    func update(_ change: (inout ContextBook) throws(UserError) -> Void) throws(UserError) {
        do {
            let folder = path.removingLastComponent()
            if !folder.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: folder.string,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            }
            // The folder is what two programs have in common: the file itself is another one after each change.
            let lock = try FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly, options: .closeOnExec)
            defer { try? lock.close() }
            guard flock(lock.rawValue, LOCK_EX) == 0 else { throw Errno(rawValue: errno) }
            var book = try read()
            try change(&book)
            let encoder = YAMLEncoder()
            encoder.options.allowUnicode = true
            let text = "# Written by muster login. A token opens its engine: keep this file private.\n"
            try replace(with: text + (try encoder.encode(book)))
        } catch let error as UserError {
            throw error
        } catch {
            throw unusable(
                "cannot be written: \(error)",
                remedy: "check the folder and its permissions, or use --config"
            )
        }
    }

    private func parse(_ text: String) throws(UserError) -> ContextBook {
        do {
            guard let node = try Yams.compose(yaml: text), let mapping = node.mapping else {
                throw unusable("is not a YAML mapping", remedy: Self.anew)
            }
            // Before there were several, the file was one context.
            if mapping["engine"] != nil {
                let context = try context(node)
                return ContextBook(current: context.usualName, contexts: [context.usualName: context])
            }
            try refuseUnknown(mapping, ContextBook.CodingKeys.allCases.map(\.rawValue))
            var book = ContextBook()
            book.current = mapping[ContextBook.CodingKeys.current.rawValue]?.string
            for (name, node) in mapping[ContextBook.CodingKeys.contexts.rawValue]?.mapping ?? [:] {
                guard let name = name.string, ContextBook.isName(name) else {
                    throw unusable("has a context without a usable name", remedy: Self.anew)
                }
                book.contexts[name] = try context(node)
            }
            return book
        } catch let error as UserError {
            throw error
        } catch {
            throw unusable("is not as muster login writes it", remedy: Self.anew)
        }
    }

    private static let anew = "muster login URL with another file (--config), or mend this one"

    private func context(_ node: Node) throws -> EngineContext {
        try refuseUnknown(node.mapping ?? [:], EngineContext.CodingKeys.allCases.map(\.rawValue))
        return try YAMLDecoder().decode(EngineContext.self, from: node)
    }

    private func refuseUnknown(_ mapping: Node.Mapping, _ known: [String]) throws(UserError) {
        for key in mapping.keys.compactMap(\.string) where !known.contains(key) {
            throw unusable("has an unknown key: \(terminalEscaped(key.prefix(64)))", remedy: Self.anew)
        }
    }

    /// A token that others can read is a token that others have.
    private func refuseForeignReaders() throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
        guard let mode = attributes[.posixPermissions] as? Int, mode & 0o077 == 0 else {
            throw unusable("can be read by others, and holds a token", remedy: "chmod 600 \(path), then log in again")
        }
    }

    private func readText(_ file: FileDescriptor) throws -> String {
        var bytes: [UInt8] = []
        while bytes.count <= Self.bytesMax {
            let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
        throw unusable("is larger than \(Self.bytesMax) bytes", remedy: "name another with --config")
    }

    private func replace(with text: String) throws {
        let draft = FilePath("\(path.string).\(getpid()).new")
        let file = try FileDescriptor.open(
            draft,
            .writeOnly,
            options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: .ownerReadWrite
        )
        do {
            try file.closeAfter {
                try file.writeAll(text.utf8)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard rename(draft.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unlink(draft.string)
            throw error
        }
    }

    private func unusable(_ what: String, remedy: String) -> UserError {
        UserError(.configuration, "the configuration \(terminalEscaped(path.string)) \(what)", remedy: remedy)
    }
}
