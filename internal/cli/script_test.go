package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"backstop":  func() { os.Exit(Main(context.Background(), os.Args[1:], System())) },
		slowProgram: endSlowly,
	})
}

// slowProgram is one that goes on after a signal, and repeats its standard input until that ends.
const slowProgram = "backstop-slow"

func endSlowly() {
	ctx, stop := interruptible(context.Background())
	defer stop()
	_, _ = fmt.Println("started")
	<-ctx.Done()
	_, _ = fmt.Println("ending")
	_, _ = io.Copy(os.Stdout, os.Stdin)
}

// TestScripts runs the commands as processes, with their exit codes, against each other and the sandbox.
func TestScripts(t *testing.T) {
	t.Parallel() // with what else starts programs: they wait most of the time
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(2 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("USER", "tester")
			e.Setenv("NO_COLOR", "1")
			port, err := freePort()
			e.Setenv("PORT", port)
			if err != nil {
				return err
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return racetest.Enabled, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "waitfor": waitFor, "endpoint": endpoint, "steer": steer, "subst": subst,
		},
	})
}
