package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Names of attributes and sort keys. They are part of the table's format.
const (
	attrPK         = "pk"
	attrSK         = "sk"
	attrGeneration = "generation"
	attrState      = "state"
	attrOwner      = "lease_owner"
	attrUntil      = "lease_until" // microseconds since 1970
	attrEntries    = "entries"
	attrExpires    = "expires_at" // seconds since 1970: the table's TTL attribute
	attrBody       = "body"

	skState   = "state"
	skNotices = "notices"
	skJournal = "journal#"
)

const (
	// attemptsMax and backoffMax bound the SDK's own retries of one call, which are jittered.
	attemptsMax = 4
	backoffMax  = time.Second
	// triesMax, waitFirst and waitMax bound ours, of what the SDK leaves to its caller: keys and items that
	// were not processed, and transactions that met another.
	triesMax  = 6
	waitFirst = 30 * time.Millisecond
	waitMax   = time.Second
	// getMax is DynamoDB's limit of a batch, transactMax of a transaction.
	getMax      = 100
	transactMax = 100
	// itemMax is what an item's data may take, below DynamoDB's 400 KB with room for keys and lease.
	itemMax = 380 << 10
)

// Options adapt a [Store]. The zero value keeps the journal for ever.
type Options struct {
	// Retention says when journal entries expire. The number of entries is not limited in a table.
	Retention journal.Retention
	// Workloads are those that a query of the journal without a workload asks for, one query each; empty:
	// the whole table is scanned.
	Workloads []string
	// Now is the clock of the retention; nil: time.Now.
	Now func() time.Time
}

// Store is a [control.Store] in a DynamoDB table. It is safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  string
	opts   Options
}

var (
	_ control.Store = (*Store)(nil)
	_ control.Shelf = (*Store)(nil)
)

// New returns the store in a table of cfg's region. Nothing is called.
func New(cfg aws.Config, table string, opts Options) *Store {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		// TLS protects the answers; DynamoDB Local's checksums do not match its compressed answers.
		o.DisableValidateResponseChecksum = true
		if cfg.Retryer == nil {
			o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attemptsMax, backoffMax })
		}
	})
	return &Store{client: client, table: table, opts: opts}
}

// Close does nothing: there is no connection to close.
func (*Store) Close() error { return nil }

// Load returns the records of the named workloads, read strongly consistent, so that a pass sees its own last
// commit and an operator's order at once.
func (s *Store) Load(ctx context.Context, workloads []string) (map[string]control.Record, error) {
	items, err := s.get(ctx, workloads, skState)
	if err != nil {
		return nil, err
	}
	out := make(map[string]control.Record, len(items))
	for name, item := range items {
		var r control.Record
		body, err := unpack(item[attrState])
		if err != nil {
			err = fmt.Errorf("%w: %w", control.ErrDamaged, err)
		} else {
			r.State, err = control.DecodeState(body)
		}
		if err != nil {
			return nil, fmt.Errorf("decode state of %s in table %s: %w", name, s.table, err)
		}
		r.Lease = leaseOf(item)
		out[name] = r
	}
	return out, nil
}

// Commit writes next and entries in one transaction; see [control.Store].
func (s *Store) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	name, generation := next.State.Workload, next.State.Generation
	if generation == 0 {
		return control.ErrStale
	}
	body, err := json.Marshal(next.State)
	if err != nil {
		return fmt.Errorf("encode state of %s: %w", name, err)
	}
	data := pack(body)
	if n := size(data); n > itemMax {
		return fmt.Errorf("write state of %s: it has %d bytes, a DynamoDB item holds %d", name, n, itemMax)
	}
	item := map[string]types.AttributeValue{attrPK: text(name), attrSK: text(skState),
		attrGeneration: number(int64(generation)), attrState: data}
	if next.Lease.Owner != "" {
		item[attrOwner], item[attrUntil] = text(next.Lease.Owner), number(next.Lease.Until.UnixMicro())
	}
	put := &types.Put{TableName: &s.table, Item: item,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if generation == 1 {
		put.ConditionExpression = aws.String("attribute_not_exists(" + attrPK + ")")
	} else {
		put.ConditionExpression = aws.String(attrGeneration + " = :before AND (attribute_not_exists(" + attrOwner + ") OR " +
			attrOwner + " = :by OR " + attrUntil + " <= :now)")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":before": number(int64(generation - 1)), ":by": text(by), ":now": number(now.UnixMicro())}
	}
	rows, err := s.rows(entries)
	if err != nil {
		return err
	}
	return s.commit(ctx, put, rows, func(old map[string]types.AttributeValue) error {
		if lease := leaseOf(old); generationOf(old) == generation-1 && generation > 1 && lease.Held(by, now) {
			return &control.LeaseHeldError{Owner: lease.Owner, Until: lease.Until}
		}
		return control.ErrStale
	})
}

// commit writes the record and the rows together. refused turns the record that kept the condition from
// holding into an error. A transaction that met another one is tried again: by then it has lost, or it wins.
func (s *Store) commit(ctx context.Context, put *types.Put, rows []row, refused func(map[string]types.AttributeValue) error) error {
	name := workloadOf(put.Item)
	for try := 0; ; try++ {
		old, conflict, err := s.try(ctx, put, rows)
		switch {
		case err == nil:
			return nil
		case old != nil:
			return refused(old)
		case conflict == conditionFailed:
			// A server that does not return the item: read it.
			items, readErr := s.get(ctx, []string{name}, skState)
			if readErr != nil {
				return readErr
			}
			return refused(items[name])
		case !passing[conflict] || try == triesMax-1:
			return s.fail("PutItem", "write state of "+name, err)
		}
		if waitErr := wait(ctx, try); waitErr != nil {
			return s.fail("PutItem", "write state of "+name, errors.Join(waitErr, err))
		}
	}
}

// Codes of DynamoDB's reasons for cancelling a transaction.
const conditionFailed = "ConditionalCheckFailed"

// passing are the reasons that a second try may not meet.
var passing = map[string]bool{"TransactionConflict": true, "ThrottlingError": true, "ProvisionedThroughputExceeded": true}

// try writes once. On a failed condition it returns the record that is there, if the server tells, and otherwise
// the code of the reason.
func (s *Store) try(ctx context.Context, put *types.Put, rows []row) (old map[string]types.AttributeValue, code string, err error) {
	if len(rows) == 0 {
		_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: put.TableName, Item: put.Item,
			ConditionExpression: put.ConditionExpression, ExpressionAttributeValues: put.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: put.ReturnValuesOnConditionCheckFailure})
		var failed *types.ConditionalCheckFailedException
		var conflict *types.TransactionConflictException
		switch {
		case errors.As(err, &failed):
			return failed.Item, conditionFailed, err
		case errors.As(err, &conflict):
			return nil, "TransactionConflict", err
		}
		return nil, "", err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: put}}}
	for _, r := range rows {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: r}})
	}
	_, err = s.client.TransactWriteItems(ctx, in)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, "", err
	}
	for i, reason := range cancelled.CancellationReasons {
		c := aws.ToString(reason.Code)
		if i == 0 && c == conditionFailed {
			return reason.Item, c, err
		}
		if c != "" && c != "None" {
			code = c
		}
	}
	return nil, code, err
}

// Pages returns the pages of the named workloads.
func (s *Store) Pages(ctx context.Context, workloads []string) (map[string]control.Page, error) {
	items, err := s.get(ctx, workloads, skNotices)
	if err != nil {
		return nil, err
	}
	out := make(map[string]control.Page, len(items))
	for name, item := range items {
		body, err := unpack(item[attrBody])
		if err != nil {
			return nil, fmt.Errorf("decode notices of %s in table %s: %w", name, s.table, err)
		}
		out[name] = control.Page{Version: generationOf(item), Body: body}
	}
	return out, nil
}

// Keep writes a page; see [control.Shelf].
func (s *Store) Keep(ctx context.Context, workload string, p control.Page) error {
	data := pack(p.Body)
	if n := size(data); n > itemMax {
		return fmt.Errorf("write notices of %s: they have %d bytes, a DynamoDB item holds %d", workload, n, itemMax)
	}
	in := &dynamodb.PutItemInput{TableName: &s.table, ConditionExpression: aws.String(attrGeneration + " = :before"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":before": number(int64(p.Version) - 1)},
		Item: map[string]types.AttributeValue{attrPK: text(workload), attrSK: text(skNotices),
			attrGeneration: number(int64(p.Version)), attrBody: data}}
	if p.Version == 1 {
		in.ConditionExpression, in.ExpressionAttributeValues = aws.String("attribute_not_exists("+attrPK+")"), nil
	}
	_, err := s.client.PutItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return control.ErrStale
	}
	return s.fail("PutItem", "write notices of "+workload, err)
}

// Error is a failed call to DynamoDB, with what a person can do about it.
type Error struct{ call *failure.Error }

// Error says what was tried and what AWS answered.
func (e *Error) Error() string { return e.call.Error() }

// Unwrap returns the classified error.
func (e *Error) Unwrap() error { return e.call }

// Kind classifies the error.
func (e *Error) Kind() failover.ErrorKind { return e.call.Kind() }

// Hint says what to do, or nothing.
func (e *Error) Hint() string {
	if failure.Code(e.call.Err) == "ResourceNotFoundException" {
		return "make the table, with the string keys pk and sk, or check `state.dynamodb` and the region"
	}
	return e.call.Hint()
}

// fail wraps an error of the SDK; nil stays nil. Transactions are allowed by the actions of their parts.
func (s *Store) fail(action, object string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{&failure.Error{Call: "dynamodb:" + action, Object: object + " in table " + s.table, Err: err}}
}

func leaseOf(item map[string]types.AttributeValue) control.Lease {
	owner, ok := item[attrOwner].(*types.AttributeValueMemberS)
	if !ok || owner.Value == "" {
		return control.Lease{}
	}
	return control.Lease{Owner: owner.Value, Until: time.UnixMicro(integer(item[attrUntil])).UTC()}
}

func generationOf(item map[string]types.AttributeValue) uint64 {
	return uint64(max(integer(item[attrGeneration]), 0))
}

func workloadOf(item map[string]types.AttributeValue) string {
	if pk, ok := item[attrPK].(*types.AttributeValueMemberS); ok {
		return pk.Value
	}
	return ""
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func integer(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return 0
}
