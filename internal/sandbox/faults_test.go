package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awshttp "github.com/aws/smithy-go/transport/http"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func fault(t *testing.T, s *sandbox.Sandbox, f sandbox.Fault) int {
	t.Helper()
	return must[int](t)(s.AddFault(f))
}

func scale(c clients, t *testing.T, n int32) error {
	t.Helper()
	_, err := c.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: new("prod"), Service: new("api"), DesiredCount: aws.Int32(n)})
	return err
}

func TestFaultsStrikeInEachServicesOwnWords(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	ctx := t.Context()
	url := s.QueueURL()
	calls := map[string]func() error{
		"ecs": func() error { return scale(c, t, 1) },
		"application-autoscaling": func() error {
			_, err := c.scaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aas.ServiceNamespaceEcs})
			return err
		},
		"sqs": func() error {
			_, err := c.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
			return err
		},
		"sns": func() error { _, err := c.sns.ListTopics(ctx, &sns.ListTopicsInput{}); return err },
		"sts": func() error { _, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); return err },
		"servicequotas": func() error {
			_, err := c.quotas.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: new("fargate")})
			return err
		},
	}
	codes := map[sandbox.FaultKind]map[string]string{
		sandbox.FaultThrottle: {"ecs": "ThrottlingException", "application-autoscaling": "ThrottlingException", "sqs": "RequestThrottled", "sns": "Throttling",
			"sts": "Throttling", "servicequotas": "TooManyRequestsException"},
		sandbox.FaultServerError: {"ecs": "ServerException", "application-autoscaling": "InternalServiceException", "sqs": "InternalFailure", "sns": "InternalError",
			"sts": "InternalFailure", "servicequotas": "ServiceException"},
		sandbox.FaultDenied: {"ecs": "AccessDeniedException", "application-autoscaling": "AccessDeniedException", "sqs": "AccessDenied", "sns": "AuthorizationError",
			"sts": "AccessDenied", "servicequotas": "AccessDeniedException"},
	}
	for kind, want := range codes {
		for service, call := range calls {
			id := fault(t, s, sandbox.Fault{Kind: kind, Operation: service + ":*"})
			err := call()
			wantCode(t, err, want[service])
			if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && (response.HTTPStatusCode() >= 500) != (kind == sandbox.FaultServerError) {
				t.Errorf("%s %s: HTTP status %d", service, kind, response.HTTPStatusCode())
			}
			if s.ClearFaults(id) != 1 {
				t.Errorf("fault %d was not there to clear", id)
			}
			if err := call(); err != nil {
				t.Errorf("%s after %s was cleared: %v", service, kind, err)
			}
		}
	}
}

func TestARefusedCallHasNoEffectAndALostAnswerHas(t *testing.T) {
	s := manual(t)
	c := connect(s)
	prod(t, c, 1)
	for _, f := range []struct {
		kind sandbox.FaultKind
		want int32
	}{{sandbox.FaultThrottle, 1}, {sandbox.FaultLostAnswer, 3}, {sandbox.FaultServerError, 3}, {sandbox.FaultLateError, 4}} {
		fault(t, s, sandbox.Fault{Kind: f.kind, Operation: "ecs:UpdateService", Count: 1})
		next := map[sandbox.FaultKind]int32{sandbox.FaultThrottle: 2, sandbox.FaultLostAnswer: 3, sandbox.FaultServerError: 9, sandbox.FaultLateError: 4}[f.kind]
		if err := scale(c, t, next); err == nil {
			t.Errorf("%s: the call succeeds", f.kind)
		}
		if got := service(t, c, "api").DesiredCount; got != f.want {
			t.Errorf("%s: want desired %d afterwards, got %d", f.kind, f.want, got)
		}
	}
	if err := scale(c, t, 5); err != nil {
		t.Errorf("each fault was for one call, but: %v", err)
	}
	last := s.Calls().Of("ecs:UpdateService")
	if !last[1].Lost || last[0].Lost || last[0].Code != "ThrottlingException" {
		t.Errorf("calls remembered: %+v", last)
	}
}

func TestLatencyIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.Options{Speed: 60})
		c := connect(s)
		fault(t, s, sandbox.Fault{Kind: sandbox.FaultLatency, LatencySeconds: 30})
		begin := time.Now()
		must[*ecs.ListClustersOutput](t)(c.ecs.ListClusters(t.Context(), &ecs.ListClustersInput{}))
		if d := time.Since(begin); d != 500*time.Millisecond {
			t.Errorf("30 virtual seconds at speed 60: want 0.5 s, got %s", d)
		}
	})
}

func TestFaultsEndByShareCountAndTime(t *testing.T) {
	s := manual(t, func(o *sandbox.Options) { o.NoThrottle = true })
	c := connect(s)
	prod(t, c, 1)
	fault(t, s, sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService", Share: 0.25, Until: start.Add(time.Hour)})
	refused := 0
	for range 400 {
		if err := scale(c, t, 1); err != nil {
			wantCode(t, err, "ThrottlingException")
			refused++
		}
	}
	if refused < 60 || refused > 140 {
		t.Errorf("a quarter of 400 calls: %d were refused", refused)
	}
	s.AdvanceTo(start.Add(time.Hour))
	for range 50 {
		if err := scale(c, t, 1); err != nil {
			t.Fatalf("after its time: %v", err)
		}
	}
	for _, bad := range []sandbox.Fault{{Kind: "explode"}, {Kind: sandbox.FaultThrottle, Share: 1.5}, {Kind: sandbox.FaultThrottle, Count: -1},
		{Kind: sandbox.FaultLatency}, {Kind: sandbox.FaultThrottle, LatencySeconds: 1}, {Kind: sandbox.FaultThrottle, Operation: "[x"}} {
		if _, err := s.AddFault(bad); err == nil || !strings.HasPrefix(err.Error(), "add fault: ") {
			t.Errorf("%+v is taken: %v", bad, err)
		}
	}
}

func TestTheDateHeaderCarriesVirtualTime(t *testing.T) {
	s := manual(t)
	s.AdvanceTo(start.Add(36 * time.Hour))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/_sandbox/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	response := must[*http.Response](t)(s.Do(request))
	if got := response.Header.Get("Date"); got != "Tue, 03 Nov 2026 21:00:00 GMT" {
		t.Errorf("Date: %s", got)
	}
	_, _ = io.Copy(io.Discard, response.Body)
}
