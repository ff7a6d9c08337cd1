import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// The end of what a tool prints, however much that is.
final class Tail: Sendable {
    private let limit: Int
    private let bytes = Mutex<[UInt8]>([])

    init(limit: Int) { self.limit = limit }

    func add(_ chunk: ArraySlice<UInt8>) {
        bytes.withLock { bytes in
            bytes += chunk
            if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
        }
    }

    /// What is no UTF-8 is replaced.
    var text: String { bytes.withLock { String(decoding: $0.suffix(limit), as: UTF8.self) } }
}

/// Cuts output into lines at LF and CR; what is longer than `longest` loses its end.
struct LineSplitter {
    private static let longest = 1024
    private var line: [UInt8] = []

    mutating func add(_ chunk: ArraySlice<UInt8>, _ body: (String) -> Void) {
        for byte in chunk {
            if byte == 10 || byte == 13 {
                if !line.isEmpty { body(String(decoding: line, as: UTF8.self)) }
                line.removeAll(keepingCapacity: true)
            } else if line.count < Self.longest {
                line.append(byte)
            }
        }
    }
}

/// Writes into a pipe from a thread that may wait.
enum Feeder {
    /// Closes the descriptor when `body` is done, so that the reader sees the end.
    static func run(
        _ descriptor: FileDescriptor,
        _ body: @escaping @Sendable (FileDescriptor) throws -> Void
    ) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        defer { try? descriptor.close() }
                        try withoutBrokenPipes { try body(descriptor) }
                    }
                )
            }
        }
    }

    /// SIGPIPE would end the whole program; with the signal blocked on this thread the write fails instead.
    private static func withoutBrokenPipes(_ body: () throws -> Void) rethrows {
        var pipe = sigset_t()
        var before = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer {
            // The one that came meanwhile must not wait here for the next user of the thread.
            var none = timespec()
            while sigtimedwait(&pipe, nil, &none) == SIGPIPE {}
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        try body()
    }
}
