package ecsim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestStartUpTimesHaveTheMeasuredPercentiles(t *testing.T) {
	w := New(Config{Seed: 9})
	m := w.region("us-west-2").market(spot, "")
	draws := make([]float64, 200_000)
	for i := range draws {
		draws[i] = w.drawStart(m).Seconds()
	}
	slices.Sort(draws)
	for _, c := range []struct{ share, want, within float64 }{{0.5, 90, 0.5}, {0.95, 120, 1}, {0.99, 138, 1.5}} {
		if got := draws[int(c.share*float64(len(draws)))]; math.Abs(got-c.want) > c.within {
			t.Errorf("P%v is %.1f s, want %v within %v", c.share*100, got, c.want, c.within)
		}
	}
	if draws[0] < 45 || draws[len(draws)-1] > 260 {
		t.Errorf("starts take %.0f to %.0f s: the tails are not those of a start-up", draws[0], draws[len(draws)-1])
	}
}

func TestCommonShareMovesWholeBursts(t *testing.T) {
	spreadOfMeans := func(common float64) float64 {
		w := New(Config{Seed: 9, StartUp: StartUp{CommonShare: common}})
		m := w.region("us-west-2").market(spot, "")
		var means []float64
		for range 300 {
			sum := 0.0
			for range 50 {
				sum += w.drawStart(m).Seconds()
			}
			means = append(means, sum/50)
			w.now += moment(time.Hour)
		}
		return slices.Max(means) - slices.Min(means)
	}
	alone, together := spreadOfMeans(0), spreadOfMeans(0.5)
	if together < 3*alone {
		t.Errorf("means of bursts differ by %.0f s with half the variance common, by %.0f s with none", together, alone)
	}
}

func TestSlowStartsAreAShareAndLater(t *testing.T) {
	w := New(Config{Seed: 9, ProviderStartUp: map[string]StartUp{Fargate: {SlowShare: 0.05}}})
	slow := [2]int{}
	for provider := range slow {
		m := w.region("us-west-2").market(int8(provider), "")
		for range 10_000 {
			if w.drawStart(m) > 5*time.Minute {
				slow[provider]++
			}
		}
	}
	if slow[onDemand] < 400 || slow[onDemand] > 600 || slow[spot] != 0 {
		t.Errorf("%d on-demand and %d Spot starts of 10,000 are slow, want about 500 and none", slow[onDemand], slow[spot])
	}
}

func TestSpreadsOfUnusualPercentiles(t *testing.T) {
	for _, c := range []struct{ p50, p95, p99 time.Duration }{
		{time.Second, time.Second, time.Second}, {time.Second, 0, 0}, {time.Second, 2 * time.Second, 0},
		{time.Second, 10 * time.Second, 11 * time.Second}, {time.Second, 2 * time.Second, time.Hour},
	} {
		s := fitSpread(c.p50, c.p95, c.p99)
		if got := s.at(0); got < c.p50-time.Millisecond || got > c.p50+time.Millisecond {
			t.Errorf("%v: P50 is %v", c, got)
		}
		if c.p95 > c.p50 {
			if got := s.at(z95); got < c.p95*99/100 || got > c.p95*101/100 {
				t.Errorf("%v: P95 is %v", c, got)
			}
		}
		for z := -6.0; z <= 6; z++ {
			if d := s.at(z); d < 0 || d < s.at(z-1) {
				t.Errorf("%v: %v at %v is negative or falls", c, d, z)
			}
		}
	}
}

func TestQueuePopsInOrderOfTimeThenOfPushing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var q queue
	for i := range int32(5000) {
		q.push(r.Int64N(500), taskStep, i, 0)
		if r.IntN(3) == 0 {
			q.pop()
		}
	}
	last := timed{at: -1}
	for len(q.heap) > 0 {
		e := q.pop()
		if before(&e, &last) {
			t.Fatalf("popped %+v after %+v", e, last)
		}
		last = e
	}
}

func TestTaskIDsLeadBackToTheirTasks(t *testing.T) {
	if x := uint64(oddA); x*inverseA != 1 {
		t.Error("inverseA is not the inverse of oddA")
	}
	if x := uint64(oddB); x*inverseB != 1 {
		t.Error("inverseB is not the inverse of oddB")
	}
	w := New(Config{Seed: 5})
	cl := &cluster{region: w.region("us-west-2"), name: "prod"}
	other := &cluster{region: w.region("us-west-2"), name: "other"}
	d := &TaskDefinition{CPU: 256, Memory: 512}
	seen := map[string]bool{}
	for range 1000 {
		task := w.create(cl, d, spot)
		id := w.id(task)
		if len(id) != 32 || seen[id] {
			t.Fatalf("ID %q is short or taken", id)
		}
		seen[id] = true
		if w.find(cl, id) != task || w.find(cl, w.arn(task)) != task {
			t.Fatalf("ID %q does not lead back", id)
		}
		if w.find(other, id) != nil {
			t.Fatalf("ID %q is found in another cluster", id)
		}
	}
	for _, id := range []string{"", "x", "zz000000000000000000000000000000", "00000000000000000000000000000000"} {
		if w.find(cl, id) != nil {
			t.Errorf("%q leads to a task", id)
		}
	}
}
