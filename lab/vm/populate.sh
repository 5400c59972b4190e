#!/bin/sh
# Puts images where a machine's containerd finds them, unpacked, since that would take minutes under emulation. Run in
# mount and pid namespaces of its own: what it mounts and starts ends with it. Its environment:
#   WORK       a folder for what is left over
#   DATA       containerd's folder, as a machine sees it later on
#   BIN        folder with containerd and ctr
#   IMAGES     the archive
set -eu
export PATH="$BIN:$PATH"
mount --make-rprivate /
mount -t proc proc /proc
cat >"$WORK/containerd.toml" <<END
version = 3
root = "$DATA"
state = "$WORK/state"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
[grpc]
  address = "$WORK/socket"
[ttrpc]
  address = "$WORK/socket.ttrpc"
END
containerd --config "$WORK/containerd.toml" &
export CONTAINERD_ADDRESS="$WORK/socket" CONTAINERD_NAMESPACE=k8s.io
until ctr version >/dev/null 2>&1; do
	kill -0 $!
	sleep 0.1
done
ctr images import --local "$IMAGES"
# The layers as they were packed are of no use any more.
ctr content prune references
kill $!
wait
