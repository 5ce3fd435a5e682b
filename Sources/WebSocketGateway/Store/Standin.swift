internal import Sessions

func SQLiteHistory(directory: String, durability: Durability, eventsMax: Int, bytesMax: Int) throws -> any HistoryStore {
    throw StoreError.failed("not merged")
}
