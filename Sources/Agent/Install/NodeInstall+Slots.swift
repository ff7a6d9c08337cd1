import BlockDevices
package import HostModel

extension NodeInstall {
    /// The slots of the disk that this node runs from.
    package func slots() throws(InstallFailure) -> DiskReport.Installation {
        let (disk, running) = try ownDisk(.reading)
        return disk.report(running: running)
    }

    /// Writes the slot that this node does not run from, and arms its trial. Returns the slot and the image's name.
    package func upgrade(_ wanted: InstallSource?) async throws(InstallFailure) -> (BootSlot, String) {
        let (disk, running) = try ownDisk()
        do {
            let environment = try disk.environment() ?? BootEnvironment(good: running)
            guard environment.trial != running else {
                throw InstallFailure(
                    .refused,
                    "the running slot \(running.rawValue) is on trial itself",
                    remedy: "confirm it (muster-agent confirm), or wait until it is"
                )
            }
            guard environment.good == running else {
                throw InstallFailure(
                    .refused,
                    "slot \(running.rawValue) runs, but slot \(environment.good.rawValue) is the one that is known to be good",
                    remedy: "keep what runs (muster-agent confirm), or restart into the other, and upgrade then"
                )
            }
            let source = try wanted ?? InstallSource(arguments)
            progress.tell("image")
            let files = try files(source)
            let image = try await manifest(files, source)
            let target = running.other
            let size = try image.slotFiles().reduce(0) { $0 + $1.size }
            let part = disk.layout.slot(target)
            guard InstalledLayout.smallestSlot(image: size) <= Int64(part.count) else {
                throw InstallFailure(
                    .refused,
                    "the image \(image.title) has \(size >> 20) MiB, and the slots of this disk have \(part.count >> 20)",
                    remedy: "install anew with a larger --slot-size"
                )
            }
            let site = disk.siteArguments(in: running) ?? SlotArguments.site(of: arguments)
            let words = try slotArguments(image, slot: target, disk: disk.guid, site: site)
            // From here on the other slot is nothing that can be booted, and nothing names it.
            try disk.write(BootEnvironment(good: running))
            let writer = SlotWriter(disk: disk.device, progress: progress)
            try await writer.write(image, from: files, to: part, slot: target, words)
            progress.tell("trial")
            try disk.write(BootEnvironment(good: running).trying(target))
            return (target, image.title)
        } catch {
            throw InstallFailure(error)
        }
    }

    /// The running slot is good from now on.
    package func confirm() throws(InstallFailure) -> BootSlot {
        let (disk, running) = try ownDisk()
        let environment = try environment(disk, running)
        try disk.write(environment.confirming(running))
        protection.confirmed(index: disk.image(in: running)?.rollbackIndex)
        try? settings.run.write([], to: Self.confirmedName)
        return running
    }

    func environment(_ disk: InstalledDisk, _ running: BootSlot) throws(InstallFailure) -> BootEnvironment {
        do throws(BlockDeviceError) { return try disk.environment() ?? BootEnvironment(good: running) } catch {
            throw InstallFailure(error)
        }
    }

    /// Beside the files of this boot: the trial is over, and the machine is not to be restarted.
    static let confirmedName = "slot-confirmed"

    /// Back to the other slot: a trial that was armed is called off, a running one is given up, and after a confirmed
    /// one the other slot gets a trial of its own. Returns the slot of the next start.
    package func rollback() throws(InstallFailure) -> BootSlot {
        let (disk, running) = try ownDisk()
        let environment = try environment(disk, running)
        if let trial = environment.trial, trial != running, environment.left > 0 {
            try disk.write(BootEnvironment(good: running))
            return running
        }
        guard environment.trial != running.other || environment.left > 0 else {
            throw InstallFailure(
                .refused,
                "the image in slot \(running.other.rawValue) was tried, and did not come up",
                remedy: "write another one: muster-agent upgrade"
            )
        }
        guard let image = disk.image(in: running.other) else {
            throw InstallFailure(
                .refused,
                "slot \(running.other.rawValue) holds nothing that could be started",
                remedy: "write it: muster-agent upgrade"
            )
        }
        try checkAge(image, besidesRunning: environment.trial == running)
        try disk.write(environment.trial == running ? environment.givingUp : environment.trying(running.other))
        return running.other
    }
}
