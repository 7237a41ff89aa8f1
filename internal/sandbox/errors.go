package sandbox

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// apiError is an error as an AWS API gives it: a code that programs branch on and a message for people.
type apiError struct {
	Code    string // for example ClusterNotFoundException
	Message string
	Status  int // HTTP status; 0 means 400
	// QueryCode is the code in the query protocol where it differs (SQS kept its old ones), QueryMessage the message.
	QueryCode    string
	QueryMessage string
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// status returns the HTTP status of the error.
func (e *apiError) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// fault says who is to blame, in the words of the query protocol.
func (e *apiError) fault() string {
	if e.status() >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func refuse(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// asAPIError turns what an operation returned into the error that goes over the wire. Errors that are not
// AWS's own become a server fault: they are faults of the sandbox, and are logged as such by the caller.
func asAPIError(err error) *apiError {
	if own, ok := errors.AsType[*apiError](err); ok {
		return own
	}
	if model, ok := errors.AsType[*ecsim.APIError](err); ok {
		e := &apiError{Code: model.Code, Message: model.Message, Status: model.Status}
		return e
	}
	return &apiError{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}

// messageKey is the spelling of the message field in each JSON service's errors.
func messageKey(service string) string {
	switch service {
	case serviceScaling, serviceQuotas:
		return "Message"
	default:
		return "message"
	}
}

// errorType is the value of __type: SQS and unknown operations carry a namespace, the others do not.
func errorType(service, code string) string {
	switch {
	case service == serviceSQS:
		return "com.amazonaws.sqs#" + code
	case code == "UnknownOperationException":
		return "com.amazon.coral.service#" + code
	default:
		return code
	}
}

func (e *apiError) jsonBody(service string) []byte {
	body, err := json.Marshal(map[string]string{"__type": errorType(service, e.Code), messageKey(service): e.Message})
	if err != nil { // a map of strings always encodes
		return []byte("{}")
	}
	return body
}

// s3Body is the error in S3's form, which has no envelope.
func (e *apiError) s3Body(requestID string) []byte {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: e.Code, Message: e.Message, RequestID: requestID})
	if err != nil { // strings only: always encodes
		return nil
	}
	return body
}

type xmlError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (e *apiError) xmlBody(namespace, requestID string) []byte {
	code := e.Code
	if e.QueryCode != "" {
		code = e.QueryCode
	}
	body, err := xml.Marshal(xmlError{Namespace: namespace, Type: e.fault(), Code: code, Message: orDefault(e.QueryMessage, e.Message), RequestID: requestID})
	if err != nil { // strings only: always encodes
		return nil
	}
	return body
}
