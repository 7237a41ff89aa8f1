// Command rivals plays the published handlers of other solutions beside Backstop, in the scenarios of docs/comparison.md, and prints its tables.
// Their code is not part of this project: the user fetches it.
//
//	go run ./bench/rivals --dir wheatstalk=$HOME/src/fargate-spot-fallback --dir wfercosta=$HOME/src/poc-ecs-fargate-spot-fallback
//
// World, lock step and judge are those of backstop demo: virtual time stands still while a pass of Backstop or an invocation of a handler runs, so
// that neither this machine's speed nor a handler's start counts for any of them, and an event reaches each 0.3 s after it came to its queue. Events come by a rule
// of the sandbox with the solution's own pattern, to a queue, and from there one by one to the handler, which runs under the Lambda Runtime API and
// reaches the sandbox as its HTTPS proxy. What fails is tried twice more, after one minute and after two, as Lambda does.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// options are the command's flags.
type options struct {
	dirs      map[string]string // of the rivals' checkouts
	node      string            // directory with a node_modules that has aws-sdk 2
	proxy     string            // proxy.cjs
	scenarios string            // names; empty: all
	only      string            // contestants; empty: all
	tasks     int
	seeds     int
	log       string // file for what handlers write; empty: nowhere
}

func main() {
	o := options{dirs: map[string]string{}}
	flag.Func("dir", "NAME=PATH of a rival's checkout; names: "+strings.Join(names(), ", "), func(v string) error {
		name, path, ok := strings.Cut(v, "=")
		if !ok || !known(name) {
			return fmt.Errorf("must be NAME=PATH with one of the names %s", strings.Join(names(), ", "))
		}
		abs, err := filepath.Abs(path)
		o.dirs[name] = abs
		return err
	})
	cache, _ := os.UserCacheDir() // without one the flag must be given
	flag.StringVar(&o.node, "node", filepath.Join(cache, "backstop", "clients", "node"), "directory whose node_modules has aws-sdk 2, as make clients makes it")
	flag.StringVar(&o.proxy, "node-proxy", filepath.Join("scripts", "clients.d", "node", "proxy.cjs"), "leads Node programs to the sandbox")
	flag.StringVar(&o.scenarios, "scenarios", "", "names of the scenarios to play, with commas; all without it")
	flag.StringVar(&o.only, "only", "", "names of the contestants, with commas; all without it")
	flag.IntVar(&o.tasks, "tasks", 100, "tasks wanted")
	flag.IntVar(&o.seeds, "seeds", 3, "seeds of each scenario; figures are means")
	flag.StringVar(&o.log, "log", "", "file for what the handlers write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rivals:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	// Nothing of this machine's AWS set-up may matter to a handler.
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "NO_PROXY", "no_proxy", "https_proxy"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	if o.seeds < 1 || o.tasks < 1 || o.tasks > demo.TasksMax {
		return fmt.Errorf("-seeds must be 1 or more, -tasks 1 to %d", demo.TasksMax)
	}
	worlds, err := chosen(worlds(o.tasks), o.scenarios, func(w world) string { return w.Name })
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "backstop-rivals-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	all, skipped, err := contestants(ctx, o, work)
	if err != nil {
		return err
	}
	if all, err = chosen(all, o.only, func(c contestant) string { return c.name }); err != nil {
		return err
	}
	var rows []row
	for _, c := range all {
		r := row{c: c}
		for _, w := range worlds {
			cell, err := mean(ctx, o, c, w, work)
			if err != nil {
				return fmt.Errorf("%s in %s: %w", c.name, w.Name, err)
			}
			r.cells = append(r.cells, cell)
		}
		rows = append(rows, r)
	}
	return printTables(out, o, worlds, rows, skipped)
}

// chosen are those of all that a list of names asks for, in the order of all.
func chosen[T any](all []T, list string, name func(T) string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, n := range strings.Split(list, ",") {
		wanted[n] = true
	}
	var out []T
	for _, one := range all {
		if wanted[name(one)] {
			out = append(out, one)
			delete(wanted, name(one))
		}
	}
	for n := range wanted {
		return nil, fmt.Errorf("there is no %q, or it cannot be run", n)
	}
	return out, nil
}
