package main

import (
	"os"
	"os/signal"
	"syscall"
)

// pause keeps a pod's namespaces open, as the image of that name does.
func pause([]string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	return nil
}
