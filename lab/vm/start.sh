#!/bin/sh
# Pid 1 of a machine with a kernel of its own, after init.sh: what ends this process ends the machine. Its environment is
# in /node/environment:
#   NODE                           its name
#   ADDRESSES, ROUTERS, POD_CIDRS  lists of CIDRs, one of each IP family
#   AGENT                          port at which the agent listens
set -eu
# Ends the machine without the kernel's complaint, which would be all that one sees at the end of the log.
trap 'reboot -f' EXIT
. /node/environment
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
hostname "$NODE"
# What is there on any node that has booted as usual; all else is loaded when somebody wants it.
/sbin/modprobe -a virtio_net overlay nf_conntrack

# By its path, as modprobe: the shell has a lesser one in itself.
ip() { /sbin/ip "$@"; }
ip link set lo up
for address in $ADDRESSES; do
	case $address in
	*:*) ip address add "$address" dev eth0 nodad ;; # Not to be looked for a duplicate of first.
	*) ip address add "$address" dev eth0 ;;
	esac
done
ip link set eth0 up
for address in $ROUTERS; do ip route add default via "${address%/*}"; done
# What kubeadm's preflight checks insist on.
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

own=${ADDRESSES%% *}
router=${ROUTERS%% *}
labnode agent -listen "${own%/*}:$AGENT" -from "${router%/*}" -secret /node/secret &

containerd --config /node/containerd.toml &
until [ -S /run/containerd/containerd.sock ]; do
	kill -0 $!
	sleep 0.1
done
kubelet --config /node/kubelet.yaml --kubeconfig /node/kubelet.conf \
	--hostname-override "$NODE" --node-ip "$(echo "$ADDRESSES" | sed 's,/[0-9]*,,g; s/ /,/g')"
