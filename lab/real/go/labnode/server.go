package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// server answers every HTTP request and every UDP datagram at one port with its host's name, which
// in a pod is the pod's. It can be one that listens to some address alone, and one that takes its
// time with HTTP.
func server(args []string) error {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	port := flags.Int("port", 8080, "port for HTTP and UDP")
	address := flags.String("address", "", "IP address to listen to; default: all of them")
	delay := flags.Duration("delay", 0, "time until an HTTP request is answered")
	flags.Parse(args)

	name, err := os.Hostname()
	if err != nil {
		return err
	}
	datagrams, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(*address), Port: *port})
	if err != nil {
		return err
	}
	failed := make(chan error)
	go func() { failed <- answerDatagrams(datagrams, name) }()
	go func() {
		failed <- http.ListenAndServe(fmt.Sprintf("%s:%d", *address, *port), http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(*delay)
				fmt.Fprint(w, name)
			}))
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
