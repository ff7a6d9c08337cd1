import GRDB
import HostModel

// How the house's values stand in a column: as the text that their own type reads back, or as a blob.

extension UniqueID: DatabaseValueConvertible {}
extension HostStatus: DatabaseValueConvertible {}
extension ClaimProgress.State: DatabaseValueConvertible {}
extension EventRecord.Severity: DatabaseValueConvertible {}
extension EventCode: DatabaseValueConvertible {}
extension ImageRecord.State: DatabaseValueConvertible {}
extension BootSchedule: DatabaseValueConvertible {}
extension BootProfile.Mode: DatabaseValueConvertible {}
extension BootProfile.Loader: DatabaseValueConvertible {}

extension HostName: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { rawValue.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> HostName? {
        String.fromDatabaseValue(value).flatMap { HostName($0) }
    }
}

extension HardwareID: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { rawValue.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> HardwareID? {
        String.fromDatabaseValue(value).flatMap { HardwareID($0) }
    }
}

extension MACAddress: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { description.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> MACAddress? {
        String.fromDatabaseValue(value).flatMap { MACAddress($0) }
    }
}

extension IPv4Address: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { description.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> IPv4Address? {
        String.fromDatabaseValue(value).flatMap { IPv4Address($0) }
    }
}

extension Nonce: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { description.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> Nonce? {
        String.fromDatabaseValue(value).flatMap { Nonce(hex: $0) }
    }
}

extension ImageReference: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { description.databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> ImageReference? {
        String.fromDatabaseValue(value).flatMap { ImageReference($0) }
    }
}
