/// Where the agent lies that hosts get which a kickstart installs. The engine takes its checksum, the boot server serves
/// it; both look in the same places.
package enum AgentFile {
    /// In a checkout, from its top directory: what `make agent` builds.
    package static let ofCheckout = ".build-agent/muster-agent"
    package static let installed = "/usr/share/muster/agent/muster-agent"
}
