// Package failure classifies errors of the AWS SDK, once for the whole program, by error code and never by
// message, and says what a person can do about them.
//
// It retries nothing and logs nothing; what an error means for a pass is package control's business.
package failure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Error is a failed call to AWS.
type Error struct {
	// Call is the IAM action, such as ecs:UpdateService; Object what was done to what, in words.
	Call, Object string
	Err          error
}

// Wrap makes an [*Error] of an error of the SDK; nil stays nil. call is the IAM action of the call.
func Wrap(call, object string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Call: call, Object: object, Err: err}
}

// Error says what was tried and AWS's own code and message, without the SDK's address and attempt counts.
func (e *Error) Error() string {
	var api smithy.APIError
	if !errors.As(e.Err, &api) {
		var send *smithyhttp.RequestSendError
		if errors.As(e.Err, &send) {
			return e.Object + ": AWS was not reached: " + send.Err.Error()
		}
		return e.Object + ": " + e.Err.Error()
	}
	text := fmt.Sprintf("%s: %s: %s", e.Object, api.ErrorCode(), api.ErrorMessage())
	var response *awshttp.ResponseError
	if errors.As(e.Err, &response) && response.ServiceRequestID() != "" {
		text += " (request " + response.ServiceRequestID() + ")"
	}
	return text
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.Err }

// Kind classifies the error; see [Kind].
func (e *Error) Kind() failover.ErrorKind { return Kind(e.Err) }

// Hint says what a person can do about the error, or nothing.
func (e *Error) Hint() string {
	if h := e.textHint(); h != "" {
		return h
	}
	code := Code(e.Err)
	if h, ok := hints[code]; ok {
		return h
	}
	switch e.Kind() {
	case failover.ErrDenied:
		return "allow " + e.Call + " to the role that backstop runs as (or the pool's role_arn), on the resource that the error names"
	case failover.ErrThrottled:
		return "AWS throttles " + e.Call + " in this account and region; it passes when fewer calls are made there"
	case failover.ErrNotFound:
		return "check region, cluster and service, in the configuration or on the command line"
	case failover.ErrTimeout:
		return "AWS was not reached, or did not answer in time; check the network, the endpoint and the region"
	}
	return ""
}

// textHint is the hint for refusals that share a code with others and name their cure in their text alone. What an error means for a pass is decided by its
// code: a text may change.
func (e *Error) textHint() string {
	var api smithy.APIError
	if !errors.As(e.Err, &api) {
		return ""
	}
	text := api.ErrorMessage()
	for _, h := range textHints {
		if strings.Contains(strings.ToLower(text), h.part) {
			return h.hint
		}
	}
	if _, rest, ok := strings.Cut(text, "is not authorized to perform: "); ok && e.Kind() == failover.ErrDenied {
		if action, _, _ := strings.Cut(rest, " "); action != e.Call { // iam:PassRole, for one
			return "allow " + action + " to the role that backstop runs as (or the pool's role_arn), on the resource that the error names"
		}
	}
	return ""
}

var textHints = []struct{ part, hint string }{
	{"service linked role", "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com   # once in the account"},
	{"service-linked role", "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com   # once in the account"},
	{"not associated with the cluster", "aws ecs put-cluster-capacity-providers --cluster CLUSTER --capacity-providers FARGATE FARGATE_SPOT --default-capacity-provider-strategy ...   # with those that the cluster has"},
	{"code_deploy deployment controller", "deploy it by CodeDeploy, or move the service to the deployment controller ECS: only its count can be changed here, so that twins cannot be kept in step"},
}

// hints are for codes whose cure their kind does not name.
var hints = map[string]string{
	"ExpiredToken":                            "the credentials have expired; renew them",
	"ExpiredTokenException":                   "the credentials have expired; renew them",
	"UnrecognizedClientException":             "the credentials are not valid in this region or partition",
	"InvalidClientTokenId":                    "the credentials are not valid in this region or partition",
	"SignatureDoesNotMatch":                   "the secret key is wrong, or this machine's clock is off by more than five minutes",
	"RequestExpired":                          "this machine's clock is off by more than five minutes",
	"ServiceNotActiveException":               "the service was deleted; make it anew or take the pool out of the configuration",
	"QueueDoesNotExist":                       "check the queue's URL and region in `events`",
	"AWS.SimpleQueueService.NonExistentQueue": "check the queue's URL and region in `events`",
	"LimitExceededException":                  "a quota of the account is reached; ask AWS for a higher one",
}

// kinds classifies AWS's error codes. It is a list, and incomplete: what it lacks is of unknown kind.
var kinds = func() map[string]failover.ErrorKind {
	byKind := map[failover.ErrorKind][]string{
		failover.ErrThrottled: {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded",
			"RequestThrottled", "KmsThrottled", "ThrottledException"},
		failover.ErrDenied: {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized", "OptInRequired",
			"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationToken",
			"ExpiredToken", "ExpiredTokenException", "RequestExpired", "SignatureDoesNotMatch", "InvalidSignatureException",
			"IncompleteSignature", "InvalidSecurity", "BlockedException", "AuthFailure"},
		failover.ErrNotFound: {"ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException",
			"ObjectNotFoundException", "ResourceNotFoundException", "TargetNotFoundException", "QueueDoesNotExist",
			"AWS.SimpleQueueService.NonExistentQueue"},
		failover.ErrConflict: {"ConcurrentUpdateException", "ConflictException", "UpdateInProgressException", "ResourceInUseException"},
		failover.ErrInvalid: {"InvalidParameterException", "ClientException", "ValidationException", "ValidationError",
			"UnsupportedFeatureException", "PlatformUnknownException", "PlatformTaskDefinitionIncompatibilityException",
			"NamespaceNotFoundException", "LimitExceededException", "SerializationException", "InvalidAction",
			"UnknownOperationException", "MissingParameter", "InvalidParameterValue"},
		failover.ErrTimeout: {"RequestTimeout", "RequestTimeoutException"},
		failover.ErrUnknown: {"ServerException", "InternalServiceException", "InternalFailure", "InternalError", "InternalServerError",
			"ServiceUnavailable", "ServiceUnavailableException"},
	}
	out := make(map[string]failover.ErrorKind)
	for code := range retry.DefaultThrottleErrorCodes {
		out[code] = failover.ErrThrottled
	}
	for kind, codes := range byKind {
		for _, c := range codes {
			out[c] = kind
		}
	}
	return out
}()

// Code returns AWS's error code, or "" when AWS did not answer with one.
func Code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	code := api.ErrorCode()
	return code[strings.LastIndexByte(code, '#')+1:] // some protocols put a namespace before it
}

// Kind classifies an error of the SDK, [failover.ErrNone] for nil. A call that AWS did not answer is a
// time-out: whether it was carried out is not known.
func Kind(err error) failover.ErrorKind {
	if err == nil {
		return failover.ErrNone
	}
	var mine *Error
	if errors.As(err, &mine) {
		return Kind(mine.Err)
	}
	if code := Code(err); code != "" {
		if k, ok := kinds[code]; ok {
			return k
		}
		return byStatus(err)
	}
	var network net.Error
	var send *smithyhttp.RequestSendError
	switch {
	case errors.Is(err, ErrRate):
		return failover.ErrThrottled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network), errors.As(err, &send):
		return failover.ErrTimeout
	}
	return byStatus(err)
}

// byStatus classifies an answer whose code is not known by its HTTP status.
func byStatus(err error) failover.ErrorKind {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) {
		return failover.ErrUnknown
	}
	switch status := response.HTTPStatusCode(); {
	case status == 429:
		return failover.ErrThrottled
	case status == 401 || status == 403:
		return failover.ErrDenied
	case status == 404:
		return failover.ErrNotFound
	case status >= 400 && status < 500:
		return failover.ErrInvalid
	}
	return failover.ErrUnknown
}

// ErrRate says that the client's own rate limit would not let a call through before its deadline.
var ErrRate = errors.New("the client's own rate limit leaves no room before the deadline")
