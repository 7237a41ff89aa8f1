package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// adopt runs adopt, with the sandbox's clock going on between two looks, and shows what it says on stderr; what goes to stdout is written to a file, if one is
// named.
func (h *hour) adopt(line, file string) {
	h.t.Helper()
	var out, said bytes.Buffer
	s := IO{In: strings.NewReader(""), Out: &out, Err: &said, Env: func(string) string { return "" }, Now: h.box.Now}
	cmd := newAdopt(s, func(ctx context.Context, s IO, o adoptOptions) error {
		o.scale, o.tick = 1e6, func(context.Context) error {
			if h.app == nil {
				h.wait(adoptEvery)
			} else {
				h.guard(adoptEvery)
			}
			return nil
		}
		return runAdopt(ctx, s, o)
	})
	cmd.SetArgs(strings.Fields(line))
	shown := "backstop adopt " + line
	if file != "" {
		shown += " > " + file
		h.write(file, "") // as the shell does, before adopt looks for it
	}
	if err := cmd.ExecuteContext(h.t.Context()); err != nil {
		h.t.Fatalf("%s: %v\n%s", shown, err, said.String())
	}
	if file != "" {
		h.write(file, out.String())
	}
	fmt.Fprintf(&h.text, "\n```console\n$ %s\n%s```\n", shown, said.String())
}

func (h *hour) write(file, text string) {
	h.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// quickStart is the way of one service from on-demand to guarded and back: what docs/quickstart.md tells.
func (h *hour) quickStart() {
	h.t.Helper()
	if err := h.box.Setup(sandbox.Twins{Cluster: "sandbox", Name: "web", Count: 6, CPU: 1024, Memory: 2048, Alone: true}); err != nil {
		h.t.Fatal(err)
	}
	h.say("A simulated AWS with one service on on-demand, whose clock goes sixty times as fast as yours:")
	fmt.Fprintf(&h.text, "\n```sh\nmkdir quick-start && cd quick-start\nbackstop sandbox --speed 60 --on-demand web=6 &\n%s\n```\n", strings.Join(environment("http://127.0.0.1:7070", "us-east-1"), "\n"))
	h.say("What Spot would save, and what is in the way:")
	h.backstop(ExitDone, "adopt --list")
	h.say("`backstop adopt web` prints the plan; with `--apply` it is carried out, never with fewer tasks in service than before. On AWS that takes some ten minutes, here as many seconds:")
	h.adopt("web --apply --yes", "backstop.yaml")
	h.say("The configuration observes. Let it act, and start the guard:")
	text, err := os.ReadFile(configDefault)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(configDefault, strings.Replace(string(text), "preset: observe", "preset: fill", 1))
	fmt.Fprint(&h.text, "\n```sh\nsed -i.bak 's/preset: observe/preset: fill/' backstop.yaml\nbackstop run --sandbox-speed 60 2> backstop.log &\n```\n")
	h.start()
	h.guard(2 * time.Minute)
	h.say("Its first look said what it found and what it would change, before it changed anything; the log has it, too:")
	h.backstop(ExitDone, "status web")
	h.say("Spot has room for two of the six tasks from now on, and takes the others:")
	h.steer("capacity", `{"provider": "FARGATE_SPOT", "tasks": 2}`)
	h.guard(3 * time.Minute)
	h.backstop(ExitDone, "status web")
	h.say("Spot has room again:")
	h.steer("capacity", `{"provider": "FARGATE_SPOT", "tasks": null}`)
	h.guard(15 * time.Minute)
	h.backstop(ExitDone, "status")
	h.backstop(ExitDone, "history --kind outcome")
	h.say("And back to what was before, the twin gone; the guard is paused meanwhile:")
	h.adopt("web --undo --yes", "")
}

const (
	quickStartFile  = "../../docs/quickstart.md"
	quickStartBegin = "<!-- Typed and answered by go test ./internal/cli -run QuickStart; -update writes it. -->\n"
	quickStartEnd   = "<!-- The end of what was typed and answered. -->\n"
)

// TestTheQuickStart does what docs/quickstart.md tells of the sandbox, and compares; -update writes it.
func TestTheQuickStart(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("some seconds, and nothing runs side by side")
	}
	page, err := os.ReadFile(quickStartFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), quickStartBegin)
	have, after, ok2 := strings.Cut(rest, quickStartEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s: no place for the transcript: %q and %q", quickStartFile, quickStartBegin, quickStartEnd)
	}
	root, err := os.OpenRoot("../../docs") // the test changes its directory
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	h := newHour(t)
	h.quickStart()
	got := h.text.String() + "\n"
	if *update {
		if err := root.WriteFile("quickstart.md", []byte(before+quickStartBegin+got+quickStartEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != got {
		t.Errorf("%s is not what happens; go test ./internal/cli -run QuickStart -update writes it\n%s", quickStartFile, firstDifference(have, got))
	}
}
