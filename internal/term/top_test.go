package term

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
)

var topAt = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// store answers like one with n workloads, and remembers whom it was asked about.
type store struct {
	n     int
	asked []string
	err   string
}

func (s *store) fetch(_ context.Context, selected string, _ int) Top {
	s.asked = append(s.asked, selected)
	t := Top{At: topAt, Err: s.err}
	for i := range s.n {
		r := TopRow{Name: fmt.Sprintf("w%02d", i), Healthy: i > 0, Mode: "mixed", Demand: 20, Spot: failover.Exactly(12), OnDemand: failover.Exactly(8), Health: 70, Breaker: "half_open", Note: "note",
			Detail: []string{"detail of " + fmt.Sprint(i)}, Explain: strings.Split(strings.Repeat("line\n", 99)+"the end", "\n")}
		if r.Name == selected || (selected == "" && i == 0) {
			r.Log = []TopLine{{topAt, "decided about " + r.Name}}
			for k := range 60 {
				r.Frames = append(r.Frames, demo.Frame{At: topAt.Add(time.Duration(k-59) * time.Minute), Demand: 20, Spot: 12, OnDemand: 5})
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// press sends keys, and carries out what they ask for at once.
func press(t *testing.T, m *TopModel, keys ...tea.KeyPressMsg) {
	t.Helper()
	for _, k := range keys {
		if _, cmd := m.Update(k); cmd != nil {
			if msg := cmd(); msg != nil {
				m.Update(msg)
			}
		}
	}
}

func letter(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Text: string(r)} }

func newTop(t *testing.T, s *store, width, height int) *TopModel {
	t.Helper()
	m := NewTop(t.Context(), ASCII, s.fetch)
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	m.Update(m.Init()())
	return m
}

func wants(t *testing.T, screen string, want ...string) {
	t.Helper()
	text := ansi.Strip(screen)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the screen lacks %q:\n%s", w, text)
		}
	}
}

func TestTheTopShowsTheWorstFirstWithItsChart(t *testing.T) {
	m := newTop(t, &store{n: 3}, 120, 36)
	wants(t, m.screen(), "3 workloads", "1 needs you", "> w00", "half open", "w00, the last hour", "decided about w00", "###", ":::", "!!!", "07:30")
}

func TestKeysSelectZoomAndTurnPages(t *testing.T) {
	s := &store{n: 3}
	m := newTop(t, s, 120, 36)
	press(t, m, letter('j'))
	if last := s.asked[len(s.asked)-1]; last != "w01" {
		t.Errorf("asked about %q", last)
	}
	wants(t, m.screen(), "> w01", "decided about w01")
	press(t, m, letter('j'), letter('j'), letter('j'))
	wants(t, m.screen(), "> w02")
	press(t, m, letter('k'), letter('-'))
	wants(t, m.screen(), "> w01", "the last 2 hours")
	press(t, m, tea.KeyPressMsg{Code: tea.KeyEnter})
	wants(t, m.screen(), "detail of 1", "esc back")
	press(t, m, letter('e'))
	if strings.Contains(m.screen(), "the end") {
		t.Error("a page of a hundred lines is shown in 36")
	}
	for range 200 {
		press(t, m, letter('j'))
	}
	wants(t, m.screen(), "the end")
	press(t, m, letter('k'), tea.KeyPressMsg{Code: tea.KeyEscape})
	wants(t, m.screen(), "> w01")
	if _, cmd := m.Update(letter('q')); cmd == nil {
		t.Error("q does not quit")
	}
}

func TestWhatCannotBeReadIsSaidAndTheLastStays(t *testing.T) {
	s := &store{n: 2}
	m := newTop(t, s, 120, 30)
	s.err, s.n = "the table is gone", 0
	m.Update(topGot(s.fetch(t.Context(), "", 80)))
	wants(t, m.screen(), "CANNOT READ: the table is gone", "> w00")
}

func TestTheTopFitsEveryScreen(t *testing.T) {
	for _, size := range [][2]int{{200, 60}, {80, 24}, {60, 16}, {40, 10}, {10, 3}, {1, 1}} {
		for _, n := range []int{0, 1, 500} {
			m := newTop(t, &store{n: n}, size[0], size[1])
			for _, page := range []topPage{pageList, pageDetail, pageExplain} {
				m.page = page
				lines := strings.Split(m.screen(), "\n")
				if len(lines) > size[1] {
					t.Errorf("%v, %d workloads, page %d: %d lines", size, n, page, len(lines))
				}
				for _, l := range lines {
					if w := ansi.StringWidth(l); w > size[0] {
						t.Errorf("%v: a line of %d columns: %s", size, w, ansi.Strip(l))
					}
				}
			}
		}
	}
}

// TestALongListSaysWhereItIs: forty workloads on a screen of twenty-four lines, in three widths.
func TestALongListSaysWhereItIs(t *testing.T) {
	for width, columns := range map[int][]string{120: {"MISSING", "SPOT", "ON-DEMAND", "BREAKER", "WHAT"}, 80: {"MISSING", "ON-DEMAND", "WHAT"}, 60: {"STATE", "SERVING", "WHAT"}} {
		m := newTop(t, &store{n: 40}, width, 24)
		wants(t, m.screen(), append(columns, "1 to 10 of 40")...)
		if width < topMedium && strings.Contains(m.screen(), "BREAKER") {
			t.Errorf("%d columns have room for the breaker", width)
		}
	}
	m := newTop(t, &store{n: 40}, 120, 24)
	press(t, m, letter('/'), letter('w'), letter('3'))
	wants(t, m.screen(), "part of a name: w3_", "> w30", `1 to 10 of 10 shown, 40 in all; names with "w3"`)
	press(t, m, tea.KeyPressMsg{Code: tea.KeyEnter}, letter('j'))
	wants(t, m.screen(), "> w31")
	press(t, m, tea.KeyPressMsg{Code: tea.KeyEscape}, letter('n'))
	wants(t, m.screen(), "> w00", "1 to 1 of 1 shown, 40 in all; only those that need you")
	press(t, m, letter('n'), letter('j'))
	wants(t, m.screen(), "> w01", "1 to 10 of 40")
}

func TestTheSelectionStaysInSight(t *testing.T) {
	m := newTop(t, &store{n: 100}, 100, 24)
	for range 60 {
		press(t, m, letter('j'))
	}
	wants(t, m.screen(), "> w60")
}
