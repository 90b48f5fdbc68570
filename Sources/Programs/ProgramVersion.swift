// The one place where the version is written; `--version` of every program and the monitor hash print it.

public enum ProgramVersion {
    public static let current = "0.1.0"
}
