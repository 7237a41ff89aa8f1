package taskretry

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestAFullPageFitsIntoAnItem of DynamoDB, which holds 400 KB; the store compresses pages.
func TestAFullPageFitsIntoAnItem(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 1))
	id := func() string { return fmt.Sprintf("%016x%016x", draw.Uint64(), draw.Uint64()) }
	at := time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC)
	b := Book{Days: map[string]Day{}}
	for range recordsMax {
		at = at.Add(time.Duration(draw.IntN(1e10)))
		b.Records = append(b.Records, Record{Task: "arn:aws:ecs:us-east-1:123456789012:task/jobs/" + id(), Region: "us-east-1", Cluster: "jobs", Family: "report", At: at, Stopped: at.Add(-time.Second),
			Verdict: Again, Attempt: 2, Allowed: 1, Why: clip(strings.Repeat("Your Spot Task was interrupted. ", 9), whyMax), Text: clip("start report again: AccessDeniedException: "+id()+strings.Repeat(" is not authorized", 20), textMax),
			Hint: clip(strings.Repeat("allow ecs:RunTask ", 20), textMax), Try: 1 + draw.IntN(9), Told: []failover.ErrorKind{troubleNoRoom, failover.ErrDenied}, Waits: draw.IntN(9), Due: at.Add(time.Minute), Next: at.Add(time.Minute), Started: "arn:aws:ecs:us-east-1:123456789012:task/jobs/" + id(), Ended: at.Add(time.Hour), Ran: draw.Float64() * 1000})
	}
	for i := range daysMax {
		b.Days[at.AddDate(0, 0, i).Format(time.DateOnly)] = Day{draw.IntN(99), draw.IntN(99), draw.IntN(99), 0, draw.Float64(), draw.Float64(), draw.Float64()}
	}
	body, err := json.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(body)
	if err := w.Close(); err != nil || packed.Len() > 350<<10 {
		t.Errorf("%v: %d bytes, packed %d", err, len(body), packed.Len())
	}
	t.Logf("%d bytes, packed %d", len(body), packed.Len())
}
