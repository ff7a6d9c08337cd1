import Foundation
import Glibc
import Testing

@testable import BootServer

/// Files of a boot server that are whole or not there.
@Suite struct CacheDirectoryTests {
    @Test("many write one file at once while others list the directory: what is there is always one of theirs, whole")
    func concurrentWriters() async throws {
        let place = try TemporaryDirectory()
        let directory = CacheDirectory("\(place.path)/cache")
        try directory.make()
        let length = 50_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for byte in UInt8(1)...8 {
                group.addTask {
                    for _ in 0..<20 {
                        try directory.write([UInt8](repeating: byte, count: length), as: "file")
                        let found = try #require(directory.read("file", bytesMax: length))
                        #expect(found.count == length && Set(found).count == 1)
                        #expect(directory.names() == ["file"])
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"])
    }

    @Test("what a kill left half-written is listed never, and goes at the next start, not before")
    func leftovers() throws {
        let place = try TemporaryDirectory()
        let directory = CacheDirectory("\(place.path)/cache")
        try directory.make()
        try directory.write([1], as: "file")
        try place.write("cache/.new-1", [2])
        #expect(directory.names() == ["file"])
        try directory.makeIfMissing()
        #expect(access("\(directory.path)/.new-1", F_OK) == 0)
        try directory.make()
        #expect(access("\(directory.path)/.new-1", F_OK) != 0)
        #expect(directory.read("file", bytesMax: 1) == [1])
    }

    @Test func aFileWhosePlaceIsTakenLeavesNothingBehind() throws {
        let place = try TemporaryDirectory()
        let directory = CacheDirectory("\(place.path)/cache")
        try directory.make()
        try CacheDirectory("\(directory.path)/file").make()
        #expect(throws: CacheDirectory.Failure.self) { try directory.write([1], as: "file") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"])
    }
}
