#!/bin/sh
# Makes the Python environment of this checkout: .venv with exactly what a lock file names.
# Usage: environment.sh [DIRECTORY [LOCK]]. Needs Python 3.11 or newer and nothing else.
set -eu

venv=${1:-.venv}
lock=${2:-requirements/dev.txt}

say() { printf '%s\n' "$*" >&2; }

python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    if command -v "${PYTHON:-python3}" >/dev/null 2>&1; then
        say "Alongside needs Python 3.11 or newer, but ${PYTHON:-python3} is" \
            "$("${PYTHON:-python3}" --version 2>&1). Install a newer one, or name it: make PYTHON=..."
    else
        say "Alongside needs Python 3.11 or newer, and no python3 was found. Install it first."
    fi
    exit 1
fi

# A virtual environment breaks when its interpreter goes away or its directory is moved.
if ! "$venv/bin/python" -c '' 2>/dev/null || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1
then
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "This Python can't make virtual environments." \
            "On Debian and Ubuntu: apt-get install python3-venv"
        exit 1
    fi
    say "Setting up a Python environment in $venv (once)..."
    "$python" -m venv --clear "$venv"
fi

# pip, which reads the user's own settings, brings uv; uv, which reads none of pip's, is told them.
if ! "$venv/bin/uv" --version 2>/dev/null | grep -qF "$(sed -n 's/^uv==\([0-9.]*\).*/uv \1/p' requirements/uv.txt)"
then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
fi
eval "$("$venv/bin/python" tools/pip_settings.py)"
export UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE="${UV_LINK_MODE:-copy}"
"$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$lock"
# What JupyterLab loads is built after this, by the Node that has just been installed, and linked
# to; through that link, what was installed before would be removed from where it is built.
link=$venv/share/jupyter/labextensions/jupyterhub-alongside
[ ! -L "$link" ] || rm "$link"
HATCH_BUILD_NO_HOOKS=true "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
touch "$venv/.ready"
