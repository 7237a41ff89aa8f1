package page

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"text/template"

	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/play"
)

//go:embed static
var files embed.FS

// modules are the page's own modules and those of the dashboard that it uses, by the names that they import each other by.
var modules = map[string]func() ([]byte, error){
	"app": ofDashboard("app.js"), "chart": ofDashboard("chart.js"),
	"curve": own("curve.js"), "engine": own("engine.js"), "lanes": own("lanes.js"), "pad": own("pad.js"), "why": own("why.js"),
}

func ofDashboard(name string) func() ([]byte, error) {
	return func() ([]byte, error) { return dashboard.Asset(name) }
}

func own(name string) func() ([]byte, error) {
	return func() ([]byte, error) { return files.ReadFile("static/" + name) }
}

// Module is the decision core as WebAssembly, and Go's own script that runs it.
type Module struct {
	Wasm     []byte // packed by gzip
	WasmExec []byte
}

// facts are what the page knows from the start.
type facts struct {
	Served   bool              `json:"served"`
	Policies []play.Contestant `json:"policies"`
	Traces   []play.Contestant `json:"traces"`
	Defaults []string          `json:"defaults"`
	CSVMax   int               `json:"csv_max"`
	Slowest  float64           `json:"slowest"`
}

// Write writes the page. With a module it works by itself, without one a [Handler] must answer it.
func Write(w io.Writer, m *Module) error {
	text, err := files.ReadFile("static/page.html")
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	t, err := template.New("page").Parse(string(text))
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	parts, err := partsOf(m)
	if err != nil {
		return err
	}
	if err := t.Execute(w, parts); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// parts are what the page is put together of.
type parts struct {
	Served                               bool
	Icon, Style, Early, Modules, Initial string
	Script, WasmExec, Wasm               string
}

func partsOf(m *Module) (*parts, error) {
	p := &parts{Served: m == nil}
	join := func(to *string, reads ...func() ([]byte, error)) error {
		var all [][]byte
		for _, read := range reads {
			b, err := read()
			if err != nil {
				return fmt.Errorf("read page: %w", err)
			}
			if bytes.Contains(b, []byte("</script")) || bytes.Contains(b, []byte("</style")) {
				return fmt.Errorf("read page: a part of it would end the element that it stands in")
			}
			all = append(all, b)
		}
		*to = string(bytes.Join(all, []byte("\n")))
		return nil
	}
	var icon string
	for _, err := range []error{
		join(&icon, ofDashboard("icon.svg")), join(&p.Style, ofDashboard("app.css"), ofDashboard("vendor/uplot.css"), own("play.css")),
		join(&p.Early, ofDashboard("theme.js"), ofDashboard("vendor/uplot.js")), join(&p.Script, own("play.js")),
	} {
		if err != nil {
			return nil, err
		}
	}
	p.Icon = base64.StdEncoding.EncodeToString([]byte(icon))
	imports := map[string]string{}
	for name, read := range modules {
		b, err := read()
		if err != nil {
			return nil, fmt.Errorf("read page: %w", err)
		}
		imports[name] = "data:text/javascript;base64," + base64.StdEncoding.EncodeToString(b)
	}
	for to, v := range map[*string]any{
		&p.Modules: map[string]any{"imports": imports},
		&p.Initial: facts{Served: m == nil, Policies: play.Policies(), Traces: play.Traces(), Defaults: play.Defaults(), CSVMax: play.CSVMax, Slowest: play.Slowest},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("write page: %w", err)
		}
		*to = string(b)
	}
	if m != nil {
		p.Wasm = base64.StdEncoding.EncodeToString(m.Wasm)
		return p, join(&p.WasmExec, func() ([]byte, error) { return m.WasmExec, nil })
	}
	return p, nil
}
