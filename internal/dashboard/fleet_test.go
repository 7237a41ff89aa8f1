package dashboard

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/backstop-ecs/backstop/internal/browsertest"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// newFleet is forty workloads in three clusters: five need a person, six have on-demand in use.
func newFleet(t *testing.T) *lab {
	t.Helper()
	demand := map[string]int{"shop-checkout": 40, "shop-search": 60, "shop-cart": 24, "eu-gateway": 36, "job-render": 80}
	for i := range 18 {
		demand[fmt.Sprintf("shop-service-%02d", i+1)] = 4 + 3*i
	}
	for i := range 10 {
		demand[fmt.Sprintf("eu-service-%02d", i+1)] = 6 + i
	}
	for i := range 7 {
		demand[fmt.Sprintf("job-queue-%02d", i+1)] = 10 + 5*i
	}
	l := newLab(t, demand)
	bad := map[string]func(w *world, ago int){
		"shop-checkout": func(w *world, ago int) { // the quota is full
			w.quota = 6
			if ago <= 20 {
				w.capacity = 22
			}
		},
		"job-render":  func(w *world, ago int) { w.capacity = 80 - 40*min(1, max(0, 6-ago)) },
		"shop-search": func(w *world, ago int) { w.capacity = 60 - 9*min(1, max(0, 1-ago)) },
		"eu-gateway":  func(w *world, ago int) { w.capacity = 36 - 4*min(1, max(0, 1-ago)) },
		"shop-cart": func(w *world, ago int) {
			if ago <= 10 {
				w.fault = failover.ErrThrottled
			}
		},
	}
	for i := range 6 {
		n := demand[fmt.Sprintf("eu-service-%02d", i+1)]
		bad[fmt.Sprintf("eu-service-%02d", i+1)] = func(w *world, ago int) { w.capacity = n - 2*min(1, max(0, 30+3*i-ago)) }
	}
	for name, w := range l.worlds {
		for ago := 60; ago >= 0; ago -= 2 {
			if ago > 40 && ago%10 != 0 {
				continue
			}
			if name == "job-render" && ago == 8 {
				if err := l.apply(t.Context(), name, failover.Intent{Kind: failover.IntentPause, By: "mara", Note: "new queue", At: noon.Add(-8 * time.Minute), Until: noon.Add(time.Hour)}); err != nil {
					t.Fatal(err)
				}
			}
			if change := bad[name]; change != nil {
				change(w, ago)
			}
			l.look(name, noon.Add(-time.Duration(ago)*time.Minute))
		}
	}
	return l
}

// seeFleet looks at forty workloads on one screen, sorts and filters them, and shares what is seen by its address.
func seeFleet(t *testing.T, chromium context.Context) {
	l := newFleet(t)
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	shown := `[...document.querySelectorAll('tr.workload')].map((e) => e.dataset.workload)`
	b.Size(1440, 900)
	b.Visit("/")
	b.Says("#summary", "40 workloads: 35 fine, 5 need you.")
	b.Sees("40 rows", `document.querySelectorAll('tr.workload').length === 40`)
	b.Sees("lines of the last hour", `document.querySelectorAll('tr.workload svg.line').length === 40`)
	if n := b.Text(`[...document.querySelectorAll('tr.workload')].filter((e) => e.getBoundingClientRect().bottom <= innerHeight).length >= 20`); n != "true" {
		t.Errorf("fewer than 20 workloads are on a screen of 1440x900")
	}
	if first := b.Text(`[...document.querySelectorAll('tr.workload')].slice(0, 5).every((e) => e.matches('.critical, .warning'))`); first != "true" {
		t.Errorf("those that need a person do not come first: %s", b.Text(shown))
	}

	// The keyboard sorts and filters, and the address keeps it.
	b.TabTo(`[data-sort="wanted"]`)
	b.Press("\r")
	b.Sees("the largest first", `document.querySelector('tr.workload').dataset.workload === 'job-render' && location.search === '?sort=-wanted'`)
	b.Sees("the focus on the head", `document.activeElement.matches('[data-sort="wanted"]') && document.activeElement.parentElement.getAttribute('aria-sort') === 'descending'`)
	b.Press("\r")
	b.Sees("the smallest first", `document.querySelector('tr.workload').dataset.workload === 'shop-service-01'`)
	b.Press("/")
	b.Sees("the focus in the filter", `document.activeElement.id === 'q'`)
	b.Do(chromedp.Evaluate[chromedp.Void](`document.getElementById('q').value = ''`)) // here the key comes through, unlike one of a keyboard
	b.Press("service-")
	b.Sees("28 workloads", `document.querySelectorAll('tr.workload').length === 28`)
	b.Do(chromedp.Evaluate[chromedp.Void](`for (const [id, v] of [['cluster', 'prod-eu'], ['account', '222222222222'], ['region', 'eu-west-1']]) { document.getElementById(id).value = v; document.getElementById(id).dispatchEvent(new Event('change')) }`))
	b.Do(chromedp.Click(chromedp.CSS(`[data-state="covering"]`)))
	want := "eu-service-01,eu-service-02,eu-service-03,eu-service-04,eu-service-05,eu-service-06"
	b.Sees("six workloads", shown+`.join() === '`+want+`'`)
	link := b.Text(`location.search`)
	b.Visit("/" + link)
	b.Sees("the same by its address, "+link, shown+`.join() === '`+want+`'`)
	b.Accessible("a filtered overview")

	// A filter that finds nothing says so, and leads back.
	b.Visit("/?q=nothing-like-it")
	b.Says("#none", "None of 40 workloads matches.")
	b.Accessible("a filter that finds nothing")
	b.Do(chromedp.Click(chromedp.CSS(`#clear`)))
	b.Sees("all again", `document.querySelectorAll('tr.workload').length === 40 && location.search === ''`)

	// Roomy rows say what to do; what changes leaves the focus where it is.
	b.Do(chromedp.Click(chromedp.CSS(`#compact`)))
	b.Says(`[data-workload="shop-checkout"]`, "aws service-quotas request-service-quota-increase")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[data-workload="job-render"] a').focus()`))
	l.at.Store(noon.Add(30 * time.Second).UnixMicro())
	l.worlds["job-render"].capacity = 80
	l.look("job-render", l.now())
	b.Says(`[data-workload="job-render"]`, "Paused by mara")
	b.Sees("the focus on the workload", `document.activeElement.closest('tr').dataset.workload === 'job-render'`)
	b.Everywhere("dashboard-fleet", "/", pageReady)
}

// seeNothing looks at the pages that have nothing to show.
func seeNothing(t *testing.T, chromium context.Context) {
	l := newLab(t, map[string]int{})
	_, server := l.page(nil)
	b := browsertest.Open(t, chromium, server.URL)
	b.Visit("/")
	b.Says("#none", "No workload is configured. Next: write a configuration for the services of this account: backstop init")
	b.Everywhere("dashboard-empty", "/", pageReady)
	for _, path := range []string{"/workloads/gone", "/nowhere"} {
		b.Visit(path)
		b.Says("#trouble", "There is no ")
		b.Sees("the way back", `document.querySelector('main a[href="/"]')`)
		b.Expected() // the console names the answer
	}
	b.Everywhere("dashboard-missing", "/workloads/gone", pageReady)
	b.Expected()
}
