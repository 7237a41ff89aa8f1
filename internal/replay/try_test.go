package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/trace"
)

func TestTry(t *testing.T) {
	var traces []*trace.Trace
	for _, n := range trace.Synthetic() {
		tr, _ := trace.Generate(n, trace.Shape{Seed: 1})
		traces = append(traces, tr)
	}
	files, _ := filepath.Glob(os.Getenv("BACKSTOP_TRACES") + "/*.csv")
	for _, f := range files {
		h, _ := os.Open(f)
		tr, err := trace.Parse(h, strings.TrimSuffix(filepath.Base(f), ".csv"))
		if err != nil {
			t.Fatal(err)
		}
		traces = append(traces, tr)
	}
	pols := strings.Split(os.Getenv("POL"), ",")
	for _, tr := range traces {
		or := Oracle(Run{Trace: tr})
		fmt.Printf("%-24s oracle ratio %.4f\n", tr.Name, or.CostRatio)
		for _, pn := range pols {
			z := Pooled
			if strings.HasSuffix(pn, "/z") {
				z = PerZone
				pn = strings.TrimSuffix(pn, "/z")
			}
			p, err := ByName(pn)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			r, err := Simulate(Run{Trace: tr, Policy: p, Zones: z, Seed: 1, Check: os.Getenv("CHECK") != ""})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("%-24s %-16s %-8s ratio %.4f (%+.2f%%) short/1000 %.3f av %.5f/%.5f min %.2f fo %d lost %d starts/lost %.2f s/lost %.1f rec %.0f/%.0f/%.0f (%d) upd %d passes %d ev %d wall %v viol %d\n", tr.Name, pn, z, r.CostRatio, 100*(r.CostUSD/or.CostUSD-1), r.ShortPer1000, r.Availability, r.Availability90, r.WorkingMin, r.Failovers, r.Lost, r.PerLost, r.ShortEach, r.RecoveryP50, r.RecoveryP95, r.RecoveryP99, r.Incidents, r.Updates, r.Passes, r.Events, time.Since(start).Round(time.Millisecond), len(r.Violations))
			for _, v := range r.Violations[:min(2, len(r.Violations))] {
				fmt.Println("   ", v)
			}
		}
	}
}
