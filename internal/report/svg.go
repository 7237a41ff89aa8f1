package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/replay"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// Size of the drawings, in the units of their view boxes.
const (
	wide, high   = 1120, 260
	left, bottom = 46, 22
	top, right   = 10, 10
	columnsWide  = wide - left - right // a chart shows one column a unit: a longer run is summed up, not sampled
	marksMax     = 400
)

// slot is what one column of a chart shows: the means over its time, the worst shortfall, and the least capacity.
type slot struct {
	spot, cover, demand float64
	short               int
	capacity            int
	seconds             float64
}

// slots sums a timeline up into columns.
func slots(tl *replay.Timeline, length time.Duration) []slot {
	out := make([]slot, columnsWide)
	for i := range out {
		out[i].capacity = trace.NoLimit
	}
	step := length / columnsWide
	if step <= 0 {
		return nil
	}
	for i, m := range tl.Moments {
		from, to := m.At, length
		if i+1 < len(tl.Moments) {
			to = tl.Moments[i+1].At
		}
		for k := int(from / step); k < columnsWide && time.Duration(k)*step < to; k++ {
			a, b := max(from, time.Duration(k)*step), min(to, time.Duration(k+1)*step)
			if b <= a {
				continue
			}
			s, dt := &out[k], (b - a).Seconds()
			s.spot += dt * float64(m.Spot)
			s.cover += dt * float64(m.OnDemand)
			s.demand += dt * float64(m.Demand)
			s.seconds += dt
			s.short = max(s.short, m.Demand-m.Spot-m.OnDemand)
			if m.Capacity >= 0 && (s.capacity < 0 || m.Capacity < s.capacity) {
				s.capacity = m.Capacity
			}
		}
	}
	return out
}

// chart draws one run: what was at work, stacked, under the demand; what was short, from the top; decisions as ticks with their words.
func chart(c Chart) template.HTML {
	length := time.Duration(c.Days * 24 * float64(time.Hour))
	all := slots(c.Timeline, length)
	most := 1.0
	for i := range all {
		if s := &all[i]; s.seconds > 0 {
			most = max(most, (s.spot+s.cover)/s.seconds, s.demand/s.seconds)
		}
	}
	most *= 1.08
	y := func(v float64) float64 { return top + (high-top-bottom)*(1-min(v, most)/most) }
	var b strings.Builder
	open(&b, high, "Tasks at work over time under "+c.Policy)
	var spot, cover, short, want, capacity strings.Builder
	floor := y(0)
	for i := range all {
		s := &all[i]
		if s.seconds == 0 {
			continue
		}
		x := float64(left + i)
		a, t, d := s.spot/s.seconds, (s.spot+s.cover)/s.seconds, s.demand/s.seconds
		bar(&spot, x, y(a), floor)
		bar(&cover, x, y(t), y(a))
		if s.short > 0 {
			bar(&short, x, y(d), y(d-float64(s.short)))
		}
		line(&want, x, y(d))
		v := most
		if s.capacity >= 0 {
			v = float64(s.capacity)
		}
		line(&capacity, x, y(v))
	}
	for _, p := range []struct {
		class string
		path  *strings.Builder
	}{{"spot", &spot}, {"cover", &cover}, {"short", &short}, {"want", &want}, {"cap", &capacity}} {
		fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, p.class, p.path)
	}
	for i, ch := range c.Timeline.Choices {
		if i >= marksMax || length <= 0 {
			break
		}
		x := left + float64(columnsWide)*float64(ch.At)/float64(length)
		fmt.Fprintf(&b, `<path class="mark" d="M%.1f %dv6"><title>%s: %s</title></path>`, x, high-bottom, clock(ch.At), template.HTMLEscapeString(ch.Text))
	}
	axes(&b, most, "%.0f")
	for k := range 7 {
		at := time.Duration(float64(length) * float64(k) / 6)
		text := fmt.Sprintf("day %d", int(at/(24*time.Hour))+1)
		switch {
		case length < 3*24*time.Hour:
			text = fmt.Sprintf("%02d:%02d", int(at.Hours()), int(at.Minutes())%60)
		case length < 12*24*time.Hour: // two of the labels would name the same day
			text = strings.TrimSuffix(clock(at.Truncate(time.Minute)), ":00")
		}
		anchor := "middle"
		if k == 6 {
			anchor = "end"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="%s">%s</text>`, left+k*columnsWide/6, high-6, anchor, text)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // built above from numbers and escaped words
}

func open(b *strings.Builder, height int, label string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, wide, height, template.HTMLEscapeString(label))
}

func bar(b *strings.Builder, x, y0, y1 float64) {
	if y1-y0 > 0.05 {
		fmt.Fprintf(b, "M%.0f %.1fh1V%.1fh-1z", x, y0, y1)
	}
}

func line(b *strings.Builder, x, y float64) {
	if b.Len() == 0 {
		fmt.Fprintf(b, "M%.0f %.1f", x, y)
		return
	}
	fmt.Fprintf(b, "H%.0fV%.1f", x, y)
}

func axes(b *strings.Builder, most float64, form string) {
	fmt.Fprintf(b, `<path class="axis" d="M%d %dV%dH%d"/>`, left, top, high-bottom, wide-right)
	for k := range 5 {
		v := most * float64(k) / 4
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">`+form+`</text>`, left-6, top+(high-top-bottom)*(1-v/most)+4, v)
	}
}

// scatter draws cost against shortfall. Shortfall spans orders of magnitude, from nothing: its axis is the logarithm of 1 + 100 s.
func scatter(s Section) template.HTML {
	low, high1, most := math.Inf(1), math.Inf(-1), 0.0
	scale := func(v float64) float64 { return math.Log10(1 + 100*v) }
	for i := range s.Rows {
		r := &s.Rows[i]
		low, high1 = min(low, r.CostRatio), max(high1, r.CostRatio)
		most = max(most, scale(r.ShortPer1000))
	}
	pad := max(0.01, (high1-low)*0.06)
	low, high1, most = low-pad, high1+pad, max(most*1.05, scale(1))
	x := func(v float64) float64 { return left + columnsWide*(v-low)/(high1-low) }
	y := func(v float64) float64 { return top + (high-top-bottom)*(1-scale(v)/most) }
	var b strings.Builder
	open(&b, high+14, "Cost against shortfall of every policy on "+s.Trace)
	fmt.Fprintf(&b, `<path class="axis" d="M%d %dV%dH%d"/>`, left, top, high-bottom, wide-right)
	for _, v := range []float64{0, 0.01, 0.1, 1, 10, 100, 1000, 10000} {
		if scale(v) <= most {
			fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%g</text>`, left-6, y(v)+4, v)
		}
	}
	for k := range 9 {
		v := low + (high1-low)*float64(k)/8
		anchor := "middle"
		if k == 8 {
			anchor = "end" // the edge would cut it off
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="%s">%.1f %%</text>`, x(v), high-6, anchor, 100*v)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">cost, of all on-demand; up: task-minutes short per 1,000 task-hours</text>`, wide-right, high+10)
	on := map[int]bool{}
	var edge strings.Builder
	for _, i := range Frontier(s.Rows) {
		on[i] = true
		line(&edge, x(s.Rows[i].CostRatio), y(s.Rows[i].ShortPer1000))
	}
	fmt.Fprintf(&b, `<path class="edge" d="%s"/>`, edge.String())
	named := make([]bool, len(s.Rows))
	for i := range s.Rows {
		r := &s.Rows[i]
		class := "dot"
		switch {
		case r.Policy == replay.OracleName:
			class = "dot sky"
		case on[i]:
			class = "dot on"
		}
		name := template.HTMLEscapeString(r.Policy)
		fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"><title>%s: %.2f %% of on-demand, %.3f short</title></circle>`, class, x(r.CostRatio), y(r.ShortPer1000), name, 100*r.CostRatio, r.ShortPer1000)
		if len(r.Fields) == 0 && !named[i] { // a sweep's points have their table
			for k := i + 1; k < len(s.Rows); k++ { // names of points that lie on each other stand in one line
				if o := &s.Rows[k]; len(o.Fields) == 0 && math.Abs(x(o.CostRatio)-x(r.CostRatio)) < 4 && math.Abs(y(o.ShortPer1000)-y(r.ShortPer1000)) < 4 {
					name += ", " + template.HTMLEscapeString(o.Policy)
					named[k] = true
				}
			}
			lx, ly, anchor, turn := x(r.CostRatio)+6, y(r.ShortPer1000)-5, "start", -28
			if ly < top+40 { // near the top edge the name goes downwards
				ly, turn = ly+16, 28
			}
			if lx > wide-150 {
				lx, anchor, turn = lx-12, "end", -turn
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s" transform="rotate(%d %.1f %.1f)">%s</text>`, lx, ly, anchor, turn, lx, ly, name)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // built above from numbers and escaped words
}

// heat draws a sweep as a table whose colour is the cost, with the shortfall in words.
func heat(s Section) template.HTML {
	low, most := math.Inf(1), math.Inf(-1)
	for _, l := range s.Sweep.Cells {
		for _, k := range l {
			low, most = min(low, s.Rows[k].CostRatio), max(most, s.Rows[k].CostRatio)
		}
	}
	var b strings.Builder
	b.WriteString(`<div class="wide" tabindex="0" role="region" aria-label="` + template.HTMLEscapeString(s.Trace+": "+s.Sweep.Policy+" by "+strings.Join(s.Sweep.Fields, " and ")) + `"><table class="heat"><tr><th>` + template.HTMLEscapeString(s.Sweep.Fields[0]) + `</th>`)
	for _, v := range s.Sweep.Values[1] {
		b.WriteString("<th>" + template.HTMLEscapeString(v) + "</th>")
	}
	b.WriteString("</tr>")
	for i, l := range s.Sweep.Cells {
		b.WriteString("<tr><th>" + template.HTMLEscapeString(s.Sweep.Values[0][i]) + "</th>")
		for _, k := range l {
			r := &s.Rows[k]
			share := 0.0
			if most > low {
				share = (r.CostRatio - low) / (most - low)
			}
			fmt.Fprintf(&b, `<td style="background:color-mix(in srgb, var(--cover) %.0f%%, var(--band))">%.2f %%<br>short %.3f</td>`, 55*share, 100*r.CostRatio, r.ShortPer1000)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table></div>")
	return template.HTML(b.String()) //nolint:gosec // built above from numbers and escaped words
}
