package failure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func api(code string) error {
	return &smithy.OperationError{ServiceID: "ECS", OperationName: "UpdateService", Err: &smithy.GenericAPIError{Code: code, Message: "says why"}}
}

func status(n int) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}}, Err: errors.New("no body")}
}

func TestKind(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want failover.ErrorKind
	}{
		{"nothing wrong", nil, failover.ErrNone},
		{"throttled", api("ThrottlingException"), failover.ErrThrottled},
		{"throttled as the SDK lists it", api("RequestThrottledException"), failover.ErrThrottled},
		{"the client's own limit", fmt.Errorf("wait: %w", ErrRate), failover.ErrThrottled},
		{"denied", api("AccessDeniedException"), failover.ErrDenied},
		{"expired credentials", api("ExpiredTokenException"), failover.ErrDenied},
		{"no such cluster", api("ClusterNotFoundException"), failover.ErrNotFound},
		{"deleted service", api("ServiceNotActiveException"), failover.ErrNotFound},
		{"a code with a namespace", api("com.amazonaws.sqs#QueueDoesNotExist"), failover.ErrNotFound},
		{"changed at the same time", api("ConcurrentUpdateException"), failover.ErrConflict},
		{"refused parameter", api("InvalidParameterException"), failover.ErrInvalid},
		{"AWS's own trouble", api("ServerException"), failover.ErrUnknown},
		{"a code of tomorrow", api("BrandNewException"), failover.ErrUnknown},
		{"time is up", fmt.Errorf("call: %w", context.DeadlineExceeded), failover.ErrTimeout},
		{"no connection", &smithyhttp.RequestSendError{Err: errors.New("connection refused")}, failover.ErrTimeout},
		{"a proxy's 403", status(403), failover.ErrDenied},
		{"a gateway's 502", status(502), failover.ErrUnknown},
		{"wrapped", Wrap("ecs:UpdateService", "update service prod/api", api("ThrottlingException")), failover.ErrThrottled},
		{"something else", errors.New("boom"), failover.ErrUnknown},
	} {
		if got := Kind(test.err); got != test.want {
			t.Errorf("%s: kind is %q, want %q", test.name, got, test.want)
		}
	}
}

// TestACallThatDoesNotReachAWSSaysSoFirst, before the library's detail.
func TestACallThatDoesNotReachAWSSaysSoFirst(t *testing.T) {
	err := Wrap("ecs:RunTask", "run task job", &smithy.OperationError{ServiceID: "ECS", OperationName: "RunTask", Err: &smithyhttp.RequestSendError{Err: errors.New("dial tcp: no route to host")}})
	if want := "run task job: AWS was not reached: dial tcp: no route to host"; err.Error() != want {
		t.Errorf("text is %q, want %q", err, want)
	}
}

func TestTextAndHint(t *testing.T) {
	for _, test := range []struct{ code, hint string }{
		{"AccessDeniedException", "allow ecs:UpdateService to the role"},
		{"ThrottlingException", "passes when fewer calls"},
		{"ServiceNotFoundException", "check region, cluster and service"},
		{"ServiceNotActiveException", "the service was deleted"},
		{"ExpiredToken", "renew them"},
	} {
		err := Wrap("ecs:UpdateService", "update service prod/api", api(test.code))
		if want := "update service prod/api: " + test.code + ": says why"; err.Error() != want {
			t.Errorf("text is %q, want %q", err, want)
		}
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%s: hint is %q, want %q in it", test.code, e.Hint(), test.hint)
		}
	}
	for _, test := range []struct{ code, text, hint string }{
		{"InvalidParameterException", "Unable to assume the service linked role. Please verify that the ECS service linked role exists.", "aws iam create-service-linked-role"},
		{"InvalidParameterException", "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
			"aws ecs put-cluster-capacity-providers"},
		{"InvalidParameterException", "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.", "by CodeDeploy"},
		{"AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/backstop/x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/web", "allow iam:PassRole to"},
		{"AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/backstop/x is not authorized to perform: ecs:UpdateService on resource: arn", "allow ecs:UpdateService to"},
	} {
		err := Wrap("ecs:UpdateService", "update service prod/api", &smithy.OperationError{Err: &smithy.GenericAPIError{Code: test.code, Message: test.text}})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%s: hint is %q, want %q in it", test.text, e.Hint(), test.hint)
		}
	}
	if err := Wrap("ecs:UpdateService", "update service", nil); err != nil {
		t.Errorf("wrapping no error gave %v", err)
	}
}
