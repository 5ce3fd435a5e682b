import HTTP
import Testing

struct HTTPStatusTests {
    @Test func `every status has its own code and a phrase`() {
        let codes = HTTPStatus.all.map(\.code)
        #expect(
            codes == [100, 101, 200, 201, 204, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 426, 429, 431, 500, 501, 503, 505])
        #expect(HTTPStatus.all.allSatisfy { $0.reason.utf8CodeUnitCount > 0 })
        #expect(Set(HTTPStatus.all).count == codes.count)
    }
}
