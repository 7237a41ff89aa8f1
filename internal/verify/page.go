package verify

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/backstop-ecs/backstop/internal/ledger"
)

//go:embed page.html
var pageText string

var htmlPage = template.Must(template.New("page").Funcs(template.FuncMap{
	"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }, "class": class, "counts": counts,
}).Parse(pageText))

// Page writes the report as one page of HTML that needs no network.
func (r *Report) Page(w io.Writer) error {
	if err := htmlPage.Execute(w, r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// class is the style of a verdict.
func class(v ledger.Verdict) string {
	if v == ledger.NotObserved {
		return "none"
	}
	return string(v)
}

// verdictCount is how many rows have a verdict.
type verdictCount struct {
	Verdict ledger.Verdict
	Class   string
	N       int
}

func counts(rows []ledger.Row) (out []verdictCount) {
	for _, v := range []ledger.Verdict{ledger.Holds, ledger.Bends, ledger.Contradicted, ledger.NotObserved} {
		n := 0
		for i := range rows {
			if rows[i].Verdict == v {
				n++
			}
		}
		out = append(out, verdictCount{v, class(v), n})
	}
	return out
}
