import Glibc
import SystemPackage

/// The three standard streams and the person behind them.
enum Terminal {
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    /// Columns of the terminal at standard error; 80 where it does not say.
    static var errorWidth: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
    /// Whether there is a person to ask.
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isErrorTerminal }

    /// Results: standard output. A reader that went away (`| head`) ends the program quietly, as SIGPIPE would.
    static func show(_ text: String) {
        do { try FileDescriptor.standardOutput.writeAll(text.utf8) } catch { _exit(128 + SIGPIPE) }
    }

    /// Everything that is not a result: standard error. Nobody to tell is no reason to fail.
    static func complain(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(text.utf8) }

    /// Asks on standard error, reads a line from standard input; `nil` at its end.
    static func ask(_ question: String) -> String? {
        complain(question)
        return readLine(strippingNewline: true)
    }

    /// The longest line that is read without echo, in bytes: what a terminal keeps of a line (n_tty's MAX_CANON).
    private static let secretMax = 4096
    /// Ctrl-C (ETX), which is only a character while signals are off.
    private static let interrupt: UInt8 = 3

    /// Asks without showing what is typed. `nil` at the end of the input, or on Ctrl-C, which gives the terminal back its
    /// echo first.
    static func askSecret(_ question: String) -> String? {
        complain(question)
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return readLine(strippingNewline: true) }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        // Ctrl-C then ends the line, as Enter does. The tuple's element is `c_cc[VEOL]`.
        silent.c_cc.11 = interrupt
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            complain("\n")
        }
        return readSecret()
    }

    /// One line as the terminal hands it over; not through stdio, whose buffer would keep the password.
    private static func readSecret() -> String? {
        let line = try? [UInt8](unsafeUninitializedCapacity: secretMax) { buffer, count in
            count = try FileDescriptor.standardInput.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard let line, line.last == UInt8(ascii: "\n") else { return nil }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }
}
