package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
)

// server answers every HTTP request and every UDP datagram at one port with its host's name, which
// in a pod is the pod's.
func server(args []string) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	port := flags.Int("port", 8080, "port for HTTP and UDP")
	flags.Parse(args)

	name, err := os.Hostname()
	if err != nil {
		return err
	}
	datagrams, err := net.ListenUDP("udp", &net.UDPAddr{Port: *port})
	if err != nil {
		return err
	}
	failed := make(chan error)
	go func() { failed <- answerDatagrams(datagrams, name) }()
	go func() {
		failed <- http.ListenAndServe(fmt.Sprintf(":%d", *port), http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	}()
	return <-failed
}

func answerDatagrams(socket *net.UDPConn, answer string) error {
	question := make([]byte, 512)
	for {
		_, client, err := socket.ReadFromUDPAddrPort(question)
		if err != nil {
			return err
		}
		// A client that has gone is no reason to end.
		_, _ = socket.WriteToUDPAddrPort([]byte(answer), client)
	}
}
