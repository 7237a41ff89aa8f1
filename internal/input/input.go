// Package input reads what a person names: at most so many bytes of it, and until a context ends. A pipe may have no
// writer, and a device no end.
package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// File hands the file at path to read, of which it may take max bytes. It returns when ctx ends, whatever the file does.
func File[T any](ctx context.Context, path string, max int64, read func(io.Reader) (T, error)) (T, error) {
	return From(ctx, path, func() (io.ReadCloser, error) { return os.Open(path) }, max, read)
}

// Watched is File that calls told every quarter of a second, from the goroutine of the caller, with the bytes that are read and those that the
// file has (0: not known, as of a pipe).
func Watched[T any](ctx context.Context, path string, max int64, told func(read, size int64), read func(io.Reader) (T, error)) (T, error) {
	var size int64
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return from(ctx, path, func() (io.ReadCloser, error) { return os.Open(path) }, max, func(n int64) { told(n, size) }, read)
}

// From is File for what open opens and name names. read runs in a goroutine that is left behind when ctx ends, so it must keep its
// results to itself; what it reads ends with ctx too.
func From[T any](ctx context.Context, name string, open func() (io.ReadCloser, error), max int64, read func(io.Reader) (T, error)) (T, error) {
	return from(ctx, name, open, max, nil, read)
}

// toldEvery is how often a caller is told how far reading has come.
const toldEvery = 250 * time.Millisecond

func from[T any](ctx context.Context, name string, open func() (io.ReadCloser, error), max int64, told func(int64), read func(io.Reader) (T, error)) (T, error) {
	var tick <-chan time.Time
	if told != nil {
		t := time.NewTicker(toldEvery)
		defer t.Stop()
		tick = t.C
	}
	var so atomic.Int64
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() { // it stays where a pipe has no writer, until the process ends
		var r result
		defer func() { done <- r }()
		f, err := open()
		if err != nil {
			r.err = err
			return
		}
		defer func() { _ = f.Close() }()
		r.value, r.err = read(&bounded{name: name, from: f, max: max, ended: ctx.Err, told: so.Store})
	}()
	for {
		select {
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case r := <-done:
			return r.value, r.err
		case <-tick:
			told(so.Load())
		}
	}
}

// bounded is a reader that fails after max bytes, and when it has ended.
type bounded struct {
	name      string
	from      io.Reader
	read, max int64
	ended     func() error
	told      func(read int64) // nil: nobody asks
}

func (b *bounded) Read(to []byte) (int, error) {
	if err := b.ended(); err != nil {
		return 0, err
	}
	if room := b.max - b.read + 1; int64(len(to)) > room { // the one more says whether there is more
		to = to[:room]
	}
	n, err := b.from.Read(to)
	b.read += int64(n)
	if b.told != nil {
		b.told(b.read)
	}
	if b.read > b.max {
		return 0, fmt.Errorf("%s has more than %d bytes", b.name, b.max)
	}
	return n, err
}

// NotOpened says that a file could not be opened, so that nothing of it was read.
func NotOpened(err error) bool {
	at, ok := errors.AsType[*fs.PathError](err)
	return ok && at.Op == "open"
}
