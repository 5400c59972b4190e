#!/bin/sh
# Becomes the emulator, given by its command line, with a cable to the router; run in the router's network namespace. Its
# environment:
#   NODE                 the machine's name, and that of its end of the cable
#   ADDRESSES, POD_CIDRS lists of CIDRs, one of each IP family
#   PRIORITY             its `nice` value
set -eu
# Among sessions, which the kernel may take for groups of their own, a process' nice value alone means nothing.
[ ! -e /proc/self/autogroup ] || echo "$PRIORITY" >/proc/self/autogroup
ip tuntap add dev "$NODE" mode tap
ip link set "$NODE" master nodes up
for range in $POD_CIDRS; do
	ip route add "$range" via "${ADDRESSES%%/*}"
	case $ADDRESSES in *" "*) ADDRESSES=${ADDRESSES#* } ;; esac
done
exec "$@"
