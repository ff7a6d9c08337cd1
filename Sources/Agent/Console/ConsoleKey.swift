/// A key as the console understands it.
package enum ConsoleKey: Hashable, Sendable {
    /// Printable ASCII.
    case character(Character)
    case enter
    case backspace
    /// Control-U: the whole line.
    case eraseLine
    /// Escape, control-C, control-D.
    case cancel
}

/// Turns a terminal's bytes into keys. Function keys and cursor keys (`ESC [ …`, `ESC O …`) are swallowed, also when a
/// slow line cuts them in two; an escape at the end of a read is the key itself.
package struct ConsoleKeyDecoder: Sendable {
    private enum State {
        case plain
        case escape
        case sequence
    }

    private var state = State.plain
    private var lastWasReturn = false

    package init() {}

    package mutating func keys(in bytes: some Sequence<UInt8>) -> [ConsoleKey] {
        var keys: [ConsoleKey] = []
        for byte in bytes {
            if let key = next(byte) { keys.append(key) }
        }
        if case .escape = state {
            state = .plain
            keys.append(.cancel)
        }
        return keys
    }

    private mutating func next(_ byte: UInt8) -> ConsoleKey? {
        switch state {
        case .escape:
            state = byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") ? .sequence : .plain
            return nil
        case .sequence:
            // Parameters and intermediates end with a byte of 0x40 to 0x7e (ECMA-48).
            if (0x40...0x7E).contains(byte) { state = .plain }
            return nil
        case .plain: return plain(byte)
        }
    }

    private mutating func plain(_ byte: UInt8) -> ConsoleKey? {
        defer { lastWasReturn = byte == 13 }
        switch byte {
        case 10 where lastWasReturn: return nil  // CR LF is one key.
        case 10, 13: return .enter
        case 8, 127: return .backspace
        case 21: return .eraseLine
        case 3, 4: return .cancel
        case 27:
            state = .escape
            return nil
        case 32...126: return .character(Character(Unicode.Scalar(byte)))
        default: return nil
        }
    }
}
