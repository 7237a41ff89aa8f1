package ledger

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fakes replaces what identifies an account in JSON of AWS: the same original is the same fake each time, of the same form. What is kept is named:
// statuses, codes, numbers, times, regions and zones, and the words of AWS's sentences. Everything else is replaced.
type Fakes struct {
	of   map[string]string
	last map[string]int
}

// NewFakes returns fakes that know nothing yet.
func NewFakes() *Fakes { return &Fakes{of: map[string]string{}, last: map[string]int{}} }

// kept are the keys whose strings say nothing about an account.
var kept = map[string]bool{}

func init() {
	for _, key := range strings.Fields(`version source detail-type time region availabilityZone capacityProviderName connectivity connectivityAt createdAt cpu memory desiredStatus
		executionStoppedAt lastStatus launchType platformFamily platformVersion pullStartedAt pullStoppedAt startedAt stopCode stoppedAt stoppingAt updatedAt healthStatus eventName eventType
		exitCode sizeInGiB status type hookType expiresAt lifecycleStage eventVersion eventTime eventSource awsRegion kind at corpus`) {
		kept[key] = true
	}
}

// sentences are the keys of free text of AWS's.
var sentences = map[string]bool{"reason": true, "stoppedReason": true, "message": true}

// JSON returns a document with fakes in place of identifiers; nil for what is not JSON.
func (f *Fakes) JSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	out, err := json.Marshal(f.value("", v, stoppedByPerson(v)))
	if err != nil {
		return nil
	}
	return out
}

// Text returns a text of AWS's with fakes in place of what may identify an account.
func (f *Fakes) Text(v string) string { return f.sentence(v) }

// stoppedByPerson reports whether an event's reason is what a caller of StopTask wrote.
func stoppedByPerson(v any) bool {
	event, _ := v.(map[string]any)
	detail, _ := event["detail"].(map[string]any)
	return detail["stopCode"] == "UserInitiated"
}

func (f *Fakes) value(key string, v any, person bool) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys) // so that the fakes do not depend on the order of a map
		out := make(map[string]any, len(v))
		name, _ := v["name"].(string)
		for _, k := range keys {
			item := v[k]
			switch {
			case k == "name" && known(name):
				out[k] = name
			case k == "value" && known(name):
				out[k] = f.attribute(name, item)
			case key == "requestParameters", key == "tags" && k != "key" && k != "value":
				out[k] = f.value("", item, person)
			default:
				out[k] = f.value(k, item, person)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = f.value(key, v[i], person)
		}
		return out
	case string:
		switch {
		case v == "", kept[key] && plain(v):
			return v
		case sentences[key] && person:
			return "stopped by a person"
		case sentences[key]:
			return f.sentence(v)
		}
		return f.text(v)
	}
	return v
}

// attributes are the names of an event's attachments and attributes that AWS makes.
var attributes = []string{"subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address", "ecs.cpu-architecture"}

func known(name string) bool { return slices.Contains(attributes, name) }

func (f *Fakes) attribute(name string, v any) any {
	text, ok := v.(string)
	switch {
	case ok && name != "ecs.cpu-architecture":
		return f.text(text)
	case ok && (text == "x86_64" || text == "arm64"):
		return v
	}
	return "unknown"
}

// plain reports whether a value has the form of what its key is kept for: a time, a number, or words of AWS's. A key that is kept must not let an ARN or an
// address pass.
func plain(v string) bool {
	if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
		return true
	}
	return plainForm.MatchString(v) && !digits12.MatchString(v) && !address.MatchString(v) && !hexID.MatchString(v)
}

var (
	plainForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$`)
	digits12  = regexp.MustCompile(`[0-9]{12}`)
	address   = regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b`)
	hexID     = regexp.MustCompile(`[0-9a-f]{8}`)
	uuid      = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
	hex32     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	prefixed  = regexp.MustCompile(`^(subnet|eni|sg|vpc|eni-attach)-[0-9a-z]+$`)
	mac       = regexp.MustCompile(`^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$`)
	deployID  = regexp.MustCompile(`^ecs-svc/[0-9A-Za-z]+$`)
	account   = regexp.MustCompile(`^[0-9]{12}$`)
	regionID  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// text is the fake of a value that may be an identifier of any form.
func (f *Fakes) text(v string) string {
	switch {
	case strings.HasPrefix(v, "arn:"):
		return f.arn(v)
	case strings.HasPrefix(v, "service:"), strings.HasPrefix(v, "family:"):
		kind, name, _ := strings.Cut(v, ":")
		return kind + ":" + f.text(name)
	case account.MatchString(v):
		return f.fake(v, "account", func(n int) string { return fmt.Sprintf("%012d", n) })
	case uuid.MatchString(v):
		return f.fake(v, "uuid", func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) })
	case hex32.MatchString(v):
		return f.fake(v, "hex", func(n int) string { return fmt.Sprintf("%032d", n) })
	case prefixed.MatchString(v):
		kind := v[:strings.LastIndexByte(v, '-')]
		return f.fake(v, kind, func(n int) string { return fmt.Sprintf("%s-%017d", kind, n) })
	case deployID.MatchString(v):
		return f.fake(v, "ecs-svc", func(n int) string { return fmt.Sprintf("ecs-svc/%019d", n) })
	case address.FindString(v) == v:
		return f.fake(v, "address", func(n int) string { return fmt.Sprintf("10.0.%d.%d", n/250%250, n%250+1) })
	case mac.MatchString(v):
		return f.fake(v, "mac", func(n int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x", n/256%256, n%256) })
	case strings.HasPrefix(v, "sha256:"):
		return f.fake(v, "digest", func(n int) string { return fmt.Sprintf("sha256:%064d", n) })
	}
	return f.fake(v, "name", func(n int) string { return fmt.Sprintf("name-%d", n) })
}

// arn replaces the account and the names in an ARN; what it is of stays.
func (f *Fakes) arn(v string) string {
	parts := strings.SplitN(v, ":", 6)
	if len(parts) < 6 {
		return f.fake(v, "name", func(n int) string { return fmt.Sprintf("name-%d", n) })
	}
	if parts[4] != "" {
		parts[4] = f.text(parts[4])
	}
	if parts[3] != "" && !regionID.MatchString(parts[3]) {
		parts[3] = f.text(parts[3])
	}
	kind, rest, slash := strings.Cut(parts[5], "/")
	if !slash {
		parts[5] = f.text(parts[5])
		return strings.Join(parts, ":")
	}
	names := strings.Split(rest, "/")
	for i, name := range names {
		head, revision, has := strings.Cut(name, ":")
		if names[i] = f.text(head); kind == "capacity-provider" && (head == "FARGATE" || head == "FARGATE_SPOT") {
			names[i] = head
		}
		if has {
			names[i] += ":" + f.text(revision)
		}
	}
	if !arnKinds[kind] {
		kind = f.text(kind)
	}
	parts[5] = kind + "/" + strings.Join(names, "/")
	return strings.Join(parts, ":")
}

// arnKinds are the kinds of ECS's resources.
var arnKinds = map[string]bool{"task": true, "service": true, "cluster": true, "container": true, "task-definition": true, "capacity-provider": true, "service-deployment": true,
	"service-revision": true, "container-instance": true}

// sentence keeps the words of a text of AWS's, and replaces all in it that may be a name, an address or a number.
func (f *Fakes) sentence(v string) string {
	fields := strings.Split(v, " ")
	for i, field := range fields {
		core := strings.Trim(field, "().,:;'\"")
		if core == "" || f.isWord(core) || f.isWord(strings.TrimRight(field, ".,:;")) {
			continue
		}
		fields[i] = strings.Replace(field, core, f.text(core), 1)
	}
	return strings.Join(fields, " ")
}

// word is what AWS's sentences are made of; codes are in it too: RESOURCE:FARGATE, CannotPullContainerError.
var word = regexp.MustCompile(`^([A-Za-z][A-Za-z']*(\(s\))?|[a-z]+(-[a-z]+)*|RESOURCE:[A-Z]+|[0-9]{1,3}s?)$`)

// isWord reports whether a part of a sentence may stay: a word that is not known as a name.
func (f *Fakes) isWord(core string) bool {
	if _, is := f.of["name "+core]; is || digits12.MatchString(core) {
		return false
	}
	return word.MatchString(core)
}

func (f *Fakes) fake(original, kind string, form func(int) string) string {
	key := kind + " " + original
	if out, ok := f.of[key]; ok {
		return out
	}
	f.last[kind]++
	out := form(f.last[kind])
	f.of[key] = out
	return out
}
