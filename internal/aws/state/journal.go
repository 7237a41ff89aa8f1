package state

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/backstop-ecs/backstop/internal/journal"
)

// row is an item that holds journal entries.
type row = map[string]types.AttributeValue

// rows makes the rows of a commit: one for all entries of the same moment, so that a transaction has two items
// and costs accordingly.
func (s *Store) rows(entries []journal.Entry) ([]row, error) {
	var out []row
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && (entries[n].Workload == entries[0].Workload && entries[n].At.Equal(entries[0].At) || len(out) == transactMax-2) {
			n++
		}
		r, err := s.row(entries[:n])
		if err != nil {
			return nil, err
		}
		out, entries = append(out, r), entries[n:]
	}
	return out, nil
}

// row makes one item of entries. Entries that do not fit lose the observation they were decided from: a journal
// that is too long must not keep a failover from being committed.
func (s *Store) row(entries []journal.Entry) (row, error) {
	data, err := encode(entries)
	if err == nil && size(data) > itemMax {
		short := slices.Clone(entries)
		for i := range short {
			short[i].Observation = nil
		}
		data, err = encode(short)
	}
	if err != nil {
		return nil, err
	}
	first := entries[0]
	r := row{attrPK: text(first.Workload), attrSK: text(sortKey(first.At) + "#" + first.ID), attrEntries: data}
	if at := s.opts.Retention.ExpiresAt(first); !at.IsZero() {
		r[attrExpires] = number(at.Unix())
	}
	return r, nil
}

func encode(entries []journal.Entry) (types.AttributeValue, error) {
	raw := make([]json.RawMessage, len(entries))
	for i := range entries {
		b, err := journal.Marshal(entries[i])
		if err != nil {
			return nil, err
		}
		raw[i] = b
	}
	body, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("encode journal entries: %w", err)
	}
	return pack(body), nil
}

func decode(r row) ([]journal.Entry, error) {
	body, err := unpack(r[attrEntries])
	if err != nil {
		return nil, err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("decode journal entries: %w", err)
	}
	out := make([]journal.Entry, len(raw))
	for i, b := range raw {
		if out[i], err = journal.Unmarshal(b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sortKey is where the entries of a moment begin.
func sortKey(at time.Time) string { return fmt.Sprintf("%s%016x", skJournal, max(at.UnixMicro(), 0)) }

// Append writes entries that belong to no commit, a row each. An entry that is there already is the same. They
// are few (notices, mostly), and a batch would be one more action to allow.
func (s *Store) Append(ctx context.Context, entries []journal.Entry) error {
	for i := range entries {
		r, err := s.row(entries[i : i+1])
		if err != nil {
			return err
		}
		if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: r}); err != nil {
			return s.fail("PutItem", "write journal of "+entries[i].Workload, err)
		}
	}
	return nil
}

// get reads one item of each workload, strongly consistent, by workload.
func (s *Store) get(ctx context.Context, workloads []string, sk string) (map[string]row, error) {
	seen := make(map[string]bool, len(workloads))
	var left []row
	for _, name := range workloads {
		if name != "" && !seen[name] {
			seen[name] = true
			left = append(left, row{attrPK: text(name), attrSK: text(sk)})
		}
	}
	out := make(map[string]row, len(left))
	for try := 0; len(left) > 0; {
		n := min(len(left), getMax)
		answer, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			s.table: {Keys: left[:n], ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			return nil, s.fail("BatchGetItem", "read "+sk, err)
		}
		for _, item := range answer.Responses[s.table] {
			out[workloadOf(item)] = item
		}
		rest := answer.UnprocessedKeys[s.table].Keys
		left = append(slices.Clip(left[n:]), rest...)
		if len(rest) < n { // it goes on
			try = 0
			continue
		}
		if try++; try >= triesMax {
			return nil, fmt.Errorf("read %s in table %s: %d workloads were not answered in %d tries", sk, s.table, len(left), try)
		}
		if err := wait(ctx, try); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Journal returns entries, the newest first. Entries that have expired but are not removed yet are left out.
func (s *Store) Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	f := &finder{q: q, expired: s.opts.Retention.Cutoff(s.opts.Now())}
	names := s.opts.Workloads
	if q.Workload != "" {
		names = []string{q.Workload}
	}
	for _, name := range names {
		if err := s.query(ctx, name, f); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		if err := s.scan(ctx, f); err != nil {
			return nil, err
		}
	}
	f.cut(q.Max())
	return f.found, nil
}

// query reads one workload's rows from the newest on, as far as the limit needs.
func (s *Store) query(ctx context.Context, name string, f *finder) error {
	from, to := sortKey(f.q.From), skJournal+"~"
	if !f.q.To.IsZero() {
		to = sortKey(f.q.To) + "~"
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(attrPK + " = :name AND " + attrSK + " BETWEEN :from AND :to"), ScanIndexForward: aws.Bool(false),
		ExpressionAttributeValues: row{":name": text(name), ":from": text(from), ":to": text(to)}})
	for taken := 0; pages.HasMorePages() && taken < f.q.Max(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.fail("Query", "read journal of "+name, err)
		}
		for _, item := range page.Items {
			n, err := f.take(item)
			if err != nil {
				return fmt.Errorf("read journal of %s in table %s: %w", name, s.table, err)
			}
			taken += n
		}
	}
	return nil
}

// scan reads the whole table.
func (s *Store) scan(ctx context.Context, f *finder) error {
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("begins_with(" + attrSK + ", :journal)"), ExpressionAttributeValues: row{":journal": text(skJournal)}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.fail("Scan", "read journal", err)
		}
		for _, item := range page.Items {
			if _, err := f.take(item); err != nil {
				return fmt.Errorf("read journal in table %s: %w", s.table, err)
			}
		}
	}
	return nil
}

// finder collects the entries that a query selects.
type finder struct {
	q       journal.Query
	expired time.Time
	found   []journal.Entry
}

// take adds a row's entries, and returns how many the query selects.
func (f *finder) take(r row) (int, error) {
	entries, err := decode(r)
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range entries {
		if f.q.Matches(entries[i]) && (f.expired.IsZero() || !entries[i].At.Before(f.expired)) {
			f.found = append(f.found, entries[i])
			n++
		}
	}
	if most := f.q.Max(); len(f.found) > 2*most+1000 { // in memory there are never many more than asked for
		f.cut(most)
	}
	return n, nil
}

func (f *finder) cut(most int) {
	slices.SortFunc(f.found, journal.Newer)
	f.found = f.found[:min(len(f.found), most)]
}

// wait waits before another try, twice as long each time, with jitter.
func wait(ctx context.Context, try int) error {
	d := min(waitFirst<<min(try, 10), waitMax)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
