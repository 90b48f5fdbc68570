import Redis
import Testing

@testable import Store

@Suite struct StoreLayoutTests {
    /// The check value of CRC-16/XMODEM.
    @Test func `names are spread by the CRC16 that Redis Cluster uses`() {
        #expect(StoreLayout.crc16("123456789".utf8) == 0x31C3)
        for name in ["", "server1", "webapp", "db-12.example"] {
            #expect(StoreLayout.crc16(name.utf8) == crc16(name.utf8))
            #expect((0..<64).contains(StoreLayout.shard(of: name)))
        }
    }

    @Test func `an error is cut between characters`() {
        let long = String(repeating: "é", count: StoreBounds.errorBytes)
        let cut = StoreBounds.bounded(error: "x" + long)
        #expect(cut.utf8.count <= StoreBounds.errorBytes + 3 && cut.hasSuffix("é…"))
        #expect(StoreBounds.bounded(error: "short") == "short")
    }
}
