/// What a transfer goes by, after the options are settled (RFC 2347).
package struct TFTPTerms: Hashable, Sendable {
    /// Bytes of each block but the last.
    package var blockSize: Int
    /// Blocks sent before an acknowledgement is waited for.
    package var windowSize: Int
    /// How long the first wait for an acknowledgement is.
    package var timeout: Duration
    /// What is answered, in the order of the request; empty means that the first block goes out at once.
    package var acknowledged: [TFTPOption]

    /// The longest `timeout` that is granted, in seconds. A longer one is left out of the answer, so that no client can
    /// make the server hold a transfer for minutes.
    package static let timeoutSecondsMax: UInt64 = 10

    /// What the server allows.
    package struct Limits: Hashable, Sendable {
        /// The longest block that no router needs to cut: many ROMs cannot join fragments.
        package var blockSizeMax: Int
        package var windowSizeMax: Int

        package init(blockSizeMax: Int, windowSizeMax: Int = 64) {
            (self.blockSizeMax, self.windowSizeMax) = (blockSizeMax, windowSizeMax)
        }

        /// UDP's and TFTP's headers.
        private static let headers = 8 + 4
        private static let ipv4Header = 20
        private static let ipv6Header = 40

        /// What one window may hold, in bytes: it is in memory for each transfer, and more at once only overruns clients.
        static let windowBytesMax = 256 << 10

        /// The limits of a link, from its MTU in bytes.
        package init(mtu: Int, isIPv6: Bool = false) {
            let headers = (isIPv6 ? Self.ipv6Header : Self.ipv4Header) + Self.headers
            self.init(blockSizeMax: max(512, min(mtu - headers, 65_464)))
        }
    }

    private static let blockSizeDefault = 512
    private static let blockSizeMin: UInt64 = 8
    /// Firmware of the Raspberry Pi hangs when a block comes again sooner.
    private static let timeoutDefault: Duration = .seconds(1)

    /// Settles a request. An option that is unknown, not a number, out of range or there twice is left out of the answer.
    /// `size` is the file's bytes; `nil` where they cannot be told before it is sent.
    package init(settling request: TFTPRequest, size: UInt64?, limits: Limits) {
        (blockSize, windowSize, timeout) = (Self.blockSizeDefault, 1, Self.timeoutDefault)
        acknowledged = []
        var seen: Set<TFTPOptionName> = []
        for option in request.options {
            guard let name = option.known, let number = option.number, seen.insert(name).inserted,
                let granted = grant(name, number, isText: request.mode == .netascii, size: size, limits: limits)
            else { continue }
            acknowledged.append(TFTPOption(name: option.name, value: Array(String(granted).utf8)))
        }
        boundWindow()
    }

    /// The size of a block may be settled after the window.
    private mutating func boundWindow() {
        windowSize = min(windowSize, max(1, Limits.windowBytesMax / blockSize))
        for index in acknowledged.indices where acknowledged[index].known == .windowSize {
            acknowledged[index].value = Array(String(windowSize).utf8)
        }
    }

    private mutating func grant(
        _ name: TFTPOptionName,
        _ number: UInt64,
        isText: Bool,
        size: UInt64?,
        limits: Limits
    ) -> UInt64? {
        switch name {
        case .blockSize where number >= Self.blockSizeMin:
            blockSize = Int(min(number, UInt64(limits.blockSizeMax)))
            return UInt64(blockSize)
        case .windowSize where number >= 1:
            // A text grows on its way, so that a window of it cannot be found again without the whole text.
            windowSize = isText ? 1 : Int(min(number, UInt64(limits.windowSizeMax)))
            return UInt64(windowSize)
        case .timeout where (1...Self.timeoutSecondsMax).contains(number):
            timeout = .seconds(Int64(number))
            return number
        case .transferSize: return isText ? nil : size
        default: return nil
        }
    }
}
