package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// Names of rows that others are compared with.
const (
	rowReceiver = "receiver"
	rowRespond  = "respond"
	rowSink     = "sink"
)

// contenders are the servers of the comparison.
type contenders struct {
	receiver, plain *server
	bare, sink      *child
	log             *groupLog
	bodies          *bodyMaker
	dir             string
}

func (c *contenders) stop() {
	c.receiver.stop()
	c.plain.stop()
	c.bare.stop()
	c.sink.stop()
	if c.log != nil {
		_ = c.log.close()
	}
}

// startContenders starts them all, or returns an error and those that must be stopped.
func startContenders(ctx context.Context, opts options, dir string, cert devcert.Files) (c *contenders, err error) {
	c = &contenders{dir: dir}
	token := rand.Text()
	if c.bodies, err = newBodyMaker(token, opts.size); err != nil {
		return c, err
	}
	if c.receiver, err = startServer(ctx, opts.caddy, dir, site{name: rowReceiver, directive: receive, token: token}, cert); err != nil {
		return c, err
	}
	if c.plain, err = startServer(ctx, opts.caddy, dir, site{name: rowRespond, directive: respond, token: token}, cert); err != nil {
		return c, err
	}
	logs := [2]string{filepath.Join(dir, "bare"), filepath.Join(dir, "log")}
	for _, folder := range logs {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return c, err
		}
	}
	if c.bare, err = startChild(ctx, childOrder{Kind: kindBare, Dir: logs[0], Token: token}, cert); err != nil {
		return c, err
	}
	if c.sink, err = startChild(ctx, childOrder{Kind: kindSink}, cert); err != nil {
		return c, err
	}
	c.log, err = openGroupLog(logs[1])
	return c, err
}

// rows are the contenders as rows, over TLS or not.
func (c *contenders) rows(secure bool) []*row {
	pick := func(overTLS, plain target) target {
		if secure {
			return overTLS
		}
		return plain
	}
	receiver := sent(rowReceiver, "Caddy with this module: signature, duplicates, stored and synced before the 200", c.receiver.pid(),
		pick(c.receiver.secure, c.receiver.plain), c.bodies)
	receiver.syncs = c.receiver.syncs
	bare := sent("bare receiver", "net/http without Caddy: signature, group-committed append + fdatasync; no duplicates, no delivery", c.bare.pid(),
		pick(c.bare.secure, c.bare.plain), c.bodies)
	bare.syncs = c.bare.syncs
	return []*row{
		receiver,
		sent(rowRespond, "the same Caddy, `respond 200`: nothing is read, checked or stored", c.plain.pid(), pick(c.plain.secure, c.plain.plain), c.bodies),
		bare,
		rawRow(c.log, c.bodies),
		sent(rowSink, "answers without looking: what the sender can do", c.sink.pid(), pick(c.sink.secure, c.sink.plain), c.bodies),
	}
}

// compared is what the two comparisons with all connections gave.
type compared struct{ secure, plain []result }

// receiving compares the receiver with its floors and ceilings.
func (b *bench) receiving(ctx context.Context) error {
	opts := b.opts
	rep := opts.report(partReceiving)
	c, err := startContenders(ctx, opts, b.dir, b.cert)
	defer c.stop()
	if err != nil {
		return err
	}
	fmt.Printf("Receiving: %d connections, %d-byte bodies, %d rounds of %v for each row, in turns; buffer on %s\n\n",
		opts.conns, opts.size, opts.rounds, opts.phase, b.dir)
	for _, r := range c.rows(true) {
		fmt.Printf("  %-14s %s\n", r.name, r.what)
	}
	fmt.Println()

	var all compared
	fmt.Println("TLS")
	if all.secure, err = compare(ctx, opts, opts.conns, c.rows(true)); err != nil {
		return err
	}
	printResults(all.secure, opts.size)
	fmt.Println("Plain HTTP")
	if all.plain, err = compare(ctx, opts, opts.conns, c.rows(false)); err != nil {
		return err
	}
	printResults(all.plain, opts.size)
	alone, err := c.compareAlone(ctx, opts)
	if err != nil {
		return err
	}
	b.ingest = named(all.secure, rowReceiver).rate()
	return reportIngest(rep, opts, all, alone)
}
