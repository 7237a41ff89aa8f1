package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// byPage is the author of an order that names no one: the journal always knows where it came from.
const byPage = "dashboard"

// orderRequest is the body of POST /api/workloads/{workload}/orders.
type orderRequest struct {
	Kind failover.IntentKind `json:"kind"`
	// Mode is what to pin to: spot or on_demand. Pool limits a failover or restore to one pool.
	Mode   failover.Mode `json:"mode"`
	Pool   string        `json:"pool"`
	Reason string        `json:"reason"`
	By     string        `json:"by"`
	// ForSeconds is after how long it ends by itself; 0: by another order.
	ForSeconds int64 `json:"for_seconds"`
}

// orderAnswer is the answer when it was recorded.
type orderAnswer struct {
	Workload string          `json:"workload"`
	Intent   failover.Intent `json:"intent"`
	Text     string          `json:"text"`
}

// order records an operator's order. A pass acts on it.
func (d *Dashboard) order(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	if s := d.sessionOf(r); !s.CanAct {
		code := http.StatusForbidden
		if s.Login {
			code = http.StatusUnauthorized
		}
		d.fail(w, r, code, s.Why)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		d.fail(w, r, http.StatusUnsupportedMediaType, "the body must be application/json")
		return
	}
	var req orderRequest
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, intentBytesMax))
	body.DisallowUnknownFields()
	if err := body.Decode(&req); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			d.fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must have %d bytes at most", intentBytesMax))
			return
		}
		d.fail(w, r, http.StatusBadRequest, "read order: "+err.Error())
		return
	}
	c, _, now, err := d.current(r.Context(), wl)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	in, err := req.intent(wl, newest(now, c.State.Seen.At))
	if err != nil {
		d.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderTimeout)
	defer cancel()
	if err := d.o.Source.Apply(ctx, wl.Name, in); err != nil {
		d.refused(w, r, err)
		return
	}
	d.o.Log.LogAttrs(r.Context(), slog.LevelInfo, "order recorded", slog.String("workload", wl.Name), slog.String("kind", string(in.Kind)),
		slog.String("by", in.By), slog.String("from", r.RemoteAddr))
	d.answer(w, r, orderAnswer{Workload: wl.Name, Intent: in, Text: wording.UpperFirst(wording.Order(&in))})
}

// intent checks an order and makes it the state's.
func (req *orderRequest) intent(w *Workload, now time.Time) (failover.Intent, error) {
	in := failover.Intent{Kind: req.Kind, Note: strings.TrimSpace(req.Reason), By: strings.TrimSpace(req.By), At: now.UTC()}
	if in.By == "" {
		in.By = byPage
	}
	lasts := in.Kind == failover.IntentFailover || in.Kind == failover.IntentPin || in.Kind == failover.IntentPause
	switch {
	case !slices.Contains(orderKinds, in.Kind):
		return in, fmt.Errorf("kind: must be one of %s (got %q)", kindList(), req.Kind)
	case strings.ContainsFunc(in.Note+in.By, unicode.IsControl):
		return in, errors.New("reason and by: must be one line each, without control characters")
	case len(in.Note) > reasonBytesMax:
		return in, fmt.Errorf("reason: must have %d bytes at most", reasonBytesMax)
	case len(in.By) > byBytesMax:
		return in, fmt.Errorf("by: must have %d bytes at most", byBytesMax)
	case lasts && in.Note == "":
		return in, errors.New("reason: must be given, for those who read the journal")
	case req.ForSeconds < 0 || req.ForSeconds > int64(orderMax/time.Second):
		return in, fmt.Errorf("for_seconds: must be 0 to %d", int64(orderMax/time.Second))
	case req.ForSeconds > 0 && !lasts:
		return in, fmt.Errorf("for_seconds: a %s has no end", in.Kind)
	}
	if in.Kind == failover.IntentPin {
		if in.Mode = req.Mode; in.Mode != failover.ModeSpot && in.Mode != failover.ModeOnDemand {
			return in, fmt.Errorf("mode: must be spot or on_demand (got %q)", req.Mode)
		}
	} else if req.Mode != "" {
		return in, fmt.Errorf("mode: a %s takes none", in.Kind)
	}
	if req.Pool != "" {
		if in.Kind != failover.IntentFailover && in.Kind != failover.IntentRestore {
			return in, fmt.Errorf("pool: a %s takes none", in.Kind)
		}
		if !slices.ContainsFunc(w.Policy.Pools, func(p failover.Pool) bool { return p.Name == req.Pool }) {
			return in, fmt.Errorf("pool: %s has no pool %q", w.Name, req.Pool)
		}
		in.Pool = req.Pool
	}
	if in.By == "" {
		in.By = "dashboard"
	}
	if req.ForSeconds > 0 {
		in.Until = in.At.Add(time.Duration(req.ForSeconds) * time.Second)
	}
	return in, nil
}

func kindList() string {
	var names []string
	for _, k := range orderKinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// refused answers an order that was not recorded.
func (d *Dashboard) refused(w http.ResponseWriter, r *http.Request, err error) {
	var refused *control.RefusedError
	var held *control.LeaseHeldError
	switch {
	case errors.Is(err, ErrReadOnly):
		d.fail(w, r, http.StatusForbidden, wording.UpperFirst(err.Error()))
	case errors.As(err, &refused):
		d.fail(w, r, http.StatusConflict, wording.UpperFirst(err.Error()))
	case errors.Is(err, control.ErrStale), errors.As(err, &held):
		d.fail(w, r, http.StatusConflict, "A pass is under way ("+err.Error()+"); try again")
	default:
		d.broken(w, r, err)
	}
}

// previewFacts says what an order would lead to.
type previewFacts struct {
	// Refused says why it makes no sense; empty when it does.
	Refused string `json:"refused,omitempty"`
	// Known says that Expected could be worked out: what the next pass would do if everything is as it was at From.
	Known    bool      `json:"known"`
	From     time.Time `json:"from,omitzero"`
	Expected []string  `json:"expected"`
	// Runs says how many tasks would then run and what they cost an hour; empty when that is not known.
	Runs string `json:"runs,omitempty"`
}

// preview decides once on what was last seen, to show what an order would lead to. Nothing is recorded.
func (d *Dashboard) preview(w http.ResponseWriter, r *http.Request) {
	wl, ok := d.find(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	c, _, now, err := d.current(r.Context(), wl)
	if err != nil {
		d.broken(w, r, err)
		return
	}
	req := orderRequest{Kind: failover.IntentKind(q.Get("kind")), Mode: failover.Mode(q.Get("mode")), Pool: q.Get("pool"), Reason: "preview"}
	in, err := req.intent(wl, newest(now, c.State.Seen.At))
	if err != nil {
		d.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	out := previewFacts{Expected: []string{}}
	after, err := failover.Apply(wl.Policy, c.State, in)
	if err != nil {
		out.Refused = wording.UpperFirst(err.Error())
		d.answer(w, r, out)
		return
	}
	if c.Observation != nil && c.Decision != nil && len(c.Observation.Pools) == len(wl.Policy.Pools) {
		o := failover.Observation{At: in.At, Pools: slices.Clone(c.Observation.Pools)}
		for i, v := range c.Decision.Pools { // as it should be by now
			if i < len(o.Pools) && o.Pools[i].Err == failover.ErrNone {
				o.Pools[i].Desired = v.Ask
			}
		}
		_, dec := failover.Decide(wl.Policy, after, o)
		out.Known, out.From = true, c.Observation.At
		out.Expected = append(append(out.Expected, wording.Actions(dec.Actions)...), wording.Actions(dec.Withheld)...)
		if look, ok := wording.OutlookOf(&wl.Policy, &after, in, &dec, wl.Prices.taskHours()); ok {
			out.Runs = wording.UpperFirst(look.Text())
		}
	}
	d.answer(w, r, out)
}
