package notice

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Sender sends messages to one receiver.
type Sender interface {
	// Name tells the receivers of one configuration apart, across restarts. It is stored and logged, so it must
	// not contain a secret.
	Name() string
	// Send sends a message once. Its error must not contain a secret either.
	Send(ctx context.Context, m Message) error
}

const (
	// storeTimeout bounds one use of the store.
	storeTimeout = 5 * time.Second
	// reportsMax bounds the reports that wait. What is dropped is found in the journal by a later pass.
	reportsMax = 4096
	// sideBySide bounds the workloads that are worked on, and the letters that are sent, at a time.
	sideBySide = 8
	// overlap is how far before a book's last look the journal is looked through again: clocks of two processes
	// differ, and a commit may arrive late.
	overlap = 5 * time.Minute
	// firstLook is how far the journal is looked back for a workload without a book, missedMax how many entries.
	firstLook = 10 * time.Minute
	missedMax = 200
	// keepTries bounds the writes of a book that met another process's.
	keepTries = 4
)

// Store is where books and the journal are.
type Store interface {
	control.Shelf
	Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error)
}

// Options say how a desk works. Store and Senders are needed.
type Options struct {
	Store   Store
	Senders []Sender
	// Cost says what a decision costs, or "" when that is not known; nil: it never is.
	Cost func(workload string, d *failover.Decision) string
	// Now is this machine's clock; nil: time.Now. Times in books are AWS's, by its difference to this one.
	Now func() time.Time
	Log *slog.Logger
	// Daily is the digest; nil: there is none.
	Daily *Daily
}

// Desk takes reports and sends notices. It is safe for concurrent use.
type Desk struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	waiting []control.Report
	dropped bool
	skew    time.Duration

	working sync.Mutex // one Work at a time; guards files
	files   map[string]*file
	refused sync.Map // what the receivers say that refuse, by name; of each that was told
	silent  sync.Map // names of the receivers that let this Work wait in vain
}

// file is what this process knows of a workload's book.
type file struct {
	book    Book
	version uint64
	loaded  bool
	// generation is the newest commit whose notices the book has.
	generation uint64
	mine       map[string]bool // letters that this process wrote and may send at once
}

// New returns a desk.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{o: o, wake: make(chan struct{}, 1), files: make(map[string]*file)}
}

// Tell takes a report down and returns at once.
func (d *Desk) Tell(_ context.Context, r control.Report) {
	d.mu.Lock()
	if len(d.waiting) < reportsMax {
		d.waiting = append(d.waiting, r)
	} else {
		d.dropped = true
	}
	if !r.Decision.At.IsZero() {
		d.skew = r.Decision.At.Sub(d.o.Now())
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Refusing are the receivers that refuse notices for good, with what they say.
func (d *Desk) Refusing() map[string]string {
	out := make(map[string]string)
	for _, s := range d.o.Senders { // one that was taken out of the configuration is nobody's concern
		if text, is := d.refused.Load(s.Name()); is {
			out[s.Name()] = text.(string)
		}
	}
	return out
}

// now returns AWS's time, as far as it is known.
func (d *Desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.o.Now().Add(d.skew)
}

// Run works until ctx ends, and then once more for what is waiting, for at most grace.
func (d *Desk) Run(ctx context.Context, grace time.Duration) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := d.Work(ctx)
		wait := time.Hour
		if !next.IsZero() {
			wait = min(max(next.Sub(d.now()), time.Second), wait)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			d.Work(last)
			return
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// Work puts the waiting reports into their books and sends what is due, each letter once. It returns when there
// is something to do again without another report; zero: nothing.
func (d *Desk) Work(ctx context.Context) time.Time {
	d.working.Lock()
	defer d.working.Unlock()
	d.mu.Lock()
	reports := d.waiting
	d.waiting = nil
	missed := d.dropped
	d.dropped = false
	d.mu.Unlock()
	d.silent.Clear()

	byName := make(map[string][]control.Report)
	for _, r := range reports {
		byName[r.Workload] = append(byName[r.Workload], r)
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		if d.files[name] == nil {
			d.files[name] = &file{mine: make(map[string]bool)}
		}
		names = append(names, name)
	}
	if missed {
		for _, f := range d.files {
			f.generation = 0 // the journal has it
		}
	}
	d.open(ctx, names)
	for name, f := range d.files {
		if len(byName[name]) == 0 && len(f.book.Letters) > 0 {
			names = append(names, name)
		}
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, sideBySide)
	for _, name := range names {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			d.serve(ctx, name, d.files[name], byName[name])
		})
	}
	all.Wait()
	next := d.digests(ctx)
	for _, f := range d.files {
		if at := f.book.Due(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// open reads the books that this process does not know.
func (d *Desk) open(ctx context.Context, names []string) {
	var unknown []string
	for _, name := range names {
		if !d.files[name].loaded {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	pages, err := d.o.Store.Pages(ctx, unknown)
	if err != nil {
		d.o.Log.LogAttrs(ctx, slog.LevelWarn, "books of notices not read", slog.Any(control.KeyErr, err))
		return // telling goes on without: something may be told twice
	}
	for _, name := range unknown {
		d.files[name].load(pages[name])
		for receiver, r := range d.files[name].book.Refused {
			d.refused.Store(receiver, r.Text)
		}
	}
}

func (f *file) load(p control.Page) {
	f.version, f.loaded, f.book = p.Version, true, Book{}
	if len(p.Body) > 0 {
		if err := json.Unmarshal(p.Body, &f.book); err != nil {
			f.book = Book{} // a later version's, or damaged: what lasts is found again
		}
	}
}

// serve puts reports into a workload's book, keeps it, and sends what is due.
func (d *Desk) serve(ctx context.Context, name string, f *file, reports []control.Report) {
	d.update(ctx, name, f, func() bool {
		// A first book is kept at once: from then on no commit is overlooked, however long no process runs.
		changed := f.loaded && f.version == 0 && len(reports) > 0
		for i := range reports {
			r := &reports[i]
			missed := d.missed(ctx, f, r)
			cost := ""
			if d.o.Cost != nil && !r.Decision.At.IsZero() {
				cost = d.o.Cost(name, &r.Decision)
			}
			before := len(f.book.Letters)
			if f.book.Note(r, missed, cost) {
				changed = true
			}
			for k := before; k < len(f.book.Letters); k++ {
				f.mine[f.book.Letters[k].Message.ID] = true
			}
			f.generation = max(r.Generation, f.generation)
			if changed && !r.Decision.At.IsZero() {
				f.book.Through = r.Decision.At
			}
		}
		return changed
	})
	d.deliver(ctx, name, f)
}

// missed returns the notices of commits that this process has not seen a report of.
func (d *Desk) missed(ctx context.Context, f *file, r *control.Report) []journal.Entry {
	if r.Decision.At.IsZero() || f.generation == r.Before.Generation && f.generation != 0 {
		return nil
	}
	from := f.book.Through.Add(-overlap)
	if f.book.Through.IsZero() {
		from = r.Decision.At.Add(-firstLook)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	entries, err := d.o.Store.Journal(ctx, journal.Query{Workload: r.Workload, From: from, Kinds: []journal.Kind{journal.KindNotice}, Limit: missedMax})
	if err != nil {
		d.o.Log.LogAttrs(ctx, slog.LevelWarn, "journal not read for notices", slog.String(control.KeyWorkload, r.Workload), slog.Any(control.KeyErr, err))
		return nil
	}
	slices.Reverse(entries)
	return entries
}

// update changes a book and keeps it. When another process kept it meanwhile, the change is made to its book. When
// the store does not answer, the book in memory counts: better told twice than never.
func (d *Desk) update(ctx context.Context, name string, f *file, change func() bool) {
	for range keepTries {
		if !change() {
			return
		}
		body, err := json.Marshal(&f.book)
		if err == nil {
			storeCtx, cancel := context.WithTimeout(ctx, storeTimeout)
			err = d.o.Store.Keep(storeCtx, name, control.Page{Version: f.version + 1, Body: body})
			cancel()
		}
		switch {
		case err == nil:
			f.version++
			return
		case !errors.Is(err, control.ErrStale):
			d.o.Log.LogAttrs(ctx, slog.LevelWarn, "book of notices not kept", slog.String(control.KeyWorkload, name), slog.Any(control.KeyErr, err))
			return
		}
		storeCtx, cancel := context.WithTimeout(ctx, storeTimeout)
		pages, err := d.o.Store.Pages(storeCtx, []string{name})
		cancel()
		if err != nil {
			return
		}
		f.load(pages[name])
		f.generation = 0
	}
}
