/// The server's side of one read (RFC 1350 with the windows of RFC 7440), without socket, clock or file: events in,
/// actions out, to be done in their order.
package struct TFTPReadTransfer: Sendable {
    package enum Event: Hashable, Sendable {
        case start
        /// From the transfer's own client: packets of others never come here.
        case received(TFTPPacket)
        case timedOut
    }

    package enum Action: Hashable, Sendable {
        case sendOptions([TFTPOption])
        /// Consecutive ones, by their indexes.
        case sendBlocks(ClosedRange<UInt64>)
        /// Takes the place of a timer that still runs.
        case setTimer(Duration)
        case finish(Outcome)
    }

    /// A piece of the file. The wire's block number is the index cut to 16 bits, so that 0 follows 65535.
    package struct Block: Hashable, Sendable {
        /// Counts from 1.
        package var index: UInt64
        package var offset: UInt64
        /// 0 for the block that ends a file whose size is a multiple of the block size.
        package var length: Int

        package init(index: UInt64, offset: UInt64, length: Int) {
            (self.index, self.offset, self.length) = (index, offset, length)
        }

        package var number: UInt16 { UInt16(truncatingIfNeeded: index) }
    }

    package enum Outcome: Hashable, Sendable {
        case complete
        /// All was sent, but the last acknowledgement never came: it is the one that clients are free to lose.
        case completeButUnacknowledged
        /// The client only asked for the size, as firmware does before it makes room for a file.
        case probed
        case aborted(TFTPErrorCode, message: [UInt8])
        /// The client fell silent.
        case abandoned(after: Block)
    }

    private enum Phase: Hashable, Sendable {
        case offeringOptions
        /// Blocks from `base` on are not acknowledged.
        case sending(base: UInt64, Rewind)
        case finished
    }

    /// Whether a duplicate acknowledgement makes a window be sent again before the timeout.
    private enum Rewind: Hashable, Sendable {
        case allowed
        /// This window was sent twice.
        case spent
        /// The window before it was sent twice, so that one duplicate is still on its way.
        case resting
    }

    package let size: UInt64
    package let terms: TFTPTerms
    private var phase = Phase.offeringOptions
    private var wait: Duration
    private var triesLeft = Self.triesMax
    /// How long the client has been waited for; `nil` from its first acknowledgement on.
    private var unanswered: Duration? = .zero

    /// How often one window is sent again.
    package static let triesMax = 5
    /// The longest wait before sending again, unless the client asked for a longer one.
    package static let waitMax: Duration = .seconds(8)

    /// How long a client is waited for that never answered: anybody can send a request in another's name.
    package static let firstAnswerMax: Duration = .seconds(12)

    /// Of `size` bytes, all of which will be sent.
    package init(size: UInt64, terms: TFTPTerms) {
        (self.size, self.terms, wait) = (size, terms, terms.timeout)
    }

    package var isFinished: Bool { phase == .finished }

    package mutating func handle(_ event: Event) -> [Action] {
        switch (event, phase) {
        case (_, .finished): return []
        case (.start, _): return start()
        case (.timedOut, _): return sendAgain()
        case (.received(.acknowledgement(let block)), .offeringOptions): return block == 0 ? answered() : []
        case (.received(.acknowledgement(let block)), .sending(let base, let rewind)):
            return acknowledge(block, base: base, rewind)
        case (.received(.error(let code, let message)), _): return finish(stopped(by: code, message))
        case (.received, _): return []
        }
    }

    private mutating func start() -> [Action] {
        guard !terms.acknowledged.isEmpty else { return advance(to: 1) }
        return [.sendOptions(terms.acknowledged), .setTimer(wait)]
    }

    /// The client takes the options.
    private mutating func answered() -> [Action] {
        unanswered = nil
        return advance(to: 1)
    }

    private mutating func acknowledge(_ number: UInt16, base: UInt64, _ rewind: Rewind) -> [Action] {
        // The block of this number at or after the last one acknowledged.
        let block = base - 1 + UInt64(number &- UInt16(truncatingIfNeeded: base - 1))
        guard block <= windowEnd(from: base) else { return [] }
        if block >= base { unanswered = nil }
        if block == lastIndex { return finish(.complete) }
        if block >= base { return advance(to: block + 1, after: rewind) }
        // A duplicate. In lockstep, answering it would double all that follows (RFC 1123, section 4.2.3.1). In a window it
        // says that the window's first block was lost; but the repeated window makes a duplicate of its own, which must not
        // be answered again.
        guard rewind == .allowed, terms.windowSize > 1 else { return [] }
        phase = .sending(base: base, .spent)
        return window(from: base)
    }

    private mutating func advance(to base: UInt64, after rewind: Rewind = .allowed) -> [Action] {
        phase = .sending(base: base, rewind == .spent ? .resting : .allowed)
        (wait, triesLeft) = (terms.timeout, Self.triesMax)
        return window(from: base)
    }

    private mutating func sendAgain() -> [Action] {
        unanswered = unanswered.map { $0 + wait }
        let isGivenUp = triesLeft == 0 || unanswered.map { $0 >= Self.firstAnswerMax } ?? false
        guard !isGivenUp else { return finish(silenceOutcome) }
        triesLeft -= 1
        wait = min(wait * 2, max(Self.waitMax, terms.timeout))
        if let unanswered { wait = min(wait, Self.firstAnswerMax - unanswered) }
        switch phase {
        case .offeringOptions: return [.sendOptions(terms.acknowledged), .setTimer(wait)]
        case .sending(let base, _):
            phase = .sending(base: base, .spent)
            return window(from: base)
        case .finished: return []
        }
    }

    private var silenceOutcome: Outcome {
        guard case .sending(let base, _) = phase else { return .abandoned(after: block(0)) }
        return windowEnd(from: base) == lastIndex ? .completeButUnacknowledged : .abandoned(after: block(base - 1))
    }

    private func stopped(by code: TFTPErrorCode, _ message: [UInt8]) -> Outcome {
        // EDK2 sends 8, Intel's ROMs and GRUB send 0, once they have read the size.
        let isProbe = phase == .offeringOptions && (code == .optionsRefused || code == .undefined)
        return isProbe ? .probed : .aborted(code, message: message)
    }

    private mutating func finish(_ outcome: Outcome) -> [Action] {
        phase = .finished
        return [.finish(outcome)]
    }
}

// MARK: - Blocks

extension TFTPReadTransfer {
    /// The block that is shorter than the others and so ends the file.
    package var lastIndex: UInt64 { size / UInt64(terms.blockSize) + 1 }

    private func windowEnd(from base: UInt64) -> UInt64 { min(base + UInt64(terms.windowSize) - 1, lastIndex) }

    private func window(from base: UInt64) -> [Action] {
        [.sendBlocks(base...windowEnd(from: base)), .setTimer(wait)]
    }

    /// Where a block lies in the file; index 0 stands for what is before the first one.
    package func block(_ index: UInt64) -> Block {
        guard index > 0 else { return Block(index: 0, offset: 0, length: 0) }
        let offset = (index - 1) * UInt64(terms.blockSize)
        return Block(index: index, offset: offset, length: Int(min(UInt64(terms.blockSize), size - offset)))
    }
}
