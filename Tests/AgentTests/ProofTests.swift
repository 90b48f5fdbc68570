// Proofs of commands: what was seen last is what is reported, however long a look took.

import Agent
import Model
import Store
import TestRedis
import Testing

@Suite struct ProofTests {
    @Test func `a proof that began before its job ended says nothing after it`() async throws {
        let stage = try await Stage()
        let root = stage.root
        // The first proof looks, and answers when it is let go; the later ones answer at once.
        let proof = """
            if mkdir \(root)/first 2>/dev/null; then
                \(ExecutorTests.wait(in: root)); touch \(root)/answered; exit 1
            fi
            test -e \(root)/done
            """
        let command = DesiredField.command("c", ["touch", root + "/done"], unless: ["sh", "-c", proof])
        let beat = ["sh", "-c", "echo >> \(root)/beats"]
        stage.desire([command, .health("beat", .command(beat), every: .milliseconds(100))])
        try await stage.withAgent { () async throws in
            try await stage.decide()
            #expect(await eventually { Disk.exists(root + "/first") })
            try await ExecutorTests.emit(
                ExecutorTests.job(stage, id: "j", epoch: 1, [command], action: .run), on: stage)
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
            #expect(try await stage.sees(command.key, FieldValue.done))
            Disk.write("", to: root + "/go")
            #expect(await eventually { Disk.exists(root + "/answered") })
            // What was answered then has been heard some checks later.
            let beats = Disk.text(root + "/beats")?.count ?? 0
            #expect(await eventually { Disk.text(root + "/beats")?.count ?? 0 > beats + 5 })
            #expect(try await stage.observed[command.key] == FieldValue.done)
        }
    }
}
