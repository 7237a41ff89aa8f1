package runtask

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// described is a sandbox that answers MISSING for the first task that it is asked for until a moment, and counts the tasks that it is asked to describe.
type described struct {
	*sandbox.Sandbox
	until time.Time
	asked map[string]int
	first string
}

func (d *described) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeTasks") {
		return d.Sandbox.Do(r)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ Tasks []string }
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	for _, arn := range in.Tasks {
		d.asked[arn]++
		if d.first == "" {
			d.first = arn
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	if d.Sandbox.Now().Before(d.until) {
		none := strings.TrimRight(d.first, "0123456789abcdef") + strings.Repeat("0", 32)
		r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(text), d.first, none)))
		out, err := d.Sandbox.Do(r)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(out.Body)
		out.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(answer), none, d.first)))
		return out, err
	}
	return d.Sandbox.Do(r)
}

// TestWhatIsListedAndNotDescribedIsNotStartedAgain: a killed program's tasks may be too new for DescribeTasks. Without end nothing is waited for.
func TestWhatIsListedAndNotDescribedIsNotStartedAgain(t *testing.T) {
	for late, want := range map[time.Duration]int{30 * time.Second: 3, time.Hour: 4} {
		in(t, "sleep 20", func(l *lab) {
			req := l.request(3)
			req.Wait = false
			if _, err := Run(l.t.Context(), l.ecs, region, req); err != nil {
				l.t.Fatal(err)
			}
			d := &described{l.box, l.box.Now().Add(late), map[string]int{}, ""}
			client := ecs.New(l.ecs.Options(), func(o *ecs.Options) { o.HTTPClient = d })
			req = l.request(3)
			req.Wait = false
			if _, err := Run(l.t.Context(), client, region, req); err != nil {
				l.t.Fatal(err)
			}
			if _, all := l.zeros(); all != want {
				t.Errorf("not described for %s: %d tasks, want %d", late, all, want)
			}
		})
	}
}

// TestWhatHasEndedIsNotReadAgainForATaskThatIsMissed.
func TestWhatHasEndedIsNotReadAgainForATaskThatIsMissed(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		res, err := Run(l.t.Context(), l.ecs, region, l.request(1))
		l.must(err)
		d := &described{l.box, time.Time{}, map[string]int{}, ""}
		u := newRun(ecs.New(l.ecs.Options(), func(o *ecs.Options) { o.HTTPClient = d }), l.request(1))
		for range 3 {
			l.must(u.find(l.t.Context()))
		}
		if n := d.asked[aws.ToString(res.Tasks[0].TaskArn)]; n != 1 {
			t.Errorf("a stopped task was described %d times", n)
		}
	})
}
