import Agent
import Testing

@Suite struct ConsoleKeyTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        /// One read a row.
        var reads: [[UInt8]]
        var keys: [ConsoleKey]
    }

    @Test(arguments: [
        Case(testDescription: "letters", reads: [[0x31, 0x61]], keys: [.character("1"), .character("a")]),
        Case(
            testDescription: "return, line feed, and both",
            reads: [[13], [10, 10], [13, 10]],
            keys: [.enter, .enter, .enter]
        ),
        Case(testDescription: "a line feed after a return of an earlier read", reads: [[13], [10]], keys: [.enter]),
        Case(testDescription: "both kinds of backspace", reads: [[8, 127]], keys: [.backspace, .backspace]),
        Case(testDescription: "control keys", reads: [[3, 4, 21, 0, 7]], keys: [.cancel, .cancel, .eraseLine]),
        Case(testDescription: "escape alone", reads: [[27]], keys: [.cancel]),
        Case(testDescription: "a cursor key is nothing", reads: [[27, 0x5B, 0x41, 0x62]], keys: [.character("b")]),
        Case(testDescription: "a function key with parameters", reads: [[27, 0x5B, 0x31, 0x3B, 0x35, 0x50]], keys: []),
        Case(
            testDescription: "a sequence that a slow line cut",
            reads: [[27, 0x5B], [0x31, 0x7E, 0x63]],
            keys: [.character("c")]
        ),
        Case(testDescription: "bytes beyond ASCII", reads: [[0xC3, 0xA4, 0xFF, 0x80]], keys: []),
    ])
    func decodes(sample: Case) {
        var decoder = ConsoleKeyDecoder()
        #expect(sample.reads.flatMap { decoder.keys(in: $0) } == sample.keys)
    }
}
