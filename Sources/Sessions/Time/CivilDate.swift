/// A day of the proleptic Gregorian calendar.
///
/// Years start in March, so that the leap day is the last of its year, and 400 years have 146,097 days. To a date by Cassio Neri and Lorenz
/// Schneider (Euclidean affine functions and their application to calendar algorithms, 2022, figure 12), whose multiplications stand for most
/// divisions; from one by Howard Hinnant (https://howardhinnant.github.io/date_algorithms.html).
package struct CivilDate: Equatable {
    package var year: Int64
    package var month: Int64
    package var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// `days` since 1970-01-01, from 0000-03-01 on: the callers' years are 1 to 9999, so no division meets a negative.
    @inline(__always)
    package init(daysSince1970 days: Int64) {
        let quarterDays = UInt64(truncatingIfNeeded: days + 719_468) &* 4 &+ 3
        let (century, ofCentury) = (quarterDays / 146_097, (quarterDays % 146_097) | 3)
        // A day of a century to its year, and to its day in units of 1 / 2,939,745: 2³² / 1,461 quarter days, rounded up.
        let product = ofCentury &* 2_939_745
        let dayOfYear = (product & 0xFFFF_FFFF) / 2_939_745 / 4
        // The month from March, in the highest bits, and its day in units of 1 / 2,141: 2¹⁶ · 5 / 153, rounded.
        let months = dayOfYear &* 2_141 &+ 197_913
        let isNextYear = dayOfYear >= 306
        year = Int64(century &* 100 &+ product >> 32) + (isNextYear ? 1 : 0)
        month = Int64(months >> 16) - (isNextYear ? 12 : 0)
        day = Int64((months & 0xFFFF) / 2_141) + 1
    }

    var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    var exists: Bool {
        (1...9_999).contains(year) && (1...12).contains(month) && day >= 1 && day <= daysInMonth
    }

    private var daysInMonth: Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: isLeapYear ? 29 : 28
        default: 31
        }
    }

    private var isLeapYear: Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }
}
