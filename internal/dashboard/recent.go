package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// recentFacts is the answer of /api/recent: what held in the last hour.
type recentFacts struct {
	From      time.Time          `json:"from"`
	To        time.Time          `json:"to"`
	Workloads map[string]columns `json:"workloads"`
}

// recently answers with the last hour of the workloads that ?workload names, once for each; without one, of all.
func (d *Dashboard) recently(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["workload"]
	if len(names) == 0 {
		for i := range d.workloads {
			names = append(names, d.workloads[i].Name)
		}
	}
	if len(names) > recentWorkloads {
		d.fail(w, r, http.StatusBadRequest, fmt.Sprintf("workload: at most %d can be asked for at once", recentWorkloads))
		return
	}
	for _, name := range names {
		if !slices.ContainsFunc(d.workloads, func(w Workload) bool { return w.Name == name }) {
			d.fail(w, r, http.StatusNotFound, fmt.Sprintf("there is no workload %q", name))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), sourceTimeout)
	defer cancel()
	all, err := d.o.Source.Current(ctx, names)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	now := d.now(all)
	out := recentFacts{From: now.Add(-recentFor), To: now, Workloads: make(map[string]columns, len(names))}
	for _, name := range names {
		c := all[name]
		err := d.recent.view(ctx, name, out.From, now, func(t *chronicle) error {
			points, _ := thin(t.known(out.From, now, now, c.knownTo(now)), out.From, now, recentPoints)
			out.Workloads[name] = columnsOf(points, now)
			return nil
		})
		if err != nil {
			d.broken(w, r, err)
			return
		}
	}
	d.answer(w, r, out)
}

// trend compares what is missing with what was five minutes ago, or when the history begins if that is later.
func (d *Dashboard) trend(ctx context.Context, w *Workload, c *Current, now time.Time) (trend wording.Trend, err error) {
	counts := wording.CountsOf(c.Decision)
	err = d.recent.view(ctx, w.Name, now.Add(-recentFor), now, func(t *chronicle) error {
		if len(t.steps) == 0 {
			return nil
		}
		at := newest(now.Add(-trendFor), t.steps[0].Decision.At)
		if now.Sub(at) < trendLeast {
			return nil
		}
		before := failover.Range{High: counts.Demand + 1} // not known
		if p := t.points(at, at); len(p) > 0 && p[0].held.known {
			before = failover.Exactly(p[0].held.missing)
		}
		trend = wording.TrendOf(&counts, before, at, now)
		trend.Text = wording.UpperFirst(trend.Text)
		return nil
	})
	return trend, err
}

// place is where a service is.
type place struct{ region, cluster, service string }

// placeOf reads region/cluster/service. A cluster may be written as its ARN.
func placeOf(service string) place {
	first, last := strings.Index(service, "/"), strings.LastIndex(service, "/")
	if first < 0 || first == last {
		return place{}
	}
	p := place{service[:first], service[first+1 : last], service[last+1:]}
	if _, name, ok := strings.Cut(p.cluster, ":cluster/"); ok {
		p.cluster = name
	}
	return p
}

// console is the service's page in the AWS console of the region's partition.
func (p place) console() string {
	if p.region == "" {
		return ""
	}
	host := ".console.aws.amazon.com"
	switch {
	case strings.HasPrefix(p.region, "cn-"):
		host = ".console.amazonaws.cn"
	case strings.HasPrefix(p.region, "us-gov-"):
		host = ".console.amazonaws-us-gov.com"
	}
	return fmt.Sprintf("https://%s%s/ecs/v2/clusters/%s/services/%s/tasks?region=%s", p.region, host, p.cluster, p.service, p.region)
}
