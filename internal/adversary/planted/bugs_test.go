package planted

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/adversary"
)

var (
	allFlag    = flag.Bool("all", false, "plant every bug, not every twelfth")
	ofFlag     = flag.String("of", "", "plant the bugs of this case only")
	updateFlag = flag.Bool("update", false, "write the table of planted bugs")
)

// share is which part of the bugs is planted without -all, bugSeeds how many seeds of each scene a bug may survive.
const (
	share    = 12
	bugSeeds = 3
)

// TestPlantedBugsAreCaught plants bugs in the law, one at a time, and plays the scenes until a promise breaks. The table is
// testdata/bugs.md; -update writes it.
func TestPlantedBugsAreCaught(t *testing.T) {
	if os.Getenv("PLANTED") != "" || testing.Short() {
		t.Skip("the bugs are planted in the long run")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	binary := build(t, root)
	found := make([]string, len(bugs))
	var all sync.WaitGroup
	next := make(chan int, len(bugs))
	planting := func(i int) bool { return bugs[i].of == *ofFlag || *ofFlag == "" && (*allFlag || i%share == 0) }
	for i := range bugs {
		if planting(i) {
			next <- i
		}
	}
	close(next)
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := range next {
				found[i] = hunt(binary, i)
			}
		})
	}
	all.Wait()
	var table bytes.Buffer
	fmt.Fprintf(&table, "| case | planted bug | the scene and seed that find it | the promise that it breaks first | after (simulated) |\n| --- | --- | --- | --- | --- |\n")
	for i, b := range bugs {
		if found[i] == "" {
			if planting(i) {
				t.Errorf("%s: %s: not caught by any scene", b.of, b.name)
			}
			continue
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", b.of, b.name, found[i])
	}
	if *updateFlag && *allFlag && !t.Failed() {
		write(t, "testdata/bugs.md", table.String())
	}
}

// build compiles this package with all bugs in it, none of them planted.
func build(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "planted.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay(t, root, dir, bugs), "-o", binary, "./internal/adversary/planted")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// hunt runs the scenes with a bug planted, and returns what found it: a row of the table; empty when nothing did.
func hunt(binary string, i int) string {
	cmd := exec.Command(binary, "-test.run", "^TestOneBug$", "-case", bugs[i].of)
	cmd.Env = append(os.Environ(), fmt.Sprint("PLANTED=", i+1), "GOMAXPROCS=1")
	out, _ := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if row, ok := strings.CutPrefix(line, "caught: "); ok {
			return strings.TrimSpace(row)
		}
	}
	if bytes.Contains(out, []byte("panic")) {
		return "" // a bug that panics shows nothing
	}
	return ""
}

// TestOneBug is what a binary with a bug planted runs: the scenes of the bug's case, then all others, until one breaks a promise.
func TestOneBug(t *testing.T) {
	if os.Getenv("PLANTED") == "" {
		t.Skip("it is run with a bug planted")
	}
	scenes := adversary.Scenes()
	for _, own := range []bool{true, false} {
		for seed := uint64(1); seed <= bugSeeds; seed++ {
			for _, c := range scenes {
				if (caseOf(c.Case) == caseOf(*caseFlag)) != own || awaited[c.Case] != "" {
					continue
				}
				res := adversary.Run(t, c.Plan(seed), adversary.Hooks{})
				if len(res.Breaches) > 0 {
					b := res.Breaches[0]
					fmt.Printf("caught: %s: %s, %d | `%s` | %s\n", c.Case, c.Name, seed, b.Rule, b.At.Round(time.Second))
					return
				}
			}
		}
	}
}

// caseOf is a case without the letter of its variant.
func caseOf(name string) string { return strings.TrimRight(name, "bcd") }

// TestEveryBugHasItsPlace is the quick check that the table fits the law as it is now.
func TestEveryBugHasItsPlace(t *testing.T) {
	overlay(t, "../../..", t.TempDir(), bugs)
	if len(bugs) < 85 {
		t.Errorf("%d bugs", len(bugs))
	}
}
