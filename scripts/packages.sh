# Sourced by the other scripts: installs what is missing, and says what.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif sudo -n true 2>/dev/null; then sudo "$@"
    else
        echo "This needs root, and sudo asks for a password. Run it yourself, then start again:" >&2
        echo "  sudo $*" >&2
        return 1
    fi
}

apt_lists_are_fresh=no
refresh_apt_lists() {
    [ "$apt_lists_are_fresh" = yes ] && return
    as_root apt-get update -qq
    apt_lists_are_fresh=yes
}

# need PACKAGE…: Debian packages, installed only where missing.
need() {
    command -v apt-get >/dev/null || {
        echo "This is no Debian or Ubuntu: install the equivalents of $* yourself." >&2
        return 0
    }
    missing=
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return
    say "Installing$missing"
    refresh_apt_lists
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

need_swift() {
    command -v swift >/dev/null && return
    echo "There is no Swift here. Install Swift 6.2 or later from https://swift.org/install, then start again." >&2
    exit 1
}

# What the gateway is built with: the C libraries, their headers, and what SwiftPM itself calls.
need_build_packages() {
    need_swift
    need libuv1-dev libssl-dev zlib1g-dev libsqlite3-dev libcurl4-openssl-dev pkg-config git
}

build_flags="--explicit-target-dependency-import-check error"

# Swift's libraries go into the executable where the toolchain has them to link: it then runs where no Swift is installed, and a call into them is
# no detour (2 % of a connection).
release_flags() {
    static_libraries=$(swiftc -print-target-info -static-stdlib | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
    if [ -d "$static_libraries" ]; then echo "$build_flags --static-swift-stdlib"; else echo "$build_flags"; fi
}
