package page

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/backstop-ecs/backstop/internal/browsertest"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// rested is true once all that was asked for was played, and played once the decision that is looked at is explained, too.
const (
	rested = `document.body.dataset.round && document.getElementById('live').textContent === '' && !document.querySelector('.lane.late')`
	played = rested + ` && document.querySelectorAll('.lane canvas').length === document.querySelectorAll('.lane').length && document.querySelector('#why h3')`
)

// figures are what a lane says of its policy.
func figures(policy string) string {
	return fmt.Sprintf(`document.querySelector('.lane[data-policy=%q] .fig').innerText`, policy)
}

func TestInTheBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the browser takes some seconds")
	}
	if racetest.Enabled {
		t.Skip("what the browser asks for is asked for without one too, where the race detector watches")
	}
	chromium := browsertest.Start(t)
	m := built(t)
	file := written(t, m)
	t.Run("a file works by itself, and says what the process says", func(t *testing.T) { seeBoth(t, chromium, file) })
	t.Run("capacity is drawn, played and explained", func(t *testing.T) { seeDrawing(t, chromium, file) })
	t.Run("a trace is opened, and what is wrong with one is said", func(t *testing.T) { seeOpening(t, chromium, file) })
	t.Run("a core that ends is told", func(t *testing.T) { seeEnding(t, chromium, m) })
	t.Run("both themes and a phone", func(t *testing.T) {
		b := browsertest.Open(t, chromium, file)
		if browsertest.Pictures() {
			b.Everywhere("play", "", played)
			return
		}
		b.On(browsertest.Desktop, "light", "play", "", played)
		b.On(browsertest.Phone, "dark", "play", "", played)
	})
}

func built(t *testing.T) *Module {
	t.Helper()
	m, err := Build(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// written is the address of the page in a file.
func written(t *testing.T, m *Module) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "play.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// seeBoth looks at the page in a file, whose core is WebAssembly, and at the one that this process answers.
func seeBoth(t *testing.T, chromium context.Context, file string) {
	const listen = "127.0.0.1:0"
	pages, err := Handler(listen)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	says := map[string]string{}
	for name, address := range map[string]string{"file": file, "server": server.URL + "/"} {
		b := browsertest.Open(t, chromium, address)
		b.Visit("")
		b.Sees("a day that was played", played)
		b.Says("#why", "Raise standard from")
		b.Says("#why", "Next triggers")
		says[name] = b.Text(`document.getElementById('sums').innerText + document.getElementById('why').innerText`)
	}
	if says["file"] != says["server"] {
		t.Errorf("the file says:\n%s\nthe process says:\n%s", says["file"], says["server"])
	}
}

func seeDrawing(t *testing.T, chromium context.Context, file string) {
	b := browsertest.Open(t, chromium, file)
	b.Size(1440, 1250)
	b.Visit("")
	b.Sees("a day that was played", played)
	b.Picture("play-first", false)
	choose := func(id, value string) {
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event('change')) })()`, id, value)))
	}
	choose("source", "drawn:empty")
	b.Sees("nothing missing", rested+` && /\b0 task-minutes missing/.test(`+figures("spot")+`)`)

	// Six hours without Spot, drawn with the mouse.
	b.Drag("#pad .u-over", [2]float64{0.25, 0.99}, [2]float64{0.35, 0.99}, [2]float64{0.5, 0.99})
	b.Sees("hours of missing tasks without cover", rested+` && /[678]\d,\d{3} task-minutes missing/.test(`+figures("spot")+`)`)
	if text := b.Text(figures("fill")); !strings.Contains(text, " 0 task-minutes missing") {
		t.Errorf("fill: %s", text)
	}

	// A click on the chart of a policy explains what it did there; so do the buttons.
	b.Drag(`.lane[data-policy="switch"] .u-over`, [2]float64{0.4, 0.5})
	b.Says("#why", "Backstop, preset switch, 09:3")
	b.Says("#why", "Next triggers")
	for range 3 {
		b.Do(chromedp.Click(chromedp.CSS("#earlier")))
	}
	b.Sees("an earlier decision, explained", `document.querySelector('#why h3') && document.querySelector('#why .said')`)
	b.Do(chromedp.Click(chromedp.CSS(`.lane[data-policy="spot"] button`)))
	b.Says("#why", "It changes nothing, whatever happens.")

	// It plays from where the time is to the end.
	choose("speed", "8")
	before := b.Text(`document.getElementById('clock').textContent`)
	b.Do(chromedp.Click(chromedp.CSS("#play")))
	b.Says("#play", "Pause")
	b.Sees("the time going on", fmt.Sprintf(`document.getElementById('clock').textContent > %q`, before))
	b.Do(chromedp.Click(chromedp.CSS("#play")))
	b.Says("#play", "Play")

	// The keyboard draws, too.
	b.TabTo("#pad")
	b.Press(kb.Home)
	b.Press("0")
	b.Sees("no room at midnight", `document.getElementById('pad').getAttribute('aria-valuetext') === '00:00: room for 0'`)
	b.Sees("that it was played", rested+` && !/drawn by/.test(document.getElementById('trouble').textContent)`)

	// So is one zone of three, for a third of the tasks.
	choose("source", "drawn:empty")
	choose("zone", "1")
	b.Sees("nothing missing", rested+` && /\b0 task-minutes missing/.test(`+figures("spot")+`)`)
	b.Drag("#pad .u-over", [2]float64{0.5, 0.99}, [2]float64{0.75, 0.99}, [2]float64{0.95, 0.99})
	b.Sees("that ECS alone finds room in the others", rested+` && /\b[01]\.\d task-minutes missing/.test(`+figures("spot")+`)`)
	if v := b.Text(`document.getElementById('pad').getAttribute('aria-valuemax')`); v != "74" {
		t.Errorf("%s tasks are the most to draw in one zone", v)
	}
	b.Do(chromedp.Click(chromedp.CSS("#zoom-in")))
	b.Sees("a shorter time", `!document.getElementById('zoom-out').disabled`)
	b.Picture("play-drawn", false)
}

func seeOpening(t *testing.T, chromium context.Context, file string) {
	b := browsertest.Open(t, chromium, file)
	b.Visit("")
	b.Sees("a day that was played", played)
	drop := func(text string) {
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const d = new DataTransfer(); d.items.add(new File([%q], 'mine.csv')); document.dispatchEvent(new DragEvent('drop', { dataTransfer: d })) })()`, text)))
	}
	drop("seconds,spot/a,spot/b,demand\n0,40,40,50\n3600,0,40,60\n7200,40,40,50\n")
	b.Sees("the file's two hours", rested+` && document.getElementById('took').textContent.startsWith('Played 2 hours of up to 60 tasks')`)
	b.Says("#notes", "the 2 zones are shown as one")

	// A click on a trace is a look, a drag makes a copy to draw on.
	b.Drag("#pad .u-over", [2]float64{0.5, 0.5})
	b.Sees("the middle of it", `document.getElementById('clock').textContent.startsWith('01:00') || document.getElementById('clock').textContent.startsWith('00:59')`)
	b.Drag("#pad .u-over", [2]float64{0.6, 0.99}, [2]float64{0.7, 0.99}, [2]float64{0.9, 0.99})
	b.Sees("a copy of one's own", rested+` && document.getElementById('source').value === 'drawn:own'`)
	drop("seconds,spot\n0,plenty\n")
	b.Says("#trouble", `mine.csv:2:3: spot must be a whole number of tasks or inf (got "plenty").`)
}

// seeEnding looks at pages whose core cannot be started, and whose core ends while it plays: neither says that it is still playing.
func seeEnding(t *testing.T, chromium context.Context, m *Module) {
	const instead = `;Object.defineProperty(globalThis, 'backstop', { set() {}, get: () => %s })`
	for says, glue := range map[string]string{
		"The model cannot be started: too little memory.": `;WebAssembly.instantiate = async () => { throw new RangeError('too little memory') }`,
		"The run ended early: unreachable.":               fmt.Sprintf(instead, `() => { throw new WebAssembly.RuntimeError('unreachable') }`),
		"The run ended early: out of memory.":             fmt.Sprintf(instead, `() => undefined`),
	} {
		b := browsertest.Open(t, chromium, written(t, &Module{Wasm: m.Wasm, WasmExec: append(m.WasmExec[:len(m.WasmExec):len(m.WasmExec)], glue...)}))
		b.Visit("")
		b.Says("#trouble", says)
		b.Says("#live", "Not played")
	}
}

// TestThePageIsForThisMachine: other names and other sites' pages get no answer.
func TestThePageIsForThisMachine(t *testing.T) {
	pages, err := Handler("127.0.0.1:7079")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, host, site, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = host
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w
	}
	const question = `{"kind": "trace", "trace": "calm", "days": 1}`
	for what, got := range map[string]struct {
		w    *httptest.ResponseRecorder
		code int
	}{
		"the page":                  {ask("GET", "/", "localhost:7079", "none", ""), http.StatusOK},
		"a question":                {ask("POST", "/api/answer", "127.0.0.1:7079", "same-origin", question), http.StatusOK},
		"another name":              {ask("GET", "/", "evil.example", "none", ""), http.StatusMisdirectedRequest},
		"another site's question":   {ask("POST", "/api/answer", "127.0.0.1:7079", "cross-site", question), http.StatusForbidden},
		"a question without a page": {ask("GET", "/api/answer", "127.0.0.1:7079", "none", ""), http.StatusMethodNotAllowed},
	} {
		if got.w.Code != got.code {
			t.Errorf("%s: %d, want %d", what, got.w.Code, got.code)
		}
	}
}
