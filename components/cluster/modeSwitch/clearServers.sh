# Removes from a node what mode ipvs has in the kernel but for its chains and sets: kube-proxy's virtual servers, and
# kube-ipvs0 with the addresses on it. Virtual servers of others stay: those of firewall marks, which kube-proxy never has,
# and those whose address, written as /proc/net/ip_vs does after 4 or 6 for its family, matches OTHERS.
#
# Where it fails, its last line says why.
set -u
for tool in ip ipvsadm; do
	command -v $tool >/dev/null || { echo "modeSwitch.image has no $tool" && exit 1; }
done
[ -e /proc/net/ip_vs ] || exit 0

left=0
# Read as a whole first: a file of the kernel that changes while it is read leaves lines out.
while read -r protocol server _; do
	case $protocol in
	TCP) kind=--tcp-service ;;
	UDP) kind=--udp-service ;;
	SCTP) kind=--sctp-service ;;
	*) continue ;;
	esac
	address=${server%:*} port=$((0x${server##*:}))
	case $address in
	\[*)
		hex=${address#\[} hex=${hex%\]}
		family=6
		;;
	*)
		hex=$address second=${address#??} third=${address#????}
		address=$((0x${hex%??????})).$((0x${second%????})).$((0x${third%??})).$((0x${hex#??????}))
		family=4
		;;
	esac
	echo "$family $hex" | grep -qE "$OTHERS" && continue
	ipvsadm --delete-service $kind "$address:$port" || left=$((left + 1))
done <<SERVERS
$(cat /proc/net/ip_vs)
SERVERS
if grep -q '^ *kube-ipvs0:' /proc/net/dev; then
	ip link delete kube-ipvs0 || exit 1
fi
[ $left = 0 ] || { echo "$left virtual servers of kube-proxy are left" && exit 1; }
