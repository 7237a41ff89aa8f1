package page

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/play"
)

// policyCSP lets the page run what stands in it and ask the process that serves it, and nothing else.
const policyCSP = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// questionMax bounds a question: a trace as JSON text, and the rest.
const questionMax = 2*play.CSVMax + 4096

// Handler serves the page at / and answers its questions at /api/answer, with the decision core of this process. It is for a loopback address: it
// answers requests for the names of listen alone, and no page of another site.
func Handler(listen string) (http.Handler, error) {
	var text bytes.Buffer
	if err := Write(&text, nil); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policyCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(text.Bytes())
	})
	mux.HandleFunc("POST /api/answer", func(w http.ResponseWriter, r *http.Request) {
		question, err := io.ReadAll(http.MaxBytesReader(w, r.Body, questionMax))
		if err != nil {
			http.Error(w, `{"error": "the question is too long"}`, http.StatusRequestEntityTooLarge)
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a year of 5,000 tasks takes longer than a page
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(play.Answer(question, func() bool { return r.Context().Err() != nil }))
	})
	return dashboard.GuardHost(listen, http.NewCrossOriginProtection().Handler(mux)), nil
}
