import Model
import Reconcilers
import Testing

@Suite struct RequestPlannerTests {
    private let now = Timestamp(milliseconds: 1_764_334_800_000)

    private func app(_ placement: Placement = .selector(["role": "web"], count: nil)) -> AppSpec {
        let backup = ActionSpec(
            steps: [.command(RunCommand(command: ["dump", "${config.db}", "$$5"], output: "/b/${run.time}.sql"))],
            options: RunOptions(timeout: .seconds(60), retries: 2, isRepeatable: true))
        return AppSpec(
            placement: placement,
            content: Workload(config: ["db": "shop"], packages: ["nginx": .present, "apache2": .absent]),
            overrides: ["web2": Workload(config: ["db": "other"])], actions: ["backup": backup])
    }

    private func fleet(_ app: AppSpec? = nil, instances: [String: [String]] = [:]) -> RunFleet {
        RunFleet(
            servers: [
                "web1": .init(labels: ["role": "web"], address: "10.0.0.1"),
                "web2": .init(labels: ["role": "web", "zone": "b"], address: "10.0.0.2"),
                "db1": .init(labels: ["role": "db"], address: "10.0.0.3"),
            ], apps: ["shop": app ?? self.app()], instances: instances)
    }

    private func plan(
        _ work: RunWork, _ targets: RunTargets, options: RunOptions = RunOptions(), in fleet: RunFleet? = nil
    ) throws(RequestProblem) -> RunPlan {
        try RequestPlanner(fleet ?? self.fleet()).plan(
            RunRequest(work: work, targets: targets, options: options), .init(id: "r1", origin: "test", time: now))
    }

    private let steps = RunWork.steps([.command(RunCommand(command: ["true"]))])

    @Test func `a run is one job of its id on each server's queue`() throws {
        let plan = try plan(steps, .selector(["role": "web"]), options: RunOptions(retries: 3, priority: 7))
        #expect(plan.queueNames == [.server("web1"), .server("web2")])
        let job = try #require(plan.jobs.first?.jobs.first)
        #expect(job.id == "r1" && job.maximumAttempts == 4 && job.priority == 7 && job.values == nil)
    }

    @Test func `any of a pool is so many jobs on the pool's queue, and its servers are named`() throws {
        let pool = try #require(Pool("role=web"))
        let one = try plan(steps, .any(1, ["role": "web"]))
        #expect(one.jobs.map(\.queue) == [.pool(pool)] && one.jobs[0].jobs.map(\.id) == ["r1"])
        #expect(one.members == [pool: ["web1", "web2"]])
        #expect(try plan(steps, .any(3, ["role": "web"])).jobs[0].jobs.map(\.id) == ["r1.1", "r1.2", "r1.3"])
    }

    @Test func `an action runs where its App has instances, with that server's config`() throws {
        let plan = try plan(.action(app: "shop", name: "backup"), .instances)
        #expect(plan.queueNames == [.server("web1"), .server("web2")])
        let values = plan.jobs.map { $0.jobs[0].values }
        #expect(values[0] == ["config.db": "shop", "run.time": "20251128T130000Z"])
        #expect(values[1]?["config.db"] == "other")
        #expect(plan.jobs[0].jobs[0].timeout == .seconds(60) && plan.jobs[0].jobs[0].maximumAttempts == 3)
        #expect(plan.jobs[0].jobs[0].isRepeatable)
    }

    @Test func `of an App that is placed by count its instances are asked for`() throws {
        let counted = app(.selector(["role": "web"], count: 1))
        let request = RunRequest(work: .action(app: "shop", name: "restart"), targets: .instances)
        #expect(RequestPlanner.asksForInstances(request, ["shop": counted]) == "shop")
        #expect(RequestPlanner.asksForInstances(request, ["shop": app()]) == nil)
        let plan = try plan(request.work, .instances, in: fleet(counted, instances: ["shop": ["web2"]]))
        #expect(plan.queueNames == [.server("web2")])
    }

    @Test func `every App can be restarted and upgraded`() throws {
        let restart = try plan(.action(app: "shop", name: "restart"), .servers(["web1"]))
        #expect(restart.jobs[0].jobs[0].steps == [.restart(app: "shop", services: [])])
        let upgrade = try plan(.action(app: "shop", name: "upgrade"), .servers(["web1"]))
        #expect(upgrade.jobs[0].jobs[0].steps == [.upgrade(packages: ["nginx"])])
        #expect(throws: RequestProblem.self) {
            try plan(.action(app: "shop", name: "upgrade"), .servers(["web2"]))
        }
    }

    @Test(arguments: [
        (RunTargets.servers(["nobody"]), "there is no Server nobody"), (.servers([]), "no server is named"),
        (.selector(["role": "mail"]), "no Server has the labels role=mail"),
        (.any(1, [:]), "any of a pool needs a selector with at least one label, such as role=web"),
        (.any(0, ["role": "web"]), "any takes 1 to 10000, not 0"),
        (.instances, "steps that belong to no App need servers to run on"),
    ])
    func `a run that leads nowhere says why`(_ targets: RunTargets, _ message: String) {
        let error = #expect(throws: RequestProblem.self) { try plan(steps, targets) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        (RunWork.action(app: "nobody", name: "backup"), "there is no App nobody"),
        (.action(app: "shop", name: "bakcup"), "App shop has no action bakcup; it has backup, restart, upgrade"),
        (
            .steps([.command(RunCommand(command: ["a", "${config.db}"]))]),
            "${config.db}: the run has no such config"
        ),
        (.steps([.command(RunCommand(command: ["a", "${nope}"]))]), "${nope}: ${nope} is not known"),
    ])
    func `a run that cannot be filled in says why`(_ work: RunWork, _ message: String) {
        let error = #expect(throws: RequestProblem.self) { try plan(work, .servers(["web1"])) }
        #expect(error?.description == message)
    }

    @Test func `an address is not known before one of a pool has taken the job`() {
        let work = RunWork.steps([.command(RunCommand(command: ["ping", "${server.address}"]))])
        #expect(throws: RequestProblem.self) { try plan(work, .any(1, ["role": "web"])) }
        #expect((try? plan(work, .servers(["db1"])))?.jobs[0].jobs[0].values == ["server.address": "10.0.0.3"])
    }

    @Test(arguments: ["", ".hidden", "a b", "a/b", "ümlaut", "tab\t", String(repeating: "x", count: 129)])
    func `an id that cannot be part of a key is refused`(_ id: String) {
        #expect(throws: RequestProblem.self) {
            try RequestPlanner(fleet()).plan(
                RunRequest(work: steps, targets: .servers(["web1"])), .init(id: id, origin: "test", time: now))
        }
    }

    @Test func `an id is refused that has no room for the numbers of its jobs`() throws {
        let id = String(repeating: "x", count: RunBounds.longestID - 2)
        func plan(_ count: Int) throws {
            _ = try RequestPlanner(fleet()).plan(
                RunRequest(work: steps, targets: .any(count, ["role": "web"])),
                .init(id: id, origin: "test", time: now))
        }
        try plan(9)
        #expect(throws: RequestProblem.self) { try plan(10) }
    }
}
