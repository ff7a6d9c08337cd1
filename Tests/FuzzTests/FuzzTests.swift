import Foundation
import Fuzzing
import Testing

/// Damaged samples through every decoder of what others send: the same ones each time, and as many more as
/// `MUSTER_FUZZ_SECONDS` says. `make test-fuzz` looks for new ways by what the code does with them (libFuzzer).
@Suite(.serialized) struct FuzzTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
    private static let seconds = ProcessInfo.processInfo.environment["MUSTER_FUZZ_SECONDS"].flatMap { Double($0) }
    /// Inputs of a run without a time.
    private static let inputs = 5_000

    private static func samples(of target: FuzzTarget) throws -> [[UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: target.rawValue),
            includingPropertiesForKeys: nil
        )
        return try files.sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    @Test("the samples themselves", arguments: FuzzTarget.allCases)
    func samples(target: FuzzTarget) throws {
        let samples = try Self.samples(of: target)
        #expect(!samples.isEmpty)
        for sample in samples { target.run(sample) }
    }

    @Test("damaged samples: an answer, an error or a wait, never a trap", arguments: FuzzTarget.allCases)
    func damaged(target: FuzzTarget) throws {
        var mutation = Mutation(of: try Self.samples(of: target), seed: 20_261_126)
        // A trap leaves the input behind: it becomes a sample.
        let file = FileManager.default.temporaryDirectory.appending(path: "muster-fuzz-\(target.rawValue)-\(getpid())")
        let last = open(file.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(last >= 0)
        defer {
            close(last)
            try? FileManager.default.removeItem(at: file)
        }
        let clock = ContinuousClock()
        let end = Self.seconds.map { clock.now + .seconds($0) }
        var count = 0
        while end.map({ clock.now < $0 }) ?? (count < Self.inputs) {
            let input = mutation.next()
            ftruncate(last, 0)
            pwrite(last, input, input.count, 0)
            target.run(input)
            count += 1
        }
        #expect(count > 0)
    }

    @Test("the same seed makes the same inputs")
    func repeats() {
        var (one, other) = (Mutation(of: [[1, 2, 3, 4]], seed: 7), Mutation(of: [[1, 2, 3, 4]], seed: 7))
        var third = Mutation(of: [[1, 2, 3, 4]], seed: 8)
        let inputs = (0..<100).map { _ in one.next() }
        #expect(inputs == (0..<100).map { _ in other.next() } && inputs != (0..<100).map { _ in third.next() })
    }
}
