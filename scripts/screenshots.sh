#!/bin/bash
# Takes the pictures of docs/images anew, from the running program: screenshots.sh [PICTURE…]
# PICTURE is a name of scripts/screenshots.py; without one, all. Installs what is missing, builds the plugin, opens
# Wireshark on a screen without a monitor, takes the pictures and makes them small. Look at each of them afterwards.
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

needs_for_build
needs_for_tests
needs xdotool have xdotool
needs pngquant have pngquant
install_missing
make_scratch

configure_and_build release release
TCPSTATE_MODULE=$(module_of release)
export TCPSTATE_MODULE PYTHONDONTWRITEBYTECODE=1

# Who runs Wireshark need not be who may write here.
mkdir -m 777 "$scratch/pictures"
"$project/scripts/with-plugin.sh" "$python" "$project/scripts/screenshots.py" \
    "$build_root/release/plugin/profiles" "$scratch/pictures" "$@"

mkdir -p "$project/docs/images"
for picture in "$scratch"/pictures/*.png; do
    target=$project/docs/images/${picture##*/}
    pngquant --speed 1 --nofs --strip --force --output "$target" 64 "$picture"
    say "$(stat -c '%n, %s octets' "$target")"
done
