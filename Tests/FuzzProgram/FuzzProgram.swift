import Fuzzing
import Glibc

// `make test-fuzz`: what libFuzzer's own `main` calls with each input. MUSTER_FUZZ names the decoder.

private let target = getenv("MUSTER_FUZZ").flatMap { FuzzTarget(rawValue: String(cString: $0)) }

/// Called with each input; a trap is the finding.
@_cdecl("LLVMFuzzerTestOneInput")
package func takeInput(_ bytes: UnsafePointer<UInt8>?, _ length: Int) -> CInt {
    guard let target else {
        print("MUSTER_FUZZ is one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
        exit(64)
    }
    target.run(Array(UnsafeBufferPointer(start: bytes, count: length)))
    return 0
}
