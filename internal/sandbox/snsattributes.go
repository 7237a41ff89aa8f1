package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
)

// topicAttributes are those that a topic can be given; feedback has families of its own.
var topicAttributes = map[string]bool{"DeliveryPolicy": true, "DisplayName": true, "Policy": true, "TracingConfig": true, "KmsMasterKeyId": true,
	"SignatureVersion": true, "FifoTopic": true}

// feedbackAttributes end the names of the attributes that say where deliveries are logged.
var feedbackAttributes = []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"}

// defaultDelivery is how SNS delivers to HTTP endpoints unless told otherwise.
const defaultDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

// defaultTopicPolicy is what SNS gives a topic: its owner's account may do everything with it, and no service anything.
func defaultTopicPolicy(arn, account string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"` +
		arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`
}

// set gives a topic an attribute.
func (t *topic) set(name, value string) error {
	switch {
	case !topicAttributes[name] && !isFeedback(name):
		return snsInvalid("AttributeName")
	case name == "Policy" && value != "":
		var policy struct{ Statement json.RawMessage }
		if json.Unmarshal([]byte(value), &policy) != nil || policy.Statement == nil {
			return snsInvalid("Policy Error: null")
		}
		t.policy = newPolicy(value)
		return nil
	case name == "DisplayName" && len(value) > 100:
		return snsInvalid("DisplayName")
	case name == "SignatureVersion" && value != "1" && value != "2":
		return snsInvalid("SignatureVersion")
	case name == "TracingConfig" && value != "Active" && value != "PassThrough":
		return snsInvalid("TracingConfig")
	case name == "DeliveryPolicy" && value != "" && !json.Valid([]byte(value)):
		return snsInvalid("DeliveryPolicy: failed to parse JSON.")
	case name == "FifoTopic":
		if value != "true" && value != "false" {
			return snsInvalid("FifoTopic")
		}
		return nil // a FIFO topic is refused before
	}
	t.attributes[name] = value
	return nil
}

func isFeedback(name string) bool {
	for _, protocol := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		for _, end := range feedbackAttributes {
			if name == protocol+end {
				return true
			}
		}
	}
	return false
}

// shown are a topic's attributes as GetTopicAttributes gives them.
func (t *topic) shown(account string) attributeEntries {
	pending, confirmed := 0, 0
	for _, sub := range t.subscriptions {
		if sub.pending {
			pending++
		} else {
			confirmed++
		}
	}
	all := attributeEntries{"TopicArn": t.arn, "Owner": account, "Policy": t.policy.text, "DisplayName": "", "EffectiveDeliveryPolicy": defaultDelivery,
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": strconv.Itoa(t.unsubscribed)}
	for name, value := range t.attributes {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// set gives a subscription an attribute; check is called afterwards, as attributes concern each other.
func (sub *subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		switch {
		case value != "true" && value != "false":
			return snsInvalid("Attributes Reason: RawMessageDelivery: Invalid value [" + clip(value) + "]. Must be true or false.")
		case value == "true" && sub.protocol != "sqs" && !strings.HasPrefix(sub.protocol, "http") && sub.protocol != "firehose":
			return snsInvalid("Attributes Reason: Delivery protocol [" + sub.protocol + "] does not support raw message delivery.")
		}
	case "FilterPolicy":
	case "FilterPolicyScope":
		if value != scopeAttributes && value != scopeBody {
			return snsInvalid("FilterPolicyScope: Invalid value [" + clip(value) + "]. Please use either MessageBody or MessageAttributes")
		}
	case "RedrivePolicy":
		if value == "" {
			break
		}
		var redrive struct {
			DeadLetterTargetArn string `json:"deadLetterTargetArn"`
		}
		if json.Unmarshal([]byte(value), &redrive) != nil {
			return snsInvalid("RedrivePolicy: failed to parse JSON.")
		}
		if _, _, ok := queueOfARN(redrive.DeadLetterTargetArn); !ok {
			return snsInvalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
		}
		sub.deadLetters = redrive.DeadLetterTargetArn
	case "DeliveryPolicy":
		if value != "" && !json.Valid([]byte(value)) {
			return snsInvalid("DeliveryPolicy: failed to parse JSON.")
		}
	case "SubscriptionRoleArn":
	default:
		return snsInvalid("AttributeName")
	}
	if value == "" {
		delete(sub.attributes, name)
		if name == "RedrivePolicy" {
			sub.deadLetters = ""
		}
		return nil
	}
	sub.attributes[name] = value
	return nil
}

// settle reads the filter that the attributes make.
func (sub *subscription) settle() error {
	filter, err := readFilter(sub.attributes["FilterPolicy"], sub.attributes["FilterPolicyScope"])
	sub.filter = filter
	return err
}

// shown are a subscription's attributes as GetSubscriptionAttributes gives them.
func (sub *subscription) shown(account string) attributeEntries {
	all := attributeEntries{"SubscriptionArn": sub.arn, "TopicArn": sub.topic, "Owner": account, "Protocol": sub.protocol, "Endpoint": sub.endpoint,
		"ConfirmationWasAuthenticated": strconv.FormatBool(!sub.pending), "PendingConfirmation": strconv.FormatBool(sub.pending),
		"RawMessageDelivery": "false", "SubscriptionPrincipal": "arn:aws:iam::" + account + ":user/sandbox"}
	for name, value := range sub.attributes {
		all[name] = value
	}
	if sub.filter != nil && all["FilterPolicyScope"] == "" {
		all["FilterPolicyScope"] = scopeAttributes
	}
	if sub.filter == nil {
		delete(all, "FilterPolicyScope")
	}
	return all
}
