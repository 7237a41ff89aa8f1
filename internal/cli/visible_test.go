package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
	"github.com/backstop-ecs/backstop/internal/term"
)

func TestWhatSteersATerminalIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"plain, with ümlauts and 日本": "plain, with ümlauts and 日本",
		"\x1b[2Jgone":                `\x1b[2Jgone`,
		"a\nb\tc\rd":                 `a\nb\tc\rd`,
		"bell \a, del \x7f":          `bell \x07, del \x7f`,
		"C1 \u009b31m":               `C1 \x9b31m`,
		"no text \xff":               `no text \xff`,
		"\u202egnp.exe":              `\u202egnp.exe`,
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := visibleLines("a\x1b\nb"); got != "a\\x1b\nb" {
		t.Errorf("lines: got %q", got)
	}
}

// nasty is a note that older versions took.
const nasty = "why\x1b[2J\x1b]0;title\a\nWORKLOAD  \u202eok"

// TestOldOrdersSteerNoTerminal stores orders and a notice with control characters and reads them in every form for people.
func TestOldOrdersSteerNoTerminal(t *testing.T) {
	dir := t.TempDir()
	s, out, errs := testIO("")
	path := writeFile(t, dir, "b.yaml", "version: 1\nregion: us-east-1\nstate: {sqlite: "+filepath.Join(dir, "state.db")+"}\nworkloads:\n  - name: api\n"+twoPools)
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"), journal.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	w := control.Workload{Name: "api", Policy: failover.Policy{Pools: []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}}}
	pin := failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeSpot, By: nasty, Note: nasty, At: s.Now()}
	if _, err := control.Intend(t.Context(), store, w, "test", pin, s.Now); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"status api", "history", "explain", "failover api --yes", "unpin api --yes"} {
		out.Reset()
		errs.Reset()
		args := append(strings.Fields(command), "--config", path)
		Main(t.Context(), args, s)
		if text := out.String() + errs.String(); strings.ContainsAny(text, "\x1b\a\u202e") || text == "" {
			t.Errorf("%s prints %q", command, text)
		} else if (command == "status api" || command == "history") && !strings.Contains(text, `why\x1b[2J\x1b]0;title\x07\nWORKLOAD`) {
			t.Errorf("%s does not show the note: %q", command, text)
		}
	}
	notice := failover.Notice{Text: nasty, Do: nasty}
	e := explainFacts{Known: true, Decision: &failover.Decision{Notices: []failover.Notice{notice}}}
	var b bytes.Buffer
	if err := printExplain(&b, &e, time.Time{}, 0); err != nil || strings.ContainsAny(b.String(), "\x1b\a\u202e") {
		t.Errorf("explain: %v: %q", err, b.String())
	}
	sayError(&b, errors.New(nasty), "backstop --help")
	if strings.ContainsAny(b.String(), "\x1b\a\u202e") {
		t.Errorf("an error is printed as %q", b.String())
	}
	b.Reset()
	if err := printHistory(IO{Out: &b, Err: &b}, historyOptions{}, []journal.Entry{{Notice: &failover.Notice{Text: nasty}}}); err != nil || strings.ContainsAny(b.String(), "\x1b\a") || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("history: %v: %q", err, b.String())
	}
	var row term.TopRow
	at := &seen{decision: &failover.Decision{}}
	at.record.State.Pin = &failover.Pin{Mode: failover.ModeSpot, By: nasty, Note: nasty}
	at.known = true
	f := factOf(at, s.Now())
	if row = topRow(&f, at, s.Now(), 0); strings.ContainsAny(row.Note+strings.Join(row.Detail, "")+strings.Join(row.Explain, ""), "\x1b\a") {
		t.Errorf("top: %q, %q, %q", row.Note, row.Detail, row.Explain)
	}
}

// writeFile writes a file of a test and returns its path.
func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
