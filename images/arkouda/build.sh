#!/bin/sh
# The steps by which Dockerfile makes an Arkouda server from its sources.
set -eu

apt() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "$@" >/dev/null
    rm -rf /var/lib/apt/lists/*
}

source_of() { # NAME ADDRESS: unpacks NAME.tar.gz of this folder, or what is at the address
    [ -e "$1.tar.gz" ] || curl --fail --silent --show-error --location --output "$1.tar.gz" "$2"
    mkdir -p "$1"
    tar -xzf "$1.tar.gz" -C "$1" --strip-components=1
}

chapel_settings() {
    export CHPL_HOME=/opt/chapel CHPL_TARGET_CPU=none CHPL_LLVM=system CHPL_RE2=bundled
    export CHPL_GMP=bundled CHPL_UNWIND=none
    if [ "$SUBSTRATE" = none ]; then
        export CHPL_COMM=none
    else
        export CHPL_COMM=gasnet CHPL_COMM_SUBSTRATE="$SUBSTRATE"
    fi
    [ "$SUBSTRATE" != udp ] || export CHPL_LAUNCHER=amudprun
    PATH="$CHPL_HOME/bin/linux64-x86_64:$CHPL_HOME/bin/linux64-aarch64:$PATH"
}

case $1 in
check)
    memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1048576 + 1))
    cores=$(getconf _NPROCESSORS_ONLN)
    if [ "$2" -gt 0 ] && { [ "$memory" -lt "$2" ] || [ "$cores" -lt 4 ]; }; then
        echo "Compiling Arkouda needs at least 4 cores and $2 GiB of memory; this machine has $cores and $memory GiB." >&2
        echo "Build it on a larger one, or try nevertheless with --build-arg MEMORY_GIB=0." >&2
        exit 1
    fi
    ;;
packages)
    apt build-essential ca-certificates clang-14 cmake curl git libclang-14-dev libclang-cpp14-dev \
        libcurl4-openssl-dev libhdf5-dev libiconv-hook-dev libidn2-dev libzmq3-dev llvm-14-dev \
        m4 perl pkg-config python3-dev python3-pip python3-venv
    ;;
chapel)
    source_of chapel "$2"
    mv chapel /opt/chapel
    chapel_settings
    make -C /opt/chapel -j "$(nproc)"
    ;;
arkouda)
    source_of arkouda "$2"
    chapel_settings
    cd arkouda
    # Sources without a history don't know their version otherwise.
    export SETUPTOOLS_SCM_PRETEND_VERSION="${3#v}" VERSIONEER_OVERRIDE="${3#v}"
    make install-arrow
    make ARKOUDA_SKIP_CHECK_DEPS=true
    mkdir -p /opt/arkouda/bin /opt/arkouda/lib
    install -m 755 arkouda_server* /opt/arkouda/bin/
    # What is linked and does not come with the distribution.
    ldd "$(ls arkouda_server_real arkouda_server 2>/dev/null | head -n 1)" |
        sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | grep -v '^/lib/\|^/usr/lib/' |
        xargs -r cp -L -t /opt/arkouda/lib
    # The client of the same sources, so that both have one version.
    python3 -m venv /build/venv
    /build/venv/bin/pip wheel --quiet --no-deps --wheel-dir /build/wheels .
    ;;
runtime)
    apt ca-certificates libcurl4 libhdf5-103-1 libidn2-0 libstdc++6 libzmq5 openssh-client \
        openssh-server
    # Each group brings keys of its own.
    rm -f /etc/ssh/ssh_host_*
    ;;
esac
