#!/bin/bash
# A real mail server for tests: Postfix, with Dovecot to check passwords, on free ports of 127.0.0.1.
#
#   postfix.sh start DIR   starts it, with everything under DIR, and writes DIR/env
#   postfix.sh stop DIR    stops it, by the process numbers under DIR
#
# DIR/env sets, for `cargo test --features peers --test smtp`:
#   DRIFTD_TEST_SMTP_PORT           STARTTLS and a login, both required to send
#   DRIFTD_TEST_SMTPS_PORT          the same, TLS from the start
#   DRIFTD_TEST_SMTP_PLAIN_PORT     no TLS at all, and so no login
#   DRIFTD_TEST_SMTP_CA             the authority of its certificate (for `localhost`)
#   DRIFTD_TEST_SMTP_USER, DRIFTD_TEST_SMTP_PASSWORD
#   DRIFTD_TEST_SMTP_TO             the only recipient it knows
#   DRIFTD_TEST_SMTP_MAILS          the folder where that one's mails arrive
set -euo pipefail

fail() { echo "postfix.sh: $*" >&2; exit 1; }

[ $# -eq 2 ] || fail "expected start DIR or stop DIR"
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)

# Ends the process that a file names, and waits until it is gone.
end() {
  [ -s "$1" ] || return 0
  local pid; pid=$(tr -d ' \n' < "$1")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

stop() {
  end "$dir/spool/pid/master.pid"
  end "$dir/run/master.pid"
}

# A port of 127.0.0.1 that nobody listens on.
taken=" "
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    [[ $taken == *" $port "* ]] && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  taken+="$port "
  REPLY=$port
}

wait_for() {
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.1
  done
  fail "nothing listens on port $1; see $dir/*.log"
}

install_missing() {
  command -v postfix >/dev/null && command -v dovecot >/dev/null && command -v openssl >/dev/null && return
  # A server of the machine itself is not wanted: invoke-rc.d asks this script, 101 forbids.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' > $policy; chmod 755 $policy; made=1; fi
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y \
    --no-install-recommends postfix dovecot-core openssl > "$dir/apt.log" 2>&1 \
    || fail "apt-get could not install postfix and dovecot-core; see $dir/apt.log"
  if [ -n "$made" ]; then rm $policy; fi
}

certificate() {
  local etc=$dir/etc
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=driftd tests' \
    -keyout "$etc/ca.key" -out "$etc/ca.pem" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
    -keyout "$etc/key.pem" -out "$etc/request.pem" 2>/dev/null
  openssl x509 -req -in "$etc/request.pem" -CA "$etc/ca.pem" -CAkey "$etc/ca.key" -days 2 \
    -CAcreateserial -out "$etc/cert.pem" 2>/dev/null \
    -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1')
}

configure_dovecot() {
  echo 'driftd@drift.test:{PLAIN}a-test-password::::::' > "$dir/etc/users"
  cat > "$dir/etc/dovecot.conf" <<C
base_dir = $dir/run
log_path = $dir/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $dir/etc/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=$dir/mail
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = $auth
  }
}
C
}

configure_postfix() {
  cat > "$dir/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.drift.test
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = $dir/postfix.log
maillog_file_prefixes = $dir
virtual_mailbox_domains = drift.test
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = inline:{ops@drift.test=ops/}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = $dir/etc/cert.pem
smtpd_tls_key_file = $dir/etc/key.pem
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
alias_maps =
C
  cat > "$dir/etc/master.cf" <<C
127.0.0.1:$starttls inet n - n - - smtpd
127.0.0.1:$implicit inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:$plain inet n - n - - smtpd -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
C
}

start() {
  [ "$(id -u)" = 0 ] || fail "Postfix needs root"
  install_missing
  case $(dovecot --version) in 2.3.*) ;; *) fail "expected Dovecot 2.3, got $(dovecot --version)" ;; esac
  stop
  rm -rf "${dir:?}"/{etc,spool,data,mail,run,env,postfix.log,dovecot.log}
  mkdir -p "$dir"/{etc,spool,data,mail/ops}
  # Postfix and Dovecot read as users of their own.
  chmod 755 "$dir"
  chown postfix "$dir/data"
  chown -R 65534:65534 "$dir/mail"
  free_port; starttls=$REPLY
  free_port; implicit=$REPLY
  free_port; plain=$REPLY
  free_port; auth=$REPLY
  certificate
  configure_dovecot
  configure_postfix
  dovecot -c "$dir/etc/dovecot.conf" || fail "Dovecot does not start; see $dir/dovecot.log"
  wait_for "$auth"
  postfix -c "$dir/etc" start > "$dir/start.log" 2>&1 || { stop; fail "see $dir/start.log"; }
  wait_for "$starttls"
  wait_for "$implicit"
  cat > "$dir/env" <<C
export DRIFTD_TEST_SMTP_PORT=$starttls
export DRIFTD_TEST_SMTPS_PORT=$implicit
export DRIFTD_TEST_SMTP_PLAIN_PORT=$plain
export DRIFTD_TEST_SMTP_CA=$dir/etc/ca.pem
export DRIFTD_TEST_SMTP_USER=driftd@drift.test
export DRIFTD_TEST_SMTP_PASSWORD=a-test-password
export DRIFTD_TEST_SMTP_TO=ops@drift.test
export DRIFTD_TEST_SMTP_MAILS=$dir/mail/ops/new
C
}

case $action in
  start) start ;;
  stop) stop ;;
  *) fail "expected start or stop, got $action" ;;
esac
