import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// Versions of profiles, and the profiles of tags and clusters.
@Suite struct ProfileRouteTests {
    private static let profiles = "\(APIClient.api)/bootprofiles"
    private static let assignments = "\(APIClient.api)/bootassignments"

    @Test("a profile goes back to what it was, and each state is told")
    func versions() async throws {
        try await APIInstallation.run { client in
            for word in ["a", "b"] {
                let body = #"{"name":"q","mode":"run","image":"node-minimal","kernelArguments":["\#(word)"]}"#
                #expect(try await client.send(.put, "\(Self.profiles)/q", body).status == 200)
            }
            let back = try await client.send(.post, "\(Self.profiles)/q/rollback", "{}")
            #expect(back.status == 200)
            let told = try await client.get("\(Self.profiles)/q/versions").json(BootProfileVersionCollection.self)
            #expect(told.version?.map(\.version) == [3, 2, 1])
            #expect(told.version?.map(\.boot_profile.kernelArguments) == [["a"], ["b"], ["a"]])
            let none = try await client.send(.post, "\(Self.profiles)/q/rollback", #"{"version":9}"#)
            #expect(none.status == 409)
            #expect(try await client.get("\(Self.profiles)/nope/versions").status == 404)
        }
    }

    @Test("a cluster has a boot profile until it is taken away")
    func assignments() async throws {
        try await APIInstallation.run { client in
            let place = "\(Self.assignments)/cluster/Default"
            #expect(try await client.send(.put, place, #"{"profile":"local"}"#).status == 200)
            let all = try await client.get(Self.assignments).json(BootAssignmentCollection.self)
            #expect(
                all.boot_assignment == [BootAssignment(scope: .cluster, name: "Default", profile: "local")]
            )
            #expect(try await client.send(.delete, "\(Self.profiles)/local").status == 409)
            #expect(try await client.send(.delete, place).status == 200)
            #expect(try await client.send(.delete, place).status == 404)
            #expect(try await client.send(.put, "\(Self.assignments)/rack/r1", #"{"profile":"local"}"#).status == 404)
            #expect(try await client.send(.put, "\(Self.assignments)/tag/none", #"{"profile":"local"}"#).status == 404)
        }
    }
}
