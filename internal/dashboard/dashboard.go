package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

//go:embed static templates
var files embed.FS

// Options say what to show and who may give orders. Source is needed.
type Options struct {
	Source Source
	// Token is what an operator must know to give orders; without one none can be given.
	Token string
	// ReadOnly takes no orders from anyone. A Token still has to be known where viewing needs one.
	ReadOnly bool
	// Listen is the address that the pages are served on. Off loopback a token is needed, to view too. Empty:
	// loopback.
	Listen string
	// Title is shown where what is seen is not production: "demo", "simulation"; Note says so in words.
	Title, Note string
	Log         *slog.Logger
	// Now is the present of what is shown; nil: time.Now. A simulated world has its own.
	Now func() time.Time
	// Refresh is how often the source is asked for changes while a page is open; 0: every two seconds.
	Refresh time.Duration
}

// Dashboard is the page. Its handler is safe for concurrent use.
type Dashboard struct {
	o         Options
	workloads []Workload
	keys      *keys
	pages     *template.Template
	assets    map[string]asset
	version   string // of the assets
	timelines timelines
	recent    timelines // of the last hour alone, for many workloads
	watch     watch
	private   bool // viewing needs the token
	handler   http.Handler
}

type asset struct {
	body []byte
	kind string
	etag string
}

// New makes the page.
func New(o Options) (*Dashboard, error) {
	if o.Source == nil {
		return nil, errors.New("make dashboard: no source")
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if err := CheckToken(o.Listen, o.Token); err != nil {
		return nil, fmt.Errorf("make dashboard: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Refresh <= 0 {
		o.Refresh = refreshDefault
	}
	d := &Dashboard{o: o, workloads: o.Source.Workloads(), keys: newKeys(o.Token, time.Now), private: !Loopback(o.Listen)}
	d.timelines = timelines{source: o.Source, keep: keep{length: historyMax + 24*time.Hour, steps: stepsMax}, most: timelinesMax}
	d.recent = timelines{source: o.Source, keep: keep{recentFor, recentSteps, recentFresh}, most: recentWorkloads}
	var err error
	if d.assets, d.version, err = readAssets(); err != nil {
		return nil, err
	}
	if d.pages, err = template.ParseFS(files, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	d.handler = d.routes()
	return d, nil
}

// ServeHTTP serves the pages at /, the files at /static/ and the facts at /api/.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

func (d *Dashboard) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file...}", d.serveAsset)
	mux.HandleFunc("GET /login", d.showLogin)
	mux.HandleFunc("POST /login", d.login)
	mux.HandleFunc("POST /logout", d.logout)

	view := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, d.viewers(h)) }
	view("GET /{$}", d.showOverview)
	view("GET /workloads/{workload}", d.showWorkload)
	view("GET /api/session", d.session)
	view("GET /api/workloads", d.overview)
	view("GET /api/workloads/{workload}", d.workload)
	view("GET /api/workloads/{workload}/history", d.history)
	view("GET /api/workloads/{workload}/insight", d.insight)
	view("GET /api/workloads/{workload}/preview", d.preview)
	view("GET /api/savings", d.savings)
	view("GET /api/recent", d.recently)
	view("GET /api/events", d.events)
	view("POST /api/workloads/{workload}/orders", d.order)
	mux.Handle("/", d.viewers(func(w http.ResponseWriter, r *http.Request) { d.missing(w, r, "There is no page "+r.URL.Path) }))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, r, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})

	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, r, http.StatusForbidden, "the request comes from another site's page")
	}))
	return withHeaders(hostsFor(d.o.Listen).guard(cross.Handler(mux)))
}

// viewers lets pass who may see the pages.
func (d *Dashboard) viewers(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !d.private || d.keys.holds(r):
			next(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			d.fail(w, r, http.StatusUnauthorized, "the token is needed: Authorization: Bearer TOKEN")
		default:
			http.Redirect(w, r, "/login?next="+template.URLQueryEscaper(r.URL.Path), http.StatusSeeOther)
		}
	})
}

// find returns the workload that a request names, or answers that there is none.
func (d *Dashboard) find(w http.ResponseWriter, r *http.Request) (*Workload, bool) {
	name := r.PathValue("workload")
	k := slices.IndexFunc(d.workloads, func(w Workload) bool { return w.Name == name })
	if k < 0 {
		d.missing(w, r, fmt.Sprintf("There is no workload %q", name))
		return nil, false
	}
	return &d.workloads[k], true
}

// missing answers that something does not exist: with a page that leads back, or to a program with an error.
func (d *Dashboard) missing(w http.ResponseWriter, r *http.Request, text string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		d.fail(w, r, http.StatusNotFound, wording.LowerFirst(text))
		return
	}
	d.show(w, r, http.StatusNotFound, page{Title: "Not found", Name: "missing", Error: text + "."})
}

// now is the present of what is shown.
func (d *Dashboard) now(all map[string]Current) time.Time { return clock(d.o.Now(), all) }

func (d *Dashboard) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := d.assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == d.version {
		h.Set("Cache-Control", "max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(a.body)
}

var assetKinds = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8", ".LICENSE": "text/plain; charset=utf-8"}

// readAssets reads the files that the page loads, and names them all by one version.
func readAssets() (map[string]asset, string, error) {
	out := make(map[string]asset)
	all := sha256.New()
	err := fs.WalkDir(files, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		_, _ = all.Write(sum[:])
		out[strings.TrimPrefix(name, "static/")] = asset{body: body, kind: assetKinds[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("read files of the page: %w", err)
	}
	return out, hex.EncodeToString(all.Sum(nil)[:6]), nil
}

// Asset returns one of the files that the pages load, by its path below static.
func Asset(name string) ([]byte, error) { return files.ReadFile("static/" + name) }

// errorFact is the answer of a request that was not done.
type errorFact struct {
	Error string `json:"error"`
}

func (d *Dashboard) fail(w http.ResponseWriter, r *http.Request, code int, text string) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		http.Error(w, text, code)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(errorFact{text})
}

// broken answers that the source failed; the details go to the log.
func (d *Dashboard) broken(w http.ResponseWriter, r *http.Request, err error) {
	d.o.Log.LogAttrs(r.Context(), slog.LevelWarn, "dashboard request failed", slog.String("path", r.URL.Path), slog.Any("err", err))
	d.fail(w, r, http.StatusBadGateway, wording.UpperFirst(err.Error()))
}

func (d *Dashboard) answer(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		d.broken(w, r, fmt.Errorf("write answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}
