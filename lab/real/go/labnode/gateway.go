package main

import (
	"flag"
	"io"
	"net"
	"net/http"
	"strings"
)

// gateway keeps the network that a lab's real nodes are in, and is the only way in and out of it: a
// network namespace that nothing connects with this machine's. Connections are forwarded by this
// process, which has sockets in both, so that this machine gets no interface, route or rule.
//
//	-address   CIDR of the nodes' router, which is that namespace; repeated
//	-to-host   ADDRESS=ADDRESS: one of the router that leads to one of this machine; repeated
//	-to-nodes  ADDRESS=ADDRESS: one of this machine that leads to one of a node; repeated
//	-proxy     where on this machine an HTTPS proxy listens, by which the API server reaches kubelets
//	-cert, -key  paths of the proxy's certificate and key
func gateway(args []string) error {
	var addresses, toHost, toNodes list
	flags := flag.NewFlagSet("gateway", flag.ExitOnError)
	flags.Var(&addresses, "address", "")
	flags.Var(&toHost, "to-host", "")
	flags.Var(&toNodes, "to-nodes", "")
	proxy := flags.String("proxy", "", "")
	cert := flags.String("cert", "", "")
	key := flags.String("key", "", "")
	flags.Parse(args)

	nodes, err := newNetwork(addresses)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, addresses := range toHost {
		go func() { failed <- forward(nodes, host{}, addresses) }()
	}
	for _, addresses := range toNodes {
		go func() { failed <- forward(host{}, nodes, addresses) }()
	}
	go func() { failed <- http.ListenAndServeTLS(*proxy, *cert, *key, kubeletProxy{nodes}) }()
	return <-failed
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string         { return strings.Join(*l, " ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

type listener interface {
	Listen(address string) (net.Listener, error)
}

type dialer interface {
	Dial(address string) (net.Conn, error)
}

// forward takes connections at the first of two addresses and leads them to the second.
func forward(from listener, to dialer, addresses string) error {
	first, second, _ := strings.Cut(addresses, "=")
	listener, err := from.Listen(first)
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			server, err := to.Dial(second)
			if err != nil {
				client.Close()
				return
			}
			join(client, server)
		}()
	}
}

// join copies between two connections until both directions have ended.
func join(a, b net.Conn) {
	done := make(chan struct{})
	send := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		// The other direction may go on: a half-closed connection stays one.
		_ = to.(interface{ CloseWrite() error }).CloseWrite()
		done <- struct{}{}
	}
	go send(a, b)
	go send(b, a)
	<-done
	<-done
	a.Close()
	b.Close()
}

// kubeletProxy leads the API server to kubelets by CONNECT. Any other request asks for the gateway's
// health.
type kubeletProxy struct{ nodes *network }

func (p kubeletProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		return
	}
	kubelet, failure := p.dial(r.Host)
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if failure == nil {
			kubelet.Close()
		}
		return
	}
	if failure != nil {
		// All that the API server tells of it is the status line.
		io.WriteString(client, "HTTP/1.1 502 "+failure.Error()+"\r\n\r\n")
		client.Close()
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		client.Close()
		kubelet.Close()
		return
	}
	join(client, kubelet)
}

// dial tells real nodes from those that kwok plays, whose kubelet is on this machine.
func (p kubeletProxy) dial(address string) (net.Conn, error) {
	if strings.HasPrefix(address, "localhost:") {
		return host{}.Dial(address)
	}
	return p.nodes.Dial(address)
}
