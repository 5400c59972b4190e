package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// run has an agent run a command, with this process' standard streams, and ends with its exit code.
//
//	run SECRET-FILE ADDRESS:PORT COMMAND [ARGUMENT...]
func run(args []string) error {
	if len(args) < 3 {
		return errors.New("give the path of the agent's secret, the agent's address and a command")
	}
	secret, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	connection, err := net.Dial("tcp", args[1])
	if err != nil {
		return err
	}
	f := &frames{ReadWriter: connection}
	command, err := json.Marshal(request{string(secret), args[2:]})
	if err != nil {
		return err
	}
	if err := f.send(frameCommand, command); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(sender{f, frameInput}, os.Stdin)
		_ = f.send(frameInput, nil)
	}()
	for {
		kind, content, err := f.receive()
		switch {
		case err != nil:
			return fmt.Errorf("the node has gone: %w", err)
		case kind == frameOutput:
			_, err = os.Stdout.Write(content)
		case kind == frameError:
			_, err = os.Stderr.Write(content)
		case kind == frameExit:
			os.Exit(int(content[0]))
		}
		if err != nil {
			return err
		}
	}
}
