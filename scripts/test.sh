#!/bin/bash
# Builds and tests everything: test.sh [CTEST-OPTION…], for example test.sh -L unit
# gcc and clang, for debugging and optimized, with warnings as errors; the core again under the address and
# undefined-behaviour sanitizers; then all tests of ctest: unit (the core), golden (the plugin through tshark),
# fuzz-replay, captures, kernel, gui, package. Installs what is missing first. With options only the tests that they
# select are run, built with gcc, and no static analysis.
# Ends with a summary that says what was skipped and why. Look next: CONTRIBUTING.md.
#
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

case ${1:-} in
-h | --help)
    sed -n '2,7s/^# //p' "$0"
    exit 0
    ;;
esac

needs_for_build
needs_for_tests
install_missing
make_scratch

jobs=$(nproc 2>/dev/null || echo 2)
results=()
failed=0
started=$SECONDS

# step NAME COMMAND…: runs it, remembers how it went, goes on.
step() {
    local name=$1 since=$SECONDS
    shift
    heading "$name"
    if ("$@"); then
        results+=("passed   $name ($((SECONDS - since)) s)")
    else
        results+=("FAILED   $name ($((SECONDS - since)) s)")
        failed=1
    fi
}
skip() {
    heading "$1: skipped, $2"
    results+=("skipped  $1: $2")
}

# run_ctest TREE [OPTION…]: no tests at all is a failure, not a pass.
run_ctest() {
    local tree=$1 log=$build_root/$1/Testing/Temporary/LastTest.log status=0
    shift
    rm -f "$log"
    ctest --test-dir "$build_root/$tree" --output-on-failure --no-tests=error --timeout 1200 -j "$jobs" "$@" || status=$?
    # pytest says in a line of its own why it skipped something, and ctest keeps all output in the log.
    if [ -e "$log" ]; then
        sed -n "s/^SKIPPED *\(\[[0-9]*\]\)\{0,1\} */$tree: /p" "$log" | sort -u >>"$scratch/skipped"
    fi
    return "$status"
}

build_gcc() { configure_and_build gcc release -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS=-Werror; }
build_clang() { configure_and_build clang clang; }
# The other two of gcc and clang, Debug and optimized: the plugin alone, to see that nothing is warned about.
build_gcc_debug() { configure_and_build gcc-debug dev -DCMAKE_C_COMPILER=gcc -DBUILD_TESTING=OFF; }
build_clang_optimized() {
    configure_and_build clang-optimized release -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS=-Werror -DBUILD_TESTING=OFF
}
build_asan() { configure_and_build asan asan -DCMAKE_C_COMPILER=gcc; }

cd "$project"
export TZ=UTC LC_ALL=C.UTF-8 CTEST_OUTPUT_ON_FAILURE=1
: >"$scratch/skipped"

step "build with gcc, warnings are errors" build_gcc
if [ "$failed" = 0 ]; then
    TCPSTATE_MODULE=$(module_of gcc)
    export TCPSTATE_MODULE
    step "tests" run_ctest gcc "$@"
else
    skip "tests" "nothing was built"
fi
with_clang() {
    if ! have clang; then
        skip "build with clang" "clang is not installed"
        return
    fi
    step "build with clang, warnings are errors" build_clang
    step "build with clang, optimized" build_clang_optimized
    step "core's tests, built with clang" run_ctest clang -L unit
}
with_sanitizers() {
    echo 'int main(void){return 0;}' >"$scratch/a.c"
    if ! gcc -fsanitize=address,undefined "$scratch/a.c" -o "$scratch/a" 2>/dev/null; then
        skip "sanitizers" "gcc has no sanitizer runtime here"
        return
    fi
    step "build with address and undefined-behaviour sanitizers" build_asan
    step "core's and plugin's tests under the sanitizers" run_ctest asan -L 'unit|fuzz-replay|sanitized'
}

if [ $# = 0 ]; then
    step "build with gcc, for debugging" build_gcc_debug
    with_clang
    with_sanitizers
    step "static analysis" "$project/scripts/lint.sh"
else
    skip "clang, sanitizers, static analysis" "only the tests of $* were asked for"
fi

heading "summary, after $((SECONDS - started)) s"
printf '%s\n' "${results[@]}"
if [ -s "$scratch/skipped" ]; then
    echo
    echo "Skipped inside the tests:"
    sort "$scratch/skipped" | uniq | sed 's/^/  /'
fi
if [ "$failed" = 0 ]; then
    echo
    echo "All tests that ran passed."
fi
exit "$failed"
