// Which queue gets how many of the free places: one for each first, then on in turn, and those that got more are last the
// next time. So a busy queue starves no other, and a lone one gets all.

package import Model

package struct RunRotation: Sendable {
    /// Whoever is next comes first.
    private var order: [RunQueue] = []

    package init() {}

    package mutating func add(_ queue: RunQueue) {
        if !order.contains(queue) { order.append(queue) }
    }

    package mutating func remove(_ queue: RunQueue) { order.removeAll { $0 == queue } }

    /// Deals `room` places among those that want some.
    package mutating func shares(of room: Int, among wanting: Set<RunQueue>) -> [RunQueue: Int] {
        let queues = order.filter(wanting.contains)
        guard room > 0, !queues.isEmpty else { return [:] }
        let (each, more) = room.quotientAndRemainder(dividingBy: queues.count)
        var shares: [RunQueue: Int] = [:]
        for (index, queue) in queues.enumerated() {
            let share = each + (index < more ? 1 : 0)
            if share > 0 { shares[queue] = share }
        }
        let favoured = queues.prefix(more)
        order = order.filter { !favoured.contains($0) } + favoured
        return shares
    }
}
