/// A date of ISO 9660, in UTC. `seconds` since 1970.
struct ISODate: Hashable, Sendable {
    private let year: Int
    private let rest: [Int]

    init(seconds: Int64) {
        let (days, second) = seconds.quotientAndFloorRemainder(dividingBy: 86400)
        // Days to civil date in the proleptic Gregorian calendar: eras of 400 years that begin on 1 March.
        let (era, day) = (days + 719_468).quotientAndFloorRemainder(dividingBy: 146_097)
        let yearOfEra = (day - day / 1460 + day / 36524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        let dayOfMonth = dayOfYear - (153 * shifted + 2) / 5 + 1
        rest = [month, dayOfMonth, second / 3600, second / 60 % 60, second % 60].map { Int($0) }
    }

    /// 7 bytes, of a directory record (ECMA-119, 9.1.5). The year has one byte: 1900 to 2155.
    var short: [UInt8] { [UInt8(clamping: year - 1900)] + rest.map { UInt8($0) } + [0] }

    /// 17 bytes, of a volume descriptor (8.4.26.1).
    var long: [UInt8] {
        let digits = ([year / 100, year % 100] + rest + [0]).map { ($0 < 10 ? "0" : "") + String($0) }.joined()
        return Array(digits.utf8) + [0]
    }
}

extension Int64 {
    fileprivate func quotientAndFloorRemainder(dividingBy divisor: Int64) -> (Int64, Int64) {
        let remainder = ((self % divisor) + divisor) % divisor
        return ((self - remainder) / divisor, remainder)
    }
}
