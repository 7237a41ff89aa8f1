package scaler

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cronYears is how far ahead a cron schedule is looked for.
const cronYears = 5

// cronField is one field of a cron expression: the values that it allows.
type cronField struct {
	any  bool
	list map[int]bool
}

func (f cronField) has(n int) bool { return f.any || f.list[n] }

var (
	cronMonths = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	cronDays   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// parseCron reads minute, hour, day of the month, month, day of the week (1 or SUN to 7 or SAT) and year: numbers, names, lists, ranges,
// steps, * and ?. The letters L, W and # are not known.
func parseCron(text string, fields []string) (schedule, error) {
	if len(fields) != 6 {
		return nil, fmt.Errorf("schedule %q: want six fields", text)
	}
	var parsed [6]cronField
	for i, limits := range [6]struct {
		least, most int
		names       []string
	}{{0, 59, nil}, {0, 23, nil}, {1, 31, nil}, {1, 12, cronMonths}, {1, 7, cronDays}, {1970, 2199, nil}} {
		var err error
		if parsed[i], err = parseCronField(fields[i], limits.least, limits.most, limits.names); err != nil {
			return nil, fmt.Errorf("schedule %q: %w", text, err)
		}
	}
	return func(after time.Time) time.Time { return nextCron(&parsed, after) }, nil
}

func parseCronField(text string, least, most int, names []string) (cronField, error) {
	if text == "*" || text == "?" {
		return cronField{any: true}, nil
	}
	f := cronField{list: map[int]bool{}}
	number := func(s string) (int, error) {
		for i, name := range names {
			if strings.EqualFold(s, name) {
				return i + 1, nil
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("%q is not a number from %d to %d", s, least, most)
		}
		return n, nil
	}
	for _, part := range strings.Split(text, ",") {
		span, step, stepped := strings.Cut(part, "/")
		by := 1
		if stepped {
			var err error
			if by, err = strconv.Atoi(step); err != nil || by < 1 {
				return f, fmt.Errorf("%q is no step", step)
			}
		}
		from, to := least, most
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var err error
			if from, err = number(first); err != nil {
				return f, err
			}
			switch {
			case ranged:
				if to, err = number(last); err != nil {
					return f, err
				}
			case !stepped:
				to = from
			}
		}
		for n := from; n <= to; n += by {
			f.list[n] = true
		}
	}
	return f, nil
}

// nextCron finds the first minute after a moment: day by day, then within the day.
func nextCron(f *[6]cronField, after time.Time) time.Time {
	at := after.UTC().Truncate(time.Minute).Add(time.Minute)
	end := at.AddDate(cronYears, 0, 0)
	for at.Before(end) {
		if !f[5].has(at.Year()) || !f[3].has(int(at.Month())) || !f[2].has(at.Day()) || !f[4].has(int(at.Weekday())+1) {
			at = time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !f[1].has(at.Hour()) {
			at = at.Truncate(time.Hour).Add(time.Hour)
			continue
		}
		if f[0].has(at.Minute()) {
			return at
		}
		at = at.Add(time.Minute)
	}
	return time.Time{}
}
