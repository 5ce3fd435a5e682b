internal import Sessions

/// The `Date` header line (RFC 9110 §5.6.7, §6.6.1), made once a second.
struct DateLine {
    private var second = Int64.min
    private var bytes: [UInt8] = []

    /// `Date: Sun, 06 Nov 1994 08:49:37 GMT` and its CRLF.
    mutating func line(at time: Timestamp) -> [UInt8] {
        let second = time.microsecondsSince1970 / 1_000_000
        if second != self.second {
            self.second = second
            bytes = Array("Date: \(Self.text(second))\r\n".utf8)
        }
        return bytes
    }

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func text(_ second: Int64) -> String {
        // A clock before 1970 is broken, and no reason to trap.
        let (day, time) = (max(0, second) / 86_400, max(0, second) % 86_400)
        let date = CivilDate(daysSince1970: day)
        return "\(days[Int(day % 7)]), \(twoDigits(date.day)) \(months[Int(date.month) - 1]) \(date.year) "
            + "\(twoDigits(time / 3600)):\(twoDigits(time / 60 % 60)):\(twoDigits(time % 60)) GMT"
    }

    private static func twoDigits(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
