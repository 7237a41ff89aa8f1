package config

import (
	"errors"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/hookurl"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// kind says what stands behind a key.
type kind uint8

const (
	kindMap kind = iota
	kindList
	kindPairs // a mapping of names that people choose to texts
	kindText
	kindEnum
	kindInt
	kindNumber
	kindDuration
	kindBool
	kindField // a tunable of failover.Policy
)

// key is one key of the format, or one item of a list: all that is known about it, once.
type key struct {
	name string
	kind kind
	doc  string
	// def is the default as it is written, empty when there is none.
	def      string
	required bool

	// keys are a mapping's. oneOf: exactly one of them must be there. short: a scalar in the mapping's place
	// stands for that key.
	keys  []key
	oneOf bool
	// beside: the key may be there besides the one of a oneOf mapping.
	beside bool
	short  string
	// item is a list's, or the texts of pairs, whose names have the key's own form; min and max bound their number.
	item *key

	// form is what a text must match, and says is that in words.
	form *form
	says string
	// judge says what else is wrong with a text that has the form; "" when nothing is.
	judge func(text string) string
	// values are an enum's.
	values []string
	// min and max bound a number, both included; of a duration, in seconds.
	min, max float64
	// secret: the value is never shown.
	secret bool
	field  tunable.Field
}

// find returns the mapping's key of that name, or nil.
func (k *key) find(name string) *key {
	for i := range k.keys {
		if k.keys[i].name == name {
			return &k.keys[i]
		}
	}
	return nil
}

// choices lists the keys of a oneOf mapping of which exactly one must be there.
func (k *key) choices() []string {
	var out []string
	for i := range k.keys {
		if !k.keys[i].beside {
			out = append(out, k.keys[i].name)
		}
	}
	return out
}

// names lists the mapping's keys.
func (k *key) names() []string {
	out := make([]string, len(k.keys))
	for i := range k.keys {
		out[i] = k.keys[i].name
	}
	return out
}

// port is a port number, 0 to 65535.
const port = `([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`

// Forms of text. The ARN forms take every AWS partition (aws, aws-cn, aws-us-gov).
var (
	formName       = newForm(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
	formRegion     = newForm(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	formECSName    = newForm(`^[A-Za-z0-9_-]{1,255}$`)
	formCluster    = newForm(`^([A-Za-z0-9_-]{1,255}|arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9_-]{1,255})$`)
	formGroup      = newForm(`^sg-[a-z0-9]{1,64}$`)
	formSubnet     = newForm(`^subnet-[a-z0-9]{1,64}$`)
	formExternalID = newForm(`^[A-Za-z0-9_+=,.@:/-]{2,1000}$`)
	formTag        = newForm(`^[A-Za-z0-9 _.:/=+@-]{1,128}$`)
	formTagValue   = newForm(`^[A-Za-z0-9 _.:/=+@-]{0,256}$`)
	formRole       = newForm(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$`)
	formTopic      = newForm(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	formQueue      = newForm(`^https?://[^/\s]+/\S+$`)
	formURL        = newForm(`^(https://[^/\s]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?)$`)
	formSecret     = newForm(`^(env|ssm|file):\S(.*\S)?$`)
	formTable      = newForm(`^[A-Za-z0-9_.-]{3,255}$`)
	formPath       = newForm(`^\S(.*\S)?$`)
	formTier       = newForm(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$`)
	formLabel      = newForm(`^[A-Za-z0-9]([A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?$`)
	formDate       = newForm(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	formClock      = newForm(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	formListen     = newForm(`^(off|([A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\]):` + port + `)$`)
	formNamespace  = newForm(`^[A-Za-z0-9._/#-]{1,255}$`)
)

// IsRegion says whether a name has the form of AWS's regions, such as us-east-1 and eusc-de-east-1.
func IsRegion(name string) bool { return formRegion.MatchString(name) }

// spec is the whole format.
var spec = key{kind: kindMap, doc: "Backstop's configuration.", keys: []key{
	{name: "version", kind: kindEnum, required: true, values: []string{"1"}, doc: "The version of this format. Keys are added, never renamed."},
	{name: "region", kind: kindText, form: formRegion, says: "a region such as us-east-1",
		doc: "The AWS region of every pool that names none. Absent: the AWS SDK's own (AWS_REGION, the profile)."},
	{name: "tick", kind: kindDuration, def: "1m", min: 5, max: 3600,
		doc: "How often every workload is looked at when no event wakes a pass. Events only make it sooner."},
	{name: "state", kind: kindMap, oneOf: true, doc: "Where state and history are kept. One of the two.", keys: []key{
		{name: "sqlite", kind: kindText, def: "backstop.db", form: formPath, says: "a file path",
			doc: "A file of this machine; for a single daemon."},
		{name: "dynamodb", kind: kindText, form: formTable, says: "a table name",
			doc: "A DynamoDB table with the string keys pk and sk; for several daemons and for the Lambda function."},
	}},
	{name: "events", kind: kindMap, doc: "Where ECS's events come from. Absent: ticks alone, so that a shortage is seen up to a tick later.", keys: []key{
		{name: "sqs", kind: kindText, required: true, form: formQueue, says: "a queue's URL", doc: "The URL of the SQS queue that the EventBridge rules feed."},
	}},
	{name: "notify", kind: kindList, max: 20, doc: "Whom to tell what a person should know.", item: &notifySpec},
	{name: "metrics", kind: kindMap, doc: "CloudWatch metrics, written to the log in the Embedded Metric Format.", keys: []key{
		{name: "emf", kind: kindBool, def: "false", doc: "Write them. The Prometheus metrics of the daemon are always served."},
		{name: "namespace", kind: kindText, def: "Fargate/Failover", form: formNamespace, says: "a CloudWatch namespace", doc: "The CloudWatch namespace."},
	}},
	{name: "http", kind: kindMap, doc: "The daemon's own pages: dashboard, metrics, health.", keys: []key{
		{name: "listen", kind: kindText, def: "127.0.0.1:7077", form: formListen, says: "an address such as 127.0.0.1:7077, or off",
			doc: "Address and port to listen on, or `off`. Orders need the token in $BACKSTOP_TOKEN; off this machine the dashboard needs it to be looked at too, and metrics and health are open: put a proxy with TLS before it."},
	}},
	{name: "prices", kind: kindMap, doc: "Prices that replace those of the built-in table, such as Savings Plans rates.", keys: []key{
		{name: "date", kind: kindText, required: true, form: formDate, says: "a date such as 2026-11-01", doc: "When these prices were looked up; it is shown beside every estimate."},
		{name: "table", kind: kindList, required: true, min: 1, max: 500, doc: "The prices.", item: &priceSpec},
	}},
	{name: "tasks", kind: kindList, max: 50, doc: "Clusters in which tasks of no service are started again on demand when they are lost, as often as their tag `backstop:retry` says. Absent: none are.", item: &tasksSpec},
	{name: "workloads", kind: kindList, required: true, min: 1, max: workloadsMax, doc: "What is guarded.", item: &workloadSpec},
}}

var notifySpec = key{kind: kindMap, oneOf: true, doc: "One receiver; one of the three.", keys: []key{
	{name: "sns", kind: kindText, form: formTopic, says: "an SNS topic's ARN", doc: "The ARN of an SNS topic."},
	hookSpec("slack", "A Slack incoming webhook.", wrongSlack),
	hookSpec("webhook", "A URL that gets each notice by POST as JSON.", wrongHook, key{name: "signing_secret", kind: kindText, beside: true, secret: true,
		form: formSecret, says: "env:NAME, ssm:NAME or file:PATH",
		doc: "Where the key is kept that signs each request by the Standard Webhooks scheme: whsec_ and base64. Absent: requests are not signed."}),
	{name: "digest", kind: kindText, beside: true, form: formClock, says: "a time of day in UTC such as 07:00",
		doc: "When this receiver is told once a day how the last day went: hours on Spot and on demand, what was saved, interruptions, what is unusual. Absent: it is not."},
}}

// hookSpec is a receiver with a URL that is a secret itself.
func hookSpec(name, doc string, wrong func(text string) string, more ...key) key {
	return key{name: name, kind: kindMap, oneOf: true, doc: doc + " Its URL, or where the URL is kept.", keys: append([]key{
		{name: "url", kind: kindText, secret: true, form: formURL, says: "an https URL (http on this machine alone)", judge: wrong, doc: "The URL itself. It is never shown, but it is in the file: prefer `secret`."},
		{name: "secret", kind: kindText, secret: true, form: formSecret, says: "env:NAME, ssm:NAME or file:PATH",
			doc: "Where the URL is kept: an environment variable, a parameter of AWS Systems Manager, or a file."},
	}, more...)}
}

// wrongSlack is [wrongHook] for Slack: its workflows and triggers take other JSON than incoming webhooks do, and answer 400 for ever.
func wrongSlack(text string) string {
	if wrong := wrongHook(text); wrong != "" || !hookurl.OtherSlack(text) {
		return wrong
	}
	return "must be an incoming webhook (https://hooks.slack.com/services/...); a workflow's URL takes other JSON, and goes under `webhook` with a step of its own"
}

// wrongHook says what is wrong with a receiver's URL, which would else be known at the first notice only. It does not show it.
func wrongHook(text string) string {
	switch _, _, err := hookurl.Parse(text); {
	case err == nil:
		return ""
	case errors.Is(err, hookurl.ErrUser):
		return "must have no user and no password in it"
	case errors.Is(err, hookurl.ErrAddress):
		return "must not have an address of this machine, a link-local one or that of a cloud's metadata service"
	}
	return "must be an https URL (http on this machine alone)"
}

var tasksSpec = key{kind: kindMap, doc: "One cluster, and what ECS does not tell of a task that has stopped.", keys: []key{
	{name: "cluster", kind: kindText, required: true, form: formCluster, says: "a cluster's name or ARN", doc: "The cluster's name or ARN."},
	{name: "region", kind: kindText, form: formRegion, says: "a region such as us-east-1", doc: "The AWS region. Absent: that of the cluster's ARN, else the file's."},
	{name: "security_groups", kind: kindList, required: true, min: 1, max: 5, item: &key{kind: kindText, form: formGroup, says: "a security group's ID such as sg-0123abcd"},
		doc: "The security groups of a task that is started again. A task with others names them in its tag `backstop:security-groups`, with spaces between."},
	{name: "subnets", kind: kindList, min: 1, max: 16, item: &key{kind: kindText, form: formSubnet, says: "a subnet's ID such as subnet-0123abcd"},
		doc: "Where it may run. Absent: in the subnet that the lost task was in."},
	{name: "assign_public_ip", kind: kindBool, def: "false", doc: "Give it a public address, which it needs in a subnet without NAT or endpoints."},
}}

var priceSpec = key{kind: kindMap, doc: "The price of one kind of capacity in one region.", keys: []key{
	{name: "region", kind: kindText, required: true, form: formRegion, says: "a region such as us-east-1", doc: "The AWS region."},
	capacitySpec("The capacity provider that the price is of."),
	archSpec,
	{name: "vcpu_hour_usd", kind: kindNumber, required: true, max: 100, doc: "US dollars for one vCPU and hour."},
	{name: "gb_hour_usd", kind: kindNumber, required: true, max: 100, doc: "US dollars for one GB of memory and hour."},
}}

func capacitySpec(doc string) key {
	return key{name: "capacity", kind: kindEnum, required: true, values: []string{string(failover.Spot), string(failover.OnDemand)}, doc: doc}
}

var archSpec = key{name: "arch", kind: kindEnum, def: "X86_64", values: []string{"X86_64", "ARM64"}, doc: "The processor's architecture, in ECS's words."}

var workloadSpec = key{kind: kindMap, doc: "One workload: a demand, and pools to meet it from.", keys: []key{
	{name: "name", kind: kindText, required: true, form: formName, says: "1 to 100 letters, digits, dots, dashes and underscores", doc: "The workload's name, unique in the file. State is kept under it: a new name starts afresh."},
	policySpec(),
	{name: "labels", kind: kindPairs, max: 20, form: formLabel, says: "1 to 63 letters, digits and ./_-, with a letter or digit at both ends", item: &labelSpec,
		doc: "What the workload is chosen by beside its name, such as {team: shop}: `backstop status --label team=shop`, `backstop failover --label team=shop`. It changes no decision."},
	{name: "demand", kind: kindInt, min: 1, max: failover.ServiceTasksMax, doc: "Fixes the number of wanted tasks. Absent: the owner's desired count says it."},
	{name: "owner", kind: kindText, form: formName, says: "a pool's name", doc: "The pool whose desired count is the demand. Absent: the first pool. Not together with `demand`."},
	{name: "task", kind: kindMap, doc: "The size of one task, for costs and the budget. Absent: read from the task definition.", keys: []key{
		{name: "cpu", kind: kindEnum, required: true, values: []string{"256", "512", "1024", "2048", "4096", "8192", "16384"}, doc: "CPU units as in a task definition; 1024 are one vCPU."},
		{name: "memory", kind: kindInt, required: true, min: 512, max: 122880, doc: "Memory in MiB as in a task definition."},
		archSpec,
	}},
	{name: "pools", kind: kindList, required: true, min: 1, max: tunable.PoolsMax, doc: "Where tasks can run, in the order of preference; the last ones on-demand.", item: &poolSpec},
}}

var labelSpec = key{kind: kindText, form: formLabel, says: "1 to 63 letters, digits and ./_-, with a letter or digit at both ends", doc: "A label's value."}

var sessionTagSpec = key{kind: kindText, form: formTagValue, says: "up to 256 letters, digits, spaces and _.:/=+-@", doc: "A session tag's value."}

var poolSpec = key{kind: kindMap, doc: "One ECS service on one capacity provider.", keys: []key{
	{name: "name", kind: kindText, required: true, form: formName, says: "1 to 100 letters, digits, dots, dashes and underscores", doc: "The pool's name, unique in the workload."},
	{name: "cluster", kind: kindText, required: true, form: formCluster, says: "a cluster's name or ARN", doc: "The ECS cluster, by name or ARN."},
	{name: "service", kind: kindText, required: true, form: formECSName, says: "a service's name (not its ARN)", doc: "The ECS service's name. A service can be in one pool only."},
	capacitySpec("The capacity provider that the service runs on."),
	{name: "region", kind: kindText, form: formRegion, says: "a region such as us-east-1", doc: "The AWS region. Absent: the cluster ARN's, then the file's."},
	{name: "role_arn", kind: kindText, form: formRole, says: "an IAM role's ARN", doc: "A role to assume for this pool, for example in another account."},
	{name: "external_id", kind: kindText, form: formExternalID, says: "2 to 1,000 letters, digits and +=,.@:/_-",
		doc: "The external ID (sts:ExternalId) that the trust policy of role_arn asks for. The same for every pool with that role."},
	{name: "session_tags", kind: kindPairs, max: 50, form: formTag, says: "1 to 128 letters, digits, spaces and _.:/=+-@", item: &sessionTagSpec,
		doc: "Session tags to assume role_arn with, which its policies see as aws:PrincipalTag. The trust policy must allow sts:TagSession. The same for every pool with that role."},
	{name: "min", kind: kindInt, def: "0", max: failover.ServiceTasksMax, doc: "The fewest tasks the pool is asked for."},
	{name: "max", kind: kindInt, def: "0", max: failover.ServiceTasksMax, doc: "The most tasks the pool is asked for. 0: no bound."},
	{name: "drain", kind: kindEnum, def: drainOff, values: []string{drainOff, string(failover.DrainLate)},
		doc: "Whether a warned task is taken out of its target groups: `late` does it when a task in service stands in its place, at the latest drain_before its end. A warned task that still works is capacity."},
	{name: "drain_before", kind: kindDuration, def: "25s", max: 120,
		doc: "How long before its end a warned task is taken out at the latest, with `drain: late`. Requests in flight need that long; behind a Network Load Balancer 2m."},
	{name: "tier", kind: kindText, form: formTier, says: "a number or a short name", doc: "Neighbouring pools with the same tier share what is missing instead of queueing for it. Absent: a tier of its own."},
}}

// drainOff is the word for failover.DrainOff.
const drainOff = "off"

// policySpec is a preset's name, or a mapping of it and of the tunables of failover.Policy but for those that
// are keys of the workload itself.
func policySpec() key {
	k := key{name: "policy", kind: kindMap, def: failover.PresetFill, short: "preset",
		doc:  "How the workload is guarded: a preset's name, or a mapping of `preset` and the numbers that differ from it.",
		keys: []key{{name: "preset", kind: kindEnum, def: failover.PresetFill, values: failover.PresetNames(), doc: "The preset that gives every number that is not set."}}}
	fill, _ := failover.Preset(failover.PresetFill)
	for _, f := range tunable.Fields() {
		if workloadKey(f.Key) {
			continue
		}
		k.keys = append(k.keys, key{name: f.Key, kind: kindField, doc: f.Doc, def: f.Get(&fill), field: f, min: f.Min, max: f.Max, values: f.Values})
	}
	return k
}

// workloadKey says that a tunable is a key of the workload, beside its policy.
func workloadKey(name string) bool { return name == "demand" || name == "owner" }

// misplaced says where a key belongs that is known elsewhere, or "".
func misplaced(parent *key, name string) string {
	switch {
	case parent == &workloadSpec && policyKey(name):
		return "it belongs under policy"
	case parent.name == "policy" && workloadKey(name):
		return "it belongs to the workload, beside policy"
	case parent == &spec && workloadSpec.find(name) != nil:
		return "it belongs to a workload"
	case parent == &workloadSpec && poolSpec.find(name) != nil:
		return "it belongs to a pool"
	case parent == &poolSpec && workloadSpec.find(name) != nil:
		return "it belongs to the workload"
	}
	return ""
}

func policyKey(name string) bool { return workloadSpec.find("policy").find(name) != nil }

// takes says in words what values the key takes.
func (k *key) takes() string {
	switch k.kind {
	case kindMap:
		if k.short != "" {
			return k.find(k.short).takes() + ", or a mapping"
		}
		return "a mapping"
	case kindList:
		return "a list"
	case kindPairs:
		return "a mapping of names to texts"
	case kindEnum:
		return join(k.values)
	case kindInt:
		return fmt.Sprintf("a whole number between %.0f and %.0f", k.min, k.max)
	case kindNumber:
		return fmt.Sprintf("a number between %g and %g", k.min, k.max)
	case kindDuration:
		return fmt.Sprintf("a duration between %s and %s", writeSeconds(k.min), writeSeconds(k.max))
	case kindBool:
		return "true or false"
	case kindField:
		return k.field.Range()
	}
	return k.says
}
