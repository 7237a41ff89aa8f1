package term

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Top is what the view of a store shows at one moment.
type Top struct {
	// Guard says that the guard is silent, and what to do; empty while it is not.
	Guard string
	At    time.Time
	// Rows are the workloads, the worst first.
	Rows []TopRow
	// Err says why nothing newer could be read; what was read before stays.
	Err string
}

// TopRow is one workload.
type TopRow struct {
	// State is how much the workload needs a person, in a word.
	State   string
	Name    string
	Healthy bool
	Mode    string
	Demand  int
	// Spot and OnDemand are the tasks in service, Missing the demand less what serves: numbers, or ranges where they are not known.
	Spot, OnDemand, Missing failover.Range
	Health                  int
	Breaker                 string
	// Note is a pin, a pause, or the reason of the last decision.
	Note string
	// Frames are its history for the chart, the oldest first, and Log its latest decisions in words; only of the
	// workload that was asked for.
	Frames []demo.Frame
	Log    []TopLine
	// Detail and Explain are whole pages of text.
	Detail, Explain []string
}

// TopLine is one decision, order or notice.
type TopLine struct {
	At   time.Time
	Text string
}

// TopModel is the live view of a store. Make it with NewTop.
type TopModel struct {
	fetch  func(ctx context.Context, selected string, width int) Top
	ctx    context.Context
	glyphs Glyphs
	every  time.Duration

	top           Top
	selected      string
	page          topPage
	scroll        int
	width, height int
	window        time.Duration
	got           bool
	// filter is a part of the names that are shown, typing whether it is being typed; needy shows only those that need a person.
	filter string
	typing bool
	needy  bool
}

type topPage int

const (
	pageList topPage = iota
	pageDetail
	pageExplain
)

const (
	// topEvery is how often the store is read, topWindow the time that the chart shows at first.
	topEvery  = time.Second
	topWindow = time.Hour
	// topRowsShare bounds the share of the screen that the list takes: the rest is for chart and log.
	topRowsShare = 2
)

// topTick asks for a fresh look, topGot brings it.
type (
	topTick struct{}
	topGot  Top
	// topOnce is a look besides the clock's: for a new selection.
	topOnce Top
)

// NewTop returns a view that asks fetch every second for what there is to show; fetch gives frames and log of the
// workload that it is told of, or of the first one, and texts for a screen of that many columns. ctx ends the asking.
func NewTop(ctx context.Context, g Glyphs, fetch func(ctx context.Context, selected string, width int) Top) *TopModel {
	if g == (Glyphs{}) {
		g = Unicode
	}
	return &TopModel{ctx: ctx, fetch: fetch, glyphs: g, every: topEvery, width: 80, height: 24, window: topWindow}
}

// ask reads in the background.
func (m *TopModel) ask() tea.Cmd {
	selected, width := m.selected, m.width
	return func() tea.Msg { return topGot(m.fetch(m.ctx, selected, width)) }
}

// Init implements [tea.Model].
func (m *TopModel) Init() tea.Cmd { return m.ask() }

// Update implements [tea.Model].
func (m *TopModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 {
			m.width, m.height = msg.Width, msg.Height
		}
	case topTick:
		return m, m.ask()
	case topGot:
		m.take(Top(msg))
		return m, tea.Tick(m.every, func(time.Time) tea.Msg { return topTick{} })
	case topOnce:
		m.take(Top(msg))
	case tea.KeyPressMsg:
		return m.key(msg.String())
	}
	return m, nil
}

// take keeps what was read. An error leaves what was there before.
func (m *TopModel) take(t Top) {
	if t.Err != "" && m.got {
		m.top.Err = t.Err
		return
	}
	m.top, m.got = t, true
	if m.row() == nil && len(t.Rows) > 0 {
		m.selected = t.Rows[0].Name
	}
}

func (m *TopModel) key(key string) (tea.Model, tea.Cmd) {
	if m.typing {
		return m, m.typed(key)
	}
	switch key {
	case "/":
		m.page, m.typing = pageList, true
	case "n":
		m.page, m.needy = pageList, !m.needy
		return m, m.settle()
	case "q", "ctrl+c":
		return m, tea.Quit
	case "esc", "backspace":
		if m.page == pageList && m.filter != "" {
			m.filter = ""
			return m, nil
		}
		if m.page == pageList {
			return m, tea.Quit
		}
		m.page, m.scroll = pageList, 0
	case "enter", "d":
		m.turn(pageDetail)
	case "e":
		m.turn(pageExplain)
	case "up", "k":
		return m, m.move(-1)
	case "down", "j":
		return m, m.move(1)
	case "tab":
		m.page, m.scroll = (m.page+1)%3, 0
	case "+", "=":
		m.window = max(m.window/2, windowMin)
	case "-":
		m.window = min(m.window*2, windowMax)
	}
	return m, nil
}

// turn shows a page, or the list again if it is there already.
func (m *TopModel) turn(to topPage) {
	if m.page == to {
		to = pageList
	}
	m.page, m.scroll = to, 0
}

// move selects another workload, or scrolls a page of text.
func (m *TopModel) move(by int) tea.Cmd {
	if m.page != pageList {
		m.scroll = max(0, m.scroll+by)
		return nil
	}
	rows := m.shown()
	i := slices.IndexFunc(rows, func(r TopRow) bool { return r.Name == m.selected })
	if next := i + by; next >= 0 && next < len(rows) {
		m.selected = rows[next].Name
		return m.fetchOnce()
	}
	return nil
}

// fetchOnce reads for a new selection without a second clock.
func (m *TopModel) fetchOnce() tea.Cmd {
	selected, width := m.selected, m.width
	return func() tea.Msg { return topOnce(m.fetch(m.ctx, selected, width)) }
}

// row returns the selected workload, nil when it is not there.
func (m *TopModel) row() *TopRow {
	for i := range m.top.Rows {
		if m.top.Rows[i].Name == m.selected {
			return &m.top.Rows[i]
		}
	}
	return nil
}

// View implements [tea.Model].
func (m *TopModel) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "backstop top"
	return v
}

func (m *TopModel) screen() string {
	out := []string{m.head()}
	if m.top.Guard != "" {
		out = append(out, " "+shortInk.Render(m.top.Guard))
	}
	keys := m.keys("q quit", "enter detail", "e explain", "/ filter", "n need you", "up down select", "+ - zoom")
	if m.typing {
		keys = " part of a name: " + m.filter + "_ · enter shows · esc ends"
	}
	switch r := m.row(); {
	case !m.got:
		out = append(out, "", " reading the state ...")
	case r == nil:
		out = append(out, "", " no workload is known")
	case m.page == pageList:
		out = append(out, m.list()...)
		out = append(out, m.below(r, m.height-len(out)-1)...)
	default:
		text := r.Detail
		if m.page == pageExplain {
			text = r.Explain
		}
		keys = m.keys("q quit", "esc back", "up down scroll", "enter detail", "e explain")
		text = Wrap(text, m.width)
		m.scroll = min(m.scroll, max(0, len(text)-(m.height-4)))
		out = append(append(out, ""), text[m.scroll:]...)
	}
	out = out[:min(len(out), max(m.height-1, 1))]
	for len(out) < m.height-1 {
		out = append(out, "")
	}
	if m.height > 1 {
		out = append(out, faint.Render(keys))
	}
	for i := range out {
		out[i] = ansi.Truncate(out[i], max(m.width, 1), "…")
	}
	return strings.Join(out, "\n")
}

// keys names as many keys as fit, the first ones first.
func (m *TopModel) keys(all ...string) string {
	text := ""
	for _, k := range all {
		if more := text + " · " + k; text == "" {
			text = " " + k
		} else if ansi.StringWidth(more) <= m.width {
			text = more
		}
	}
	return text
}

func (m *TopModel) head() string {
	bad := 0
	for i := range m.top.Rows {
		if !m.top.Rows[i].Healthy {
			bad++
		}
	}
	text := fmt.Sprintf("%s  %s", bold.Render("backstop top"), wording.Count(len(m.top.Rows), "workload"))
	if bad > 0 {
		text += "  " + shortInk.Render(fmt.Sprintf("%d %s you", bad, wording.Verb(bad, "needs", "need")))
	}
	if !m.top.At.IsZero() {
		text += "  " + m.top.At.UTC().Format("2006-01-02 15:04:05Z")
	}
	if m.top.Err != "" {
		text += "  " + shortInk.Render("CANNOT READ: "+m.top.Err)
	}
	return text
}

// below draws the selected workload in the lines that are left: chart, then decisions.
func (m *TopModel) below(r *TopRow, lines int) []string {
	const least = 6 // of the chart: rows, axis, times
	var out []string
	if lines >= least+4 && m.width >= widthMin && len(r.Frames) > 0 {
		rows := min(max(lines*3/5-2, 4), 20)
		g := m.glyphs
		legend := fmt.Sprintf("%s Spot  %s on-demand  %s leaving  %s missing", spotInk.Render(g.Spot), demandInk.Render(g.OnDemand), faint.Render(g.Leaving), shortInk.Render(g.Missing))
		text := fmt.Sprintf(" %s, the last %s: %s", bold.Render(r.Name), window(m.window), legend)
		if ansi.StringWidth(text) > m.width {
			text = fmt.Sprintf(" %s: %s", wording.Span(m.window), legend)
		}
		out = append(out, text)
		out = append(out, NewChart(r.Frames, m.top.At, m.window, m.width-6).Lines(rows, g, paint)...)
	}
	const stamp = "15:04:05"
	var log []string
	for i := len(r.Log) - 1; i >= 0; i-- { // the newest that fit, each whole
		text := Wrap([]string{strings.Repeat(" ", len(stamp)+1) + r.Log[i].Text}, m.width)
		text[0] = " " + faint.Render(r.Log[i].At.UTC().Format(stamp)) + "  " + strings.TrimLeft(text[0], " ")
		if len(out)+len(log)+len(text) > lines {
			break
		}
		log = append(text, log...)
	}
	return append(out, log...)
}

func window(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	if d == time.Hour {
		return "hour"
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// WatchTop shows a store until the watcher quits or ctx ends.
func WatchTop(ctx context.Context, in io.Reader, out io.Writer, g Glyphs, fetch func(ctx context.Context, selected string, width int) Top) error {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	p := tea.NewProgram(NewTop(asking, g, fetch), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(muted(out)), tea.WithoutSignalHandler())
	if _, err := p.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}
