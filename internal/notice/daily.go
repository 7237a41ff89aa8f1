package notice

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// dailyPage is the book of the digests; no workload can have the name.
const dailyPage = "#digest"

// factsTimeout bounds the reading of a day, factsAgain is when it is tried again.
const (
	factsTimeout = 30 * time.Second
	factsAgain   = 5 * time.Minute
)

// Daily says who is told once a day how the day went.
type Daily struct {
	// At is the time of day (UTC, since midnight) at which each receiver is told, by name.
	At map[string]time.Duration
	// Facts are the sentences about a span of time.
	Facts func(ctx context.Context, from, to time.Time) ([]string, error)
}

// digests writes the letters of the digests that are due, sends them, and returns when the next is. A desk whose store has no page of digests
// yet begins with the next one: what was before is nothing that it has watched.
func (d *Desk) digests(ctx context.Context) time.Time {
	day := d.o.Daily
	if day == nil {
		return time.Time{}
	}
	now := d.now().UTC()
	if d.files[dailyPage] == nil {
		d.files[dailyPage] = &file{mine: make(map[string]bool)}
		d.open(ctx, []string{dailyPage})
	}
	f := d.files[dailyPage]
	if !f.loaded {
		delete(d.files, dailyPage)
		return now.Add(time.Minute)
	}
	due := day.due(now)
	letters, err := d.digestsSince(ctx, &f.book, due)
	if err != nil {
		d.o.Log.LogAttrs(ctx, slog.LevelWarn, "digest not written; it is tried again", slog.Any(control.KeyErr, err))
		return now.Add(factsAgain)
	}
	d.update(ctx, dailyPage, f, func() bool {
		if !f.book.Through.Before(now) || !f.book.Through.IsZero() && len(letters) == 0 {
			return false
		}
		for _, l := range letters {
			if f.book.Through.Before(l.Message.At) { // another process has not written it meanwhile
				f.book.Letters = append(f.book.Letters, l)
				f.mine[l.Message.ID] = true
			}
		}
		f.book.Through = now
		return true
	})
	d.deliver(ctx, dailyPage, f)
	next := time.Time{}
	for at := range due {
		if next.IsZero() || at.Add(24*time.Hour).Before(next) {
			next = at.Add(24 * time.Hour)
		}
	}
	return next
}

// due is, for each time of day, the last moment at which it was that time, with who is told then.
func (day *Daily) due(now time.Time) map[time.Time][]string {
	out := make(map[time.Time][]string)
	for name, at := range day.At {
		moment := now.Truncate(24 * time.Hour).Add(at)
		if moment.After(now) {
			moment = moment.Add(-24 * time.Hour)
		}
		out[moment] = append(out[moment], name)
	}
	return out
}

// digestsSince makes the letters of the digests that became due after the book was last looked at.
func (d *Desk) digestsSince(ctx context.Context, b *Book, due map[time.Time][]string) (out []Letter, err error) {
	for at, names := range due {
		if b.Through.IsZero() || !b.Through.Before(at) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, factsTimeout)
		lines, err := d.o.Daily.Facts(ctx, at.Add(-24*time.Hour), at)
		cancel()
		if err != nil {
			return nil, err
		}
		kind := Digest.declared()
		m := Message{Version: messageVersion, ID: idOf("", Digest, Event, dailyPage, at), Kind: Digest, Status: Event, Severity: kind.Severity, Workload: "all workloads",
			Key: dailyPage, At: at, Title: kind.Title, What: lines[:min(len(lines), whatMax)]}
		slices.Sort(names)
		out = append(out, Letter{Message: m, Left: names})
	}
	return out, nil
}
