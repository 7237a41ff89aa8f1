package awstest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
)

// Account is what Asks needs to know of an account beside the request itself.
type Account struct {
	ID    string
	Table string // the DynamoDB table's name
	// ScalableTarget returns the ARN of the scalable target of a resource ID; Roles the roles of a task definition.
	ScalableTarget func(resourceID string) string
	Roles          func(taskDefinition string) []string
}

// Asks returns what AWS asks of the caller's policies for a request: the actions with their resources and condition keys, by the Service
// Authorization Reference. It is empty for a request that it does not know. Values of condition keys are there where a test needs them.
func (a Account) Asks(r *http.Request, body []byte) []policyeval.Request {
	head, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	at := "us-east-1"
	if part := strings.Split(scope, "/"); len(part) > 2 {
		at = part[2]
	}
	arn := func(service, rest string) string { return "arn:aws:" + service + ":" + at + ":" + a.ID + ":" + rest }
	one := func(action, resource string, context map[string][]string) []policyeval.Request {
		return []policyeval.Request{{Action: action, Resource: resource, Context: context}}
	}
	switch {
	case head == "AmazonEC2ContainerServiceV20141113":
		return a.ecs(op, body, arn)
	case head == "AnyScaleFrontendService" && op == "RegisterScalableTarget":
		var in struct {
			ServiceNamespace, ScalableDimension, ResourceID string
			Tags                                            map[string]string
		}
		_ = json.Unmarshal(body, &in)
		return one("application-autoscaling:"+op, a.ScalableTarget(in.ResourceID), map[string][]string{
			"application-autoscaling:service-namespace": {in.ServiceNamespace}, "application-autoscaling:scalable-dimension": {in.ScalableDimension}})
	case head == "AnyScaleFrontendService":
		return one("application-autoscaling:"+op, "*", nil)
	case head == "AmazonSSM":
		var in struct{ Name string }
		_ = json.Unmarshal(body, &in)
		return one("ssm:"+op, arn("ssm", "parameter"+in.Name), nil)
	case strings.HasPrefix(head, "DynamoDB_"):
		if op == "TransactWriteItems" { // of puts
			op = "PutItem"
		}
		return one("dynamodb:"+op, arn("dynamodb", "table/"+a.Table), nil)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return ofForm(form)
}

// ofForm reads a request of the protocols that send forms.
func ofForm(form url.Values) []policyeval.Request {
	switch action := form.Get("Action"); action {
	case "Publish":
		return []policyeval.Request{{Action: "sns:Publish", Resource: form.Get("TopicArn")}}
	case "AssumeRole":
		out := []policyeval.Request{{Action: "sts:AssumeRole", Resource: form.Get("RoleArn")}}
		if id := form.Get("ExternalId"); id != "" {
			out[0].Context = map[string][]string{"sts:ExternalId": {id}}
		}
		if form.Has("Tags.member.1.Key") {
			out = append(out, policyeval.Request{Action: "sts:TagSession", Resource: form.Get("RoleArn")})
		}
		return out
	case "DeregisterTargets":
		return []policyeval.Request{{Action: "elasticloadbalancing:DeregisterTargets", Resource: form.Get("TargetGroupArn")}}
	case "DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth", "DescribeLoadBalancers", "DescribeTargetGroupAttributes":
		return []policyeval.Request{{Action: "elasticloadbalancing:" + action, Resource: "*"}}
	}
	return nil
}

// ecsInput is what of ECS's inputs says who is asked for what.
type ecsInput struct {
	Cluster, Service, Task, ResourceArn string
	Services, Tasks, TagKeys            []string
	ServiceDeploymentArns               []string
	Tags                                []struct{ Key string }
	UpdateService
}

// UpdateService is what of ecs:UpdateService's input has a condition key.
type UpdateService struct {
	TaskDefinition           string
	EnableExecuteCommand     *bool
	EnableECSManagedTags     *bool
	PropagateTags            string
	CapacityProviderStrategy []struct{ CapacityProvider string }
	NetworkConfiguration     *struct {
		AwsvpcConfiguration struct {
			Subnets        []string
			AssignPublicIP string `json:"assignPublicIp"`
		}
	}
	ServiceConnectConfiguration *struct {
		Enabled   bool
		Namespace string
	}
	VolumeConfigurations     []json.RawMessage
	VpcLatticeConfigurations []json.RawMessage
}

// Keys returns the condition keys of such a request, as far as the parameters that it sets give any (docs/aws-assumptions.md, T22).
func (in *UpdateService) Keys() map[string][]string {
	keys := map[string][]string{}
	yes := func(key string, set bool) {
		if set {
			keys["ecs:"+key] = []string{"true"}
		}
	}
	text := func(key, value string) {
		if value != "" {
			keys["ecs:"+key] = []string{value}
		}
	}
	text("task-definition", in.TaskDefinition)
	text("propagate-tags", in.PropagateTags)
	yes("enable-execute-command", in.EnableExecuteCommand != nil)
	yes("enable-ecs-managed-tags", in.EnableECSManagedTags != nil)
	yes("enable-ebs-volumes", in.VolumeConfigurations != nil)
	yes("enable-vpc-lattice", in.VpcLatticeConfigurations != nil)
	yes("enable-service-connect", in.ServiceConnectConfiguration != nil)
	for _, p := range in.CapacityProviderStrategy {
		keys["ecs:capacity-provider"] = append(keys["ecs:capacity-provider"], p.CapacityProvider)
	}
	if n := in.NetworkConfiguration; n != nil {
		keys["ecs:subnet"] = n.AwsvpcConfiguration.Subnets
		text("auto-assign-public-ip", n.AwsvpcConfiguration.AssignPublicIP)
	}
	if c := in.ServiceConnectConfiguration; c != nil {
		text("namespace", c.Namespace)
	}
	return keys
}

// passes are the roles that the starter of a task definition must be allowed to pass.
func (a Account) passes(definition string) (out []policyeval.Request) {
	if definition == "" || a.Roles == nil {
		return nil
	}
	for _, role := range a.Roles(definition) {
		out = append(out, policyeval.Request{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {"ecs-tasks.amazonaws.com"}}})
	}
	return out
}

func (a Account) ecs(op string, body []byte, arn func(service, rest string) string) []policyeval.Request {
	var in ecsInput
	_ = json.Unmarshal(body, &in)
	name := in.Cluster[strings.LastIndexByte(in.Cluster, '/')+1:]
	context := map[string][]string{"ecs:cluster": {arn("ecs", "cluster/"+name)}}
	full := func(kind, id string) string {
		if strings.HasPrefix(id, "arn:") {
			return id
		}
		return arn("ecs", kind+"/"+name+"/"+id)
	}
	var out []policyeval.Request
	add := func(context map[string][]string, resources ...string) {
		for _, r := range resources {
			out = append(out, policyeval.Request{Action: "ecs:" + op, Resource: r, Context: context})
		}
	}
	switch op {
	case "DescribeServices":
		for _, s := range in.Services {
			add(context, full("service", s))
		}
	case "UpdateService":
		keys := in.Keys()
		keys["ecs:cluster"] = context["ecs:cluster"]
		add(keys, full("service", in.Service))
		out = append(out, a.passes(in.TaskDefinition)...)
	case "TagResource", "UntagResource":
		for _, tag := range in.Tags {
			in.TagKeys = append(in.TagKeys, tag.Key)
		}
		add(map[string][]string{"aws:TagKeys": in.TagKeys}, in.ResourceArn)
	case "DescribeTasks", "GetTaskProtection":
		for _, t := range in.Tasks {
			add(context, full("task", t))
		}
	case "RunTask":
		definition := in.TaskDefinition
		if !strings.HasPrefix(definition, "arn:") {
			definition = arn("ecs", "task-definition/"+definition)
		}
		add(context, definition)
		if len(in.Tags) > 0 {
			out = append(out, policyeval.Request{Action: "ecs:TagResource", Resource: full("task", "*"), Context: map[string][]string{"ecs:CreateAction": {"RunTask"}}})
		}
		out = append(out, a.passes(in.TaskDefinition)...)
	case "StopTask":
		add(context, full("task", in.Task))
	case "ListServiceDeployments":
		add(nil, full("service", in.Service))
	case "DescribeServiceDeployments":
		add(nil, in.ServiceDeploymentArns...)
	default:
		add(context, "*")
	}
	return out
}
