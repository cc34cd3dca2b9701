#!/bin/bash
# Format and static analysis of the project's own code: lint.sh [format|cppcheck|gcc|clang-tidy|shellcheck]…, without a
# name all of them. Installs what is missing first. Any finding is a failure. What is left out, and why, stands here
# and in .clang-tidy. Knows nothing of tests. Look next: test.sh, which runs this.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,4s/^# //p' "$0"
    exit 0
    ;;
esac

jobs=$(nproc 2>/dev/null || echo 2)

# A tree of compile commands, never built.
configure() {
    cmake --preset release -B "$build_root/lint" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$build_root/lint.log" 2>&1 ||
        die "cmake failed; its output is in $build_root/lint.log"
}

run_format() {
    # Other versions break lines elsewhere.
    if ! clang-format --version | grep -q 'version 14\.'; then
        echo "skipped: $(clang-format --version), and the format is clang-format 14's"
        return
    fi
    find plugin test -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
}

run_cppcheck() {
    # gtk: what GLib's macros mean. _Generic in the fuzzer is not known to cppcheck's parser.
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 -j "$jobs" \
        --library=gtk '-DG_GNUC_PRINTF(a,b)=' --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=internalAstError:test/fuzz/fuzz_plugin.c -I plugin plugin test/core test/fuzz
}

run_gcc() {
    # The commands that compile the plugin, with -fanalyzer and nothing written. Not at link time: nothing is linked.
    "$python" - "$build_root/lint/compile_commands.json" <<'END' | xargs -0 -P "$jobs" -n 1 bash -c
import json, re, sys
for unit in json.load(open(sys.argv[1])):
    output = re.search(r" -o (\S+)", unit["command"])
    if output[1].startswith("plugin/"):
        command = unit["command"].replace(output[0], " -o /dev/null")
        print(f"cd '{unit['directory']}' && {command} -fno-lto -fanalyzer -Werror", end="\0")
END
}

run_clang_tidy() {
    find plugin -name '*.c' | sort | xargs -P "$jobs" -n 6 clang-tidy --quiet -p "$build_root/lint"
}

run_shellcheck() {
    # SC2317: functions that are called by name look like functions that nobody calls.
    shellcheck -x -P SCRIPTDIR -e SC2317 scripts/*.sh .ci/run
}

cd "$project"
mkdir -p "$build_root"
needs_for_build
needs_for_lint
install_missing
[ $# -gt 0 ] || set -- format cppcheck gcc clang-tidy shellcheck
configure
failed=0
for tool; do
    heading "$tool"
    declare -F "run_${tool//-/_}" >/dev/null || die "no such tool: $tool"
    "run_${tool//-/_}" || failed=1
done
exit "$failed"
