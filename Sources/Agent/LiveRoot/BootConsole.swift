import Glibc
import HostModel
package import SystemPackage

/// Every console that the kernel writes on (`console=`), for a machine that nothing else shows anything of yet. Lines go to
/// all of them; a line typed on any of them is read.
package final class BootConsole: Sendable {
    private let descriptors: [CInt]

    /// Kept of what is typed at once, in bytes.
    private static let lineBytesMax = 256

    /// Opens the consoles named in `/sys/class/tty/console/active`, else `/dev/console`.
    package init(active: FilePath = "/sys/class/tty/console/active", devices: FilePath = "/dev") {
        let names = (readLine(of: active) ?? "console").split(separator: " ").map(String.init)
        var descriptors: [CInt] = []
        for name in names {
            // A serial port that the kernel knows and the machine lacks fails here or at the first write.
            let descriptor = open(devices.appending(name).string, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
            if descriptor >= 0 { descriptors.append(descriptor) }
        }
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// Writes a line; what a console does not take is lost, because nothing may hold up a boot.
    package func say(_ line: String) {
        let bytes = Array("muster: \(line)\r\n".utf8)
        for descriptor in descriptors { _ = write(descriptor, bytes, bytes.count) }
    }

    /// The line that was typed on one of the consoles since the last call; `nil` when there is none.
    package func typedLine() -> String? {
        var buffer = [UInt8](repeating: 0, count: Self.lineBytesMax)
        for descriptor in descriptors {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { continue }
            let line = buffer.prefix(count).prefix { $0 != 10 && $0 != 13 }
            return String(decoding: line, as: UTF8.self)
        }
        return nil
    }

    /// Throws away what was typed before anybody asked.
    package func flushInput() {
        for descriptor in descriptors { tcflush(descriptor, TCIFLUSH) }
    }
}
