import Model
import Reconcilers
import Testing

@Suite("Scenarios")
struct ScenarioTests {
    static let separator = "\n---\n"

    @Test("the reconciler answers as recorded", arguments: ScenarioFile.names())
    func answersAsRecorded(_ name: String) throws {
        let text = try ScenarioFile.read(name)
        let parts = text.split(separator: Self.separator, maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        let scenario = try ScenarioInput(parts[0])
        let input = try scenario.input()
        let outcome = Reconciler.reconcile(input, now: scenario.now)
        let answer = ScenarioOutput(
            outcome: outcome, rows: DriftReporter.rows(input, now: scenario.now), desired: try scenario.desired()
        ).text
        if ScenarioFile.shouldRecord {
            try ScenarioFile.write(name, parts[0] + Self.separator + answer)
        } else {
            #expect(parts.count == 2 ? parts[1] == answer : false, "\(name) answers:\n\(answer)")
        }
    }

    @Test func `there are scenarios to read`() {
        #expect(ScenarioFile.names().count >= 25)
    }
}
