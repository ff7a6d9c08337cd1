import Glibc
import SystemPackage

/// Where a distribution's own tools make a tree: namespaces of mounts, processes and network that end with the tool. A
/// build that is killed leaves no mount and no daemon of a package's script behind, and no script reaches the network.
struct Sandbox {
    /// Gets a /proc of the sandbox; `nil` for tools that mount their own.
    var root: FilePath?

    /// A tool with the arguments that put it into the sandbox. Takes root.
    func tool(_ tool: Tool, _ arguments: [String]) throws(BuildError) -> [String] {
        guard geteuid() == 0 else {
            throw BuildError(
                .privilege,
                "\(tool.name) makes a tree with owners and devices, which takes root",
                remedy: "sudo muster image build"
            )
        }
        let mount = root.map { "--mount-proc=\($0.appending("proc"))" } ?? "--mount-proc"
        let program = try tool.path().string
        return [
            "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child=KILL", mount, "--",
            program,
        ]
            + arguments
    }
}
