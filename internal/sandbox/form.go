package sandbox

import (
	"encoding/json"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// The query protocol writes structures as flat keys (Attribute.1.Name=..., Entries.member.2.Id=...). formToJSON
// turns them into the JSON that the same operation has in the JSON protocol, so that each operation is written once.

type formKind int

const (
	formList formKind = iota
	formMap           // a list of name/value pairs
)

// formNames gives the JSON member behind each flattened name of SQS and SNS, and the lists of Elastic Load Balancing and CloudWatch.
var formNames = map[string]struct {
	member string
	kind   formKind
}{
	"AttributeName":                  {"AttributeNames", formList},
	"MessageSystemAttributeName":     {"MessageSystemAttributeNames", formList},
	"MessageAttributeName":           {"MessageAttributeNames", formList},
	"Attribute":                      {"Attributes", formMap},
	"Attributes":                     {"Attributes", formMap},
	"MessageAttribute":               {"MessageAttributes", formMap},
	"MessageSystemAttribute":         {"MessageSystemAttributes", formMap},
	"MessageAttributes":              {"MessageAttributes", formMap},
	"Tag":                            {"tags", formMap},
	"TagKey":                         {"TagKeys", formList},
	"TagKeys":                        {"TagKeys", formList},
	"Tags":                           {"Tags", formList},
	"SendMessageBatchRequestEntry":   {"Entries", formList},
	"DeleteMessageBatchRequestEntry": {"Entries", formList},
	"ChangeMessageVisibilityBatchRequestEntry": {"Entries", formList},
	"ActionNames":      {"ActionNames", formList},
	"Actions":          {"Actions", formList},
	"AlarmNames":       {"AlarmNames", formList},
	"Conditions":       {"Conditions", formList},
	"ContextEntries":   {"ContextEntries", formList},
	"ContextKeyValues": {"ContextKeyValues", formList},
	"DefaultActions":   {"DefaultActions", formList},
	"ListenerArns":     {"ListenerArns", formList},
	"LoadBalancerArns": {"LoadBalancerArns", formList},
	"Names":            {"Names", formList},
	"PolicyInputList":  {"PolicyInputList", formList},

	"PublishBatchRequestEntries": {"PublishBatchRequestEntries", formList},

	"ResourceArns":    {"ResourceArns", formList},
	"RuleArns":        {"RuleArns", formList},
	"TargetGroupArns": {"TargetGroupArns", formList},
	"TargetGroups":    {"TargetGroups", formList},
	"SecurityGroups":  {"SecurityGroups", formList},
	"SubnetMappings":  {"SubnetMappings", formList},
	"Subnets":         {"Subnets", formList},
	"Targets":         {"Targets", formList},
	"Values":          {"Values", formList},
}

// formNumbers are the members that are numbers in the JSON protocol.
var formNumbers = map[string]bool{
	"DelaySeconds": true, "DurationSeconds": true, "MaxNumberOfMessages": true, "VisibilityTimeout": true, "WaitTimeSeconds": true, "MaxResults": true,
	"Port": true, "Priority": true, "Weight": true, "PageSize": true, "HealthCheckIntervalSeconds": true, "HealthCheckTimeoutSeconds": true,
	"HealthyThresholdCount": true, "UnhealthyThresholdCount": true,
}

type formNode struct {
	value    string
	children map[string]*formNode
}

func formToJSON(form url.Values) ([]byte, *apiError) {
	if len(form) > formParamsMax {
		return nil, refuse("MalformedQueryString", "The request has more than %d parameters", formParamsMax)
	}
	root := &formNode{}
	for key, values := range form {
		if len(key) > formKeyBytesMax || strings.Count(key, ".") >= formKeyDepthMax {
			return nil, refuse("MalformedQueryString", "The parameter %s is too long or too deep", clip(key))
		}
		node := root
		for part := range strings.SplitSeq(key, ".") {
			if part == "member" || part == "entry" {
				continue // the wrappers that SNS puts around list and map entries
			}
			if node.children == nil {
				node.children = map[string]*formNode{}
			}
			next := node.children[part]
			if next == nil {
				next = &formNode{}
				node.children[part] = next
			}
			node = next
		}
		node.value = values[0]
	}
	body, err := json.Marshal(root.object())
	if err != nil { // strings, maps and slices only: always encodes
		return nil, refuse("MalformedQueryString", "The parameters cannot be read")
	}
	return body, nil
}

func (n *formNode) object() map[string]any {
	members := make(map[string]any, len(n.children))
	for name, child := range n.children {
		shape, known := formNames[name]
		switch {
		case child.isEmptyList(name):
			members[name] = []any{}
		case known && shape.kind == formMap:
			members[shape.member] = child.pairs()
		case known:
			members[shape.member] = child.list()
		case formNumbers[name]:
			members[name] = child.number()
		default:
			members[name] = child.any()
		}
	}
	return members
}

// isEmptyList tells a list without entries, which clients send as the member's own name without a value.
func (n *formNode) isEmptyList(name string) bool {
	if len(n.children) > 0 || n.value != "" {
		return false
	}
	for _, shape := range formNames {
		if shape.kind == formList && shape.member == name {
			return true
		}
	}
	return false
}

func (n *formNode) any() any {
	if len(n.children) == 0 {
		return n.value
	}
	return n.object()
}

// number leaves what is no number as it is: the operation then refuses it as the JSON protocol would.
func (n *formNode) number() any {
	if v, err := strconv.ParseInt(n.value, 10, 64); err == nil {
		return v
	}
	return n.value
}

// list takes the numbered children in order; a name without a number is a list of one.
func (n *formNode) list() []any {
	if len(n.children) == 0 {
		return []any{n.value}
	}
	items := make([]any, 0, len(n.children))
	for _, child := range n.numbered() {
		items = append(items, child.any())
	}
	return items
}

func (n *formNode) pairs() map[string]any {
	members := make(map[string]any, len(n.children))
	for _, child := range n.numbered() {
		pair := child.object()
		for _, key := range []string{"Name", "Key", "key"} {
			name, ok := pair[key].(string)
			if !ok {
				continue
			}
			for _, value := range []string{"Value", "value"} {
				if v, ok := pair[value]; ok {
					members[name] = v
				}
			}
		}
	}
	return members
}

func (n *formNode) numbered() []*formNode {
	type indexed struct {
		index int
		node  *formNode
	}
	var all []indexed
	for name, child := range n.children {
		if i, err := strconv.Atoi(name); err == nil {
			all = append(all, indexed{i, child})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].index < all[j].index })
	nodes := make([]*formNode, len(all))
	for i := range all {
		nodes[i] = all[i].node
	}
	return nodes
}
