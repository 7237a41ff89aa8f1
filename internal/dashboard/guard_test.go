package dashboard

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// quietLab is one workload that has what it wants.
func quietLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, map[string]int{"api": 20})
	l.live("api", noon.Add(-30*time.Minute), noon, 5*time.Minute, l.steady("api"))
	return l
}

// ask sends a request as a browser or a program would.
func ask(d *Dashboard, method, path, body string, set func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:7077"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if set != nil {
		set(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func made(t *testing.T, o Options) *Dashboard {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Token: token, Now: l.now})
	for _, path := range []string{"/", "/workloads/api", "/login", "/static/app.js", "/api/workloads", "/api/workloads/nothing", "/nothing", "/api/nothing"} {
		h := ask(d, "GET", path, "", nil).Header()
		for key, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := h.Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", path, key, got, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
	}
	if got := ask(d, "GET", "/api/workloads", "", nil).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("facts may be kept: %q", got)
	}
}

func TestANameThatWasMadeToPointHereIsRefused(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Token: token, Now: l.now})
	for host, want := range map[string]int{
		"127.0.0.1:7077": 200, "localhost:9": 200, "LOCALHOST": 200, "[::1]:7077": 200,
		"backstop.example.com": 421, "backstop.example.com:443": 421, "evil.example": 421, "evil.example:7077": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "": 421,
	} {
		if w := ask(d, "GET", "/api/workloads", "", func(r *http.Request) { r.Host = host }); w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestAnotherSitesPageGivesNoOrder(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Token: token, Now: l.now})
	order := `{"kind": "pause", "reason": "why"}`
	for name, c := range map[string]struct {
		header, value string
		code          int
	}{
		"a page of another site":                 {"Sec-Fetch-Site", "cross-site", 403},
		"a page of a neighbouring site":          {"Sec-Fetch-Site", "same-site", 403},
		"an old browser, from another site":      {"Origin", "https://evil.example", 403},
		"an old browser, from another port here": {"Origin", "http://127.0.0.1:9", 403},
		"our own page":                           {"Sec-Fetch-Site", "same-origin", 200},
	} {
		w := ask(d, "POST", "/api/workloads/api/orders", order, func(r *http.Request) { bearer(token)(r); r.Header.Set(c.header, c.value) })
		if w.Code != c.code {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.code)
		}
		if c.code == 403 && !strings.Contains(w.Body.String(), "another site") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

func TestWhoMayGiveOrders(t *testing.T) {
	order := `{"kind": "pause", "reason": "why", "by": "mara", "for_seconds": 3600}`
	for _, c := range []struct {
		name    string
		options Options
		set     func(*http.Request)
		code    int
		says    string
	}{
		{"nobody without a token", Options{}, bearer(""), 403, "no token is set"},
		{"nobody with an invented one where none is set", Options{}, bearer("0123456789abcdef"), 403, "no token is set"},
		{"not who does not show it", Options{Token: token}, nil, 401, "log in with the token"},
		{"not who shows another", Options{Token: token}, bearer(token + "x"), 401, "log in with the token"},
		{"not who shows an empty one", Options{Token: token}, bearer(""), 401, "log in with the token"},
		{"not with an invented session", Options{Token: token}, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: "x"}) }, 401, "log in"},
		{"nobody when it is read-only", Options{Token: token, ReadOnly: true}, bearer(token), 403, "read-only"},
		{"who shows the token", Options{Token: token}, bearer(token), 200, "Pause by mara until 2026-11-18 13:00:00Z (why): decisions are recorded, nothing is changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := quietLab(t)
			c.options.Source, c.options.Now = l.source, l.now
			w := ask(made(t, c.options), "POST", "/api/workloads/api/orders", order, c.set)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.code, c.says)
			}
			pause := l.state("api").Pause
			if (pause != nil) != (c.code == 200) {
				t.Errorf("the state's pause is %+v", pause)
			}
			if pause != nil && (pause.By != "mara" || pause.Note != "why" || pause.Until.Sub(pause.Since) != time.Hour) {
				t.Errorf("the state's pause is %+v", pause)
			}
		})
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Token: token, Now: l.now})
	before := l.state("api").Generation
	for _, c := range []struct {
		name, body string
		code       int
		says       string
	}{
		{"no JSON", `pause`, 400, "read order"},
		{"an unknown field", `{"kind": "pause", "reason": "r", "forever": true}`, 400, "forever"},
		{"an unknown kind", `{"kind": "destroy", "reason": "r"}`, 400, "must be one of failover"},
		{"a change of demand", `{"kind": "demand", "reason": "r"}`, 400, "must be one of failover"},
		{"no reason", `{"kind": "failover", "reason": "  "}`, 400, "reason: must be given"},
		{"a pin to nothing", `{"kind": "pin", "reason": "r"}`, 400, "must be spot or on_demand"},
		{"a pin to both", `{"kind": "pin", "reason": "r", "mode": "mixed"}`, 400, "must be spot or on_demand"},
		{"a pause with a mode", `{"kind": "pause", "reason": "r", "mode": "spot"}`, 400, "takes none"},
		{"another's pool", `{"kind": "failover", "reason": "r", "pool": "elsewhere"}`, 400, "no pool"},
		{"a negative time", `{"kind": "pause", "reason": "r", "for_seconds": -1}`, 400, "for_seconds"},
		{"a time without end", `{"kind": "pause", "reason": "r", "for_seconds": 99999999999}`, 400, "for_seconds"},
		{"an end of what has none", `{"kind": "resume", "for_seconds": 60}`, 400, "has no end"},
		{"a reason too long to keep", `{"kind": "pause", "reason": "` + strings.Repeat("x", reasonBytesMax+1) + `"}`, 400, "reason"},
		{"a body without end", `{"kind": "pause", "reason": "` + strings.Repeat("x", intentBytesMax) + `"}`, 413, "bytes at most"},
		{"nothing to resume", `{"kind": "resume"}`, 409, "not paused"},
		{"nothing to restore", `{"kind": "restore"}`, 409, "no pool is failed over"},
	} {
		w := ask(d, "POST", "/api/workloads/api/orders", c.body, bearer(token))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, w.Code, w.Body, c.code, c.says)
		}
	}
	w := ask(d, "POST", "/api/workloads/api/orders", "kind=pause&reason=r", func(r *http.Request) {
		bearer(token)(r)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if w.Code != 415 {
		t.Errorf("a form: %d, want 415", w.Code)
	}
	if w := ask(d, "POST", "/api/workloads/nothing/orders", `{}`, bearer(token)); w.Code != 404 {
		t.Errorf("an unknown workload: %d, want 404", w.Code)
	}
	if w := ask(d, "GET", "/api/workloads/api/orders", "", bearer(token)); w.Code != 404 {
		t.Errorf("an order by GET: %d, want 404", w.Code)
	}
	if after := l.state("api").Generation; after != before {
		t.Errorf("the state went from generation %d to %d", before, after)
	}
}

func TestAPreviewRecordsNothing(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Now: l.now})
	before := l.state("api").Generation
	var p previewFacts
	w := ask(d, "GET", "/api/workloads/api/preview?kind=failover", "", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if !p.Known || len(p.Expected) != 1 || !strings.HasPrefix(p.Expected[0], "raise standard from 0 to 2") {
		t.Errorf("%+v", p)
	}
	if want := "Tasks that run: now 20 at about $1.20 an hour, at most 4"; !strings.HasPrefix(p.Runs, want) || !strings.HasSuffix(p.Runs, "then 20 at about $4.00 an hour") {
		t.Errorf("what would run is said as %q", p.Runs)
	}
	w = ask(d, "GET", "/api/workloads/api/preview?kind=restore", "", nil)
	if !strings.Contains(w.Body.String(), "no pool is failed over") {
		t.Errorf("%s", w.Body)
	}
	if after := l.state("api").Generation; after != before {
		t.Errorf("the state went from generation %d to %d", before, after)
	}
}

func TestOffThisMachineTheTokenIsNeeded(t *testing.T) {
	l := quietLab(t)
	for _, listen := range []string{"0.0.0.0:7077", ":7077", "192.0.2.7:80", "[::]:80", "backstop.example.com:80"} {
		if _, err := New(Options{Source: l.source, Listen: listen}); err == nil || !strings.Contains(err.Error(), "needs a token") {
			t.Errorf("%s without a token: %v", listen, err)
		}
	}
	if _, err := New(Options{Source: l.source, Token: "short"}); err == nil || !strings.Contains(err.Error(), "16 at least") {
		t.Errorf("a short token: %v", err)
	}
	d := made(t, Options{Source: l.source, Listen: "0.0.0.0:7077", Token: token, ReadOnly: true, Now: l.now})
	host := func(r *http.Request) { r.Host = "10.0.0.5:7077" }
	for path, code := range map[string]int{"/": 303, "/workloads/api": 303, "/api/workloads": 401, "/api/workloads/api/history": 401, "/api/events": 401,
		"/api/workloads/api/preview?kind=pause": 401, "/login": 200, "/static/app.css": 200} {
		if w := ask(d, "GET", path, "", host); w.Code != code || strings.Contains(w.Body.String(), `"api"`) {
			t.Errorf("%s: %d, want %d; %s", path, w.Code, code, w.Body)
		}
	}
	if w := ask(d, "GET", "/api/workloads", "", func(r *http.Request) { host(r); bearer(token)(r) }); w.Code != 200 {
		t.Errorf("with the token: %d", w.Code)
	}
}

func TestALoginIsASession(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Token: token, Now: l.now})
	login := func(token, next string) *httptest.ResponseRecorder {
		return ask(d, "POST", "/login", url.Values{"token": {token}, "next": {next}}.Encode(), func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		})
	}
	if w := login("wrong", "/"); w.Code != 403 || len(w.Result().Cookies()) != 0 {
		t.Errorf("a wrong token: %d, %v", w.Code, w.Result().Cookies())
	}
	w := login(token, "/workloads/api")
	if w.Code != 303 || w.Header().Get("Location") != "/workloads/api" || len(w.Result().Cookies()) != 1 {
		t.Fatalf("%d to %q with %v", w.Code, w.Header().Get("Location"), w.Result().Cookies())
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Value == token || len(c.Value) < 20 {
		t.Errorf("the cookie is %+v", c)
	}
	with := func(r *http.Request) { r.AddCookie(c) }
	if w := ask(d, "GET", "/api/session", "", with); !strings.Contains(w.Body.String(), `"can_act":true`) {
		t.Errorf("after the login: %s", w.Body)
	}
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", ""} {
		if to := login(token, next).Header().Get("Location"); to != "/" {
			t.Errorf("%q leads to %q", next, to)
		}
	}
	ask(d, "POST", "/logout", "", with)
	if w := ask(d, "GET", "/api/session", "", with); !strings.Contains(w.Body.String(), `"can_act":false`) {
		t.Errorf("after the logout: %s", w.Body)
	}
}

func TestGuessingIsSlowAndSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeys(token, time.Now)
		for range loginFailuresMax {
			if ok, err := k.right("guess"); ok || err != nil {
				t.Fatalf("%v %v", ok, err)
			}
		}
		if ok, err := k.right(token); ok || err == nil {
			t.Errorf("the right token after %d wrong ones: %v %v", loginFailuresMax, ok, err)
		}
		time.Sleep(loginWindow + time.Second) //nolint:forbidigo // of the bubble
		if ok, err := k.right(token); !ok || err != nil {
			t.Errorf("the right token a minute later: %v %v", ok, err)
		}
		first := k.open()
		time.Sleep(time.Second) //nolint:forbidigo // of the bubble
		for range sessionsMax {
			k.open()
		}
		if len(k.sessions) != sessionsMax {
			t.Errorf("%d sessions are kept", len(k.sessions))
		}
		has := func(secret string) bool {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: cookieName, Value: secret})
			return k.holds(r)
		}
		if has(first) {
			t.Error("the oldest session has not made room")
		}
		last := k.open()
		if !has(last) {
			t.Error("a new session does not hold")
		}
		time.Sleep(sessionFor) //nolint:forbidigo // of the bubble
		if has(last) {
			t.Error("a session holds for longer than it may")
		}
	})
}

func TestTheTimeShownIsChecked(t *testing.T) {
	l := quietLab(t)
	d := made(t, Options{Source: l.source, Now: l.now})
	now := noon.Unix()
	for q, says := range map[string]string{
		"last=x": "must be seconds", "last=-5": "must be seconds", "last=NaN": "must be seconds", "last=1e300": "must be seconds", "last=0": "from must be before to",
		"last=99999999": "31 days", "from=1": "go together", "from=1&to=2&last=3": "does not go together",
		"from=" + itoa(now) + "&to=" + itoa(now-10): "from must be before to", "from=1&to=2": "within the last 31 days",
	} {
		if w := ask(d, "GET", "/api/workloads/api/history?"+q, "", nil); w.Code != 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want 400 with %q", q, w.Code, w.Body, says)
		}
	}
	for _, q := range []string{"", "last=3600", "last=2592000", "from=" + itoa(now-7200) + "&to=" + itoa(now-3600)} {
		if w := ask(d, "GET", "/api/workloads/api/history?"+q, "", nil); w.Code != 200 {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
}

func TestNamesAreNeverMarkup(t *testing.T) {
	l := quietLab(t)
	evil := `</script><script>alert(1)</script>`
	if err := l.apply(t.Context(), "api", failover.Intent{Kind: failover.IntentPause, Note: evil, By: evil, At: noon}); err != nil {
		t.Fatal(err)
	}
	d := made(t, Options{Source: l.source, Now: l.now, Title: evil, Note: evil})
	for _, path := range []string{"/", "/workloads/api", "/login?next=" + url.QueryEscape(evil)} {
		if body := ask(d, "GET", path, "", nil).Body.String(); strings.Contains(body, "<script>alert") {
			t.Errorf("%s holds a script of the operator's reason", path)
		}
	}
}

func TestAStreamTellsOnlyWhatChanged(t *testing.T) {
	l := quietLab(t)
	l.look("api", noon)
	_, server := l.page(nil)
	r, err := http.Get(server.URL + "/api/events") // the server is closed at the end
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if kind := r.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("it is %s", kind)
	}
	events := make(chan string)
	go func() {
		var rest []byte
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Body.Read(buf)
			rest = append(rest, buf[:n]...)
			for {
				i := bytes.Index(rest, []byte("\n\n"))
				if i < 0 {
					break
				}
				events <- string(rest[:i])
				rest = rest[i+2:]
			}
			if err != nil {
				if err != io.EOF {
					close(events)
				}
				return
			}
		}
	}()
	if e := <-events; !strings.HasPrefix(e, "event: workloads\n") || !strings.Contains(e, "All 20 in service on Spot") {
		t.Errorf("the first event is %s", e)
	}
	l.at.Store(noon.Add(time.Minute).UnixMicro())
	l.worlds["api"].capacity = 15
	l.look("api", l.now())
	if e := <-events; !strings.Contains(e, "5 of 20 missing") {
		t.Errorf("the second event is %s", e)
	}
}
