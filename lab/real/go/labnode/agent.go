package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// agent runs the commands that `run` asks for, on a node that has a kernel of its own, where no
// namespace can be entered. A command whose asker goes away is killed with all it has started.
//
//	-listen  ADDRESS:PORT
//	-secret  path of a file with what an asker has to know
//	-from    an address whose connections are taken; repeated. All others are closed at once.
func agent(args []string) error {
	var from list
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	listen := flags.String("listen", "", "")
	path := flags.String("secret", "", "")
	flags.Var(&from, "from", "")
	flags.Parse(args)

	secret, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		host, _, _ := net.SplitHostPort(connection.RemoteAddr().String())
		if !slices.Contains(from, host) {
			connection.Close()
			continue
		}
		go func() {
			defer connection.Close()
			f := &frames{ReadWriter: connection}
			code, err := execute(f, string(secret))
			if err != nil {
				_ = f.send(frameError, fmt.Appendln(nil, err))
			}
			_ = f.send(frameExit, []byte{code})
			// Closed with something unread, it would take from the asker what it has not read yet.
			_, _ = io.Copy(io.Discard, connection)
		}()
	}
}

// execute gives the command's exit code: as a shell's where it cannot be started or a signal ends it.
func execute(f *frames, secret string) (byte, error) {
	kind, content, err := f.receive()
	if err != nil {
		return 1, err
	}
	var asked request
	if err := json.Unmarshal(content, &asked); kind != frameCommand || err != nil || len(asked.Command) == 0 {
		return 1, errors.New("no command")
	}
	if subtle.ConstantTimeCompare([]byte(asked.Secret), []byte(secret)) == 0 {
		return 1, errors.New("a wrong secret")
	}
	here, leave := context.WithCancel(context.Background())
	defer leave()
	command := exec.CommandContext(here, asked.Command[0], asked.Command[1:]...)
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second // What it leaves running may keep its output open.
	command.Stdout, command.Stderr = sender{f, frameOutput}, sender{f, frameError}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := command.StdinPipe()
	if err != nil {
		return 1, err
	}
	if err := command.Start(); err != nil {
		return 127, err
	}
	go func() {
		for {
			kind, content, err := f.receive()
			if err != nil {
				leave()
				return
			}
			if kind == frameInput && len(content) > 0 {
				_, err = input.Write(content)
			}
			if len(content) == 0 || err != nil { // It may end without having read everything.
				input.Close()
			}
		}
	}()
	_ = command.Wait() // ProcessState tells it all.
	if status := command.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return byte(128 + status.Signal()), nil
	}
	return byte(command.ProcessState.ExitCode()), nil
}
