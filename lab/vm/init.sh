#!/bin/busybox sh
# The first process of a machine with a kernel of its own, in the initramfs: loads what it takes to see the disks, and
# goes on with the system on the first one. The second disk has the kernel's modules, the third is an archive of what
# belongs to this machine alone.
set -eu
busybox=/bin/busybox
trap '$busybox reboot -f' EXIT
$busybox mount -t devtmpfs dev /dev
while read -r module; do $busybox insmod "/modules/$module"; done </modules/order
$busybox mount -t ext4 /dev/vda /root
$busybox mount -t ext4 -o ro /dev/vdb /root/lib/modules
$busybox tar -xf /dev/vdc -C /root/node
$busybox umount /dev
exec $busybox switch_root /root /bin/sh /node/start.sh
