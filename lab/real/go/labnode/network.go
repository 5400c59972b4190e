package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// network is the nodes' network: a network namespace, by its open file.
type network struct{ namespace *os.File }

// newNetwork makes a network namespace with a bridge "nodes", which has the router's addresses, and
// lets the kernel route. The main goroutine's thread stays in it, so that /proc/PID/ns/net shows it;
// all other goroutines are in this machine's own.
func newNetwork(router []string) (*network, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("a network namespace of its own: %w", err)
	}
	namespace, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "nodes"}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	for _, cidr := range router {
		address, err := netlink.ParseAddr(cidr)
		if err != nil {
			return nil, fmt.Errorf("address %s: %w", cidr, err)
		}
		// Otherwise an IPv6 address cannot be used while the kernel looks for a duplicate.
		address.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(bridge, address); err != nil {
			return nil, fmt.Errorf("address %s: %w", cidr, err)
		}
	}
	for _, setting := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		err := os.WriteFile("/proc/sys/net/"+setting, []byte("1"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // A kernel may be without IPv6.
			return nil, err
		}
	}
	return &network{namespace}, netlink.LinkSetUp(bridge)
}

// Listen is net.Listen in the nodes' network, for TCP.
func (n *network) Listen(address string) (net.Listener, error) {
	return within(n, func() (net.Listener, error) { return net.Listen("tcp", address) })
}

// Dial is net.Dial in the nodes' network, for TCP.
func (n *network) Dial(address string) (net.Conn, error) {
	return within(n, func() (net.Conn, error) { return net.Dial("tcp", address) })
}

// within makes a socket that belongs to the nodes' network.
func within[T any](n *network, open func() (T, error)) (socket T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with this goroutine, and nobody else gets its namespace.
		runtime.LockOSThread()
		if err = unix.Setns(int(n.namespace.Fd()), unix.CLONE_NEWNET); err == nil {
			socket, err = open()
		}
	}()
	<-done
	return
}

// host is the network that this machine's processes have.
type host struct{}

func (host) Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }
func (host) Dial(address string) (net.Conn, error)       { return net.Dial("tcp", address) }
