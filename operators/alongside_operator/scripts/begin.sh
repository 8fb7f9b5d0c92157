# Goes before the others. The pod's definition sets POD_IP; the folders are mounted.
set -eu
run=/alongside/run
keys=/alongside/keys
cd "$run"

fail() { # SENTENCE: what the pod's status will say
    printf '%s\n' "$1" >&2
    printf '%s' "$1" 2>/dev/null >/dev/termination-log || :
    exit 70
}
