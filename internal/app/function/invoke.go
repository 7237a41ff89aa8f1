package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// payloadMax is the largest invocation payload of Lambda, in bytes.
	payloadMax = 6 << 20
	// recordsMax is the largest batch of an event source mapping.
	recordsMax = 10_000
	// tellFor is kept back from every invocation for notices; reserve is what a pass must have left when its time
	// is up: to record the outcome and give back the lease, and to tell.
	tellFor = 2 * time.Second
	reserve = control.ReleaseTimeout + tellFor
	// tellMax bounds the telling after the passes: until it ends the invocation does not, and no more events are taken.
	tellMax = 15 * time.Second
	// tellMargin is what is left of the invocation when telling ends.
	tellMargin = 300 * time.Millisecond
	// startMin is the least time in which work is begun: less than a quiet pass needs would only lead to cut-off
	// calls.
	startMin = reserve + 2*time.Second
)

// sqsEvent is a batch of an event source mapping.
type sqsEvent struct {
	Records []record `json:"Records"`
}

type record struct {
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`
	EventSource string `json:"eventSource"`
}

// batchResponse tells the mapping which messages stay in the queue (ReportBatchItemFailures).
type batchResponse struct {
	Failures []batchFailure `json:"batchItemFailures"`
}

type batchFailure struct {
	ID string `json:"itemIdentifier"`
}

// Invoke handles one invocation. For a batch of messages it returns the response of partial batches, in which
// only those messages are that cannot be read, or whose workload could not be dealt with. For the schedule, or an
// event that EventBridge delivers itself, it returns an error when a workload could not be looked at, so that
// Lambda counts one. A payload with "backstop" is a question of Terraform (see [Answer]).
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > payloadMax {
		return nil, fmt.Errorf("read payload: it has %d bytes, at most %d are read", len(payload), payloadMax)
	}
	work, cancel, err := f.work(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var batch struct {
		sqsEvent
		question
	}
	read := json.Unmarshal(payload, &batch) == nil
	if read && batch.Backstop != "" {
		return f.answer(work, &batch.question)
	}
	defer f.after(ctx)
	f.guard.Sizes.PriceForecasts(work)

	if read && len(batch.Records) > 0 {
		return f.batch(work, batch.Records)
	}
	signal, ok, err := f.guard.Parse(payload)
	switch {
	case err == nil && ok:
		names, err := f.loop.Concerned(signal)
		if err != nil || len(names) == 0 {
			return nil, err
		}
		return nil, failed(f.insist(work, names, []failover.Signal{signal}, true))
	case err == nil && f.mine(payload) != nil:
		return nil, first(f.guard.Tasks.Take(work, f.mine(payload)))
	case err == nil || string(payload) == "{}" || len(payload) == 0 || string(payload) == "null":
		// The schedule, whatever it says about itself.
		return nil, failed(f.look(work))
	}
	return nil, fmt.Errorf("read payload: it is neither a batch of SQS messages nor an event: %w", err)
}

// work returns the context that passes run in: it ends early enough that a pass which is cut off still records what
// it did.
func (f *Function) work(ctx context.Context) (context.Context, context.CancelFunc, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		work, cancel := context.WithCancel(ctx)
		return work, cancel, nil
	}
	if left := time.Until(deadline); left < startMin {
		return nil, nil, fmt.Errorf("begin: %s are left, fewer than the %s that a pass may need; raise the function's timeout to 60 s", left.Round(time.Millisecond), startMin)
	}
	work, cancel := context.WithDeadline(ctx, deadline.Add(-reserve))
	return work, cancel, nil
}

// look carries every workload through a pass. A workload that somebody else is passing right now needs no second
// look.
func (f *Function) look(ctx context.Context) ([]control.Report, error) {
	reports, err := f.insist(ctx, rotated(f.guard.Names, time.Now()), nil, false)
	if _, failed := f.guard.Tasks.Pass(ctx); failed != nil {
		return reports, errors.Join(err, failed)
	}
	return reports, err
}

// mine is the event of a task of no service that is to be dealt with; none where a message is another.
func (f *Function) mine(body []byte) []ecsevent.Standalone {
	if event, ok := f.guard.Tasks.Mine(body); ok {
		return []ecsevent.Standalone{event}
	}
	return nil
}

// first is an error of events that were not dealt with.
func first(left map[string]error) error {
	for _, err := range left {
		return err
	}
	return nil
}

// failed makes an error of the reports that say that a workload could not be looked at.
func failed(reports []control.Report, err error) error {
	if err != nil {
		return err
	}
	n := 0
	var first error
	for _, r := range reports {
		if r.Result == control.StoreFailed || r.Result == control.Abandoned {
			if n++; first == nil {
				first = r.Err
			}
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d workloads were not looked at, the first because of: %w", n, len(reports), errors.Join(first))
}

// batch deals with a batch of messages by a pass of every workload that they concern.
func (f *Function) batch(ctx context.Context, records []record) ([]byte, error) {
	var out batchResponse
	out.Failures = []batchFailure{}
	fail := func(r record) { out.Failures = append(out.Failures, batchFailure{r.MessageID}) }
	if len(records) > recordsMax {
		return nil, fmt.Errorf("read batch: it has %d messages, at most %d are taken", len(records), recordsMax)
	}
	var signals []failover.Signal
	concerned := make(map[string][]record) // by workload
	var names []string
	var beside aside
	for _, r := range records {
		signal, ok, err := f.guard.Parse([]byte(r.Body))
		if err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "message not understood; left for the dead-letter queue",
				slog.String(control.KeyMessageID, r.MessageID), slog.Any(control.KeyErr, err), slog.String(control.KeyHint, control.HintOf(err)))
			fail(r)
			continue
		}
		if !ok {
			beside.add(f.mine([]byte(r.Body)), r)
			continue
		}
		whose, err := f.loop.Concerned(signal)
		if err != nil {
			return nil, err
		}
		for _, name := range whose {
			if concerned[name] == nil {
				names = append(names, name)
			}
			concerned[name] = append(concerned[name], r)
		}
		if len(whose) > 0 {
			signals = append(signals, signal)
		}
	}
	left := beside.begin(ctx, f.guard.Tasks)
	reports, err := f.insist(ctx, names, signals, true)
	for _, r := range left() {
		fail(r)
	}
	if err != nil {
		return nil, err
	}
	twice := make(map[string]bool)
	for _, r := range reports {
		if r.Result.Settled() {
			continue
		}
		for _, m := range concerned[r.Workload] {
			if !twice[m.MessageID] {
				twice[m.MessageID] = true
				fail(m)
			}
		}
	}
	f.log.LogAttrs(ctx, slog.LevelDebug, "batch handled", slog.Int(control.KeyMessages, len(records)), slog.Int(control.KeySignals, len(signals)),
		slog.Int(control.KeyWorkloads, len(names)), slog.Int("returned", len(out.Failures)))
	return json.Marshal(out)
}
