package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// call is one AWS call being answered.
type call struct {
	request
	ctx  context.Context
	now  time.Time // virtual time of arrival
	wall time.Time // real time of arrival
	id   string    // the request id
}

// operation answers a call. It runs with the sandbox locked and may return parts of the world: the answer is
// encoded before the lock is let go. An operation that waits runs unlocked and takes the lock itself.
type operation struct {
	run   func(s *Sandbox, c *call) (any, error)
	waits bool
}

// op makes an operation of a function on typed input.
func op[I, O any](run func(s *Sandbox, c *call, in *I) (O, error)) operation {
	return operation{run: func(s *Sandbox, c *call) (any, error) {
		in := new(I)
		if err := json.Unmarshal(c.body, in); err != nil {
			return nil, refuse("SerializationException", "%s", serializationMessage(err))
		}
		return run(s, c, in)
	}}
}

// waiting makes an operation that runs unlocked.
func waiting[I, O any](run func(s *Sandbox, c *call, in *I) (O, error)) operation {
	o := op(run)
	o.waits = true
	return o
}

// serializationMessage says what is wrong with a body without repeating it.
func serializationMessage(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s can not be converted to the type of the field %s", wrong.Value, clip(wrong.Field))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("The body is not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	}
	return "The body is not JSON: " + clip(err.Error())
}

// operations returns every operation of every service.
var operations = map[string]map[string]operation{
	serviceECS:       ecsOperations,
	serviceScaling:   scalingOperations,
	serviceSQS:       sqsOperations,
	serviceSNS:       snsOperations,
	serviceSTS:       stsOperations,
	serviceQuotas:    quotaOperations,
	serviceEvents:    eventsOperations,
	serviceELB:       balancingOperations,
	serviceAlarms:    alarmOperations,
	serviceSchedules: scheduleOperations,
	serviceIAM:       iamOperations,
	serviceLogs:      logOperations,
}

// reply is a complete HTTP answer.
type reply struct {
	status      int
	contentType string
	requestID   string
	queryError  string // x-amzn-query-error
	date        time.Time
	body        []byte
	lost        bool    // the connection dies instead
	speed       float64 // of a clock that goes by itself; 0: it does not
}

// serveAWS answers one AWS call.
func (s *Sandbox) serveAWS(r *http.Request) reply {
	req, refused := decodeRequest(r, s.opts.Region)
	arrived := time.Now()

	s.mu.Lock()
	c := &call{request: req, ctx: r.Context(), now: s.catchUpLocked(), wall: arrived, id: s.newID()}
	run, known := operations[c.service][c.operation]
	if refused == nil && !known {
		refused = unknownOperation(c.operation)
		if c.protocol == protocolQuery {
			refused = invalidAction(c.operation)
		}
	}
	if refused == nil && !s.regions[c.region] {
		if len(s.regions) >= regionsMax {
			refused = refuse("UnrecognizedClientException", "The sandbox holds %d regions, no more fit", regionsMax)
		} else {
			s.regions[c.region] = true
		}
	}
	var struck trouble
	if refused == nil {
		struck = s.strikeLocked(c)
	}
	if struck.latency > 0 || run.waits {
		s.mu.Unlock()
		pause(r.Context(), struck.latency)
		if !run.waits {
			s.mu.Lock()
			s.catchUpLocked()
		}
	}
	if refused == nil {
		refused = struck.before
	}
	var out any
	var err error
	if refused == nil {
		out, err = run.run(s, c)
	}
	if err == nil {
		for _, f := range struck.hiding {
			f.hide(out)
		}
	}
	if run.waits {
		s.mu.Lock()
		s.catchUpLocked()
	}
	defer s.mu.Unlock()
	s.settleLocked()
	return s.finishLocked(c, out, err, refused, struck)
}

// finishLocked encodes the answer, records the call and tells the log and the hook.
func (s *Sandbox) finishLocked(c *call, out any, err error, refused *apiError, struck trouble) reply {
	if refused == nil && err != nil {
		refused = asAPIError(err)
	}
	if refused == nil && struck.after != nil {
		refused = struck.after
	}
	answer := reply{requestID: c.id, date: s.world.Now(), status: http.StatusOK, contentType: c.contentType(), lost: struck.lost}
	if refused == nil {
		if answer.body, err = c.encode(out); err != nil {
			refused = &apiError{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
		}
	}
	if refused != nil {
		answer.status = refused.status()
		switch c.protocol {
		case protocolQuery:
			answer.body = refused.xmlBody(namespaces[c.service], c.id)
		case protocolS3:
			answer.body = refused.s3Body(c.id)
		default:
			answer.body = refused.jsonBody(c.service)
		}
		if c.service == serviceSQS && c.protocol != protocolQuery && refused.QueryCode != "" {
			answer.queryError = refused.QueryCode + ";" + refused.fault()
		}
	}
	record := Call{At: c.now, Wall: c.wall, Service: c.service, Operation: c.operation, Region: c.region,
		Status: answer.status, Lost: answer.lost}
	if refused != nil {
		record.Code = refused.Code
	}
	if len(c.body) <= callInputKept {
		record.Input = string(c.body)
	}
	if _, known := operations[c.service][c.operation]; !known {
		record.Service, record.Operation, record.Input = "", "unknown", "" // names of strangers would grow the counters
	}
	s.calls.add(record)
	if s.opts.OnCall != nil {
		s.opts.OnCall(record)
	}
	if s.log.Enabled(c.ctx, slog.LevelDebug) {
		s.log.LogAttrs(c.ctx, slog.LevelDebug, "call answered", slog.Time("at", record.At), slog.String("call", record.Name()),
			slog.String("region", record.Region), slog.Int("status", record.Status), slog.String("code", record.Code))
	}
	return answer
}

// newID returns an id in the form of a UUID that is unique in this sandbox and the same in every run.
func (s *Sandbox) newID() string {
	s.serial++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", s.opts.World.Seed&0xffffffff, s.serial)
}

// pause waits d of real time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *call) contentType() string {
	switch c.protocol {
	case protocolQuery, protocolS3:
		return "text/xml"
	case protocolJSON10:
		return "application/x-amz-json-1.0"
	default:
		return "application/x-amz-json-1.1"
	}
}

// empty is the answer of operations that give nothing back.
type empty struct{}

func (c *call) encode(out any) ([]byte, error) {
	if c.protocol == protocolQuery {
		return c.encodeXML(out)
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return nil, fmt.Errorf("encode answer of %s: %w", c.operation, err)
	}
	return body.Bytes(), nil
}

func (c *call) encodeXML(out any) ([]byte, error) {
	var body bytes.Buffer
	encoder := xml.NewEncoder(&body)
	outer := xml.StartElement{Name: xml.Name{Local: c.operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespaces[c.service]}}}
	result := xml.StartElement{Name: xml.Name{Local: c.operation + "Result"}}
	metadata := struct {
		XMLName   xml.Name `xml:"ResponseMetadata"`
		RequestID string   `xml:"RequestId"`
	}{RequestID: c.id}
	err := errors.Join(encoder.EncodeToken(outer), encoder.EncodeElement(out, result), encoder.Encode(metadata),
		encoder.EncodeToken(outer.End()), encoder.Flush())
	if err != nil {
		return nil, fmt.Errorf("encode answer of %s: %w", c.operation, err)
	}
	return body.Bytes(), nil
}
