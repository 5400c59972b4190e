package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// attempt is one line of the probe's output.
type attempt struct {
	Target string  `json:"target"`
	Flow   string  `json:"flow"` // "new": over a connection or socket of its own; "kept": over the long-lived one.
	At     int64   `json:"at"`   // When it began, in milliseconds since 1970.
	Took   float64 `json:"took"` // Milliseconds.
	Server string  `json:"server,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// probe asks `server`s behind some addresses, each of them every interval over a new connection and
// over one that it keeps, until its standard input ends. Every attempt becomes a line of JSON.
//
//	-target    NAME=tcp/ADDRESS or NAME=udp/ADDRESS; repeated
//	-interval  pause between two attempts
//	-timeout   an attempt that takes longer has failed
func probe(args []string) error {
	var targets list
	flags := flag.NewFlagSet("probe", flag.ExitOnError)
	flags.Var(&targets, "target", "")
	interval := flags.Duration("interval", 50*time.Millisecond, "")
	timeout := flags.Duration("timeout", 2*time.Second, "")
	flags.Parse(args)

	attempts := make(chan attempt, 1024)
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, target := range targets {
		name, rest, _ := strings.Cut(target, "=")
		protocol, address, _ := strings.Cut(rest, "/")
		p := prober{name, protocol, address, *timeout, attempts}
		running.Go(func() { p.newOnes(*interval, stop) })
		running.Go(func() { p.keptOne(*interval, stop) })
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
		running.Wait()
		close(attempts)
	}()
	output := json.NewEncoder(os.Stdout)
	for attempt := range attempts {
		if err := output.Encode(attempt); err != nil {
			return err
		}
	}
	return nil
}

type prober struct {
	name, protocol, address string
	timeout                 time.Duration
	attempts                chan<- attempt
}

// newOnes makes attempts with a connection each, however long the ones before take.
func (p prober) newOnes(interval time.Duration, stop <-chan struct{}) {
	var running sync.WaitGroup
	defer running.Wait()
	every(interval, stop, func() {
		running.Go(func() {
			p.report("new", func(deadline time.Time) (string, error) {
				connection, err := p.dial(deadline)
				if err != nil {
					return "", err
				}
				defer connection.Close()
				return p.ask(connection, deadline)
			})
		})
	})
}

// keptOne makes attempts over one connection, which is replaced only when it has failed.
func (p prober) keptOne(interval time.Duration, stop <-chan struct{}) {
	var connection net.Conn
	every(interval, stop, func() {
		p.report("kept", func(deadline time.Time) (answer string, err error) {
			if connection == nil {
				if connection, err = p.dial(deadline); err != nil {
					return
				}
			}
			if answer, err = p.ask(connection, deadline); err != nil {
				connection.Close()
				connection = nil
			}
			return
		})
	})
}

func (p prober) dial(deadline time.Time) (net.Conn, error) {
	return (&net.Dialer{Deadline: deadline}).Dial(p.protocol, p.address)
}

func (p prober) ask(connection net.Conn, deadline time.Time) (string, error) {
	if err := connection.SetDeadline(deadline); err != nil {
		return "", err
	}
	if p.protocol == "udp" {
		return askByDatagram(connection)
	}
	return askByHTTP(connection)
}

func askByDatagram(connection net.Conn) (string, error) {
	if _, err := io.WriteString(connection, "who"); err != nil {
		return "", err
	}
	answer := make([]byte, 512)
	n, err := connection.Read(answer)
	return string(answer[:n]), err
}

func askByHTTP(connection net.Conn) (string, error) {
	if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: probe\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return "", err
	}
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

func (p prober) report(flow string, try func(deadline time.Time) (string, error)) {
	began := time.Now()
	server, err := try(began.Add(p.timeout))
	result := attempt{Target: p.name, Flow: flow, At: began.UnixMilli(), Server: server}
	result.Took = float64(time.Since(began).Microseconds()) / 1000
	if err != nil {
		result.Error = err.Error()
	}
	p.attempts <- result
}

func every(interval time.Duration, stop <-chan struct{}, work func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			work()
		}
	}
}
