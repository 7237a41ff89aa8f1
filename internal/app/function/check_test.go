package function_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestANewVersionIsCheckedBeforeItGuards asks what Terraform asks before the alias moves.
func TestANewVersionIsCheckedBeforeItGuards(t *testing.T) {
	w := newWorld(t, 4, "api", "web")
	f := w.function(function.Options{})
	ask := func() (function.Answer, error) {
		t.Helper()
		var a function.Answer
		body, err := f.Invoke(invocation(t, timeout), []byte(`{"backstop":"check"}`))
		if err == nil {
			err = json.Unmarshal(body, &a)
		}
		return a, err
	}
	if a, err := ask(); err != nil || !a.OK || a.Workloads != 2 || a.Services != 4 || len(a.Unread) != 0 {
		t.Errorf("a sound installation answers %+v, %v", a, err)
	}
	if w.journal("api") != nil || w.counts()["dynamodb:PutItem"] > 0 || w.counts()["ecs:UpdateService"] > 0 {
		t.Error("the check changed something")
	}
	if _, err := f.Invoke(invocation(t, timeout), []byte(`{"backstop":"chekc"}`)); err == nil {
		t.Error("a question that there is not is answered")
	}

	// A permission that comes late is waited for; one that does not is an error.
	fault := func(times int) {
		t.Helper()
		w.box.ClearFaults(0)
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeServices", Count: times}); err != nil {
			t.Fatal(err)
		}
	}
	fault(3)
	if _, err := ask(); err != nil {
		t.Errorf("permissions that came after seconds: %v", err)
	}
	fault(0)
	if _, err := ask(); err == nil || !strings.Contains(err.Error(), "describe service") {
		t.Errorf("without the permission to look it answers %v", err)
	}
	w.box.ClearFaults(0)

	// Back to an older version: the state is of a newer one.
	if _, err := f.Invoke(invocation(t, timeout), schedule); err != nil {
		t.Fatal(err)
	}
	client := dynamodb.NewFromConfig(w.aws())
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "api"}, "sk": &types.AttributeValueMemberS{Value: "state"}}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	item := out.Item
	for name, v := range item {
		if s, ok := v.(*types.AttributeValueMemberS); ok && strings.Contains(s.Value, `"version":`) {
			item[name] = &types.AttributeValueMemberS{Value: strings.Replace(s.Value, `"version":`, `"version":9`, 1)}
		}
	}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: item}); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("over a newer version's state it answers %v", err)
	}
}

// TestNothingIsDestroyedWhileOnDemandStandsIn plays what terraform destroy asks first.
func TestNothingIsDestroyedWhileOnDemandStandsIn(t *testing.T) {
	w := newWorld(t, 4, "api", "web")
	f := w.function(function.Options{})
	ask := func(payload string) error {
		_, err := f.Invoke(invocation(t, timeout), []byte(payload))
		return err
	}
	const destroy = `{"backstop":"destroy","protected":false,"tf":{"action":"delete","prev_input":{"backstop":"destroy"}}}`
	for _, action := range []string{"create", "update"} {
		if err := ask(strings.Replace(destroy, "delete", action, 1)); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	if err := ask(strings.Replace(destroy, "false", "true", 1)); err == nil || !strings.Contains(err.Error(), "deletion_protection") {
		t.Errorf("with a table that cannot be deleted: %v", err)
	}
	if err := ask(destroy); err != nil {
		t.Errorf("with nothing covered: %v", err)
	}
	w.supply(2)
	w.mapping(f.Invoke, 5*time.Minute, 10*time.Second)
	if _, standard := w.working("api"); standard == 0 {
		t.Fatal("nothing is covered; the test shows nothing")
	}
	if err := ask(destroy); err == nil || !strings.Contains(err.Error(), "api, web") || !strings.Contains(err.Error(), "release --all") {
		t.Errorf("while two workloads are covered: %v", err)
	}
	// Left on on-demand by an operator's release: nothing stands in for anything.
	client := ecs.NewFromConfig(w.aws())
	for _, name := range []string{"api-spot", "web-spot"} {
		if _, err := client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String(name), DesiredCount: aws.Int32(0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(destroy); err != nil {
		t.Errorf("with all on on-demand: %v", err)
	}
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:DescribeServices"}); err != nil {
		t.Fatal(err)
	}
	if err := ask(destroy); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("when nothing can be read: %v", err)
	}
	w.box.ClearFaults(0)
	if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:DescribeServices"}); err != nil {
		t.Fatal(err)
	}
	if err := ask(destroy); err == nil || !strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), "Uninstall") {
		t.Errorf("when it may never be read again it names neither why nor the way out: %v", err)
	}
}
