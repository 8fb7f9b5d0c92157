# A locale: an SSH daemon, through which the server starts its part here.

# What processes that are started over SSH find in their environment: what there is in ours. The
# daemon takes one line, with words in quotes.
environment() {
    printf SetEnv
    env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | sort -u | while read -r name; do
        case $name in
        HOME | HOSTNAME | POD_IP | PWD | OLDPWD | SHLVL | _ | ALONGSIDE_* | KUBERNETES_*) continue ;;
        esac
        eval "value=\${$name-}"
        [ "$(printf '%s' "$value" | wc -l)" -eq 0 ] || continue
        printf ' "%s=%s"' "$name" "$(printf '%s' "$value" | sed 's/[\\"]/\\&/g')"
    done
    echo
}

# Without any rights, letting in who has the group's key, and nobody else.
sshd=$(command -v sshd || command -v /usr/sbin/sshd) ||
    fail "The image has no sshd, which more than one locale needs. Choose an image that has it, or one locale."
cat >sshd_config <<CONFIG
Port 2222
HostKey $keys/host_ed25519
AuthorizedKeysFile $keys/id_ed25519.pub
AuthenticationMethods publickey
KbdInteractiveAuthentication no
PasswordAuthentication no
PermitRootLogin no
UsePAM no
StrictModes no
UseDNS no
DisableForwarding yes
PrintMotd no
PidFile none
MaxStartups 1000
MaxSessions 1000
LogLevel ERROR
$(environment)
CONFIG
exec "$sshd" -D -e -f "$run/sshd_config"
