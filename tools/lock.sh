#!/bin/sh
# Writes the lock files anew: one for all Pythons that are supported, by hash, without addresses.
# Usage: lock.sh [DIRECTORY]: where to write, default requirements/. With UPGRADE=1 to the newest.
set -eu

out=${1:-requirements}
eval "$(.venv/bin/python tools/pip_settings.py)"
export UV_NO_CONFIG=1 UV_CUSTOM_COMPILE_COMMAND="make lock"

compile() { # FILE INPUT...
    file=$1
    shift
    # What is locked already stays as it is, unless it no longer fits.
    [ "$out" = requirements ] || [ ! -e "requirements/$file" ] || cp "requirements/$file" "$out/$file"
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-strip-extras \
        --excludes requirements/excludes.in \
        --emit-build-options ${UPGRADE:+--upgrade} --output-file "$out/$file" "$@" >/dev/null
}

all="pyproject.toml --all-extras --group pyproject.toml:dev"
compile uv.txt requirements/uv.in
compile dev.txt $all
compile hub-5.5.txt $all requirements/hub-5.5.in

# The images get what `make test` has been run with, so far as they need it.
image() { # NAME EXTRA... [-- INPUT...]
    name=$1
    shift
    extras=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        extras="$extras --extra $1"
        shift
    done
    [ $# -eq 0 ] || shift
    compile "image-$name.txt" pyproject.toml $extras --constraint "$out/dev.txt" "$@"
}
compile image-build.txt requirements/image-build.in --constraint "$out/dev.txt"
image session session workflows -- requirements/image-session.in
image service service kubernetes operator
image hub kubespawner header ldap -- requirements/image-hub.in
