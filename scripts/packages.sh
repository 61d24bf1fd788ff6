# Sourced by quickstart and check: which Debian packages are needed, and installing those missing.

program_packages=(
  cmake dataset-fashion-mnist g++ libboost-dev libcli11-dev libfmt-dev libkainjow-mustache-dev
  libopenblas0-openmp librandom123-dev libsqlite3-dev libtomlplusplus-dev libtorch-dev libxxhash-dev
  ninja-build nlohmann-json3-dev zlib1g-dev
)
test_packages=(
  ccache chromium clang-format libbenchmark-dev libdnnl-dev libgmock-dev libgtest-dev librapidcheck-dev
  openmpi-bin python3 python3-torch sqlite3
)

# npm fetches the chart libraries of the report at build time. Node.js from elsewhere brings it too, and
# would be in conflict with Debian's package: what counts is the command.
if ! command -v npm > /dev/null; then
  program_packages+=(nodejs npm)
fi

# as_root COMMAND...: runs it as root, through sudo if need be.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo -- "$@"
  else
    echo "error: installing packages needs root: run this as root or install sudo" >&2
    exit 2
  fi
}

# missing_packages NAME...: prints those that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null) != installed ]]; then
      echo "$name"
    fi
  done
}

# install_packages NAME...: says what is missing and installs it.
install_packages() {
  if ! command -v dpkg-query apt-get > /dev/null; then
    echo "error: this needs Debian 12; elsewhere install by hand what stands for: $*" >&2
    exit 2
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [[ ${#missing[@]} -eq 0 ]]; then
    echo "Packages: all ${#} are installed."
    return
  fi
  echo "Packages to install from Debian: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# select_openmp_blas: libtorch takes its matrix products from whatever libblas.so.3 stands for.
# OpenBLAS's pthread build fights with libtorch's own threads; where it has come in with another
# package it would win by priority, so the OpenMP build is chosen by name.
select_openmp_blas() {
  local triplet name link wanted
  triplet=$(g++ -print-multiarch)
  for name in libblas.so.3 liblapack.so.3 libopenblas.so.0; do
    link=/usr/lib/$triplet/$name
    wanted=/usr/lib/$triplet/openblas-openmp/$name
    if [[ $(readlink -f "$link") != $(readlink -f "$wanted") ]]; then
      echo "Selecting the OpenMP build of OpenBLAS for $name."
      as_root update-alternatives --set "$name-$triplet" "$wanted" > /dev/null
    fi
  done
}

# build_jobs: as many as processors, but no more than memory allows (a torch unit takes 1.5 GB).
build_jobs() {
  local memory_kb by_memory processors
  memory_kb=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
  by_memory=$((memory_kb / 1500000))
  processors=$(nproc)
  echo $((by_memory < 1 ? 1 : by_memory < processors ? by_memory : processors))
}
