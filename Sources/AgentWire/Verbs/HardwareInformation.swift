/// The payload of `Host.getHardwareInfo`: SMBIOS strings, hostile until escaped. Empty where the firmware says nothing.
package struct HardwareInformation: Hashable, Sendable, VerbPayload {
    package var systemManufacturer = ""
    package var systemProductName = ""
    package var systemSerialNumber = ""
    package var systemFamily = ""
    package var systemUUID = ""
    package var systemVersion = ""

    package init() {}
}
