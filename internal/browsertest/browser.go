// Package browsertest drives Chromium through a page as a person does: it clicks, types, looks, asks axe-core whether the page is accessible, and keeps
// pictures where they are wanted. It is imported by tests alone.
package browsertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screenshotsEnv names the directory that pictures of the pages are written to; axeEnv names axe.min.js. Without the
// first no picture is kept, without the second (and without a copy in the user's cache) axe is left out.
const (
	screenshotsEnv = "BACKSTOP_SCREENSHOTS"
	axeEnv         = "BACKSTOP_AXE"
	axeVersion     = "4.14.1"
)

// waitFor bounds how long the page may take to show something, in milliseconds.
const waitFor = 15_000

// Start starts Chromium, or skips the test where there is none.
func Start(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (apt-get install --no-install-recommends chromium); the pages are not looked at")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

// Tab is one page, whose console is listened to.
type Tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu      sync.Mutex
	console []string
}

// Open opens a tab of its own for a test; at its end the console must be empty.
func Open(t *testing.T, browser context.Context, base string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	b := &Tab{t: t, ctx: ctx, base: base}
	messages := chromedp.Console(ctx)
	var reader sync.WaitGroup
	reader.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if strings.Contains(m.Text, "willReadFrequently") {
				continue // the test reads the canvas, the page does not
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
				b.mu.Lock()
				b.console = append(b.console, m.String()+" "+m.URL)
				b.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		b.mu.Lock()
		for _, m := range b.console {
			t.Errorf("the console says: %s", m)
		}
		b.mu.Unlock()
		cancel()
		reader.Wait()
	})
	b.Size(1280, 900)
	return b
}

// Expected drops what the console said so far, where an error was provoked.
func (b *Tab) Expected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.console = nil
}

// Do does something in the tab.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Size sets the size of the window, in pixels.
func (b *Tab) Size(width, height int64) { b.t.Helper(); b.Do(chromedp.EmulateViewport(width, height)) }

// Theme makes the operating system light or dark.
func (b *Tab) Theme(name string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	}))
}

// Visit goes to a path of the server, or to any address where the tab was opened without one.
func (b *Tab) Visit(path string) { b.t.Helper(); b.Do(chromedp.Navigate(b.base + path)) }

// Text is the value of an expression, as text.
func (b *Tab) Text(js string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+js+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return s
}

// Sees waits until something is true of the page; the page's own clock wakes it, so nothing sleeps here.
func (b *Tab) Sees(what, js string) {
	b.t.Helper()
	var ok bool
	var err error
	for range 5 { // a page that is left takes the wait along
		ok, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((done) => {
			const end = Date.now() + %d
			const look = () => { let ok = false; try { ok = Boolean(%s) } catch {} ; if (ok || Date.now() > end) done(ok); else setTimeout(look, 20) }
			look()
		})`, waitFor, js), chromedp.EvalAwaitPromise))
		if err == nil {
			break
		}
	}
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	if !ok {
		b.t.Fatalf("the page does not show %s; it shows:\n%s", what, b.Text("document.body.innerText"))
	}
}

// Says waits until an element's text contains something.
func (b *Tab) Says(selector, text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.Sees(fmt.Sprintf("%q in %s", text, selector), fmt.Sprintf(`document.querySelector(%q).innerText.includes(%s)`, selector, quoted))
}

// Press presses keys.
func (b *Tab) Press(keys string, opts ...chromedp.KeyOption) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys, opts...))
}

// Drag presses the mouse at the first of some places of an element, moves it over the others and lets it go at the last. A place is a share of the
// element's width and one of its height.
func (b *Tab) Drag(selector string, places ...[2]float64) {
	b.t.Helper()
	var box struct{ X, Y, W, H float64 }
	text := b.Text(fmt.Sprintf(`((e) => { e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); return JSON.stringify({ x: r.x, y: r.y, w: r.width, h: r.height }) })(document.querySelector(%q))`, selector))
	if err := json.Unmarshal([]byte(text), &box); err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
	at := func(p [2]float64) (x, y float64) { return box.X + p[0]*box.W, box.Y + p[1]*box.H }
	x, y := at(places[0])
	b.Do(chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	for _, p := range places[1:] {
		x, y = at(p)
		b.Do(chromedp.MouseEvent(chromedp.MouseMoved, x, y, chromedp.ButtonLeft))
	}
	b.Do(chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// TabTo presses the tabulator until an element has the focus.
func (b *Tab) TabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.Press("\t")
		if b.Text(fmt.Sprintf("document.activeElement.matches(%q)", selector)) == "true" {
			return
		}
	}
	b.t.Fatalf("%s cannot be reached with the tabulator; the focus is at %s", selector, b.Text("document.activeElement.outerHTML"))
}

// Everywhere looks at a page on a desktop and a phone, in light and in dark ([Tab.On]). Where no pictures are wanted, the light desktop and the dark
// phone stand for all four.
func (b *Tab) Everywhere(name, path, ready string) {
	b.t.Helper()
	for _, screen := range []Screen{Desktop, Phone} {
		for _, theme := range []string{"light", "dark"} {
			if Pictures() || (theme == "dark") == (screen == Phone) {
				b.On(screen, theme, name, path, ready)
			}
		}
	}
}

// Screen is a screen by its name and its size in pixels.
type Screen struct {
	Name          string
	Width, Height int64
}

// Screens that pages are looked at on.
var (
	Desktop = Screen{"desktop", 1440, 900}
	Phone   = Screen{"phone", 390, 844}
)

// On looks at a page on a screen in a theme, once ready is true of it: axe finds nothing, nothing is wider than the screen, and a picture of the screen is
// kept under the name.
func (b *Tab) On(screen Screen, theme, name, path, ready string) {
	b.t.Helper()
	where := name + "-" + theme + "-" + screen.Name
	b.Size(screen.Width, screen.Height)
	b.Theme(theme)
	b.Visit(path)
	b.Sees("all of it", ready)
	if over := b.Text(`document.documentElement.scrollWidth - innerWidth`); over != "0" {
		b.t.Errorf("%s: the page is %s pixels wider than the screen", where, over)
	}
	b.Accessible(where)
	b.Picture(where, false)
}

// Pictures reports whether pictures are wanted.
func Pictures() bool { return os.Getenv(screenshotsEnv) != "" }

// Picture keeps a picture of the page, if pictures are wanted.
func (b *Tab) Picture(name string, full bool) {
	b.t.Helper()
	dir := os.Getenv(screenshotsEnv)
	if dir == "" {
		return
	}
	action := chromedp.CaptureScreenshot()
	if full {
		action = chromedp.FullScreenshot(100)
	}
	img, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	if img, err = small(img); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), img, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// small returns a picture in its 256 commonest colours, which takes a third of the room and looks the same.
func small(img []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(img))
	if err != nil {
		return nil, err
	}
	counts := make(map[color.Color]int)
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			counts[color.RGBAModel.Convert(full.At(x, y))]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	out := image.NewPaletted(full.Bounds(), color.Palette(colours[:min(256, len(colours))]))
	draw.Draw(out, out.Bounds(), full, image.Point{}, draw.Src)
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out)
	return b.Bytes(), err
}

// axe returns the source of axe-core, or "" where it is not there.
func axe() string {
	path := os.Getenv(axeEnv)
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		path = filepath.Join(cache, "backstop", "axe-core-"+axeVersion, "axe.min.js")
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(src)
}

// Accessible fails the test for every violation that axe finds on the page as it is now.
func (b *Tab) Accessible(where string) {
	b.t.Helper()
	src := axe()
	if src == "" {
		b.t.Logf("axe-core %s is not there (scripts/test-tools gets it); %s is not examined", axeVersion, where)
		return
	}
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[chromedp.Void](src+"; undefined")); err != nil {
		b.t.Fatalf("load axe: %v", err)
	}
	found := b.axeRun()
	if len(found.Passes) < 10 {
		b.t.Errorf("axe has examined next to nothing on %s: %d rules", where, len(found.Passes))
	}
	for _, v := range found.Violations {
		for _, n := range v.Nodes {
			b.t.Errorf("%s: %s (%s): %s: %s", where, v.ID, v.Impact, n.HTML, strings.ReplaceAll(n.Summary, "\n", " "))
		}
	}
}

type axeResult struct {
	Passes     []string `json:"passes"`
	Violations []struct {
		ID     string `json:"id"`
		Impact string `json:"impact"`
		Nodes  []struct {
			HTML    string `json:"html"`
			Summary string `json:"summary"`
		} `json:"nodes"`
	} `json:"violations"`
}

func (b *Tab) axeRun() axeResult {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run().then((r) => JSON.stringify({
		passes: r.passes.map((p) => p.id),
		violations: r.violations.map((v) => ({id: v.id, impact: v.impact, nodes: v.nodes.map((n) => ({html: n.html, summary: n.failureSummary}))})),
	}))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("run axe: %v", err)
	}
	var r axeResult
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		b.t.Fatal(err)
	}
	return r
}
