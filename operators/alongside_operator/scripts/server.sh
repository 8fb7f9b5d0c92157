# Locale 0: the server, which starts its other locales over SSH.
# ALONGSIDE_LOCALES has their addresses, ALONGSIDE_SERVER is the program, "$@" its arguments.
umask 077
token=$(cat /alongside/secrets/token) || fail "The group's Secret has no key named token."
case $token in
'' | *[!A-Za-z0-9_.-]*) fail "The token may have letters, digits, dots, dashes and underscores only. Make another Secret." ;;
esac
mkdir -p .arkouda
printf '%s\n' "$token" >.arkouda/tokens.txt
printf 's/%s/(token)/g\n' "$token" >hide
mkfifo said
unset token
umask 022
program=$(command -v "$ALONGSIDE_SERVER") ||
    fail "The image has no program $ALONGSIDE_SERVER. Choose an image with an Arkouda server, or name its path."

# Newer servers have a port for questions that don't wait for the others, and one for metrics.
case "$* $(timeout 10 "$program" --help 2>/dev/null </dev/null || :)" in
*--ServerDaemon.daemonTypes=*) ;;
*daemonTypes:*)
    set -- "$@" "--ServerDaemon.daemonTypes=ServerDaemonType.DEFAULT,ServerDaemonType.STATUS,ServerDaemonType.METRICS"
    ;;
esac

if [ -n "$ALONGSIDE_LOCALES" ]; then
    command -v ssh >/dev/null ||
        fail "The image has no ssh, which more than one locale needs. Choose an image that has it, or one locale."
    cat >ssh_config <<CONFIG
Host *
    Port 2222
    User arkouda
    IdentityFile $keys/id_ed25519
    IdentitiesOnly yes
    BatchMode yes
    HostKeyAlias arkouda
    UserKnownHostsFile $keys/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
    ConnectTimeout 5
    ServerAliveInterval 15
    LogLevel ERROR
CONFIG
    # What GASNet calls instead of ssh. It would have each host's key accepted, and number the
    # locales as they call back; but clients come to this pod, where locale 0 has to be. So that one
    # is started here, and the others when it has called, which is a connection of this address
    # with itself.
    cat >start-locale <<'SCRIPT'
#!/bin/sh
while :; do
    case $1 in
    -o | -F | -i | -l | -p) shift 2 ;;
    -*) shift ;;
    *) break ;;
    esac
done
host=$1
shift
[ "$host" != "$POD_IP" ] || exec /bin/sh -c "$*"
called() {
    grep -h '^ *[0-9]*: \([0-9A-F]*\):[0-9A-F]* \1:[0-9A-F]* 01 ' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        grep -qv ': \(0100007F\|0*01000000\):'
}
tries=0
until called || [ $tries -ge 300 ]; do
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
done
exec ssh -F /alongside/run/ssh_config "$host" "$@"
SCRIPT
    chmod 700 start-locale
    export GASNET_SPAWNFN=S GASNET_MASTERIP="$POD_IP"
    export GASNET_SSH_SERVERS="$POD_IP $ALONGSIDE_LOCALES" GASNET_SSH_CMD="$run/start-locale"
    export GASNET_SSH_REMOTE_PATH="$run"
    export SSH_SERVERS="$GASNET_SSH_SERVERS" SSH_CMD="$GASNET_SSH_CMD"
    export SSH_REMOTE_PATH="$GASNET_SSH_REMOTE_PATH"
    unset SSH_OPTIONS AMUDP_SSH_OPTIONS GASNET_SSH_OPTIONS
    # Each must let us in before there is a launch that could get stuck half-way.
    reach() { # ADDRESS
        tries=0
        until ssh -F "$run/ssh_config" "$1" true </dev/null 2>"refused-$1"; do
            tries=$((tries + 1))
            [ $tries -lt 10 ] || return 1
            sleep 0.5 2>/dev/null || sleep 1
        done
    }
    waiting=
    for ip in $ALONGSIDE_LOCALES; do
        reach "$ip" &
        waiting="$waiting $!:$ip"
    done
    for one in $waiting; do
        wait "${one%%:*}" ||
            fail "The locale at ${one#*:} can't be reached by SSH: $(tail -n 1 "refused-${one#*:}"). Launch the group again; check that its NetworkPolicies let its pods reach each other."
    done
else
    export GASNET_SPAWNFN=L
fi

# What the server says goes to the pod's log, but for its token.
sed -u -f hide <said &
filter=$!
"$program" "$@" </dev/null >said 2>&1 &
server=$!
# The first process of a container gets no signal that it doesn't ask for, and the server doesn't.
asked=
trap 'asked=yes; kill "$server" 2>/dev/null' TERM INT
code=0
wait "$server" || code=$?
[ -z "$asked" ] || exit 143
tries=0 # its last words
while kill -0 "$filter" 2>/dev/null && [ $tries -lt 10 ]; do
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
done
case $code in
0) last="A client has shut it down." ;;
137) last="It was killed, perhaps because a locale used more memory than it may." ;;
143) last="A locale could not be started, or has ended; the log says more." ;;
*) last="It ended with exit code $code; the log says more." ;;
esac
printf '%s' "$last" 2>/dev/null >/dev/termination-log || :
exit "$code"
