#!/bin/sh
# Records a run of several VMs for the tests with gdb.
#
#   sh tests/gdb/record-cluster.sh NAME BUILD-DIR TRACE [WORD=VALUE...]
#
# NAME and the words are those of tests/cluster/make-conf.sh. What the VMs print lands in
# TRACE.consoles.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
name=$1
build=$2
trace=$3
shift 3
rm -rf "$trace" "$trace.consoles"
sh "$here/../cluster/make-conf.sh" "$name" "$build" "$trace.consoles" "$@" >"$trace.conf"
exec "$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -q -o "$trace" \
    --timeout 280 "$trace.conf" </dev/null
