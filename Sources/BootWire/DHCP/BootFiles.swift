import HostModel

/// What a client is told to load, by kind.
package struct BootFiles: Hashable, Sendable {
    /// TFTP name for x86 BIOS firmware.
    package var biosLoader: String
    /// TFTP name for x64 UEFI firmware. Not `ipxe.efi`: iPXE on the firmware's own driver of the network card. With drivers of
    /// its own, Debian's (20190125) hangs when it leaves for the firmware's next boot entry (docs/boot.md).
    package var uefiLoader: String
    /// URL for x64 UEFI HTTP boot.
    package var httpLoader: String
    /// URL of the script that every iPXE takes.
    package var script: String

    package init(
        biosLoader: String = "undionly.kpxe",
        uefiLoader: String = "snponly.efi",
        httpLoader: String,
        script: String
    ) {
        (self.biosLoader, self.uefiLoader) = (biosLoader, uefiLoader)
        (self.httpLoader, self.script) = (httpLoader, script)
    }

    /// The files below one base URL without a slash at its end, as `muster-boot` serves them.
    package init(baseURL: String) {
        self.init(httpLoader: baseURL + "/boot/snponly.efi", script: baseURL + "/boot/ipxe")
    }

    /// The file for a client; `nil` when there is none for its kind.
    package func file(for client: BootClient) -> String? {
        if case .ipxe(_, hasHTTP: true) = client { return script }
        switch client.firmware {
        case .bios: return biosLoader
        case .uefi: return uefiLoader
        case .uefiHTTP: return httpLoader
        case nil: return nil
        }
    }
}
