package sandbox_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// FuzzRequest throws requests at the sandbox. Whatever comes, it answers, in JSON or XML that can be read, and an answer that
// is not 200 carries an AWS error code.
func FuzzRequest(f *testing.F) {
	const json11, form = "application/x-amz-json-1.1", "application/x-www-form-urlencoded"
	const ecsTarget, sqsTarget, scalingTarget = "AmazonEC2ContainerServiceV20141113.", "AmazonSQS.", "AnyScaleFrontendService."
	f.Add("POST", "/", "", ecsTarget+"DescribeServices", json11, signed, []byte(`{"cluster":"prod","services":["api-spot"]}`))
	f.Add("POST", "/", "", ecsTarget+"UpdateService", json11, signed, []byte(`{"cluster":"prod","service":"api-spot","desiredCount":-1}`))
	f.Add("POST", "/", "", ecsTarget+"CreateService", json11, signed, []byte(`{"cluster":"prod","serviceName":"x","taskDefinition":"api","desiredCount":3,"networkConfiguration":{"awsvpcConfiguration":{"subnets":["a"]}}}`))
	f.Add("POST", "/", "", ecsTarget+"RegisterTaskDefinition", json11, signed, []byte(`{"family":"f","cpu":".25 vCPU","memory":"1 GB","containerDefinitions":[{"name":"a","stopTimeout":121}]}`))
	f.Add("POST", "/", "", ecsTarget+"RegisterTaskDefinition", json11, signed, []byte(`{"family":"f","cpu":"256","memory":"4096","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"containerDefinitions":[{"name":"a"}]}`))
	f.Add("POST", "/", "", ecsTarget+"UpdateService", json11, signed, []byte(`{"cluster":"prod","service":"api-spot","networkConfiguration":{"awsvpcConfiguration":{"subnets":[]}}}`))
	f.Add("POST", "/", "", ecsTarget+"ListTasks", json11, signed, []byte(`{"cluster":"prod","maxResults":1,"nextToken":"YWZ0ZXI6"}`))
	f.Add("POST", "/", "", ecsTarget+"RunTask", json11, signed, []byte(`{"cluster":"prod","taskDefinition":"api","count":10,"networkConfiguration":{"awsvpcConfiguration":{"subnets":["a"]}}}`))
	f.Add("POST", "/", "", ecsTarget+"TagResource", json11, signed, []byte(`{"resourceArn":"arn:aws:ecs:us-east-1:1:service/prod/api-spot","tags":[{"key":"","value":""}]}`))
	f.Add("POST", "/", "", sqsTarget+"ReceiveMessage", "application/x-amz-json-1.0", signed, []byte(`{"QueueUrl":"http://x/1/backstop-events","WaitTimeSeconds":20}`))
	f.Add("POST", "/", "", sqsTarget+"SetQueueAttributes", "application/x-amz-json-1.0", signed, []byte(`{"QueueUrl":"/backstop-events","Attributes":{"RedrivePolicy":"{"}}`))
	f.Add("POST", "/", "", scalingTarget+"RegisterScalableTarget", json11, signed, []byte(`{"ServiceNamespace":"ecs","ResourceId":"service/prod/api-spot","MinCapacity":3,"MaxCapacity":2}`))
	f.Add("POST", "/123456789012/backstop-events", "", "", form, signed, []byte(`Action=SendMessage&Version=2012-11-05&MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String`))
	f.Add("GET", "/", "Action=ListTopics&Version=2010-03-31", "", "", signed, []byte(nil))
	f.Add("POST", "/", "", "", form, signed, []byte(`Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/a/b&RoleSessionName=x&DurationSeconds=900`))
	const topic = "arn:aws:sns:us-east-1:123456789012:ops"
	f.Add("POST", "/", "", "", form, signed, []byte(`Action=CreateTopic&Version=2010-03-31&Name=ops&Attributes.entry.1.key=Policy&Attributes.entry.1.value={"Statement":{}}&Tags.member.1.Key=a&Tags.member.1.Value=b`))
	f.Add("POST", "/", "", "", form, signed, []byte(`Action=Subscribe&Version=2010-03-31&TopicArn=`+topic+`&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:123456789012:backstop-events&Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value={"a":[{"numeric":[">",1.1234567]}],"$or":[{"b":[1]}]}`))
	f.Add("POST", "/", "", "", form, signed, []byte(`Action=Publish&Version=2010-03-31&TopicArn=`+topic+`&Message={"default":"x"}&MessageStructure=json&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=Number&MessageAttributes.entry.1.Value.StringValue=1e3`))
	f.Add("POST", "/", "", "", form, signed, []byte(`Action=SetSubscriptionAttributes&Version=2010-03-31&SubscriptionArn=`+topic+`:x&AttributeName=RawMessageDelivery&AttributeValue=true`))
	f.Add("POST", "/", "", "AWSEvents.PutEvents", json11, signed, []byte(`{"Entries":[{"Source":"shop","DetailType":"order","Detail":"{\"a\":1}","Time":1e300}]}`))
	f.Add("POST", "/", "", "AWSEvents.TagResource", json11, signed, []byte(`{"ResourceARN":"arn:aws:events:us-east-1:123456789012:rule/backstop-events","Tags":[{"Key":"a","Value":"b"}]}`))
	f.Add("POST", "/", "", ecsTarget+"PutAccountSetting", json11, signed, []byte(`{"name":"containerInsights","value":"enhanced"}`))
	f.Add("POST", "/", "", ecsTarget+"CreateCluster", json11, signed, []byte(`{"clusterName":"x","settings":[{"name":"containerInsights","value":"enabled"}],"configuration":[1]}`))
	f.Add("POST", "/", "", "AWSEvents.PutTargets", json11, signed, []byte(`{"Rule":"x","Targets":[{}]}`))
	f.Add("POST", "/_sandbox/faults", "id=1", "", "", "", []byte(`{"kind":"latency","latency_seconds":1e308}`))
	f.Add("POST", "/_sandbox/capacity", "", "", "", "", []byte(`{"tasks":-5,"zone":"us-east-1a"}`))
	f.Fuzz(func(t *testing.T, method, path, query, target, contentType, authorization string, body []byte) {
		if strings.HasSuffix(path, "/advance") || strings.HasSuffix(path, "/twins") {
			return // these do a year's work when asked to
		}
		s := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}})
		if err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 2, Starting: true}); err != nil {
			t.Fatal(err)
		}
		request := (&http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: "localhost", Path: path, RawQuery: query}, Header: http.Header{
			"X-Amz-Target": {target}, "Content-Type": {contentType}, "Authorization": {authorization}}, Body: io.NopCloser(strings.NewReader(string(body)))}).WithContext(t.Context())
		response, err := s.Do(request)
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		answer, err := io.ReadAll(response.Body)
		if err != nil || !utf8.Valid(answer) {
			t.Fatalf("answer %q: %v", answer, err)
		}
		var inJSON struct {
			Type  string `json:"__type"`
			Error string `json:"error"`
		}
		var inXML struct {
			Code string `xml:"Error>Code"`
		}
		if response.Header.Get("Content-Type") == "text/xml" {
			err = xml.Unmarshal(answer, &inXML)
		} else {
			err = json.Unmarshal(answer, &inJSON)
		}
		if err != nil {
			t.Fatalf("answer %.300q cannot be read: %v", answer, err)
		}
		if response.StatusCode != http.StatusOK && inJSON.Type+inJSON.Error+inXML.Code == "" {
			t.Fatalf("status %d without a code: %.300s", response.StatusCode, answer)
		}
		if inJSON.Type == "InternalFailure" || inXML.Code == "InternalFailure" {
			t.Fatalf("a fault of the sandbox: %.300s", answer)
		}
	})
}
