package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
)

// bodyMaker makes signed requests, each with an event id of its own.
type bodyMaker struct {
	token  string
	bodies [][]byte
}

func newBodyMaker(token string, size int) (*bodyMaker, error) {
	b := &bodyMaker{token: token, bodies: make([][]byte, samples)}
	for i := range b.bodies {
		b.bodies[i] = sample(size)
		if !bytes.HasPrefix(b.bodies[i], idKey) {
			return nil, errors.New("the sample body does not begin with its event id")
		}
	}
	return b, nil
}

// idKey is what stands before the event id in a sample.
var idKey = []byte(`{"eventId":"`)

// workerMaker is a bodyMaker with buffers of its own.
type workerMaker struct {
	*bodyMaker
	body   []byte
	mac    hash.Hash
	prefix [8]byte
	// turn counts from a place of each worker's own, so that not all send one vehicle's at a time.
	turn, count uint64
}

func (b *bodyMaker) forWorker() *workerMaker {
	m := &workerMaker{bodyMaker: b, mac: hmac.New(sha256.New, []byte(b.token))}
	rand.Read(m.prefix[:])
	m.turn = binary.BigEndian.Uint64(m.prefix[:])
	return m
}

// next returns a body with an id that no other has. It is overwritten by the next one.
func (m *workerMaker) next() []byte {
	m.count++
	m.body = append(m.body[:0], m.bodies[(m.turn+m.count)%samples]...)
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], m.count)
	id := hex.AppendEncode(m.body[:len(idKey)], m.prefix[:])
	id = append(id, '-')
	id = hex.AppendEncode(id, count[:])
	copy(m.body[len(id):], "---")
	return m.body
}

func (m *workerMaker) appendRequest(dst []byte, t target) []byte {
	body := m.next()
	m.mac.Reset()
	m.mac.Write(body)
	var sum [sha256.Size]byte
	dst = append(dst, "POST "...)
	dst = append(dst, t.path...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Smartcar/1\r\nContent-Type: application/json\r\nSC-Signature: "...)
	dst = hex.AppendEncode(dst, m.mac.Sum(sum[:0]))
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
