package sandbox

import (
	"fmt"
	"regexp"
	"time"
)

// batchID is the form of an entry's id.
var batchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

type receiptInput struct {
	QueueUrl          string
	Id                string // in a batch
	ReceiptHandle     string
	VisibilityTimeout *int
}

type batchInput struct {
	QueueUrl string
	Entries  []receiptInput
}

type sendBatchInput struct {
	QueueUrl string
	Entries  []sendMessageInput
}

type batchDone struct{ Id string }

type sendBatchOutput struct {
	Successful []*sendMessageOutput `json:",omitempty" xml:"SendMessageBatchResultEntry"`
	Failed     []batchError         `json:",omitempty" xml:"BatchResultErrorEntry"`
}

type deleteBatchOutput struct {
	Successful []batchDone  `json:",omitempty" xml:"DeleteMessageBatchResultEntry"`
	Failed     []batchError `json:",omitempty" xml:"BatchResultErrorEntry"`
}

type visibilityBatchOutput struct {
	Successful []batchDone  `json:",omitempty" xml:"ChangeMessageVisibilityBatchResultEntry"`
	Failed     []batchError `json:",omitempty" xml:"BatchResultErrorEntry"`
}

// checkBatch applies SQS's rules for batches: one to ten entries with distinct ids.
func checkBatch(entry string, ids []string) error {
	const prefix = "AWS.SimpleQueueService."
	batch := func(code, message string) error {
		return &apiError{Code: code, QueryCode: prefix + code, Message: message}
	}
	if len(ids) == 0 {
		return batch("EmptyBatchRequest", "There should be at least one "+entry+" in the request.")
	}
	if len(ids) > batchEntriesMax {
		return batch("TooManyEntriesInBatchRequest", fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", batchEntriesMax, len(ids)))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !batchID.MatchString(id) {
			return batch("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return batch("BatchEntryIdsNotDistinct", "Id "+id+" repeated.")
		}
		seen[id] = true
	}
	return nil
}

func failedEntry(id string, err error) batchError {
	e := asAPIError(err)
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	return batchError{Id: id, Code: code, Message: e.Message, SenderFault: e.status() < 500}
}

func (s *Sandbox) sendMessageBatch(c *call, in *sendBatchInput) (*sendBatchOutput, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, 0, batchEntriesMax), 0
	for _, entry := range in.Entries {
		ids, size = append(ids, entry.Id), size+len(entry.MessageBody)
	}
	if err := checkBatch(c.operation+"RequestEntry", ids); err != nil {
		return nil, err
	}
	if size > messageBytesMax {
		return nil, &apiError{Code: "BatchRequestTooLong", QueryCode: "AWS.SimpleQueueService.BatchRequestTooLong",
			Message: fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", messageBytesMax, size)}
	}
	out := &sendBatchOutput{}
	for i := range in.Entries {
		sent, err := s.send(c, q, &in.Entries[i])
		if err != nil {
			out.Failed = append(out.Failed, failedEntry(in.Entries[i].Id, err))
			continue
		}
		out.Successful = append(out.Successful, sent)
	}
	return out, nil
}

func (s *Sandbox) deleteMessage(_ *call, in *receiptInput) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.deleteByReceipt(in.ReceiptHandle)
}

// deleteByReceipt removes a message. A handle of an earlier receive is taken and does nothing: SQS says that such a
// message might not be deleted.
func (q *queue) deleteByReceipt(handle string) error {
	m, latest, ok := q.byReceipt(handle)
	if !ok {
		return badReceipt()
	}
	if latest {
		q.remove(m)
	}
	return nil
}

func badReceipt() error {
	return sqsInvalid("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

func (s *Sandbox) deleteMessageBatch(c *call, in *batchInput) (*deleteBatchOutput, error) {
	out := &deleteBatchOutput{}
	var err error
	out.Successful, out.Failed, err = s.eachReceipt(c, in, func(q *queue, entry receiptInput) error {
		return q.deleteByReceipt(entry.ReceiptHandle)
	})
	return out, err
}

func (s *Sandbox) changeMessageVisibilityBatch(c *call, in *batchInput) (*visibilityBatchOutput, error) {
	out := &visibilityBatchOutput{}
	var err error
	out.Successful, out.Failed, err = s.eachReceipt(c, in, func(q *queue, entry receiptInput) error {
		return q.hideByReceipt(entry.ReceiptHandle, entry.VisibilityTimeout)
	})
	return out, err
}

func (s *Sandbox) eachReceipt(c *call, in *batchInput, do func(*queue, receiptInput) error) (done []batchDone, failed []batchError, err error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]string, len(in.Entries))
	for i, entry := range in.Entries {
		ids[i] = entry.Id
	}
	if err := checkBatch(c.operation+"RequestEntry", ids); err != nil {
		return nil, nil, err
	}
	for _, entry := range in.Entries {
		if err := do(q, entry); err != nil {
			one := failedEntry(entry.Id, err)
			if one.Code == "ReceiptHandleIsInvalid" { // in a batch SQS repeats it
				one.Message = "The input receipt handle \"" + clip(entry.ReceiptHandle) + "\" is not a valid receipt handle."
			}
			failed = append(failed, one)
			continue
		}
		done = append(done, batchDone{entry.Id})
	}
	return done, failed, nil
}

func (s *Sandbox) changeMessageVisibility(_ *call, in *receiptInput) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.hideByReceipt(in.ReceiptHandle, in.VisibilityTimeout)
}

func (q *queue) hideByReceipt(handle string, seconds *int) error {
	if seconds == nil {
		return sqsInvalid("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
	}
	if *seconds < 0 || *seconds > int(visibilityMax/time.Second) {
		return sqsInvalid("InvalidParameterValue", "Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", *seconds)
	}
	m, _, ok := q.byReceipt(handle)
	if !ok {
		return badReceipt()
	}
	if m == nil || !m.inFlight() {
		return &apiError{Code: "MessageNotInflight", QueryCode: "AWS.SimpleQueueService.MessageNotInflight",
			Message: "Value " + clip(handle) + " for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."}
	}
	q.hide(m, time.Duration(*seconds)*time.Second)
	return nil
}
