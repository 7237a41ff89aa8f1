package dashboard

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/wording"
)

// page is what the templates get.
type page struct {
	Title    string // of the browser's window
	Name     string // of the page: overview, workload, login, missing
	Workload string
	Banner   string // demo, simulation
	Note     string
	Version  string
	// Initial is what the script begins with, so that the first paint has the facts.
	Initial any
	Next    string
	Error   string
	CanAct  bool
	Private bool
	// LoggedIn and HasToken say which of "log in" and "log out" makes sense: neither where there is nothing to be allowed by it.
	LoggedIn, HasToken bool
}

func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, code int, p page) {
	p.Banner, p.Note, p.Version = d.o.Title, d.o.Note, d.version
	p.LoggedIn, p.HasToken, p.Private = d.keys.holds(r), !d.keys.none && (d.private || !d.o.ReadOnly), d.private
	p.CanAct = p.LoggedIn && !d.o.ReadOnly
	var b bytes.Buffer
	if err := d.pages.ExecuteTemplate(&b, p.Name+".html", p); err != nil {
		d.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}

func (d *Dashboard) showOverview(w http.ResponseWriter, r *http.Request) {
	o, err := d.snapshot(r.Context())
	p := page{Title: "Workloads", Name: "overview", Initial: o}
	if err != nil {
		p.Error = wording.UpperFirst(err.Error())
	}
	d.show(w, r, http.StatusOK, p)
}

func (d *Dashboard) showWorkload(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	p := page{Title: wl.Name, Name: "workload", Workload: wl.Name}
	det, err := d.detail(r.Context(), wl)
	p.Initial = det
	if err != nil {
		p.Error = wording.UpperFirst(err.Error())
	}
	d.show(w, r, http.StatusOK, p)
}

func (d *Dashboard) showLogin(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, page{Title: "Log in", Name: "login", Next: local(r.URL.Query().Get("next"))})
}

func (d *Dashboard) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, loginBytesMax)
	if err := r.ParseForm(); err != nil {
		d.fail(w, r, http.StatusBadRequest, "the form cannot be read")
		return
	}
	next := local(r.PostForm.Get("next"))
	ok, err := d.keys.right(r.PostForm.Get("token"))
	switch {
	case err != nil:
		w.Header().Set("Retry-After", "60")
		d.show(w, r, http.StatusTooManyRequests, page{Title: "Log in", Name: "login", Next: next, Error: "Too many wrong tokens; wait a minute."})
		return
	case !ok:
		d.show(w, r, http.StatusForbidden, page{Title: "Log in", Name: "login", Next: next, Error: "That is not the token."})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: d.keys.open(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil, MaxAge: int(sessionFor / time.Second)})
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (d *Dashboard) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		d.keys.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// local returns a path of this site, or / for anything else.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
