# What ipvs has on this node, one fact a line, for carried.ts. It is run by the shell of kube-proxy's own image, which has
# little else: iptables' wrapper needs no more than that and grep.
#
#   servers N           virtual servers
#   device N            1 where kube-proxy's interface is there, 0 where not
#   connections N       established ones
#   flows N             UDP, which has no connections
#   own N               established connections of the node's own processes that have a Service's address as their source:
#                       the kernel chose it, since kube-ipvs0 has it, and they hang when that goes
#   ip                  there is a command of that name, so that such connections become none any more, see below
#   at PROTOCOL ADDRESS PORT N   established connections to one virtual server; of the first ten that were found
#   gone                ipvs is not there
#
# Where there is `ip`, connections that the node's processes open from now on have the node's address as their source:
# ADDRESSES, separated by commas.
set -u
servers=/proc/net/ip_vs connections=/proc/net/ip_vs_conn

devices=$(grep -c '^ *kube-ipvs0:' /proc/net/dev)
if [ ! -e $servers ]; then
	echo "gone"
	echo "device $devices"
	exit 0
fi

node_address() { # of the family of $1
	for address in $(echo "$ADDRESSES" | while IFS=, read -r first second; do echo "$first $second"; done); do
		case $1/$address in
		*:*/*:*) echo "$address" ;;
		*:*/* | */*:*) ;;
		*) echo "$address" ;;
		esac
	done
}
if [ "$devices" != 0 ] && command -v ip >/dev/null; then
	echo "ip"
	# Only then it can have routes for IPv6 that name a source; those that the kernel made by itself come before them.
	ip link set kube-ipvs0 up
	ip -o address show dev kube-ipvs0 scope global | while read -r _ _ _ address _; do
		address=${address%/*}
		source=$(node_address "$address")
		[ -n "$source" ] || continue
		case $address in *:*) family=-6 ;; *) family=-4 ;; esac
		ip $family route replace local "$address" dev kube-ipvs0 table local proto kernel src "$source"
		[ $family = -4 ] || ip -6 route del local "$address" dev kube-ipvs0 table local metric 0 2>/dev/null
	done
fi

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
node_ipv4=$(node_address 0.0.0.0 | while IFS=. read -r a b c d; do printf '%02X%02X%02X%02X' "$a" "$b" "$c" "$d"; done)
own=0 services=" " others=" "
for file in /proc/net/tcp /proc/net/tcp6; do
	[ -r $file ] || continue
	while read -r _ from to state _; do
		# Where an interface has the address that is asked for, the kernel asks from that one.
		[ "$state" = 01 ] && [ "${from%:*}" = "${to%:*}" ] || continue
		case $services in *" $to "*) own=$((own + 1)) && continue ;; esac
		case $others in *" $to "*) continue ;; esac
		if is_service "$to"; then
			services="$services$to " own=$((own + 1))
		else
			others="$others$to "
		fi
	done <$file
done
echo "own $own"

seen=" " count=0
while read -r protocol _ _ to port _ _ state _; do
	[ "$state" = ESTABLISHED ] || continue
	case $seen in *" $protocol $to $port "*) continue ;; esac
	seen="$seen $protocol $to $port " count=$((count + 1))
	echo "at $protocol $to $port $(grep -cE "^$protocol +[^ ]+ [^ ]+ $to $port .* ESTABLISHED " $connections)"
	[ $count -lt 10 ] || break
done <$connections
