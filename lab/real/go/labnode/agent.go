package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// agent runs the commands that `run` asks for, on a node that has a kernel of its own, where no
// namespace can be entered. A command whose asker goes away is killed with all it has started.
//
//	-listen  ADDRESS:PORT
//	-from    an address whose connections are taken; repeated. All others are closed at once.
func agent(args []string) error {
	var from list
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	listen := flags.String("listen", "", "")
	flags.Var(&from, "from", "")
	flags.Parse(args)

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
			code, err := execute(f)
			if err != nil {
				_ = f.send(frameError, fmt.Appendln(nil, err))
			}
			_ = f.send(frameExit, []byte{code})
		}()
	}
}

// execute gives the command's exit code: as a shell's where it cannot be started or a signal ends it.
func execute(f *frames) (byte, error) {
	kind, content, err := f.receive()
	if err != nil {
		return 1, err
	}
	var words []string
	if err := json.Unmarshal(content, &words); kind != frameCommand || err != nil || len(words) == 0 {
		return 1, errors.New("no command")
	}
	asked, leave := context.WithCancel(context.Background())
	defer leave()
	command := exec.CommandContext(asked, words[0], words[1:]...)
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
