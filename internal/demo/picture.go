package demo

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
)

// Picture draws a play as an SVG: demand, what ran on Spot and on on-demand, and what was missing. It keeps
// what it is told; the zero value is ready.
type Picture struct {
	Title  string
	frames []Frame
	marks  []mark
}

type mark struct {
	at   time.Time
	text string
}

// Size of the picture and its margins, in pixels.
const (
	pictureWidth, pictureHeight = 960, 400
	pictureLeft, pictureRight   = 48, 16
	pictureTop, pictureBottom   = 60, 52
	// columnsMax is how many steps the areas have at most: about one a pixel.
	columnsMax = 900
	marksMax   = 40
	// titleLong is how many letters of a title fit in its usual size.
	titleLong = 100
)

// pictureStyle is light, and dark where the reader prefers that. The colours are written out: not every program that draws SVG knows variables.
const pictureStyle = `<style>.bg{fill:#fff}.ink{fill:#1f2933}.soft{fill:#52606d}.tick{stroke:#52606d}.mark{stroke:#1f2933}.want{fill:none;stroke:#1f2933;stroke-width:1.5}.spot{fill:#5fb3b3}.od{fill:#e6a23c}.od-line{fill:#b9770e}.lv{fill:#e4e7eb}.lv-line{fill:#7b8794}.missing{fill:#c0392b}.on-od{fill:url(#od)}.on-lv{fill:url(#leaving)}
@media (prefers-color-scheme:dark){.bg{fill:#10161d}.ink{fill:#e7edf3}.soft{fill:#a2b0be}.tick{stroke:#a2b0be}.mark,.want{stroke:#e7edf3}.spot{fill:#2f7f86}.od{fill:#8a5c17}.od-line{fill:#e0a04f}.lv{fill:#33414f}.lv-line{fill:#8795a3}.missing{fill:#ff7a6e}}</style>
`

// Take keeps an update.
func (p *Picture) Take(u Update) {
	p.frames = append(p.frames, u.Frame)
	if u.Kind == WorldChanged && len(p.marks) < marksMax {
		p.marks = append(p.marks, mark{u.At, u.Text})
	}
}

// WriteTo writes the picture.
func (p *Picture) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.svg())
	return int64(n), err
}

func (p *Picture) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" font-family="system-ui, sans-serif" font-size="12">`+"\n",
		pictureWidth, pictureHeight, pictureWidth, pictureHeight, html.EscapeString(p.Title))
	// A background of its own, in light and in dark as the page's reader has it; hatching, so that it can be read without colour.
	b.WriteString(pictureStyle + `<defs><pattern id="od" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="od" width="6" height="6"/><rect class="od-line" width="2" height="6"/></pattern><pattern id="leaving" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="lv" width="6" height="6"/><rect class="lv-line" width="2" height="6"/></pattern></defs>` + "\n")
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d"/>`+"\n", pictureWidth, pictureHeight)
	size := 15
	if len(p.Title) > titleLong {
		size = 13
	}
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="%d" font-weight="600" class="ink">%s</text>`+"\n", pictureLeft, size, html.EscapeString(p.Title))
	if len(p.frames) > 1 {
		p.plot(&b)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p *Picture) plot(b *strings.Builder) {
	first, last := p.frames[0].At, p.frames[len(p.frames)-1].At
	long := max(last.Sub(first), time.Second)
	demand, peak := 1, 0
	for _, f := range p.frames {
		demand, peak = max(demand, f.Demand), max(peak, f.atWork())
	}
	top := max(demand+demand/20, min(peak, demand+demand/4)) // a moment's surplus may be cut off, and is marked
	const width, height = pictureWidth - pictureLeft - pictureRight, pictureHeight - pictureTop - pictureBottom
	x := func(t time.Time) float64 { return pictureLeft + width*float64(t.Sub(first))/float64(long) }
	y := func(n int) float64 { return pictureTop + height*(1-float64(n)/float64(top)) }

	frames := thin(p.frames, first, long)
	area := func(of func(Frame) (low, high int), class, label string) {
		var up strings.Builder
		for i, f := range frames {
			end := last
			if i+1 < len(frames) {
				end = frames[i+1].At
			}
			_, high := of(f)
			fmt.Fprintf(&up, "%.1f,%.1f %.1f,%.1f ", x(f.At), y(high), x(end), y(high))
		}
		for i := len(frames) - 1; i >= 0; i-- {
			end := last
			if i+1 < len(frames) {
				end = frames[i+1].At
			}
			low, _ := of(frames[i])
			fmt.Fprintf(&up, "%.1f,%.1f %.1f,%.1f ", x(end), y(low), x(frames[i].At), y(low))
		}
		fmt.Fprintf(b, `<polygon class="%s" points="%s"><title>%s</title></polygon>`+"\n", class, strings.TrimSpace(up.String()), label)
	}
	fmt.Fprintf(b, `<clipPath id="in"><rect x="%d" y="%d" width="%d" height="%d"/></clipPath><g clip-path="url(#in)">`+"\n",
		pictureLeft, pictureTop, width, height)
	area(func(f Frame) (int, int) { return 0, f.Spot }, "spot", "in service on Spot")
	area(func(f Frame) (int, int) { return f.Spot, f.Spot + f.OnDemand }, "on-od", "in service on on-demand")
	area(func(f Frame) (int, int) { return f.Spot + f.OnDemand, f.Spot + f.OnDemand + f.Working }, "on-lv", "leaving, still working")
	area(func(f Frame) (int, int) {
		return f.Demand - f.Missing(), f.Demand
	}, "missing", "missing")
	var line strings.Builder
	for i, f := range frames {
		end := last
		if i+1 < len(frames) {
			end = frames[i+1].At
		}
		fmt.Fprintf(&line, "%.1f,%.1f %.1f,%.1f ", x(f.At), y(f.Demand), x(end), y(f.Demand))
	}
	fmt.Fprintf(b, `<polyline class="want" points="%s"><title>demand</title></polyline></g>`+"\n", strings.TrimSpace(line.String()))

	p.cutOff(b, top, x)
	p.axes(b, top, x, y)
	p.legend(b)
}

// cutOff marks what is above the picture: an arrow at its upper edge with the most that was at work. Peaks that stand too close for
// their numbers share one.
func (p *Picture) cutOff(b *strings.Builder, top int, x func(time.Time) float64) {
	type spike struct {
		at   float64
		most int
	}
	var spikes []spike
	for i := range p.frames {
		n := p.frames[i].atWork()
		if n <= top {
			continue
		}
		at := x(p.frames[i].At)
		if k := len(spikes) - 1; k < 0 || at-spikes[k].at > 34 {
			spikes = append(spikes, spike{at, n})
		} else if n > spikes[k].most {
			spikes[k].most = n
		}
	}
	for _, s := range spikes {
		anchor, aside := "start", 6.0
		if s.at > pictureWidth-pictureRight-34 {
			anchor, aside = "end", -6
		}
		fmt.Fprintf(b, `<path class="ink" d="M%.1f %d l4 7 h-8 z"><title>up to %d tasks, cut off at %d</title></path><text x="%.1f" y="%d" font-size="10" text-anchor="%s" class="ink">%d</text>`+"\n",
			s.at, pictureTop, s.most, top, s.at+aside, pictureTop+8, anchor, s.most)
	}
}

// axes draws the numbers at the side, the times below, and the marks of what the world did above.
func (p *Picture) axes(b *strings.Builder, top int, x func(time.Time) float64, y func(int) float64) {
	first, last := p.frames[0].At, p.frames[len(p.frames)-1].At
	long := last.Sub(first)
	step := roundStep(top)
	for n := 0; n <= top; n += step {
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end" class="soft">%d</text>`+"\n", pictureLeft-6, y(n)+4, n)
	}
	every := 15 * time.Minute
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
		if long/every > 12 {
			every = d
		}
	}
	for t := first.Truncate(every); !t.After(last); t = t.Add(every) {
		if t.Before(first) {
			continue
		}
		anchor := "middle"
		if x(t) > pictureWidth-pictureRight-18 {
			anchor = "end"
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="%s" class="soft">%s</text><path class="tick" d="M%.1f %d v5"/>`+"\n",
			x(t), pictureHeight-pictureBottom+18, anchor, t.UTC().Format("15:04"), x(t), pictureHeight-pictureBottom)
	}
	for _, m := range p.marks {
		fmt.Fprintf(b, `<path class="mark" d="M%.1f %d v-6"><title>%s</title></path>`+"\n", x(m.at), pictureTop-2, html.EscapeString(m.text))
	}
}

// roundStep is the spacing of the marks at the side: a round number, so that there are two to five of them.
func roundStep(top int) int {
	step := 1
	for _, by := range []int{1, 2, 5} {
		for s := by; s <= top/2; s *= 10 {
			if top/s <= 5 && (step == 1 || s < step) {
				step = s
			}
		}
	}
	if step == 1 && top > 5 {
		return max(1, top/2)
	}
	return step
}

// legend names the areas, and the last frame's numbers.
func (p *Picture) legend(b *strings.Builder) {
	at := pictureLeft
	for _, l := range []struct {
		class, text string
		width       int
	}{{"spot", "on Spot", 70}, {"on-od", "on on-demand", 104}, {"on-lv", "leaving, still works", 128}, {"missing", "missing", 74}, {"ink", "demand", 60}} {
		fmt.Fprintf(b, `<rect x="%d" y="33" width="11" height="11" class="%s"/><text x="%d" y="43" class="ink">%s</text>`+"\n", at, l.class, at+16, l.text)
		at += l.width + 16
	}
	f := p.frames[len(p.frames)-1]
	if f.OnDemandOnlyUSD > 0 {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" class="soft">%.0f %% of the cost of on-demand alone, %.1f task-minutes missing; simulated, example prices</text>`+"\n",
			pictureWidth-pictureRight, pictureHeight-8, 100*f.CostUSD/f.OnDemandOnlyUSD, f.ShortTaskMinutes)
	}
}

// thin keeps at most columnsMax frames, of those that fall together the one with most missing, and of equal
// ones that follow each other the first.
func thin(frames []Frame, first time.Time, long time.Duration) []Frame {
	span := max(long/columnsMax, 1)
	var out []Frame
	in := time.Duration(-1)
	for _, f := range frames {
		k := f.At.Sub(first) / span
		if k != in {
			out, in = append(out, f), k
			continue
		}
		if old := &out[len(out)-1]; f.Missing() >= old.Missing() {
			keep := old.At
			*old = f
			old.At = keep
		}
	}
	return slices.CompactFunc(out, func(a, b Frame) bool {
		return a.Demand == b.Demand && a.Spot == b.Spot && a.OnDemand == b.OnDemand && a.Working == b.Working
	})
}
