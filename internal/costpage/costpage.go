// Package costpage draws what workloads cost as one page of HTML that needs no network: figures, a chart of every
// day, and what each episode of cover cost.
//
// It is pure: it writes to an io.Writer. It adds nothing up (package cost does).
package costpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
)

//go:embed page.html
var pageText string

// Page is what is drawn.
type Page struct {
	At time.Time
	// Prices says which prices were used and of when they are.
	Prices    string
	Workloads []Workload
}

// Workload is one workload's part of the page.
type Workload struct {
	Ledger cost.Ledger
	// PerDay and PerMonth are what is saved in the mean, in US dollars; nil where too little was seen to say.
	PerDay, PerMonth *float64
	Advice           []cost.Advice
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"usd": usd, "percent": func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }, "hours": func(x float64) string { return fmt.Sprintf("%.1f", x) },
	"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }, "lasted": lasted, "chart": chart, "share": share,
}).Parse(pageText))

// HTML writes the page.
func HTML(w io.Writer, p Page) error {
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("write cost report: %w", err)
	}
	return nil
}

func usd(x float64) string {
	if x < 0 {
		return "-" + usd(-x)
	}
	text := fmt.Sprintf("%.2f", x)
	for i := len(text) - len(".00") - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return "$" + text
}

func share(d cost.Day) string {
	if d.AllOnDemandUSD <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*d.SavedUSD/d.AllOnDemandUSD)
}

func lasted(e cost.Episode) string { return e.To.Sub(e.From).Round(time.Second).String() }

// Size of the chart, in the units of its view box.
const (
	wide, high   = 1000, 220
	left, bottom = 64, 22
	top          = 10
	daysMax      = 400
)

// chart draws a column for every day: what was paid, within what it would have cost on demand.
func chart(days []cost.Day) template.HTML {
	if len(days) > daysMax {
		days = days[len(days)-daysMax:]
	}
	most := 0.0
	for _, d := range days {
		most = max(most, d.AllOnDemandUSD, d.PaidUSD)
	}
	if most <= 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="Paid, and all on demand, by day">`, wide, high)
	y := func(v float64) float64 { return top + (high-top-bottom)*(1-v/most) }
	for _, v := range []float64{0, most / 2, most} {
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`, left, y(v), wide, left-6, y(v)+4, usd(v))
	}
	step := float64(wide-left) / float64(len(days))
	for i, d := range days {
		x, w := left+float64(i)*step, max(step*0.8, 1)
		title := template.HTMLEscapeString(fmt.Sprintf("%s: paid %s, all on demand %s, saved %s", d.Date, usd(d.PaidUSD), usd(d.AllOnDemandUSD), usd(d.SavedUSD)))
		fmt.Fprintf(&b, `<g><title>%s</title><rect class="all" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/><rect class="paid" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/></g>`,
			title, x, y(d.AllOnDemandUSD), w, y(0)-y(d.AllOnDemandUSD), x, y(d.PaidUSD), w, y(0)-y(d.PaidUSD))
		if i == 0 || (i == len(days)-1 && i > 1) || (len(days) > 8 && i%((len(days)+5)/6) == 0 && i < len(days)-2) {
			anchor := "start"
			if i == len(days)-1 {
				anchor, x = "end", x+w
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x, high-6, anchor, template.HTMLEscapeString(d.Date))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // built above from numbers and escaped words
}
