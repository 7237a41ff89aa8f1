package parts

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// unusualCover is for how long of a day on-demand may run without being worth a word, unusualUnknown for how long nothing may be
	// known, unusualMissing how many task-minutes may be missing.
	unusualCover   = 12 * time.Hour
	unusualUnknown = 10 * time.Minute
	unusualMissing = 1
)

// daily says when the digest is due and who gets it; nil where no receiver wants one.
func daily(f *config.File, senders []notice.Sender, j measure.Journal, tariffs *measure.Tariffs) *notice.Daily {
	out := notice.Daily{At: make(map[string]time.Duration)}
	for i, n := range f.Notify {
		if n.Digest != nil {
			out.At[senders[i].Name()] = *n.Digest
		}
	}
	if len(out.At) == 0 {
		return nil
	}
	names := make([]string, len(f.Workloads))
	for i := range f.Workloads {
		names[i] = f.Workloads[i].Name
	}
	out.Facts = func(ctx context.Context, from, to time.Time) ([]string, error) {
		return digest(ctx, names, j, tariffs, from, to)
	}
	return &out
}

// digest is what there is to say of a day.
func digest(ctx context.Context, names []string, j measure.Journal, tariffs *measure.Tariffs, from, to time.Time) ([]string, error) {
	day := wording.Day{From: from, To: to, Workloads: len(names)}
	type line struct {
		weight float64
		text   string
	}
	var unusual []line
	for _, name := range names {
		p, priced := tariffs.Of(name)
		d, err := measure.DayOf(ctx, j, name, p, priced, from, to)
		if err != nil {
			return nil, err
		}
		day.SpotHours, day.OnDemandHours = day.SpotHours+d.SpotHours, day.OnDemandHours+d.OnDemandHours
		day.Interruptions, day.More, day.MissingMinutes = day.Interruptions+d.Interruptions, day.More || d.More, day.MissingMinutes+d.MissingMinutes
		if priced {
			day.PaidUSD, day.SavedUSD = day.PaidUSD+d.PaidUSD, day.SavedUSD+d.SavedUSD
		} else {
			day.Unpriced++
		}
		switch {
		case d.MissingMinutes >= unusualMissing:
			unusual = append(unusual, line{1e6 + d.MissingMinutes, wording.ShortDay(name, d.MissingMinutes, d.ShortFor)})
		case d.UnknownFor >= unusualUnknown:
			unusual = append(unusual, line{1e4 + d.UnknownFor.Minutes(), wording.UnknownDay(name, d.UnknownFor)})
		case d.CoveredFor >= unusualCover:
			unusual = append(unusual, line{d.CoveredFor.Minutes(), wording.CoveredDay(name, d.CoveredFor)})
		}
	}
	slices.SortStableFunc(unusual, func(a, b line) int { return cmp.Compare(b.weight, a.weight) })
	for _, l := range unusual {
		day.Unusual = append(day.Unusual, l.text)
	}
	return day.Lines(), nil
}
