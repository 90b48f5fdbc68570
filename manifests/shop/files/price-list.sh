#!/bin/sh
# Not a template ("template": false), so that the shell's own ${braces} reach the server as they are.
set -eu
target=${1:?expected the file to write}
printf 'apple\t1\npear\t2\n' >"${target}.new"
mv "${target}.new" "${target}"
