package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// sink answers 200 to whatever comes, with next to no work: what the sender reaches
// against it is what the sender can do.
func sink(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("taking a connection: %w", err)
		}
		go func() {
			defer conn.Close()
			r := bufio.NewReader(conn)
			for skipRequest(r) == nil {
				if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
					return
				}
			}
		}()
	}
}

// skipRequest reads a request or an answer without looking at more than its length.
func skipRequest(r *bufio.Reader) error {
	if _, err := r.ReadSlice('\n'); err != nil {
		return err
	}
	length, err := skipHeader(r)
	if err != nil {
		return err
	}
	_, err = r.Discard(length)
	return err
}

var contentLength = []byte("content-length:")

// skipHeader reads up to the empty line and returns the length of what follows.
func skipHeader(r *bufio.Reader) (length int, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if len(line) <= 2 {
			return length, nil
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, err
			}
		}
	}
}
