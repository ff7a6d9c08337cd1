import BootWire
import Testing

@Suite struct TFTPReadTransferTests {
    typealias Transfer = TFTPReadTransfer

    static func transfer(size: UInt64, block: Int = 512, window: Int = 1, options: Bool = false, timeout: Int = 1)
        -> Transfer
    {
        var terms = TFTPTerms(settling: TFTPPacketTests.request("a"), size: size, limits: .init(mtu: 1500))
        (terms.blockSize, terms.windowSize, terms.timeout) = (block, window, .seconds(timeout))
        if options { terms.acknowledged = [TFTPOption(.transferSize, size)] }
        return Transfer(size: size, terms: terms)
    }

    /// The block indexes that are sent.
    static func blocks(_ actions: [Transfer.Action]) -> [UInt64] {
        actions.flatMap { if case .sendBlocks(let blocks) = $0 { Array(blocks) } else { [UInt64]() } }
    }

    static func acknowledge(_ block: UInt64) -> Transfer.Event {
        .received(.acknowledgement(block: UInt16(truncatingIfNeeded: block)))
    }

    @Test(
        "T1, T2, T3: the last block is the first short one",
        arguments: [
            (0, [0]), (1, [1]), (511, [511]), (512, [512, 0]), (1024, [512, 512, 0]), (1025, [512, 512, 1]),
        ] as [(UInt64, [Int])]
    )
    func sendsInLockstep(size: UInt64, lengths: [Int]) {
        var transfer = Self.transfer(size: size)
        var actions = transfer.handle(.start)
        var sent: [Int] = []
        var offset: UInt64 = 0
        while case .sendBlocks(let blocks)? = actions.first {
            #expect(blocks.count == 1)
            let block = transfer.block(blocks.lowerBound)
            #expect(actions == [.sendBlocks(blocks), .setTimer(.seconds(1))])
            #expect(block.offset == offset)
            sent.append(block.length)
            offset += UInt64(block.length)
            actions = transfer.handle(Self.acknowledge(block.index))
        }
        #expect(sent == lengths)
        #expect(actions == [.finish(.complete)])
        #expect(transfer.handle(.timedOut).isEmpty, "nothing follows the end")
    }

    @Test("T4: the first block follows the answer to the options")
    func waitsForTheAnswerToItsOptions() {
        var transfer = Self.transfer(size: 10, options: true)
        let offer: [Transfer.Action] = [.sendOptions([TFTPOption(.transferSize, 10)]), .setTimer(.seconds(1))]
        #expect(transfer.handle(.start) == offer)
        #expect(transfer.handle(Self.acknowledge(1)).isEmpty)
        #expect(Self.blocks(transfer.handle(Self.acknowledge(0))) == [1])
        #expect(transfer.handle(Self.acknowledge(1)) == [.finish(.complete)])
    }

    @Test(
        "T5: a client that only wanted the size has not failed",
        arguments: [TFTPErrorCode.optionsRefused, .undefined]
    )
    func isProbed(code: TFTPErrorCode) {
        var transfer = Self.transfer(size: 10, options: true)
        _ = transfer.handle(.start)
        let answer = transfer.handle(
            .received(.error(code, message: TFTPPacketTests.text("User aborted the transfer")))
        )
        #expect(answer == [.finish(.probed)])
        #expect(transfer.isFinished)
    }

    @Test func isAborted() {
        var transfer = Self.transfer(size: 10)
        _ = transfer.handle(.start)
        #expect(
            transfer.handle(.received(.error(.undefined, message: [1]))) == [
                .finish(.aborted(.undefined, message: [1]))
            ]
        )
    }

    @Test("T19: in lockstep each block goes out once, however often it is acknowledged")
    func knowsNoApprentice() {
        var transfer = Self.transfer(size: 512 * 20)
        var sent = Self.blocks(transfer.handle(.start))
        for block in UInt64(1)...21 {
            sent += Self.blocks(transfer.handle(Self.acknowledge(block)))
            sent += Self.blocks(transfer.handle(Self.acknowledge(block)))
            sent += Self.blocks(transfer.handle(Self.acknowledge(block - 1)))
        }
        #expect(sent == Array(1...21))
        #expect(transfer.isFinished)
    }

    @Test("T20: what is not acknowledged goes out again, with growing waits, and then no more")
    func sendsAgainWithGrowingWaits() {
        var transfer = Self.transfer(size: 512 * 20)
        _ = transfer.handle(.start)
        _ = transfer.handle(Self.acknowledge(1))
        var waits: [Duration] = []
        var last: [Transfer.Action] = []
        for _ in 0...Transfer.triesMax {
            last = transfer.handle(.timedOut)
            for case .setTimer(let wait) in last { waits.append(wait) }
        }
        #expect(waits == [2, 4, 8, 8, 8].map { .seconds($0) })
        #expect(last == [.finish(.abandoned(after: Transfer.Block(index: 1, offset: 0, length: 512)))])
    }

    @Test("a client may lose its last acknowledgement")
    func endsWithoutTheLastAcknowledgement() {
        var transfer = Self.transfer(size: 100)
        _ = transfer.handle(.start)
        let actions = (0...Transfer.triesMax).flatMap { _ in transfer.handle(.timedOut) }
        #expect(actions.last == .finish(.completeButUnacknowledged))
    }

    @Test func startsAfreshAfterProgress() {
        var transfer = Self.transfer(size: 512 * 20)
        _ = transfer.handle(.start)
        _ = transfer.handle(Self.acknowledge(1))
        for _ in 0..<Transfer.triesMax { _ = transfer.handle(.timedOut) }
        #expect(transfer.handle(Self.acknowledge(2)).last == .setTimer(.seconds(1)))
        #expect(Self.blocks(transfer.handle(.timedOut)) == [3])
    }

    @Test(
        "a client that never answers is waited for 12 s, whatever it asked for",
        arguments: [1, 3, 10],
        [true, false]
    )
    func givesUpOnTheSilent(timeout: Int, hasOptions: Bool) {
        var transfer = Self.transfer(size: 512 * 20, options: hasOptions, timeout: timeout)
        var waited = Duration.zero
        var sends = 0
        var actions = transfer.handle(.start)
        while case .setTimer(let wait)? = actions.last {
            (waited, sends) = (waited + wait, sends + 1)
            actions = transfer.handle(.timedOut)
        }
        #expect(actions == [.finish(.abandoned(after: Transfer.Block(index: 0, offset: 0, length: 0)))])
        #expect(waited == Transfer.firstAnswerMax)
        #expect((2...4).contains(sends))
    }

    @Test("an acknowledgement of nothing new is no answer")
    func isNotAnsweredByNonsense() {
        var transfer = Self.transfer(size: 512 * 20)
        _ = transfer.handle(.start)
        #expect(transfer.handle(Self.acknowledge(0)).isEmpty && transfer.handle(Self.acknowledge(9)).isEmpty)
        for _ in 0..<3 { #expect(!transfer.handle(.timedOut).isEmpty) }
        guard case .finish? = transfer.handle(.timedOut).last else {
            Issue.record("the transfer goes on")
            return
        }
    }
}

/// Windows (RFC 7440) and the wrap of block numbers.
@Suite struct TFTPWindowTests {
    typealias Helper = TFTPReadTransferTests

    @Test("T12: a window goes out, and then an acknowledgement is waited for")
    func sendsAWindowAndWaits() {
        var transfer = Helper.transfer(size: 512 * 6, window: 4)
        #expect(Helper.blocks(transfer.handle(.start)) == [1, 2, 3, 4])
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(4))) == [5, 6, 7])
        #expect(transfer.handle(Helper.acknowledge(7)) == [.finish(.complete)])
    }

    @Test("T14: an acknowledgement inside the window means that the next block was lost")
    func goesBackToTheGap() {
        var transfer = Helper.transfer(size: 512 * 20, window: 8)
        _ = transfer.handle(.start)
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(2))) == Array(3...10))
    }

    @Test("T15: the window goes out again when its acknowledgement is lost")
    func sendsTheWindowAgainWhenTheAcknowledgementIsLost() {
        var transfer = Helper.transfer(size: 512 * 20, window: 4)
        _ = transfer.handle(.start)
        _ = transfer.handle(Helper.acknowledge(4))
        #expect(Helper.blocks(transfer.handle(.timedOut)) == [5, 6, 7, 8])
    }

    @Test("a duplicate says once that the window's first block was lost")
    func rewindsOnce() {
        var transfer = Helper.transfer(size: 512 * 40, window: 4)
        _ = transfer.handle(.start)
        _ = transfer.handle(Helper.acknowledge(4))
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(4))) == [5, 6, 7, 8])
        #expect(transfer.handle(Helper.acknowledge(4)).isEmpty)
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(8))) == [9, 10, 11, 12])
        #expect(transfer.handle(Helper.acknowledge(8)).isEmpty, "the repeated window's own duplicate")
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(12))) == [13, 14, 15, 16])
        #expect(Helper.blocks(transfer.handle(Helper.acknowledge(12))) == [13, 14, 15, 16])
    }

    @Test func ignoresWhatIsNotInTheWindow() {
        var transfer = Helper.transfer(size: 512 * 40, window: 4)
        _ = transfer.handle(.start)
        _ = transfer.handle(Helper.acknowledge(4))
        for stale: UInt64 in [0, 1, 3, 9, 200, 65535] {
            #expect(transfer.handle(Helper.acknowledge(stale)).isEmpty, "block \(stale)")
        }
    }

    @Test("T17, T18: a file of more than 65,535 blocks arrives whole", arguments: [1, 16])
    func wraps(window: Int) {
        let size = UInt64(200_000 * 8 + 3)
        var transfer = Helper.transfer(size: size, block: 8, window: window)
        var actions = transfer.handle(.start)
        var next: UInt64 = 0
        var steps = 0
        while let last = Helper.blocks(actions).last, steps < 300_000 {
            for block in Helper.blocks(actions).map(transfer.block) {
                #expect(block.offset == next)
                next += UInt64(block.length)
            }
            actions = transfer.handle(Helper.acknowledge(last))
            steps += 1
        }
        #expect(next == size)
        #expect(actions == [.finish(.complete)])
    }

    /// A client by the RFC: takes blocks in order, acknowledges a window's end and the last block before a gap.
    @Test(
        "T14, T15, T18: a file arrives over a line that loses one packet in fifty",
        arguments: [1, 2, 4, 16, 64],
        1...5
    )
    func survivesLoss(window: Int, seed: UInt64) {
        var line = LossyLine(state: seed &* 0x9E37_79B9_7F4A_7C15)
        var transfer = Helper.transfer(size: 512 * 3000 + 17, window: window)
        var have: UInt64 = 0
        var isDone = false
        var actions = transfer.handle(.start)
        for _ in 0..<100_000 where !isDone {
            var answer: UInt64?
            var isInWindow = 0
            for block in Helper.blocks(actions).map(transfer.block) where !line.loses() {
                isInWindow += 1
                if block.index == have + 1 {
                    have += 1
                    if isInWindow == window || block.length < 512 { answer = have }
                } else {
                    answer = have
                }
            }
            if case .finish(let outcome)? = actions.last {
                #expect(outcome == .complete || outcome == .completeButUnacknowledged)
                isDone = true
            } else if let answer, !line.loses() {
                actions = transfer.handle(Helper.acknowledge(answer))
                if actions.isEmpty { actions = transfer.handle(.timedOut) }
            } else {
                actions = transfer.handle(.timedOut)
            }
        }
        #expect(isDone)
        #expect(have == 3001)
    }
}

/// Loses every fiftieth packet, by a fixed sequence (xorshift64).
struct LossyLine {
    var state: UInt64

    mutating func loses() -> Bool {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % 50 == 0
    }
}
