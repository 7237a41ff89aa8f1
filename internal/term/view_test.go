package term

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/backstop-ecs/backstop/internal/demo"
)

var begin = time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)

func frame(minute, demand, spot, onDemand int) demo.Frame {
	return demo.Frame{At: begin.Add(time.Duration(minute) * time.Minute), Demand: demand, Spot: spot, OnDemand: onDemand, Breaker: "closed",
		Mode: "mixed", CostUSD: 5, OnDemandOnlyUSD: 10, ShortTaskMinutes: 1.25}
}

// shortage is a view that has been told of two hours: half an hour of calm, half an hour with 60 of 200
// tasks missing, an hour in which on-demand covers them.
func shortage(width, height int) *Model {
	m := New(Setting{Title: "test", Begin: begin, Length: 2 * time.Hour, Speed: 180, Hold: func(bool) {}})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	for i := range 120 {
		f := frame(i, 200, 200, 0)
		switch {
		case i >= 60:
			f = frame(i, 200, 140, 60)
		case i >= 30:
			f = frame(i, 200, 140, 0)
		}
		m.Update(demo.Update{Kind: demo.Tick, At: f.At, Frame: f})
	}
	f := frame(119, 200, 140, 60)
	m.Update(demo.Update{Kind: demo.WorldChanged, At: f.At, Text: "Spot holds 140 tasks", Frame: f})
	m.Update(demo.Update{Kind: demo.Decided, At: f.At, Text: "raise standard 0 to 90: AWS takes Spot tasks back", Frame: f})
	return m
}

func TestTheScreenFitsEverySize(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {60, 16}, {200, 60}, {59, 24}, {80, 15}, {20, 5}, {1, 1}, {500, 200}} {
		m := shortage(size[0], size[1])
		for _, screen := range []string{m.View().Content, m.Still()} {
			lines := strings.Split(screen, "\n")
			if len(lines) > size[1] {
				t.Errorf("%v: %d lines", size, len(lines))
			}
			for i, l := range lines {
				if w := ansi.StringWidth(l); w > size[0] {
					t.Errorf("%v: line %d is %d wide: %q", size, i, w, ansi.Strip(l))
				}
			}
		}
	}
}

// TestMeaningWithoutColour reads the screen with all colour stripped: what runs where, and what is missing,
// must be told apart by the characters alone.
func TestMeaningWithoutColour(t *testing.T) {
	screen := ansi.Strip(shortage(80, 24).View().Content)
	for _, want := range []string{"backstop demo: test", "x180", "demand 200", "Spot 140 ░", "on-demand 60 █", "missing 0 !", "breaker closed",
		"cost $5.00, 50 % of all on-demand ($10.00)", "short 1.2 task-minutes", "* Spot holds 140 tasks", "raise standard 0 to 90", "q quit"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
	var chart []string
	for l := range strings.Lines(screen) {
		if _, row, ok := strings.Cut(l, "│"); ok && !strings.Contains(l, "─") {
			chart = append(chart, strings.TrimRight(row, "\n"))
		}
	}
	column := func(share float64) (spot, onDemand, missing int) {
		for _, row := range chart {
			cells := []rune(row)
			if at := int(share * 74); at < len(cells) {
				switch cells[at] {
				case '░':
					spot++
				case '█':
					onDemand++
				case '!':
					missing++
				}
			}
		}
		return spot, onDemand, missing
	}
	calmSpot, calmOther, calmMissing := column(.1)
	if calmSpot == 0 || calmOther != 0 || calmMissing != 0 {
		t.Errorf("calm: %d Spot, %d on-demand, %d missing", calmSpot, calmOther, calmMissing)
	}
	if spot, onDemand, missing := column(.4); spot == 0 || spot >= calmSpot || onDemand != 0 || missing == 0 {
		t.Errorf("missing: %d Spot, %d on-demand, %d missing", spot, onDemand, missing)
	}
	if spot, onDemand, missing := column(.8); spot == 0 || onDemand == 0 || missing != 0 {
		t.Errorf("covered: %d Spot, %d on-demand, %d missing", spot, onDemand, missing)
	}
}

func TestKeys(t *testing.T) {
	var held []bool
	m := New(Setting{Title: "test", Begin: begin, Length: 4 * time.Hour, Hold: func(h bool) { held = append(held, h) }})
	press := func(k tea.KeyPressMsg) tea.Cmd { _, cmd := m.Update(k); return cmd }
	space := tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	press(space)
	if !strings.Contains(m.head(), "HELD") {
		t.Error("space does not hold")
	}
	press(space)
	if fmt.Sprint(held) != "[true false]" || strings.Contains(m.head(), "HELD") {
		t.Errorf("held %v", held)
	}
	press(tea.KeyPressMsg{Code: '+', Text: "+"})
	if m.window != 2*time.Hour {
		t.Errorf("+ shows %s", m.window)
	}
	for range 20 {
		press(tea.KeyPressMsg{Code: '-', Text: "-"})
	}
	if m.window != windowMax {
		t.Errorf("- shows %s at most, want %s", m.window, windowMax)
	}
	for _, k := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: tea.KeyEscape}, {Code: 'c', Mod: tea.ModCtrl}} {
		if cmd := press(k); cmd == nil {
			t.Errorf("%s does not quit", k)
		}
	}
	if cmd := press(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Error("x does something")
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	m := New(Setting{Begin: begin, Length: time.Hour})
	for i := range framesMax + 100 {
		f := frame(i, 10, 10, 0)
		m.take(demo.Update{Kind: demo.Decided, At: f.At, Text: "x", Frame: f})
	}
	if len(m.frames) != framesMax || len(m.lines) != linesMax {
		t.Errorf("%d frames and %d lines are kept", len(m.frames), len(m.lines))
	}
	if last := m.frames[framesMax-1].At; !last.Equal(frame(framesMax+99, 0, 0, 0).At) {
		t.Errorf("the last frame kept is of %s", last)
	}
}

func TestAShortGapIsNotLostInAWideColumn(t *testing.T) {
	var frames []demo.Frame
	for i := range 600 {
		f := frame(i, 100, 100, 0)
		if i == 300 {
			f = frame(i, 100, 97, 0)
		}
		frames = append(frames, f)
	}
	c := NewChart(frames, begin.Add(10*time.Hour), 10*time.Hour, 20)
	found := false
	for col := range c.Columns {
		for row := range 5 {
			found = found || c.Cell(col, row, 5) == Missing
		}
	}
	if !found {
		t.Error("a minute with 3 of 100 tasks missing is not shown")
	}
}

// TestCoverOfAMinuteIsNotLostInAWideColumn: cover that nothing is missing beside is drawn, though the column ends without it.
func TestCoverOfAMinuteIsNotLostInAWideColumn(t *testing.T) {
	var frames []demo.Frame
	for i := range 600 {
		f := frame(i, 100, 100, 0)
		if i == 305 {
			f = frame(i, 100, 60, 40)
		}
		frames = append(frames, f)
	}
	c := NewChart(frames, begin.Add(10*time.Hour), 10*time.Hour, 20)
	if most := slices.MaxFunc(c.Columns, func(a, b demo.Frame) int { return a.OnDemand - b.OnDemand }); most.OnDemand != 40 {
		t.Errorf("the most cover of a column is %d, want 40", most.OnDemand)
	}
}

func TestASpikeDoesNotFlattenTheChart(t *testing.T) {
	c := NewChart([]demo.Frame{frame(0, 100, 100, 0), frame(30, 100, 100, 100)}, begin.Add(time.Hour), time.Hour, 60)
	if c.Top > 125 {
		t.Errorf("the chart goes up to %d", c.Top)
	}
	if first, spike := c.Cell(0, 7, 8), c.Cell(30, 7, 8); first == Above || spike != Above {
		t.Errorf("the upper row is %d before the spike and %d in it: what is cut off is marked", first, spike)
	}
}

// TestWatchingToTheEndAndQuitting runs the program on pipes.
func TestWatchingToTheEndAndQuitting(t *testing.T) {
	var out strings.Builder
	set := Setting{Title: "test", Begin: begin, Length: time.Hour}
	still, err := Watch(t.Context(), strings.NewReader(""), &out, set, func(_ context.Context, tell func(demo.Update)) error {
		tell(demo.Update{Kind: demo.Tick, At: begin, Frame: frame(0, 7, 7, 0)})
		return nil
	})
	if err != nil || !strings.Contains(ansi.Strip(still), "demand 7 ") || strings.Contains(still, "q quit") {
		t.Errorf("got %v and\n%s", err, still)
	}
	_, err = Watch(t.Context(), strings.NewReader("q"), &out, set, func(ctx context.Context, _ func(demo.Update)) error {
		<-ctx.Done() // the watcher has quit
		return nil
	})
	if err != nil {
		t.Errorf("quitting gave %v", err)
	}
	broken := errors.New("broken")
	if _, err = Watch(t.Context(), strings.NewReader(""), &out, set, func(context.Context, func(demo.Update)) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the play's own error", err)
	}
}
