import HostModel

/// The `network` command of a kickstart.
///
/// The installer keeps the network that it was started with (`ip=dhcp` on the interface that booted): a bond or an
/// address that is reconfigured below its feet would cost it the server that it installs from. So the command describes
/// the installed machine, and everything but plain DHCP says `--no-activate`.
struct KickstartNetwork {
    let network: InstallNetwork
    let host: HostName

    func command() throws(RecipeError) -> [String] {
        if let reason = network.reasonToRefuse { throw .contradiction(what: "the network of \(host)", reason: reason) }
        var words = ["network", "--device=\(device)"]
        if let bond = network.bond {
            words.append("--bondslaves=\(bond.links.map(\.rawValue).joined(separator: ","))")
            words.append("--bondopts=mode=\(bond.mode.rawValue),miimon=100")
        }
        if let vlan = network.vlan { words.append("--vlanid=\(vlan)") }
        words += addressing
        if let mtu = network.mtu { words.append("--mtu=\(mtu)") }
        words += ["--onboot=yes", network == InstallNetwork() ? "--activate" : "--no-activate", "--hostname=\(host)"]
        return words
    }

    private var device: String {
        if let bond = network.bond { return bond.name.rawValue }
        return network.link?.description ?? "bootif"
    }

    private var addressing: [String] {
        var words: [String]
        if let address = network.address {
            words = ["--bootproto=static", "--ip=\(address.address)", "--netmask=\(address.netmask)"]
            if let gateway = network.gateway { words.append("--gateway=\(gateway)") }
        } else {
            words = ["--bootproto=dhcp"]
        }
        guard !network.nameservers.isEmpty else { return words }
        return words + ["--nameserver=\(network.nameservers.map(\.description).joined(separator: ","))"]
    }
}
