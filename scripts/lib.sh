# What the scripts share: where the house is, how they speak, how Swift is found. Sourced, never run.
# shellcheck shell=bash disable=SC2034

house=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin:/usr/bin:/bin:/opt/swift/usr/bin"
export HOME="${HOME:-/root}"

# The oldest Swift that reads Package.swift and the sources.
readonly swift_needed=6.2

say() { printf '%s\n' "$*" >&2; }
die() {
    say "${0##*/}: $*"
    exit 1
}

# Swift in PATH, or where its archive is usually unpacked; its version is checked with a sentence, not with a stack trace.
require_swift() {
    command -v swift >/dev/null ||
        die "no swift in PATH nor in /opt/swift/usr/bin; install Swift $swift_needed or newer: https://www.swift.org/install"
    local found
    found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    [ -n "$found" ] || die "'swift --version' of $(command -v swift) does not answer: $(swift --version 2>&1 | head -n 1)"
    [ "$(printf '%s\n%s\n' "$swift_needed" "$found" | sort -V | head -n 1)" = "$swift_needed" ] ||
        die "Swift $found at $(command -v swift) is too old; expected $swift_needed or newer: https://www.swift.org/install"
}

# Milliseconds since some moment, for differences.
now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%s' "${now:0:-3}"
}
