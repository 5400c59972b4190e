# Removes from a node the chains and sets that mode ipvs has made, and no others. kube-proxy's own cleanup forgets the sets
# for IPv6; beside mode iptables, some of whose chains have the same names, it can remove none of them, and it removes none
# where it does not see ipvs. MODE is that of the node's kube-proxy.
#
# Source: pkg/proxy/ipvs/proxier.go `iptablesJumpChain`, `iptablesCleanupChains` and `ipsetInfo`.
unlink() { # TABLE CHAIN TO COMMENT
	while "$iptables" -w 60 -t "$1" -D "$2" -m comment --comment "$4" -j "$3" 2>/dev/null; do :; done
}
drop() { # TABLE CHAIN
	"$iptables" -w 60 -t "$1" -F "$2" 2>/dev/null && "$iptables" -w 60 -t "$1" -X "$2"
}
for iptables in iptables ip6tables; do
	# Mode iptables has these as well; in any other one they are what ipvs has left, and hold on to its sets.
	if [ "$MODE" != iptables ]; then
		unlink nat PREROUTING KUBE-SERVICES "kubernetes service portals"
		unlink nat OUTPUT KUBE-SERVICES "kubernetes service portals"
		unlink nat POSTROUTING KUBE-POSTROUTING "kubernetes postrouting rules"
		unlink filter FORWARD KUBE-FORWARD "kubernetes forwarding rules"
		drop nat KUBE-SERVICES
		drop nat KUBE-POSTROUTING
		drop filter KUBE-FORWARD
	fi
	unlink filter INPUT KUBE-NODE-PORT "kubernetes health check rules"
	unlink filter INPUT KUBE-PROXY-FIREWALL "kube-proxy firewall rules"
	unlink filter FORWARD KUBE-PROXY-FIREWALL "kube-proxy firewall rules"
	unlink filter INPUT KUBE-IPVS-FILTER "kubernetes ipvs access filter"
	unlink filter OUTPUT KUBE-IPVS-OUT-FILTER "kubernetes ipvs access filter"
	for chain in KUBE-NODE-PORT KUBE-SOURCE-RANGES-FIREWALL KUBE-IPVS-FILTER KUBE-IPVS-OUT-FILTER; do
		drop filter $chain
	done
	drop nat KUBE-NODE-PORT
	drop nat KUBE-LOAD-BALANCER
done
for name in LOOP-BACK CLUSTER-IP EXTERNAL-IP EXTERNAL-IP-LOCAL LOAD-BALANCER LOAD-BALANCER-LOCAL LOAD-BALANCER-FW \
	LOAD-BALANCER-SOURCE-IP LOAD-BALANCER-SOURCE-CIDR NODE-PORT-TCP NODE-PORT-LOCAL-TCP NODE-PORT-UDP \
	NODE-PORT-LOCAL-UDP NODE-PORT-SCTP-HASH NODE-PORT-LOCAL-SCTP-HASH HEALTH-CHECK-NODE-PORT IPVS-IPS \
	LOAD-BALANCER-SOURCE-CID NODE-PORT-LOCAL-SCTP-HAS; do # Names have 31 characters at most.
	for set in "KUBE-$name" "KUBE-6-$name"; do
		ipset destroy "$set" 2>/dev/null
	done
done
# What is left kube-proxy's cleanup names.
exit 0
