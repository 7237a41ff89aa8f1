package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// command is what is compiled for the browser.
const command = "github.com/backstop-ecs/backstop/internal/play/wasm"

// ErrNoSource says that the decision core cannot be compiled here: there is no Go, or the working directory is in no checkout of Backstop.
var ErrNoSource = errors.New("it takes Go and a checkout of Backstop")

// Build compiles the decision core to WebAssembly with the go command, in a directory of Backstop's module. The same source and Go give the same
// bytes.
func Build(ctx context.Context, dir string) (*Module, error) {
	program, err := exec.LookPath("go")
	if err != nil {
		return nil, ErrNoSource
	}
	tmp, err := os.MkdirTemp("", "backstop-play-")
	if err != nil {
		return nil, fmt.Errorf("build page: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		var says bytes.Buffer
		cmd.Stderr = &says
		out, err := cmd.Output()
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(says.String()))
		}
		return strings.TrimSpace(string(out)), nil
	}
	if found, err := run("list", "-f", "{{.Module.Main}}", command); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil || found != "true" {
		return nil, ErrNoSource
	}
	root, err := run("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	m := &Module{}
	if m.WasmExec, err = os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js")); err != nil {
		return nil, fmt.Errorf("build page: %w", err)
	}
	built := filepath.Join(tmp, "play.wasm")
	if _, err := run("build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", built, command); err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(built)
	if err != nil {
		return nil, fmt.Errorf("build page: %w", err)
	}
	m.Wasm, err = packed(wasm)
	return m, err
}

// packed packs by gzip, without a name or a time.
func packed(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return out.Bytes(), nil
}
