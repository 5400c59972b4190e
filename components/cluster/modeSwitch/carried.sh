# What ipvs has on this node, one fact a line, for carried.ts. It is run by the shell of kube-proxy's own image, which has
# little else: iptables' wrapper needs no more than that and grep.
#
#   servers N           virtual servers
#   device N            1 where kube-proxy's interface is there, 0 where not
#   connections N       established ones
#   flows N             UDP, which has no connections
#   own N               established connections of the node's own processes that have a Service's address as their source:
#                       the kernel chose it, since kube-ipvs0 has it, and they hang when that goes
#   ip                  such connections become none any more, since all are of IPv4 and there is a command of that name
#   ipvsadm             there is a command of that name
#   at PROTOCOL ADDRESS PORT N   established connections to one virtual server; of the first ten that were found
#   gone                ipvs is not there
#
# Where there is `ip`, IPv4 connections that the node's processes open from now on have the node's address as their source:
# that of ADDRESSES, the node's, separated by commas.
set -u
servers=/proc/net/ip_vs connections=/proc/net/ip_vs_conn

devices=$(grep -c '^ *kube-ipvs0:' /proc/net/dev)
if [ ! -e $servers ]; then
	echo "gone"
	echo "device $devices"
	exit 0
fi

ipv4_of() {
	for address in $(echo "$1" | while IFS=, read -r first second; do echo "$first $second"; done); do
		case $address in *:*) ;; *) echo "$address" ;; esac
	done
}
if [ "$devices" != 0 ] && command -v ip >/dev/null; then
	# Of IPv6 the kernel's own routes come before all others, and without them ipvs does not see what is for it.
	node=$(ipv4_of "$ADDRESSES")
	ip -4 -o address show dev kube-ipvs0 | while read -r _ _ _ address _; do
		[ -z "$node" ] || ip -4 route replace local "${address%/*}" dev kube-ipvs0 table local proto kernel src "$node"
	done
fi

command -v ipvsadm >/dev/null && echo "ipvsadm"
echo "servers $(grep -cE '^(TCP|UDP|SCTP) ' $servers)"
echo "device $devices"
echo "connections $(grep -c ' ESTABLISHED ' $connections)"
echo "flows $(grep -c '^UDP ' $connections)"

# A word of /proc/net/tcp, whose bytes are in the processor's order: AABBCCDD becomes DDCCBBAA, or DDCC:BBAA.
turned() {
	_rest=${1#??} _a=${1%??????} _d=${1#??????}
	_b=${_rest%????} _c=${_rest#??}
	_c=${_c%??}
	turned=$_d$_c$2$_b$_a
}
# Whether ipvs has a virtual server at ADDRESS:PORT of /proc/net/tcp, and kube-ipvs0 its address: a node's own stays.
is_service() {
	_address=${1%:*} _port=${1#*:}
	case $_address in
	0000000000000000FFFF0000*) _address=${_address#0000000000000000FFFF0000} ;;
	esac
	case ${#_address} in
	8)
		turned "$_address" ""
		[ "$turned" != "$node_ipv4" ] && grep -q "^TCP  *$turned:$_port " $servers
		;;
	32)
		_ipv6= _digits=
		while [ -n "$_address" ]; do
			_others=${_address#????????}
			turned "${_address%"$_others"}" :
			_ipv6=$_ipv6:$turned _digits=$_digits${turned%:*}${turned#*:} _address=$_others
		done
		grep -qi "^$_digits .* kube-ipvs0$" /proc/net/if_inet6 && grep -qi "^TCP  *\[${_ipv6#:}\]:$_port " $servers
		;;
	*) return 1 ;;
	esac
}
node_ipv4=$(ipv4_of "$ADDRESSES" | while IFS=. read -r a b c d; do printf '%02X%02X%02X%02X' "$a" "$b" "$c" "$d"; done)
own=0 ipv6=0 services=" " others=" "
for file in /proc/net/tcp /proc/net/tcp6; do
	[ -r $file ] || continue
	while read -r _ from to state _; do
		# Where an interface has the address that is asked for, the kernel asks from that one.
		[ "$state" = 01 ] && [ "${from%:*}" = "${to%:*}" ] || continue
		case $others in *" $to "*) continue ;; esac
		case $services in
		*" $to "*) ;;
		*)
			if is_service "$to"; then
				services="$services$to "
			else
				others="$others$to " && continue
			fi
			;;
		esac
		own=$((own + 1))
		case $to in 0000000000000000FFFF0000*) ;; ????????????????????????????????:*) ipv6=$((ipv6 + 1)) ;; esac
	done <$file
done
echo "own $own"
[ "$devices" = 0 ] || [ $ipv6 != 0 ] || ! command -v ip >/dev/null || echo "ip"

seen=" " count=0
while read -r protocol _ _ to port _ _ state _; do
	[ "$state" = ESTABLISHED ] || continue
	case $seen in *" $protocol $to $port "*) continue ;; esac
	seen="$seen $protocol $to $port " count=$((count + 1))
	echo "at $protocol $to $port $(grep -cE "^$protocol +[^ ]+ [^ ]+ $to $port .* ESTABLISHED " $connections)"
	[ $count -lt 10 ] || break
done <$connections
