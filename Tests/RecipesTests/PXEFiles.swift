import Glibc
import HostModel
import Recipes
import Testing

/// The files of `pxe/` in this checkout, and the goldens beside this file.
enum PXEFiles {
    private static let components = #filePath.split(separator: "/").dropLast()
    static let here = "/" + components.joined(separator: "/")
    static let directory = "/" + components.dropLast(2).joined(separator: "/") + "/pxe"
    static let kickstartDirectory = "/" + components.dropLast(2).joined(separator: "/") + "/kickstart"
    static let goldens = here + "/Goldens"

    struct Unreadable: Error { var path: String }

    static func text(_ path: String) throws -> String {
        guard let stream = fopen(path, "re") else { throw Unreadable(path: path) }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        guard let stream = fopen(path, "we") else { throw Unreadable(path: path) }
        defer { fclose(stream) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw Unreadable(path: path) }
    }

    static func names(in directory: String = directory) throws -> [String] {
        guard let stream = opendir(directory) else { throw Unreadable(path: directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func kickstartRecipes(engine: EngineLocation?) throws -> KickstartRecipes {
        let address = try #require(IPv4Address("10.77.0.1"))
        return try KickstartRecipes(server: ServerLocation(address: address), engine: engine) { name in
            try text("\(kickstartDirectory)/\(name)")
        }
    }

    static func recipes(engine: EngineLocation? = nil) throws -> BootRecipes {
        let address = try #require(IPv4Address("10.77.0.1"))
        return try BootRecipes(server: ServerLocation(address: address), engine: engine) { name in
            try text("\(directory)/\(name)")
        }
    }
}
