// Command labnode holds the lab's own small programs for its real nodes, chosen by the first
// argument, in one static executable that also is the content of an image.
package main

import (
	"fmt"
	"os"
	"runtime"
)

var programs = map[string]func(args []string) error{
	"agent":   agent,
	"gateway": gateway,
	"pause":   pause,
	"probe":   probe,
	"run":     run,
	"server":  server,
}

// The gateway changes the network namespace of the main goroutine's thread, which has to stay the
// process' first one, so that /proc/PID/ns/net shows that namespace.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) > 1 {
		if program, ok := programs[os.Args[1]]; ok {
			if err := program(os.Args[2:]); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
				os.Exit(1)
			}
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: labnode agent|gateway|pause|probe|run|server [OPTION...]")
	os.Exit(2)
}
