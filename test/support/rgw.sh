#!/usr/bin/env bash
# A real S3 server on loopback: Ceph's RADOS gateway with everything in memory (Debian: radosgw ceph-mon ceph-osd ceph-common).
#
#   eval "$(test/support/rgw.sh start FOLDER)"   starts it in FOLDER, new or empty, and prints S3_TEST_… for the tests
#   test/support/rgw.sh stop FOLDER              ends it and removes FOLDER
set -euo pipefail

usage() {
  echo 'Usage: rgw.sh start|stop FOLDER' >&2
  exit 2
}
[[ $# == 2 ]] || usage
action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)

# Gateway first: an OSD without its monitor takes long to end.
stop() {
  local name pid
  for name in rgw osd mon; do
    [[ -f $folder/$name.pid ]] || continue
    pid=$(<"$folder/$name.pid")
    kill -TERM "$pid" 2>/dev/null || continue
    for ((tries = 0; tries < 100; tries += 1)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}

free_port() {
  local port
  for ((tries = 0; tries < 200; tries += 1)); do
    port=$((20000 + RANDOM % 12000))
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || { echo "$port" && return; }
  done
  echo 'Cannot start the S3 server: there is no free port' >&2
  return 1
}

# Starts a daemon that stays below this shell's children no longer; its process id is kept for `stop`.
daemon() {
  local name=$1
  shift
  setsid "$@" --foreground --conf "$folder/ceph.conf" </dev/null >"$folder/$name.log" 2>&1 &
  echo $! >"$folder/$name.pid"
  disown
}

start() {
  local port mon_port fsid osd access=rosterdrop secret
  fsid=$(</proc/sys/kernel/random/uuid)
  osd=$(</proc/sys/kernel/random/uuid)
  port=$(free_port)
  mon_port=$(free_port)
  secret=$(head -c 18 /dev/urandom | base64 | tr -d '+/=')
  mkdir -p "$folder"/{mon,osd,run}
  cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$mon_port/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms bind ipv6 = false
ms cluster mode = crc secure
ms service mode = crc secure
ms client mode = crc secure
ms mon cluster mode = crc secure
ms mon service mode = crc secure
ms mon client mode = crc secure
run dir = $folder/run
admin socket =
log file =
mon cluster log file =
crash dir = $folder/run
heartbeat file =
mon data = $folder/mon
mon data avail crit = 0
mon allow pool size one = true
mon osd prime pg temp = false
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 6442450944
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
osd memory target = 1073741824
keyring = $folder/keyring
rgw data = $folder/run
rgw frontends = beast endpoint=127.0.0.1:$port
rgw rados pool pg num min = 4
rgw enable usage log = false
rgw gc obj min wait = 1
rgw gc processor period = 5
rgw gc processor max time = 5
CONF
  : >"$folder/keyring"
  monmaptool --create --fsid "$fsid" --addv a "v2:127.0.0.1:$mon_port" "$folder/monmap" >/dev/null
  ceph-mon --mkfs -i a --monmap "$folder/monmap" --conf "$folder/ceph.conf" >"$folder/mkfs.log" 2>&1
  daemon mon ceph-mon -i a
  ceph() { command ceph --conf "$folder/ceph.conf" --connect-timeout 30 "$@"; }
  ceph osd new "$osd" >>"$folder/mkfs.log" 2>&1
  ceph-osd --mkfs -i 0 --osd-uuid "$osd" --conf "$folder/ceph.conf" >>"$folder/mkfs.log" 2>&1
  daemon osd ceph-osd -i 0
  radosgw-admin --conf "$folder/ceph.conf" user create --uid rosterdrop --display-name rosterdrop \
    --access-key "$access" --secret-key "$secret" >>"$folder/mkfs.log" 2>&1
  daemon rgw radosgw -n client.rgw
  for ((tries = 0; tries < 300; tries += 1)); do
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break
    kill -0 "$(<"$folder/rgw.pid")"
    sleep 0.1
  done
  printf 'export S3_TEST_ENDPOINT=http://127.0.0.1:%s\n' "$port"
  printf 'export S3_TEST_ACCESS_KEY_ID=%s S3_TEST_SECRET_ACCESS_KEY=%s\n' "$access" "$secret"
}

case $action in
start) start ;;
stop) stop ;;
*) usage ;;
esac
