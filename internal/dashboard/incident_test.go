package dashboard

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/backstop-ecs/backstop/internal/browsertest"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// seeIncident looks at a workload in trouble: what is wrong, what to do and whether it gets better are on the screen without scrolling,
// and what was done comes before the chart.
func seeIncident(t *testing.T, chromium context.Context) {
	l := newLab(t, map[string]int{"shop": 40})
	shop := l.worlds["shop"]
	shop.quota = 6
	l.live("shop", noon.Add(-2*time.Hour), noon.Add(-40*time.Minute), 5*time.Minute, l.steady("shop"))
	for _, in := range []failover.Intent{{Kind: failover.IntentPause, Note: "load test", Until: noon}, {Kind: failover.IntentResume}} {
		in.By, in.At = "mara", noon.Add(-40*time.Minute)
		if err := l.apply(t.Context(), "shop", in); err != nil {
			t.Fatal(err)
		}
	}
	shop.release++
	l.live("shop", noon.Add(-35*time.Minute), noon.Add(-10*time.Minute), 5*time.Minute, l.steady("shop"))
	for ago := 10; ago >= 0; ago-- { // half of Spot goes, and comes back slowly
		shop.capacity = []int{26, 24, 22, 20, 18, 18, 22, 26, 30, 34, 40}[ago]
		l.look("shop", noon.Add(-time.Duration(ago)*time.Minute))
	}
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1440, 900}, {"phone", 390, 844}} {
		b.Size(size.width, size.height)
		b.Visit("/workloads/shop")
		b.Says("#headline", "vCPU quota L-3032A538 is full")
		b.Says("#step", "Next: request a higher quota: aws service-quotas")
		b.Says("#trend", "Getting better: 8 missing, 16 were 5m ago; nothing is on its way.")
		for _, id := range []string{"headline", "step", "trend", "fresh"} {
			if low := b.Text(`document.getElementById('` + id + `').getBoundingClientRect().bottom <= innerHeight`); low != "true" {
				t.Errorf("%s: #%s is below the screen", size.name, id)
			}
		}
		b.Says("#decisions", "Deployment: Deployment to spot: shop:2")
		b.Says("#decisions", "Order: Pause")
		if early := b.Text(`document.getElementById('decisions').getBoundingClientRect().top < document.getElementById('chart').getBoundingClientRect().top`); early != "true" {
			t.Errorf("%s: what was done comes after the chart", size.name)
		}
		b.Sees("two hours, as far as the history goes", `document.querySelector('[data-seconds="all"]').getAttribute('aria-pressed') === 'true'`)
		b.Says("#range-sum", "10:00:00 to")
		b.Sees("a link to the service in the console", `document.querySelector('#pools a[href^="https://us-east-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/shop-spot/"]')`)
	}
	b.Everywhere("dashboard-incident", "/workloads/shop", pageReady)
}

// seeYoung looks at a workload that has been guarded for ten minutes: six hours would show next to nothing.
func seeYoung(t *testing.T, chromium context.Context) {
	l := newLab(t, map[string]int{"api": 20})
	l.live("api", noon.Add(-10*time.Minute), noon, time.Minute, l.steady("api"))
	l.look("api", noon)
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	b.Visit("/workloads/api")
	b.Sees("all of it chosen", `document.querySelector('[data-seconds="all"]').getAttribute('aria-pressed') === 'true'`)
	b.Says("#range-sum", "Nov 18 11:50:00 to")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[data-seconds="21600"]').click()`))
	b.Sees("six hours when they are asked for", `document.querySelector('[data-seconds="21600"]').getAttribute('aria-pressed') === 'true'`)
	b.Sees("six hours in the address", `location.search === '?last=21600'`)
	b.Visit("/workloads/api?last=86400")
	b.Sees("the time that a link asks for", `document.querySelector('[data-seconds="86400"]').getAttribute('aria-pressed') === 'true'`)
}

// seeSilent looks on while the guard dies: one banner with the command, and counts that say of when they are.
func seeSilent(t *testing.T, chromium context.Context) {
	l := newLab(t, map[string]int{"api": 20, "batch": 4})
	for name := range l.worlds {
		l.live(name, noon.Add(-10*time.Minute), noon.Add(time.Second), time.Minute, l.steady(name))
	}
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	b.Visit("/")
	b.Says("#live", "Live")
	b.Sees("no banner while the guard lives", `document.getElementById('guard').hidden`)
	l.at.Store(noon.Add(7 * time.Minute).UnixMicro())
	b.Says("#guard", "The guard is silent: nothing was checked for 7m, and nothing is covered meanwhile. Next: start the daemon, or check the function's schedule and errors: backstop run")
	b.Says("#live", "Guard silent")
	b.Says("#summary", "0 fine, 2 need you")
	b.Says("#summary", "2 workloads not checked: as of the last look.")
	b.Visit("/workloads/api")
	b.Says("#headline", "Not checked for 7m")
	b.Says("#fresh", "Counts are as of 12:00:00.")
	b.Says("#guard", "The guard is silent")
	b.Says("#range-sum", "What served is not known for 7m of it.")
	b.Everywhere("dashboard-silent", "/", pageReady)
	b.Everywhere("dashboard-silent-workload", "/workloads/api", pageReady)
}

// seeBlind looks at workloads whose Spot service cannot be read: unknown is unknown, and the chart has a gap.
func seeBlind(t *testing.T, chromium context.Context) {
	l := newLab(t, map[string]int{"api": 20, "shop": 40})
	for _, name := range []string{"api", "shop"} {
		l.live(name, noon.Add(-50*time.Minute), noon.Add(-12*time.Minute), 2*time.Minute, func(time.Time) int { return l.worlds[name].demand - 4 })
		l.worlds[name].fault = failover.ErrThrottled
		l.live(name, noon.Add(-12*time.Minute), noon.Add(time.Second), time.Minute, l.steady(name))
	}
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	b.Visit("/")
	b.Says(`[data-workload="shop"]`, "Cannot read spot from ECS")
	b.Says("#summary", " wanted tasks serve, at least 0 of them on Spot. 2 workloads could not be read in full.")
	b.Visit("/workloads/shop")
	b.Says("#headline", "annot read spot from ECS")
	b.Says("#step", "backstop doctor shop")
	b.Says("#trend", "Whether it gets better is not known")
	b.Says("#range-sum", "What served is not known for")
	b.Everywhere("dashboard-blind", "/workloads/shop", pageReady)
	b.Everywhere("dashboard-blind-overview", "/", pageReady)
}
