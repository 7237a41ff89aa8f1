package doctor

import "testing"

func TestWhatAQueuesPolicyLetsThrough(t *testing.T) {
	const (
		queue = "arn:aws:sqs:us-east-1:123456789012:backstop-events"
		rule  = "arn:aws:events:us-east-1:123456789012:rule/backstop-task-1"
		allow = `"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage"`
	)
	for policy, want := range map[string]answer{
		``:                              no,
		`{"Statement":{` + allow + `}}`: yes,
		`{"Statement":[{` + allow + `,"Resource":"` + queue + `"}]}`:                                                                                             yes,
		`{"Statement":[{` + allow + `,"Resource":"` + queue + `-dlq"}]}`:                                                                                         no,
		`{"Statement":[{` + allow + `,"Resource":"arn:aws:sqs:*:*:backstop-*"}]}`:                                                                                yes,
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"SQS:*","Resource":"*"}]}`:                                                                     yes,
		`{"Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com","events.amazonaws.com"]},"Action":["sqs:Send*"],"Resource":["*"]}]}`:         yes,
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage","Resource":"*"}]}`:                                        no,
		`{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"sqs:DeleteQueue","Resource":"*"}]}`:                                                        yes,
		`{"Statement":[{` + allow + `,"Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:*:*:rule/backstop-*"}}}]}`:                                       yes,
		`{"Statement":[{` + allow + `,"Condition":{"ArnLike":{"AWS:SourceArn":["x","` + rule + `"]}}}]}`:                                                         yes,
		`{"Statement":[{` + allow + `,"Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:events:*:*:rule/backstop-*"}}}]}`:                                    no,
		`{"Statement":[{` + allow + `,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnEquals":{"aws:SourceArn":"` + rule + `"}}}]}`:         yes,
		`{"Statement":[{` + allow + `,"Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"},"ArnEquals":{"aws:SourceArn":"` + rule + `"}}}]}`:         no,
		`{"Statement":[{` + allow + `,"Condition":{"StringNotEquals":{"aws:SourceAccount":"123456789012"}}}]}`:                                                   no,
		`{"Statement":[{` + allow + `,"Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}]}`:                                                                 maybe,
		`{"Statement":[{` + allow + `},{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}]}`:   yes,
		`{"Statement":[{` + allow + `},{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`: yes,
		`{"Statement":[{` + allow + `},{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}]}`:                                                      no,
		`{"Statement":[{` + allow + `},{"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}]}`:         maybe,
	} {
		_, all, err := readPolicy(policy)
		if err != nil {
			t.Errorf("%s: %v", policy, err)
			continue
		}
		if got, _ := allows(all, delivery{"events.amazonaws.com", rule, "123456789012", sendMessage, queue}); got != want {
			t.Errorf("%s: %d, want %d", policy, got, want)
		}
	}
	if _, _, err := readPolicy(`{"Statement":`); err == nil {
		t.Error("a policy that is cut off is no error")
	}
}
