@testable import Redis
import Testing

@Suite struct RedisSlotTests {
    @Test func `CRC16 is XMODEM's (redis cluster specification, appendix A)`() {
        #expect(crc16("123456789".utf8) == 0x31C3)
        #expect(crc16("".utf8) == 0)
    }

    @Test(arguments: [
        ("foo", 12182), ("{user1000}.following", 3443), ("{user1000}.followers", 3443), ("foo{}{bar}", 8363),
        ("foo{{bar}}zap", 4015), ("foo{bar}{zap}", 5061), ("", 0),
    ])
    func `a key's slot is that of its hash tag, if it has one that is not empty`(key: String, slot: Int) {
        #expect(RedisSlot.of(key) == slot)
    }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        (String(repeating: "a", count: 1000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
    ])
    func `a script's digest is SHA-1 (FIPS 180-4)`(text: String, digest: String) {
        #expect(RedisScript(text).digest == digest)
    }
}
