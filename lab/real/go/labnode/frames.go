package main

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// What a frame between run and agent holds.
const (
	frameCommand = iota // A request, as JSON; the first frame.
	frameInput          // A part of its standard input; the empty one is its end.
	frameOutput
	frameError
	frameExit // Its exit code, one byte; the last frame.
)

// request is what an asker wants.
type request struct {
	Secret  string
	Command []string
}

// maxFrame is more than any frame is long that comes from here.
const maxFrame = 1 << 20

// frames is a connection that carries several streams: frames of a kind, a length and so many bytes.
type frames struct {
	io.ReadWriter
	writing sync.Mutex
}

func (f *frames) send(kind byte, content []byte) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	frame := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	_, err := f.Write(append(frame, content...))
	return err
}

func (f *frames) receive() (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err = io.ReadFull(f, head[:]); err != nil {
		return
	}
	length := binary.BigEndian.Uint32(head[1:])
	if length > maxFrame {
		return 0, nil, errors.New("not a frame")
	}
	content = make([]byte, length)
	_, err = io.ReadFull(f, content)
	return head[0], content, err
}

// sender is a Writer by which everything becomes frames of one kind.
type sender struct {
	*frames
	kind byte
}

func (s sender) Write(content []byte) (int, error) { return len(content), s.send(s.kind, content) }
