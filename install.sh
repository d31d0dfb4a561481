#!/bin/sh
# Installs tidegate into ~/.local/bin, without root and without asking.
#
#   curl -fsSL https://github.com/tidegate/tidegate/releases/latest/download/install.sh | sh
#
# Nothing runs before the last line has arrived: everything above it is a function.
set -eu

# Where archives and SHA256SUMS lie. TIDEGATE_BASE_URL replaces it with another https:// or file:// folder.
repository=https://github.com/tidegate/tidegate

usage() {
  cat <<'EOF'
Usage: install.sh [options]

  --prefix DIR     install into DIR/bin (default: ~/.local)
  --version X      install version X instead of the newest
  --from-source    build from this clone instead of downloading; needs Node 18 or newer
  --uninstall      remove tidegate from DIR/bin
  --help           show this text

TIDEGATE_BASE_URL  folder with the archives and SHA256SUMS (https:// or file://)
EOF
}

fail() {
  printf 'Error: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf 'Try: %s\n' "$2" >&2; fi
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

main() {
  prefix=${HOME:+$HOME/.local} version='' action=install
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix | --version)
        [ -n "${2:-}" ] || fail "$1 needs a value" "Give one, for example --prefix ~/.local or --version 0.1.0"
        if [ "$1" = --prefix ]; then prefix=$2; else version=${2#v}; fi
        shift
        ;;
      --prefix=?*) prefix=${1#*=} ;;
      --version=?*) version=${1#*=} version=${version#v} ;;
      --from-source) action=build ;;
      --uninstall) action=uninstall ;;
      --help | -h) usage && return ;;
      *) fail "Option \"$1\" is unknown" "Use --prefix DIR, --version X, --from-source, --uninstall or --help" ;;
    esac
    shift
  done
  [ -n "$prefix" ] || fail "HOME is not set, so there is no default folder" "install.sh --prefix DIR"
  case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
  bin=${prefix%/}/bin
  staged='' work=''
  trap 'rm -rf ${work:+"$work"} ${staged:+"$staged"}' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  case $action in
    install) install_archive ;;
    build) install_build ;;
    uninstall) uninstall ;;
  esac
}

install_archive() {
  detect_platform
  require_writable
  work=$(mktemp -d) || fail "Cannot create a temporary folder" "TMPDIR=DIR install.sh"
  release=latest/download
  if [ -n "$version" ]; then release=download/v$version; fi
  base=${TIDEGATE_BASE_URL:-$repository/releases/$release}
  base=${base%/}
  download SHA256SUMS
  find_archive
  printf 'Downloading %s\n' "$archive"
  download "$archive"
  actual=$(sha256 "$work/$archive")
  if [ "$actual" != "$expected" ]; then
    fail "The checksum of $archive does not match SHA256SUMS: $actual instead of $expected" "Run the installer again; if it happens twice, report it at $repository/issues"
  fi
  tar -xzf "$work/$archive" -C "$work" tidegate || fail "Cannot unpack $archive"
  place "$work/tidegate"
}

install_build() {
  case $0 in */*) source=${0%/*} ;; *) source=. ;; esac
  if [ ! -f "$source/cli/main.ts" ] || [ ! -f "$source/scripts/build.ts" ]; then
    fail "--from-source must run in a clone of tidegate" "git clone $repository && cd tidegate && sh install.sh --from-source"
  fi
  if ! has node || ! has npm; then fail "Building needs Node 18 or newer with npm" "Install Node from https://nodejs.org, or run install.sh without --from-source"; fi
  require_writable
  (cd "$source" && npm run build </dev/null) || fail "The build failed; its output is above"
  place "$source/dist/bin/tidegate"
}

uninstall() {
  if [ -e "$bin/tidegate" ]; then
    rm -f "$bin/tidegate" || fail "Cannot remove $bin/tidegate"
    printf 'Removed %s\n' "$bin/tidegate"
  else
    printf 'Nothing to remove: %s does not exist\n' "$bin/tidegate"
  fi
  cache=${TIDEGATE_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/tidegate}
  if [ -d "$cache" ]; then printf 'Its cache is still there: rm -r "%s"\n' "$cache"; fi
}

detect_platform() {
  arch=$(uname -m)
  case $arch in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
  esac
  libc=''
  case $(uname -s) in
    Linux) os=linux && detect_libc ;;
    Darwin)
      os=darwin
      # A shell under Rosetta says x86_64 on Apple's own processors.
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then arch=arm64; fi
      ;;
    MINGW* | MSYS* | CYGWIN*) fail "This installer does not run on Windows" "Unpack tidegate-<version>-windows-x64.tar.gz from $repository/releases" ;;
    *) os=$(uname -s) ;;
  esac
  platform=$os-$arch$libc
  case $platform in
    linux-x64 | linux-arm64 | linux-x64-musl | linux-arm64-musl | darwin-x64 | darwin-arm64) ;;
    *) fail "There is no tidegate for $platform" "Run it from source with Bun or Deno: $repository" ;;
  esac
}

detect_libc() {
  # A glibc system may have musl's loader installed as well, so the loader only decides when ldd is silent.
  case $(ldd --version 2>&1 || true) in
    *musl*) libc=-musl ;;
    *GLIBC* | *GNU* | *Free\ Software*) ;;
    *) for loader in /lib/ld-musl-*; do if [ -e "$loader" ]; then libc=-musl; fi; done ;;
  esac
}

# Sets archive and expected from the one line of SHA256SUMS that names this platform.
find_archive() {
  found=$(awk -v version="$version" -v tail="-$platform.tar.gz" '
    { name = $2; sub(/^\*/, "", name) }
    name !~ /^tidegate-[A-Za-z0-9.+-]+$/ || $1 !~ /^[0-9a-f]+$/ || length($1) != 64 { next }
    version != "" && name != "tidegate-" version tail { next }
    substr(name, length(name) - length(tail) + 1) == tail { print $1, name }
  ' "$work/SHA256SUMS")
  case $found in
    '') fail "$base has no tidegate ${version:+$version }for $platform" ;;
    *"
"*) fail "$base has more than one version for $platform" "install.sh --version X" ;;
  esac
  expected=${found%% *} archive=${found#* }
}

download() {
  case $base in
    file://*) cp "${base#file://}/$1" "$work/$1" || fail "Cannot read ${base#file://}/$1" ;;
    *@*) fail "TIDEGATE_BASE_URL must not hold a user name or password" ;;
    https://* | http://127.0.0.1:* | http://localhost:*) fetch "$base/$1" "$work/$1" || fail "Cannot download $base/$1" "Check the network connection and the address, and run the installer again" ;;
    *) fail "TIDEGATE_BASE_URL must begin with https:// or file://, and not be $base" ;;
  esac
}

fetch() {
  if has curl; then
    case $1 in https://*) only='=https' ;; *) only='=http' ;; esac
    curl -fsSL --proto "$only" --retry 3 --connect-timeout 20 -o "$2" "$1"
  elif has wget; then
    wget -q -O "$2" "$1"
  else
    fail "Downloading needs curl or wget" "Install one of them and run the installer again"
  fi
}

sha256() {
  if has sha256sum; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    fail "Checking the download needs sha256sum or shasum" "Install coreutils and run the installer again"
  fi
}

# Before the download, so that nobody waits for an error.
require_writable() {
  existing=$bin
  while [ ! -e "$existing" ]; do existing=$(dirname "$existing"); done
  if [ ! -d "$existing" ] || [ ! -w "$existing" ]; then fail "Cannot write to $existing" "install.sh --prefix DIR, with a folder of your own"; fi
}

# Puts a program where it belongs in one step, after it has shown that it runs.
place() {
  mkdir -p "$bin" || fail "Cannot create $bin" "install.sh --prefix DIR, with a folder of your own"
  staged=$bin/.tidegate.$$
  if ! cp "$1" "$staged" || ! chmod 755 "$staged"; then fail "Cannot write to $bin"; fi
  shown=$("$staged" --version </dev/null 2>&1) || does_not_run
  if cmp -s "$staged" "$bin/tidegate"; then
    printf '%s is already installed in %s\n' "$shown" "$bin"
  else
    mv -f "$staged" "$bin/tidegate" || fail "Cannot write $bin/tidegate"
    printf 'Installed %s as %s\n' "$shown" "$bin/tidegate"
  fi
  advise
}

does_not_run() {
  case $shown in
    *libstdc++* | *libgcc_s*) fail "tidegate needs the C++ runtime, which is missing here" "apk add libstdc++ (Alpine), and run the installer again" ;;
    *) fail "The program does not run on this machine: $shown" "Report it at $repository/issues" ;;
  esac
}

advise() {
  case :${PATH:-}: in
    *":$bin:"*)
      first=$(command -v tidegate || true)
      if [ "$first" != "$bin/tidegate" ]; then printf 'Note: "tidegate" still starts %s, which comes first in PATH\n' "$first"; fi
      ;;
    *)
      line="echo 'export PATH=\"$bin:\$PATH\"' >>"
      case ${SHELL:-} in
        */fish) line="fish_add_path \"$bin\"" ;;
        */zsh) line="$line ~/.zshrc" ;;
        *) line="$line ~/.profile" ;;
      esac
      printf 'Add it to your PATH: %s\n' "$line"
      ;;
  esac
  printf 'Start with: tidegate demo\nUndo with: rm "%s"\n' "$bin/tidegate"
}

# A command in braces is read to the end before it begins.
{
  main "$@"
}
