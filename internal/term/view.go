package term

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/backstop-ecs/backstop/internal/demo"
)

const (
	// widthMin and heightMin are the smallest screen that is drawn in full.
	widthMin, heightMin = 60, 16
	// framesMax and linesMax bound what is kept: three days of minutes with decisions, and some screens.
	framesMax, linesMax = 20_000, 500
	// chrome is the lines that are neither chart rows nor decisions.
	chrome = 8
	// windowMin and windowMax bound the time that the chart shows.
	windowMin, windowMax = 30 * time.Minute, 72 * time.Hour
	// windowFirst is the longest time shown before anybody asks for more.
	windowFirst = 8 * time.Hour
)

// Setting is what is fixed for one play.
type Setting struct {
	Title  string // of the scenario
	Begin  time.Time
	Length time.Duration
	Speed  float64
	Glyphs Glyphs
	// Hold is called when the watcher holds the play or lets it go on; nil: it cannot be held.
	Hold func(held bool)
}

// Model is the live view. Send it [demo.Update] values and, at the end, [Done].
type Model struct {
	set           Setting
	frames        []demo.Frame
	lines         []line
	last          demo.Frame
	width, height int
	window        time.Duration
	held, done    bool
}

// line is one line of the log.
type line struct {
	at    time.Time
	world bool // what the scenario did, not what the daemon decided
	text  string
}

// Done ends the view.
type Done struct{}

// New returns a view of 80 by 24 that nothing has been told to.
func New(set Setting) *Model {
	if set.Glyphs == (Glyphs{}) {
		set.Glyphs = Unicode
	}
	return &Model{set: set, width: 80, height: 24, window: min(max(set.Length, windowMin), windowFirst)}
}

// Init implements [tea.Model].
func (m *Model) Init() tea.Cmd { return nil }

// Update implements [tea.Model].
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 { // a terminal that does not know its size says 0
			m.width, m.height = msg.Width, msg.Height
		}
	case demo.Update:
		m.take(msg)
	case Done:
		m.done = true
		return m, tea.Quit
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "space", "p":
			if m.set.Hold != nil {
				m.held = !m.held
				m.set.Hold(m.held)
			}
		case "+", "=":
			m.window = max(m.window/2, windowMin)
		case "-":
			m.window = min(m.window*2, windowMax)
		}
	}
	return m, nil
}

func (m *Model) take(u demo.Update) {
	m.last = u.Frame
	if len(m.frames) < framesMax {
		m.frames = append(m.frames, u.Frame)
	} else {
		copy(m.frames, m.frames[1:])
		m.frames[framesMax-1] = u.Frame
	}
	if u.Kind == demo.Tick || u.Text == "" {
		return
	}
	m.lines = append(m.lines, line{u.At, u.Kind == demo.WorldChanged, u.Text})
	if len(m.lines) > linesMax {
		m.lines = m.lines[len(m.lines)-linesMax:]
	}
}

// View implements [tea.Model].
func (m *Model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "backstop demo"
	return v
}

// Still returns the last picture, to leave on the screen when the view is gone.
func (m *Model) Still() string {
	m.done = true
	return strings.TrimRight(m.screen(), "\n ")
}

var (
	bold      = lipgloss.NewStyle().Bold(true)
	faint     = lipgloss.NewStyle().Faint(true)
	spotInk   = lipgloss.NewStyle().Foreground(lipgloss.Color("6"))
	demandInk = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	shortInk  = lipgloss.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)
)

func paint(l Layer, s string) string {
	switch l {
	case Spot:
		return spotInk.Render(s)
	case OnDemand, Above:
		return demandInk.Render(s)
	case Leaving:
		return faint.Render(s)
	case Missing:
		return shortInk.Render(s)
	case Wanted:
		return faint.Render(s)
	}
	return s
}

// screen draws everything within the width and the height.
func (m *Model) screen() string {
	if m.width < widthMin || m.height < heightMin {
		return m.small()
	}
	rows := min(max((m.height-chrome)*3/5, 5), 24)
	log := m.height - chrome - rows
	to := m.last.At
	if to.IsZero() {
		to = m.set.Begin
	}
	if end := m.set.Begin.Add(m.window); end.After(to) { // it fills from the left before it moves
		to = end
	}
	out := []string{m.head(), ""}
	out = append(out, NewChart(m.frames, to, m.window, m.width-6).Lines(rows, m.set.Glyphs, paint)...)
	out = append(out, m.counts(), m.money(), "")
	out = append(out, m.log(log)...)
	if !m.done {
		out = append(out, faint.Render(m.keys()))
	}
	for i := range out {
		out[i] = ansi.Truncate(out[i], m.width, "…")
	}
	return strings.Join(out, "\n")
}

// small is what fits anywhere.
func (m *Model) small() string {
	out := []string{m.head(), m.counts(), m.money()}
	if n := m.height - len(out); n > 0 {
		out = append(out, m.log(n)...)
	}
	for i := range out {
		out[i] = ansi.Truncate(out[i], max(m.width, 1), "")
	}
	return strings.Join(out[:min(len(out), max(m.height, 1))], "\n")
}

func (m *Model) head() string {
	gone := time.Duration(0)
	if !m.last.At.IsZero() {
		gone = m.last.At.Sub(m.set.Begin)
	}
	share := min(max(float64(gone)/float64(max(m.set.Length, 1)), 0), 1)
	const cells = 16
	full := int(share * cells)
	bar := "[" + strings.Repeat("=", full) + strings.Repeat(" ", cells-full) + "]"
	clock := m.set.Begin.Add(gone).UTC().Format("Mon 15:04")
	text := fmt.Sprintf("%s  %s  %s %3.0f %%", bold.Render("backstop demo: "+m.set.Title), clock, bar, share*100)
	if m.set.Speed > 0 {
		text += fmt.Sprintf("  x%.0f", m.set.Speed)
	}
	if m.held {
		text += "  " + bold.Render("HELD")
	}
	return text
}

func (m *Model) counts() string {
	g, f := m.set.Glyphs, m.last
	missing := fmt.Sprintf("missing %d %s", short(f), g.Missing)
	if short(f) > 0 {
		missing = shortInk.Render(missing)
	}
	between := ""
	if f.Working > 0 {
		between = fmt.Sprintf("   leaving %d %s", f.Working, g.Leaving)
	}
	if f.Arriving > 0 {
		missing += fmt.Sprintf(", %d arriving", f.Arriving)
	}
	breaker := f.Breaker
	if breaker != "" && breaker != "closed" {
		breaker = bold.Render(strings.ToUpper(strings.ReplaceAll(breaker, "_", " ")))
	}
	return fmt.Sprintf(" demand %s   Spot %s   on-demand %s%s   %s   breaker %s", bold.Render(fmt.Sprint(f.Demand)),
		spotInk.Render(fmt.Sprintf("%d %s", f.Spot, g.Spot)), demandInk.Render(fmt.Sprintf("%d %s", f.OnDemand, g.OnDemand)), between, missing, breaker)
}

func (m *Model) money() string {
	f := m.last
	share := "-"
	if f.OnDemandOnlyUSD > 0 {
		share = fmt.Sprintf("%.0f %%", 100*f.CostUSD/f.OnDemandOnlyUSD)
	}
	return fmt.Sprintf(" cost $%.2f, %s of all on-demand ($%.2f)   short %.1f task-minutes", f.CostUSD, share, f.OnDemandOnlyUSD, f.ShortTaskMinutes)
}

func (m *Model) log(n int) []string {
	out := make([]string, 0, n)
	for _, l := range m.lines[max(0, len(m.lines)-n):] {
		mark, text := "  ", l.text
		if l.world {
			mark, text = "* ", bold.Render(l.text)
		}
		out = append(out, " "+faint.Render(l.at.UTC().Format("15:04:05"))+" "+mark+text)
	}
	for len(out) < n {
		out = append(out, "")
	}
	return out
}

func (m *Model) keys() string {
	text := " q quit"
	if m.set.Hold != nil {
		text += "   space hold"
	}
	return text + "   + - zoom     * the simulated world's doing, the rest backstop's"
}
