package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/health"
)

// overviewFacts is the answer of /api/workloads, and what a stream begins with.
type overviewFacts struct {
	Now time.Time `json:"now"`
	// Guard reports whether anything looks at the workloads.
	Guard     health.Guard `json:"guard"`
	Workloads []fact       `json:"workloads"`
}

// snapshot looks at all workloads, the worst first.
func (d *Dashboard) snapshot(ctx context.Context) (overviewFacts, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	names := make([]string, len(d.workloads))
	for i := range d.workloads {
		names[i] = d.workloads[i].Name
	}
	all, err := d.o.Source.Current(ctx, names)
	o := overviewFacts{Now: d.now(all), Workloads: []fact{}}
	if err != nil {
		return o, err
	}
	for i := range d.workloads {
		c, known := all[d.workloads[i].Name]
		o.Workloads = append(o.Workloads, factOf(&d.workloads[i], c, known, o.Now))
	}
	o.Guard = guardOf(d.workloads, all)
	slices.SortFunc(o.Workloads, worstFirst)
	return o, nil
}

// guardOf judges what guards the workloads.
func guardOf(workloads []Workload, all map[string]Current) health.Guard {
	watched := make([]health.Watched, len(workloads))
	for i := range workloads {
		c, known := all[workloads[i].Name]
		watched[i] = health.Watched{Workload: workloads[i].Name, Look: c.Look, Known: known && c.Decision != nil}
	}
	return health.GuardOf(watched, nil)
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request) {
	o, err := d.snapshot(r.Context())
	if err != nil {
		d.broken(w, r, err)
		return
	}
	d.answer(w, r, o)
}

// current looks at one workload.
func (d *Dashboard) current(ctx context.Context, w *Workload) (c Current, known bool, now time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	all, err := d.o.Source.Current(ctx, []string{w.Name})
	c, known = all[w.Name]
	return c, known, d.now(all), err
}

func (d *Dashboard) detail(ctx context.Context, w *Workload) (detail, error) {
	c, known, now, err := d.current(ctx, w)
	det := detailOf(w, c, known, now)
	if err == nil && det.Known && !det.Silent {
		det.Trend, err = d.trend(ctx, w, &c, now)
	}
	if d.o.Title != "" { // no service of AWS's
		for i := range det.Pools {
			det.Pools[i].ConsoleURL = ""
		}
	}
	return det, err
}

func (d *Dashboard) workload(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	det, err := d.detail(r.Context(), wl)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	d.answer(w, r, det)
}

// history answers with what held between ?from and ?to, in seconds since 1970; ?last=SECONDS is the time up to now.
func (d *Dashboard) history(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	c, _, now, err := d.current(r.Context(), wl)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	from, to, err := window(r, now)
	if err != nil {
		d.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), sourceTimeout)
	defer cancel()
	var h history
	err = d.timelines.view(ctx, wl.Name, from, now, func(t *chronicle) error {
		h = t.history(wl.Name, from, to, now, c.knownTo(now))
		return nil
	})
	if err != nil {
		d.broken(w, r, err)
		return
	}
	if run, ok := d.o.Source.(*Recording); ok { // it is all there, however much of it has been read
		h.Begins = run.begins(wl.Name)
	}
	d.answer(w, r, h)
}

// window reads the time that a request asks for.
func window(r *http.Request, now time.Time) (from, to time.Time, err error) {
	q := r.URL.Query()
	number := func(key string) (float64, bool) {
		v, e := strconv.ParseFloat(q.Get(key), 64)
		if q.Get(key) != "" && (e != nil || !(v >= 0 && v < 1e11)) {
			err = fmt.Errorf("%s: must be seconds (got %q)", key, q.Get(key))
		}
		return v, q.Get(key) != "" && e == nil
	}
	moment := func(v float64) time.Time { return time.UnixMilli(int64(v * 1000)).UTC() }
	last, short := number("last")
	f, hasFrom := number("from")
	t, hasTo := number("to")
	switch {
	case err != nil:
		return from, to, err
	case short && (hasFrom || hasTo):
		return from, to, fmt.Errorf("last does not go together with from and to")
	case hasFrom != hasTo:
		return from, to, fmt.Errorf("from and to go together")
	case hasFrom:
		from, to = moment(f), moment(t)
	case short:
		to = now
		from = now.Add(-time.Duration(min(last, historyMax.Seconds()+1) * float64(time.Second)))
	default:
		from, to = now.Add(-6*time.Hour), now
	}
	switch {
	case !from.Before(to):
		return from, to, fmt.Errorf("from must be before to")
	case to.Sub(from) > historyMax:
		return from, to, fmt.Errorf("at most %d days can be shown", historyMax/(24*time.Hour))
	case from.Before(now.Add(-historyMax)):
		return from, to, fmt.Errorf("from must be within the last %d days", historyMax/(24*time.Hour))
	}
	return from, to, nil
}

func (d *Dashboard) insight(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	in, err := d.insightOf(r.Context(), wl)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	d.answer(w, r, in)
}

func (d *Dashboard) insightOf(ctx context.Context, wl *Workload) (insight, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	c, _, now, err := d.current(ctx, wl)
	if err != nil {
		return insight{}, err
	}
	var in insight
	err = d.timelines.view(ctx, wl.Name, insightFrom(now), now, func(t *chronicle) error {
		in, err = t.insight(wl, now, c.knownTo(now))
		return err
	})
	return in, err
}

// savingsFacts is the answer of /api/savings: the sum over all workloads.
type savingsFacts struct {
	// Known is false when there are too many workloads to add up at once, or one has no prices; Note says why.
	Known    bool    `json:"known"`
	Note     string  `json:"note"`
	TodayUSD float64 `json:"today_usd"`
	MonthUSD float64 `json:"month_usd"`
	// Left counts the workloads that have no estimate.
	Left int `json:"workloads_without_estimate"`
}

func (d *Dashboard) savings(w http.ResponseWriter, r *http.Request) {
	out := savingsFacts{}
	if len(d.workloads) > min(savingsWorkloadsMax, timelinesMax) {
		out.Note = "too many workloads to add up here; see each one's page"
		d.answer(w, r, out)
		return
	}
	for i := range d.workloads {
		in, err := d.insightOf(r.Context(), &d.workloads[i])
		if err != nil {
			d.broken(w, r, err)
			return
		}
		if !in.Savings.Known {
			out.Left++
			continue
		}
		out.Known, out.Note = true, in.Savings.Note
		out.TodayUSD += in.Savings.TodayUSD
		out.MonthUSD += in.Savings.MonthUSD
	}
	d.answer(w, r, out)
}

// sessionFacts is the answer of /api/session.
type sessionFacts struct {
	CanAct   bool   `json:"can_act"`
	ReadOnly bool   `json:"read_only"`
	Why      string `json:"why,omitempty"`
	Login    bool   `json:"login"` // a login would help
}

func (d *Dashboard) sessionOf(r *http.Request) sessionFacts {
	switch {
	case d.o.ReadOnly:
		return sessionFacts{ReadOnly: true, Why: "read-only: it takes no orders here"}
	case d.keys.none:
		return sessionFacts{ReadOnly: true, Why: "read-only: no token is set"}
	case !d.keys.holds(r):
		return sessionFacts{Login: true, Why: "log in with the token to give orders"}
	}
	return sessionFacts{CanAct: true}
}

func (d *Dashboard) session(w http.ResponseWriter, r *http.Request) { d.answer(w, r, d.sessionOf(r)) }
