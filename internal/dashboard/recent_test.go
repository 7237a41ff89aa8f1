package dashboard

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTheLastHourOfMany: what held in the last hour of the workloads that are asked for, and of no other.
func TestTheLastHourOfMany(t *testing.T) {
	l := newLab(t, map[string]int{"api": 20, "eu-shop": 4})
	for name := range l.worlds {
		l.live(name, noon.Add(-90*time.Minute), noon.Add(time.Second), 10*time.Minute, func(at time.Time) int { return l.worlds[name].demand - at.Minute()/30 })
	}
	_, server := l.page(nil)
	get := func(query string, code int) (out recentFacts) {
		t.Helper()
		r, err := http.Get(server.URL + "/api/recent" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != code {
			t.Fatalf("%s is answered with %d, want %d", query, r.StatusCode, code)
		}
		if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if all := get("", http.StatusOK); len(all.Workloads) != 2 {
		t.Errorf("%d workloads, want both", len(all.Workloads))
	}
	one := get("?workload=api", http.StatusOK)
	c, ok := one.Workloads["api"]
	if !ok || len(one.Workloads) != 1 || c.Times[0] != float64(noon.Add(-time.Hour).Unix()) || c.Times[len(c.Times)-1] != float64(noon.Unix()) {
		t.Errorf("it answers %+v, want the hour of api alone", one)
	}
	most := 0
	for _, n := range c.Missing {
		most = max(most, *n)
	}
	if most != 1 {
		t.Errorf("at most %d missing, want 1", most)
	}
	get("?workload=gone", http.StatusNotFound)
	get("?workload="+strings.Repeat("api&workload=", recentWorkloads)+"api", http.StatusBadRequest)
}

// TestThePageSaysOfWhenTheHealthIs: a look that is younger than the health says so, in the words of `backstop status`.
func TestThePageSaysOfWhenTheHealthIs(t *testing.T) {
	l := newLab(t, map[string]int{"api": 20})
	l.look("api", noon)
	w := l.source.Workloads()[0]
	for _, c := range []struct {
		read, look time.Duration
		want       string
	}{{4 * time.Minute, 10 * time.Second, "health as of 11:56:00Z"}, {30 * time.Second, 10 * time.Second, ""}, {4 * time.Minute, time.Hour, ""}} {
		current, _, _, err := (&Dashboard{o: Options{Source: l.source, Now: l.now}}).current(t.Context(), &w)
		if err != nil {
			t.Fatal(err)
		}
		current.Look.Age = c.look
		for i := range current.State.Seen.Pools {
			current.State.Seen.Pools[i].ServedTo = noon.Add(-c.read)
		}
		if got := factOf(&w, current, true, noon).ReadinessText; got != c.want {
			t.Errorf("read %s ago, checked %s ago: %q, want %q", c.read, c.look, got, c.want)
		}
	}
}

func TestAWorkloadIsFoundByItsPlace(t *testing.T) {
	l := newLab(t, map[string]int{"eu-shop": 4, "job-x": 1})
	for _, c := range []struct {
		workload int
		want     string
	}{{0, "prod-eu eu-west-1 222222222222"}, {1, "jobs us-east-1 "}} {
		w := l.source.Workloads()[c.workload]
		clusters, regions, accounts := places(&w)
		if got := strings.Join(clusters, ",") + " " + strings.Join(regions, ",") + " " + strings.Join(accounts, ","); got != c.want {
			t.Errorf("%s is in %q, want %q", w.Name, got, c.want)
		}
	}
}
