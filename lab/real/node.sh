#!/bin/sh
# Pid 1 of a real node, run in mount, network, pid, uts and ipc namespaces of its own: whatever ends this process ends
# the node, and nothing of it is left. Its environment:
#   NODE                           its name
#   GATEWAY                        pid of the process whose network namespace is the router between the nodes
#   ADDRESSES, ROUTERS, POD_CIDRS  lists of CIDRs, one of each IP family
#   FOLDER                         its folder: configuration, and containerd's data
#   USERLAND, BIN, KUBERNETES, IMAGES  paths in the lab's cache, see build.ts
set -eu

# A cable to the router, which leads everywhere.
router=/proc/$GATEWAY/ns/net
on_router() { nsenter --net="$router" ip "$@"; }
ip link set lo up
ip link add eth0 type veth peer name "$NODE" netns "$router"
on_router link set "$NODE" master nodes up
# Not to be looked for a duplicate of first, which an IPv4 address never is: there ip warns.
for address in $ADDRESSES; do ip address add "$address" dev eth0 nodad; done
ip link set eth0 up
for address in $ROUTERS; do ip route add default via "${address%/*}"; done
set -- $ADDRESSES
for range in $POD_CIDRS; do
	on_router route add "$range" via "${1%/*}"
	shift
done
# What kubeadm's preflight checks insist on.
for setting in ipv4/ip_forward ipv6/conf/all/forwarding; do
	[ ! -e "/proc/sys/net/$setting" ] || echo 1 >"/proc/sys/net/$setting"
done

# A root file system of its own: the userland, with all that is written over it kept in memory.
cd "$FOLDER"
mkdir -p memory
mount -t tmpfs tmpfs memory
cd memory
mkdir upper work userland root
mount --bind "$USERLAND" userland # overlay takes no path with a comma or colon
mount -t overlay -o lowerdir=userland,upperdir=upper,workdir=work overlay root
cd root
mkdir -p dev etc lib/modules node old proc run sys tmp usr/local/bin var
echo "127.0.0.1 localhost" >etc/hosts
echo "root:x:0:0::/:/bin/sh" >etc/passwd
touch etc/resolv.conf
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount -t tmpfs tmpfs run
mount --bind "$FOLDER" node
mount --bind "$BIN" usr/local/bin
touch kubelet images
mount --bind "$KUBERNETES" kubelet
mount --bind "$IMAGES" images
pivot_root . old
cd /
umount -l old
mount --make-rshared /
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
hostname "$NODE"

# The kernel's own settings are this machine's, too. The kubelet finds these as it wants them, and sets none.
for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	file=/run/sysctl/${setting%=*}
	mkdir -p "${file%/*}"
	echo "${setting#*=}" >"$file"
	mount --bind "$file" "/proc/sys/${setting%=*}"
done

containerd --config /node/containerd.toml &
until ctr version >/dev/null 2>&1; do
	kill -0 $!
	sleep 0.1
done
ctr --namespace k8s.io images import --local /images

/kubelet --config /node/kubelet.yaml --kubeconfig /node/kubelet.conf \
	--hostname-override "$NODE" --node-ip "$(echo "$ADDRESSES" | sed 's,/[0-9]*,,g; s/ /,/g')"
