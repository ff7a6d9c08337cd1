import Glibc
package import SystemPackage

/// A terminal in raw mode: every key at once, nothing echoed, no signals. Owns its descriptor.
package final class ConsoleTerminal: Sendable {
    package let descriptor: Int32
    private let original: termios
    private let ownsDescriptor: Bool
    /// True for a screen that can be cleared; a serial line is only ever written on, so that its log can be read.
    package let isScreen: Bool

    /// What one read takes.
    private static let readBytesMax = 256

    /// Opens a terminal; without a path, takes the standard input. Throws where there is no such device, also for a
    /// serial port that the kernel knows and the machine does not have.
    package init(_ path: FilePath?) throws(FileFailure) {
        let name = path ?? "/dev/stdin"
        if let path {
            descriptor = open(path.string, O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard descriptor >= 0 else { throw FileFailure(path, "open") }
        } else {
            descriptor = STDIN_FILENO
        }
        ownsDescriptor = path != nil
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else {
            let failure = FileFailure(name, "use as a terminal")
            if path != nil { Glibc.close(descriptor) }
            throw failure
        }
        original = settings
        isScreen = Self.isScreen(descriptor)
        makeRaw()
    }

    /// Serial lines and what may be one: `ttyS0`, `ttyAMA0`, `ttyUSB0`, `hvc0`, `console`.
    private static func isScreen(_ descriptor: Int32) -> Bool {
        var name = [CChar](repeating: 0, count: 128)
        guard ttyname_r(descriptor, &name, name.count - 1) == 0 else { return false }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return !["/dev/ttyS", "/dev/ttyA", "/dev/ttyU", "/dev/hvc", "/dev/console"].contains { text.hasPrefix($0) }
    }

    package func makeRaw() {
        var settings = original
        cfmakeraw(&settings)
        settings.c_cflag |= tcflag_t(CLOCAL)
        tcsetattr(descriptor, TCSANOW, &settings)
    }

    package func restore() {
        var settings = original
        tcsetattr(descriptor, TCSADRAIN, &settings)
    }

    deinit {
        restore()
        if ownsDescriptor { Glibc.close(descriptor) }
    }

    /// What has been typed since, without waiting; `nil` when the line is gone.
    package func read() -> [UInt8]? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: Self.readBytesMax)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        return count == 0 ? nil : Array(bytes.prefix(count))
    }

    /// Drops what was typed while nobody looked.
    package func discardInput() { tcflush(descriptor, TCIFLUSH) }

    package func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// Clears the screen first where there is one.
    package func draw(_ text: String) { write((isScreen ? "\u{1B}[H\u{1B}[2J" : "") + text) }
}
