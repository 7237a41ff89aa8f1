package doctor

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// events looks at the queue, its dead-letter queue and the rules of every region and account that has pools.
func (l *looker) events(ctx context.Context) {
	e := &l.f.events
	if e.url == "" {
		return
	}
	s := Subject{Kind: KindEvents}
	e.place = place{region: queueRegion(e.url, l.o.AWS.Region)}
	client := sqs.NewFromConfig(l.config(e.place))
	var redrive string
	ok := l.call(ctx, s, e.place, "sqs:GetQueueAttributes", "read the queue "+e.url, func(ctx context.Context) error {
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &e.url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			return err
		}
		e.key = out.Attributes["KmsMasterKeyId"]
		e.queueARN, e.policy, redrive = out.Attributes["QueueArn"], out.Attributes["Policy"], out.Attributes["RedrivePolicy"]
		e.waiting = count(out.Attributes["ApproximateNumberOfMessages"])
		return nil
	})
	if !ok {
		return
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(redrive), &policy) == nil {
		e.dead = policy.Target
	}
	if e.dead != "" {
		l.deadLetters(ctx, s, client)
	}
	if e.key != "" && !strings.HasSuffix(e.key, managedKey) {
		l.call(ctx, s, e.place, callKey, "read the policy of the queue's key "+lastPart(e.key), func(ctx context.Context) (err error) {
			e.keyPolicy, err = keyPolicy(ctx, l.config(e.place), e.key)
			return err
		})
	}
	l.buses(ctx, s)
}

func (l *looker) deadLetters(ctx context.Context, s Subject, client *sqs.Client) {
	e := &l.f.events
	l.call(ctx, s, e.place, "sqs:GetQueueAttributes (dead-letter queue)", "read the dead-letter queue "+lastPart(e.dead), func(ctx context.Context) error {
		at, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(lastPart(e.dead))})
		if err != nil {
			return err
		}
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: at.QueueUrl,
			AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
		if err == nil {
			e.deadLen = count(out.Attributes["ApproximateNumberOfMessages"])
		}
		return err
	})
}

func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// queueRegion returns the region in a queue's URL, or the one that stands for it.
func queueRegion(queueURL, otherwise string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return otherwise
	}
	if host := strings.Split(u.Hostname(), "."); len(host) >= 4 && host[0] == "sqs" && host[2] == "amazonaws" {
		return host[1]
	}
	return otherwise
}

// keyPolicy reads the policy of a KMS key, which may be named by an alias.
func keyPolicy(ctx context.Context, cfg aws.Config, key string) (string, error) {
	if strings.Contains(key, "alias/") {
		var of struct{ KeyMetadata struct{ KeyId string } }
		if err := callJSON(ctx, cfg, "kms", "TrentService.DescribeKey", map[string]string{"KeyId": key}, &of); err != nil {
			return "", err
		}
		key = of.KeyMetadata.KeyId
	}
	var out struct{ Policy string }
	err := callJSON(ctx, cfg, "kms", "TrentService.GetKeyPolicy", map[string]string{"KeyId": key, "PolicyName": "default"}, &out)
	return out.Policy, err
}
