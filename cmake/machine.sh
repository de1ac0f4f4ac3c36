# For the scripts that users run: what is missing is installed, and a build belongs to its machine. Sourced, not run.

# install_packages NAME...: Debian packages that are missing, as root or through sudo; otherwise says what to run, and fails.
install_packages() {
    command -v dpkg-query >/dev/null || return 0
    local missing= package as=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || as="sudo -n"
    if ! { $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; }; then
        echo "Please run: sudo apt-get install -y$missing"
        return 1
    fi
}

# fresh_build FOLDER OPTION...: empties a build folder that another processor, compiler or set of options made.
fresh_build() {
    local folder=$1 machine
    shift
    machine=$({ grep -m1 '^flags' /proc/cpuinfo; c++ --version | head -n 1; printf '%s\n' "$@"; } 2>/dev/null | cksum)
    [ "$(cat "$folder/machine" 2>/dev/null)" = "$machine" ] || rm -rf "$folder"
    mkdir -p "$folder" && echo "$machine" >"$folder/machine"
}
