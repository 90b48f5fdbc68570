// The full drift pass: every observed hash is read and compared, as bytes, where it was received. Nothing is allocated for
// a field, and nothing is copied; what is not plainly in sync is named, and takes the long way through the reconciler.

public import Model
public import Reconcilers
public import Store

public enum FullPass {
    /// One instance, and what its observed hash is compared with.
    public struct Item: Sendable {
        public var id: InstanceID
        public var expectation: InstanceExpectation

        public init(id: InstanceID, expectation: InstanceExpectation) {
            self.id = id
            self.expectation = expectation
        }
    }

    /// Places in `items` of all that are not in sync with their expectation, in order.
    public static func suspects(_ items: [Item], in store: any InstanceStore) async throws(StoreError) -> [Int] {
        try await store.visitObserved(items.map(\.id), PassVisitor(items: items)).suspects
    }
}

/// Compares hash after hash as they come in.
private struct PassVisitor: ObservedVisitor {
    let items: [FullPass.Item]
    var suspects: [Int] = []
    private var comparer: FieldComparer?
    private var answersDigest = false

    init(items: [FullPass.Item]) {
        self.items = items
    }

    mutating func begin(_ index: Int) {
        comparer = FieldComparer(items[index].expectation)
        answersDigest = false
        current = index
    }

    private var current = 0

    mutating func visit(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        // Of what stands beside the fields only the digest matters: which assignment the fields answer.
        if Self.isDigest(name) {
            answersDigest = Self.number(value) == items[current].expectation.digest
        } else {
            comparer?.take(name, value)
        }
    }

    mutating func end(_ index: Int) {
        if !answersDigest || comparer?.isInSync != true { suspects.append(index) }
    }

    private static let digestName = Array("digest".utf8)

    private static func isDigest(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count == digestName.count && name.elementsEqual(digestName)
    }

    /// Lower-case hex; nil for anything else.
    private static func number(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard !text.isEmpty, text.count <= 16 else { return nil }
        var number: UInt64 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}
