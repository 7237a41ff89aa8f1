package ledger_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/ledger"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

var updateFlag = flag.Bool("update", false, "write testdata/sandbox.jsonl")

// identifying are values of an event that say whose it is: what is left of them in a corpus betrays the account.
var identifying = regexp.MustCompile(`"(account|group|taskArn|clusterArn|containerArn|taskDefinitionArn|runtimeId|imageDigest|image|name|value|startedBy|attachmentId|privateIPv4Address|deploymentId)": ?"([^"]+)"`)

// harmless are such values that AWS gives to everybody.
var harmless = []string{"subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address", "ecs.cpu-architecture", "x86_64", "arm64", "eni", "ElasticNetworkInterface"}

var bodies []json.RawMessage

// lived is a corpus of a life in the sandbox, and the events that it was made of.
func lived(t *testing.T) (corpus []json.RawMessage, originals []json.RawMessage, text string) {
	t.Helper()
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	if bodies == nil {
		a := newAccount(t, ecsim.Config{}, 1)
		a.days()
		bodies = a.bodies
	}
	text = string(ledger.Corpus(bodies))
	corpus, err := ledger.ReadCorpus([]byte(text))
	if err != nil || len(corpus) != len(bodies) {
		t.Fatalf("%d of %d events: %v", len(corpus), len(bodies), err)
	}
	return corpus, bodies, text
}

func TestNothingOfTheOriginalsIsLeft(t *testing.T) {
	_, originals, text := lived(t)
	for _, raw := range originals {
		for _, m := range identifying.FindAllSubmatch(raw, -1) {
			value := string(m[2])
			if slices.Contains(harmless, value) {
				continue
			}
			for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(":/", r) }) {
				if len(part) > 3 && !plainPart.MatchString(part) && strings.Contains(text, part) {
					t.Fatalf("%q of %q is left", part, value)
				}
			}
		}
	}
	for _, secret := range []string{"123456789012", "shop.example", "api-spot", "api-standard", "needs it gone"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is left", secret)
		}
	}
}

// plainPart are parts of ARNs that name kinds and regions.
var plainPart = regexp.MustCompile(`^(task|cluster|service|container|task-definition|us-east-1|sha256|ecs-svc)$`)

func TestParsersReadACorpusAsTheyReadTheOriginals(t *testing.T) {
	corpus, originals, _ := lived(t)
	for i := range corpus {
		a, okA, errA := ecsevent.Parse(originals[i])
		b, okB, errB := ecsevent.Parse(corpus[i])
		if errA != nil || errB != nil || okA != okB || a.Kind != b.Kind || a.Version != b.Version || a.Capacity != b.Capacity || a.StopCode != b.StopCode || !a.At.Equal(b.At) || !a.StartedAt.Equal(b.StartedAt) {
			t.Fatalf("%v %v: %+v\n%+v\n%s", errA, errB, a, b, corpus[i])
		}
	}
	var one, two ledger.Watch
	for i := range corpus {
		for w, raw := range map[*ledger.Watch]json.RawMessage{&one: originals[i], &two: corpus[i]} {
			if e, ok := ledger.ReadEvent(raw); ok {
				w.Event(e)
			}
		}
	}
	if !reflect.DeepEqual(one.Seen.Tallies, two.Seen.Tallies) {
		t.Errorf("the watch sees %v, and of the corpus %v", one.Seen.Tallies, two.Seen.Tallies)
	}
}

var anyName = regexp.MustCompile(`name-[0-9]+`)

func TestTextsOfAWSKeepTheirWords(t *testing.T) {
	f := ledger.NewFakes()
	for in, want := range map[string]string{
		"Your Spot Task was interrupted.": "Your Spot Task was interrupted.",
		"Capacity is unavailable at this time. Please try again later or in a different availability zone":                                      "Capacity is unavailable at this time. Please try again later or in a different availability zone",
		"Scaling activity initiated by (deployment ecs-svc/8834510985372918201)":                                                                "Scaling activity initiated by (deployment ecs-svc/0000000000000000001)",
		"Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:210987654321:targetgroup/shop/50dc6c495c0c9188)": "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:000000000001:NAME/NAME/NAME)",
		"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/shop/web:7: not found":       "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref NAME: not found",
	} {
		raw, err := json.Marshal(map[string]string{"stoppedReason": in})
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]string
		if err := json.Unmarshal(f.JSON(raw), &out); err != nil {
			t.Fatal(err)
		}
		if got := anyName.ReplaceAllString(out["stoppedReason"], "NAME"); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestTheCorpusOfTheSandboxIsKept keeps a corpus, as --share writes it, that other packages read: the golden events.
func TestTheCorpusOfTheSandboxIsKept(t *testing.T) {
	const file = "testdata/sandbox.jsonl"
	_, originals, _ := lived(t)
	seen := map[string]bool{}
	var chosen []json.RawMessage // of each kind one
	for _, raw := range originals {
		e, ok := ledger.ReadEvent(raw)
		key := strings.Join([]string{e.Name, e.Task.Provider, e.Task.Last, e.Task.Desired, e.Task.Code}, "/")
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		chosen = append(chosen, raw)
	}
	got := ledger.Corpus(chosen)
	if *updateFlag {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != string(got) {
		t.Errorf("%s is not what the sandbox sends (%v): go test ./internal/ledger -update", file, err)
	}
}

func TestACorpusThatIsNoneIsRefusedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{"": "", "{}\n": "line 1", "{\"corpus\":\"backstop\",\"version\":1,\"events\":1}\nnonsense\n": "line 2"} {
		if _, err := ledger.ReadCorpus([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzFakes(f *testing.F) {
	f.Add([]byte(`{"account":"123456789012","detail":{"stoppedReason":"a b","tags":[{"key":"team","value":"shop"}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out := ledger.NewFakes().JSON(raw)
		if json.Valid(raw) && (out == nil || !json.Valid(out)) {
			t.Errorf("%q became %q", raw, out)
		}
	})
}
