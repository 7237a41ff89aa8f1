package page

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/backstop-ecs/backstop/internal/browsertest"
)

// benchEnv asks for the measurement of the page in a browser.
const benchEnv = "BACKSTOP_PLAY_BENCH"

// monthMax is how long a month of 200 tasks under the default preset may take in the browser, by trace, in milliseconds; bytesMax is what the file may
// weigh. What is measured is the time from the question to the answer that can be drawn, in the worker, best of three.
var monthMax = map[string]float64{"article": 1000, "flap": 4000}

const bytesMax = 8 << 20

// TestAMonthIsPlayedSoon measures a month in a browser (docs/benchmarks.md).
func TestAMonthIsPlayedSoon(t *testing.T) {
	if os.Getenv(benchEnv) == "" {
		t.Skipf("a measurement, which wants a quiet machine: make bench-play, or %s=1", benchEnv)
	}
	chromium := browsertest.Start(t)
	file := written(t, built(t))
	info, err := os.Stat(file[len("file://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the file has %d bytes", info.Size())
	if info.Size() > bytesMax {
		t.Errorf("the file has %d bytes, at most %d are allowed", info.Size(), bytesMax)
	}
	b := browsertest.Open(t, chromium, file)
	b.Visit("")
	b.Sees("a day that was played", played)
	best := map[string]map[string]float64{}
	for range 3 {
		for _, name := range []string{"article", "flap"} {
			round := b.Text(`document.body.dataset.round`)
			b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const e = document.getElementById('source'); e.value = 'trace:%s'; e.dispatchEvent(new Event('change')) })()`, name)))
			b.Sees("the month", rested+fmt.Sprintf(` && document.body.dataset.round > %s`, round))
			var took map[string]float64
			if err := json.Unmarshal([]byte(b.Text(`document.body.dataset.took`)), &took); err != nil {
				t.Fatal(err)
			}
			if best[name] == nil {
				best[name] = map[string]float64{}
			}
			for policy, ms := range took {
				if was, ok := best[name][policy]; !ok || ms < was {
					best[name][policy] = ms
				}
			}
		}
	}
	for name, most := range monthMax {
		for policy, ms := range best[name] {
			t.Logf("%s, %s: %.0f ms", name, policy, ms)
		}
		if ms := best[name]["fill"]; ms > most {
			t.Errorf("a month of %s took %.0f ms, at most %.0f are allowed", name, ms, most)
		}
	}
}
