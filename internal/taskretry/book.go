package taskretry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

const (
	// pageName is where the page is kept; no workload can have the name.
	pageName = "#tasks"
	// pageVersion is that of the page's form.
	pageVersion = 1
	// keptFor is how long a record is kept once nothing more is to be done about it, and keptLeast how long at any rate: for longer than ECS knows a
	// stopped task, without which nothing is started. One whose task was started again waits for that task's end, for its price, up to runsFor.
	// recordsMax bounds their number: some 200 KB as it is stored.
	keptFor    = 24 * time.Hour
	keptLeast  = 2 * time.Hour
	runsFor    = 14 * 24 * time.Hour
	recordsMax = 2000
	// daysMax bounds the days of which there are figures.
	daysMax = 400
	// whyMax and textMax bound what is kept of AWS's words, in bytes.
	whyMax, textMax = 120, 240
	// updateTries bounds the tries against others that write at the same time.
	updateTries = 8
)

// errFull says that the page has no room: what is asked for stays in the queue.
var errFull = fmt.Errorf("more than %d tasks to be started again within %s", recordsMax, keptLeast)

// Record is a task that has stopped, and what becomes of it.
type Record struct {
	// Task is its ARN, Family that of its task definition, At when it was decided about and Stopped when it had stopped, by AWS's clock.
	Task    string      `json:"task"`
	Region  string      `json:"region"`
	Cluster string      `json:"cluster"` // its name
	Family  string      `json:"family"`
	At      time.Time   `json:"at"`
	Stopped time.Time   `json:"stopped"`
	End     runtask.End `json:"end"`
	// Why is what ECS said of its stop.
	Why     string  `json:"why,omitempty"`
	Verdict Verdict `json:"verdict"`
	Attempt int     `json:"attempt,omitempty"`
	Allowed int     `json:"allowed,omitempty"`
	// Text says what is wrong, or last went wrong, Trouble of what kind that is, and Hint what a person can do. What may pass by itself within
	// seconds does not replace what lasts. Told are the troubles that a person was told of.
	Text    string               `json:"text,omitempty"`
	Trouble failover.ErrorKind   `json:"trouble,omitempty"`
	Hint    string               `json:"hint,omitempty"`
	Told    []failover.ErrorKind `json:"told,omitempty"`
	// Try numbers the calls by their token; a new one has an answer to the last. Waits counts the answers, its own or another task's, for which its
	// place was left alone for a while. Due is when the call may be made, Next when anybody may make it: later than Due while a keeper has claimed it.
	Try   int       `json:"try,omitempty"`
	Waits int       `json:"waits,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	// Started is the ARN of the task that took its place.
	Started string `json:"started,omitempty"`
	// Ended is when that one stopped, Ran for how long it is paid for, in seconds.
	Ended time.Time `json:"ended,omitzero"`
	Ran   float64   `json:"ran_seconds,omitempty"`
}

// Open reports whether the task is still to be started again.
func (r *Record) Open() bool { return r.Verdict == Again && r.Started == "" }

// Day is what one day brought.
type Day struct {
	Started int `json:"started"`
	Left    int `json:"left"` // could not be started again
	// Ended are those of the started ones that have stopped: only they have hours and costs. Unpriced of them have hours alone.
	Ended    int     `json:"ended"`
	Unpriced int     `json:"unpriced,omitempty"`
	Hours    float64 `json:"hours"`
	USD      float64 `json:"usd"`
	SpotUSD  float64 `json:"spot_usd"`
}

// Add adds another day's figures.
func (d *Day) Add(o Day) {
	d.Started, d.Left, d.Ended, d.Unpriced = d.Started+o.Started, d.Left+o.Left, d.Ended+o.Ended, d.Unpriced+o.Unpriced
	d.Hours, d.USD, d.SpotUSD = d.Hours+o.Hours, d.USD+o.USD, d.SpotUSD+o.SpotUSD
}

// Book is what is kept of the tasks of no service.
type Book struct {
	Version int      `json:"version"`
	Records []Record `json:"records,omitempty"`
	// Days are by their date in UTC (2006-01-02).
	Days map[string]Day `json:"days,omitempty"`
}

// Find returns the record of a task by its ARN or ID; nil: there is none.
func (b *Book) Find(task string) *Record {
	id := ecsevent.TaskID(task)
	for i := range b.Records {
		if r := &b.Records[i]; r.Task == task || ecsevent.TaskID(r.Task) == id {
			return r
		}
	}
	return nil
}

// Origin returns the record of the task whose place a task took; nil: it took none.
func (b *Book) Origin(task string) *Record {
	id := ecsevent.TaskID(task)
	for i := range b.Records {
		if r := &b.Records[i]; r.Started != "" && ecsevent.TaskID(r.Started) == id {
			return r
		}
	}
	return nil
}

// Between sums the days from one moment to another, both by their date in UTC; the last is included.
func (b *Book) Between(from, to time.Time) (sum Day) {
	first, last := from.UTC().Format(time.DateOnly), to.UTC().Format(time.DateOnly)
	for date, d := range b.Days {
		if date >= first && date <= last {
			sum.Add(d)
		}
	}
	return sum
}

// count adds figures to the day of a moment.
func (b *Book) count(at time.Time, d Day) {
	if b.Days == nil {
		b.Days = make(map[string]Day)
	}
	date := at.UTC().Format(time.DateOnly)
	day := b.Days[date]
	day.Add(d)
	b.Days[date] = day
	for len(b.Days) > daysMax {
		oldest := date
		for d := range b.Days {
			oldest = min(oldest, d)
		}
		delete(b.Days, oldest)
	}
}

// tidy drops what is old, and fails where there is no room for what is not.
func (b *Book) tidy(now time.Time) error {
	running := func(r *Record) bool { return r.Started != "" && r.Ended.IsZero() }
	done := func(r *Record, age time.Duration) bool { return !r.Open() && now.Sub(r.At) >= age }
	b.Records = slices.DeleteFunc(b.Records, func(r Record) bool { return done(&r, keptFor) && !running(&r) || done(&r, runsFor) })
	over := len(b.Records) - recordsMax
	if over <= 0 {
		return nil
	}
	slices.SortStableFunc(b.Records, func(x, y Record) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Task, y.Task)) })
	for _, also := range []bool{false, true} { // what still runs is dropped last: its price is lost
		b.Records = slices.DeleteFunc(b.Records, func(r Record) bool {
			if over > 0 && done(&r, keptLeast) && (also || !running(&r)) {
				over--
				return true
			}
			return false
		})
	}
	if over > 0 {
		return errFull
	}
	return nil
}

// clip cuts a text, at the start of a character.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// Read returns what a store keeps of tasks of no service; nothing where it keeps no pages.
func Read(ctx context.Context, store any) (Book, error) {
	shelf, ok := store.(control.Shelf)
	if !ok {
		return Book{}, nil
	}
	b, _, err := load(ctx, shelf)
	return b, err
}

func load(ctx context.Context, shelf control.Shelf) (b Book, version uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
	defer cancel()
	pages, err := shelf.Pages(ctx, []string{pageName})
	if err != nil {
		return b, 0, fmt.Errorf("read tasks that are started again: %w", err)
	}
	if body := pages[pageName].Body; len(body) > 0 {
		if err := json.Unmarshal(body, &b); err != nil {
			return b, 0, fmt.Errorf("read tasks that are started again: %w", err)
		}
		if b.Version > pageVersion {
			return b, 0, fmt.Errorf("read tasks that are started again: version %d is not known here; a newer backstop wrote it", b.Version)
		}
	}
	return b, pages[pageName].Version, nil
}

// update changes the book and writes it, unless change reports that there is nothing to write. change may be called again, with another book, where
// another process wrote at the same time.
func update(ctx context.Context, shelf control.Shelf, now time.Time, change func(b *Book) bool) error {
	for try := 1; ; try++ {
		b, version, err := load(ctx, shelf)
		if err != nil {
			return err
		}
		if !change(&b) {
			return nil
		}
		if err := b.tidy(now); err != nil {
			return fmt.Errorf("keep tasks that are started again: %w", err)
		}
		b.Version = pageVersion
		body, err := json.Marshal(&b)
		if err != nil {
			return fmt.Errorf("keep tasks that are started again: %w", err)
		}
		storeCtx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
		err = shelf.Keep(storeCtx, pageName, control.Page{Version: version + 1, Body: body})
		cancel()
		if err == nil {
			return nil
		}
		if !errors.Is(err, control.ErrStale) || try == updateTries {
			return fmt.Errorf("keep tasks that are started again: %w", err)
		}
	}
}
