import Manifests
import Model
import Testing

@Suite struct FixtureTests {
    @Test(arguments: Fixtures.good())
    func `a good manifest reads`(name: String) throws {
        let set = try ManifestReader.read([try Fixtures.source(name)])
        #expect(!set.resources.isEmpty)
    }

    @Test(arguments: Fixtures.good())
    func `the canonical form reads as the same spec and is its own canonical form`(name: String) throws {
        for resource in try ManifestReader.read([try Fixtures.source(name)]).resources {
            let again = try ManifestReader.readStored(resource.canonical, blobs: resource.blobs)
            #expect(again.spec == resource.spec)
            #expect(again.metadata == resource.metadata)
            #expect(again.canonical == resource.canonical)
            #expect(again.digest == resource.digest)
            #expect(again.config == resource.config)
            let edited = try ManifestReader.applyingConfig(resource.config, to: resource.canonical)
            #expect(edited.canonical == resource.canonical)
        }
    }

    @Test(arguments: Fixtures.bad())
    func `a bad manifest gives every error that is expected, with its place`(name: String) throws {
        let expected = name.dropLast(".json".count) + ".expected"
        let found: String
        do {
            let set = try ManifestReader.read([try Fixtures.source(name)])
            found = "reads \(set.resources.map(\.key.description))"
            Issue.record("\(name) was read")
        } catch let errors as ManifestErrors {
            found = errors.description
        }
        if Fixtures.isRecording { try Fixtures.write(found + "\n", to: String(expected)) }
        #expect(Fixtures.text(String(expected)) == found + "\n")
    }
}
