import Glibc
import HostModel
import SystemPackage

/// The network that the initramfs leaves to the root image: links, addresses, routes and leases stay as they are; the DHCP
/// clients end, because their program and script go away with the initramfs. `boot-network` of the root image starts them
/// again, and by the marker beside a lease it does not flush the address meanwhile.
struct HandedOverNetwork: Sendable {
    let run: NodeDirectory

    func release() {
        for link in LinkInventory().links() {
            stopClient(of: link.name)
            guard let lease = run.value(Lease.self, in: Lease.fileName(link.name)),
                link.addresses.contains(lease.address)
            else { continue }
            try? run.write([], to: Lease.keptAddressFile(link.name))
        }
    }

    /// SIGKILL: udhcpc would call its script once more.
    private func stopClient(of link: LinkName) {
        let name = "udhcpc-\(link).pid"
        guard let bytes = try? run.read(name),
            let pid = pid_t(String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)), pid > 1,
            let words = try? readFile(FilePath("/proc/\(pid)/cmdline")),
            words.split(separator: 0).contains(where: { $0.elementsEqual(link.rawValue.utf8) })
        else { return }
        kill(pid, SIGKILL)
        try? run.remove(name)
    }
}
