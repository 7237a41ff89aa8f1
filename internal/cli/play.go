package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/play/page"
	"github.com/backstop-ecs/backstop/internal/simulate"
)

// playAddr is beside the addresses of the daemon and of the dashboard.
const playAddr = "127.0.0.1:7079"

type playOptions struct {
	http  string
	write string
}

func newPlayCommand(s IO) *cobra.Command { return newPlay(s, runPlay) }

func newPlay(s IO, run func(context.Context, IO, playOptions) error) *cobra.Command {
	var o playOptions
	cmd := &cobra.Command{
		Use:   "play",
		Short: "Serve a page to play with: draw Spot's capacity, see what each policy does",
		Long: "Play serves a page on this machine. Draw Spot's capacity by hand or take a trace, compare the presets and rivals of `backstop simulate`, and click a chart to read why " +
			"a decision was made. Everything is simulated; it needs no AWS account and no network. --write makes one file of the page that works without a server, with the decision core as " +
			"WebAssembly: that takes Go and a checkout of Backstop, and releases have the file, too (docs/play.md).",
		Example: "backstop play\nbackstop play --write play.html",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.write == "" {
				if err := checkAddress("http", o.http); err != nil {
					return err
				}
				if !dashboard.Loopback(o.http) {
					return usageError("--http %q: the page is for this machine alone: listen on 127.0.0.1, or give the file of --write away", o.http)
				}
			}
			return run(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.http, "http", playAddr, "address to serve on, of this machine alone")
	f.StringVar(&o.write, "write", "", "write the page to this file instead, with all that it needs")
	exclusive(cmd, "http", "write")
	_ = cmd.MarkFlagFilename("write", "html")
	return cmd
}

func runPlay(ctx context.Context, s IO, o playOptions) error {
	if o.write != "" {
		return writePlay(ctx, s, o.write)
	}
	debug.SetGCPercent(simulate.GCPercent)
	pages, err := page.Handler(o.http)
	if err != nil {
		return err
	}
	served, err := listen(ctx, o.http, pages)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Err, "Play at %s. Everything there is simulated. Ctrl-C ends it.\n", served.url)
	<-ctx.Done()
	return served.stop() //nolint:contextcheck // ctx has ended; the grace is its own
}

// writePlay compiles the decision core and writes the page with it.
func writePlay(ctx context.Context, s IO, path string) error {
	if err := writable(path); err != nil { // before the half minute that it may take
		return usageError("--write: %w", err)
	}
	size := 0
	err := writeWhole(path, func(w io.Writer) error {
		m, err := page.Build(ctx, ".")
		if errors.Is(err, page.ErrNoSource) {
			return fmt.Errorf("%w; take backstop-play.html of the release, run this in a checkout, or look at the page with `backstop play`", err)
		}
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := page.Write(&text, m); err != nil {
			return err
		}
		size, err = w.Write(text.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Err, "%s: %.1f MB, works by itself in a browser.\n", path, float64(size)/1e6)
	return nil
}

// writable refuses a path that a file cannot be moved to: what is there and is no file, or a directory that is not there.
func writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s: is not a file", path)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: its directory does not exist", path)
	}
	return nil
}
