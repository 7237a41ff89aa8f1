package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
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
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666) // before the half minute that it may take
	if err != nil {
		return usageError("--write: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	m, err := page.Build(ctx, ".")
	if err != nil {
		if info, statErr := os.Stat(path); statErr == nil && info.Size() == 0 {
			_ = os.Remove(path)
		}
		if errors.Is(err, page.ErrNoSource) {
			return fmt.Errorf("write %s: %w; take backstop-play.html of the release, run this in a checkout, or look at the page with `backstop play`", path, err)
		}
		return fmt.Errorf("write %s: %w", path, err)
	}
	var text bytes.Buffer
	if err := page.Write(&text, m); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	_, _ = fmt.Fprintf(s.Err, "%s: %.1f MB, works by itself in a browser.\n", path, float64(text.Len())/1e6)
	return nil
}
