package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

// state is one state, with what this machine uses of the language. Its fields are in the order in which people read them.
type state struct {
	Type      string         `json:"Type"`
	Comment   string         `json:"Comment,omitempty"`
	Resource  string         `json:"Resource,omitempty"`
	Arguments any            `json:"Arguments,omitempty"`
	Seconds   string         `json:"Seconds,omitempty"`
	Retry     []retrier      `json:"Retry,omitempty"`
	Choices   []rule         `json:"Choices,omitempty"`
	Assign    map[string]any `json:"Assign,omitempty"`
	Output    any            `json:"Output,omitempty"`
	Catch     []catcher      `json:"Catch,omitempty"`
	Default   string         `json:"Default,omitempty"`
	Next      string         `json:"Next,omitempty"`
	Error     string         `json:"Error,omitempty"`
	Cause     string         `json:"Cause,omitempty"`
}

type rule struct {
	Condition string         `json:"Condition"`
	Assign    map[string]any `json:"Assign,omitempty"`
	Next      string         `json:"Next"`
}

type retrier struct {
	ErrorEquals     []string `json:"ErrorEquals"`
	IntervalSeconds int      `json:"IntervalSeconds,omitempty"`
	MaxAttempts     int      `json:"MaxAttempts"`
	BackoffRate     float64  `json:"BackoffRate,omitempty"`
	MaxDelaySeconds int      `json:"MaxDelaySeconds,omitempty"`
	JitterStrategy  string   `json:"JitterStrategy,omitempty"`
}

type catcher struct {
	ErrorEquals []string       `json:"ErrorEquals"`
	Assign      map[string]any `json:"Assign"`
	Output      any            `json:"Output"`
	Next        string         `json:"Next"`
}

// named is a state with its name.
type named struct {
	name string
	state
}

// states keeps its order.
type states []named

// MarshalJSON writes the states in their order.
func (s states) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i := range s {
		var one bytes.Buffer
		e := json.NewEncoder(&one)
		e.SetEscapeHTML(false)
		if err := e.Encode(s[i].state); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%q:%s", [...]string{"{", ","}[min(i, 1)], s[i].name, one.Bytes())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type definition struct {
	Comment       string
	QueryLanguage string
	StartAt       string
	States        states
}

const (
	sdk = "arn:aws:states:::aws-sdk:ecs:"
	// seekFirst and seekMost are how long room is waited for where no pool has any; it doubles. Where there is none for more than an hour, it is seekShare of the time.
	seekFirst, seekMost, seekShare = 10, 60, 60
	// pauseMost is how long a task is left alone at most, pauseShare which part of its time: of the execution's once it runs, or an execution with many starts
	// would look as often after each, and what it may look is bounded (T44).
	pauseMost, pauseShare = 300, 20
	// unknownMost is how many looks in turn may find that ECS does not know the task: it may be new.
	unknownMost = 4
	// triesMax bounds how often a call is made again that AWS did not answer: some ten minutes.
	triesMax = 20
)

// final are errors of ECS that no second call changes.
var final = []string{"Ecs.AccessDeniedException", "Ecs.BlockedException", "Ecs.ClientException", "Ecs.ClusterNotFoundException", "Ecs.ConflictException", "Ecs.InvalidParameterException",
	"Ecs.PlatformTaskDefinitionIncompatibilityException", "Ecs.PlatformUnknownException", "Ecs.UnsupportedFeatureException"}

func x(expression string) string {
	return "{% " + strings.Join(strings.Fields(expression), " ") + " %}"
}

func retry() []retrier {
	return []retrier{{ErrorEquals: final}, {ErrorEquals: []string{"States.ALL"}, IntervalSeconds: 2, MaxAttempts: triesMax, BackoffRate: 2, MaxDelaySeconds: 60, JitterStrategy: "FULL"}}
}

type empty struct{}

func machine() definition {
	return definition{"Runs one ECS task, on the first pool that has room; made by backstop run-task --asl.", "JSONata", "Begin", states{
		{"Begin", state{Type: "Pass", Comment: "An execution's input may name the run: executions with one name use the same client tokens.",
			Assign: map[string]any{"settings": empty{}, "run": x("$exists($states.input.run) ? $string($states.input.run) : $states.context.Execution.Name"),
				"call": 1, "attempt": 1, "losses": 0, "pool": 0, "from": 0, "sought": 0, "wait": seekFirst, "unknown": 0, "age": 0},
			Output: empty{}, Next: "Definition"}},
		{"Definition", state{Type: "Task", Comment: "A run is of one revision; its first essential container has the exit code that counts.", Resource: sdk + "describeTaskDefinition",
			Arguments: map[string]any{"TaskDefinition": x("$settings.Run.TaskDefinition")}, Retry: retry(),
			Assign: map[string]any{"definition": x("$states.result.TaskDefinition.TaskDefinitionArn"),
				"main": x("($states.result.TaskDefinition.ContainerDefinitions[$not(Essential = false)])[0].Name")},
			Output: empty{}, Next: "Start"}},
		{"Start", state{Type: "Task", Comment: "Each start has a client token of its own: one that is tried again, or redriven, starts nothing twice.", Resource: sdk + "runTask",
			Arguments: x(arguments), Retry: retry(),
			Assign: map[string]any{"task": x("$count($states.result.Tasks) > 0 ? $states.result.Tasks[0].TaskArn : ''"), "waited": 0,
				"why": x("$count($states.result.Tasks) > 0 ? '' : $count($states.result.Failures) > 0 ? $string($states.result.Failures[0].Reason) : 'RunTask started nothing'")},
			Output: empty{}, Catch: []catcher{{[]string{"Ecs.ClientException"}, map[string]any{"task": "", "why": x("$states.errorOutput.Error & ': ' & $states.errorOutput.Cause")}, empty{}, "Placed"}},
			Next: "Placed"}},
		placed(),
		{"Seek", state{Type: "Wait", Seconds: x("$wait"), Assign: map[string]any{"sought": x("$sought + $wait"), "age": x("$age + $wait"),
			"wait": x(fmt.Sprintf("$max([$min([%d, 2 * $wait]), $floor($sought / %d)])", seekMost, seekShare)), "pool": x("$from"), "call": x("$call + 1")}, Next: "Start"}},
		{"Pause", state{Type: "Wait", Seconds: x("$pause"), Assign: map[string]any{"waited": x("$waited + $pause"), "age": x("$age + $pause")}, Next: "Look"}},
		{"Look", state{Type: "Task", Resource: sdk + "describeTasks", Arguments: x("$merge([" + inCluster + ", {'Tasks': [$task]}])"), Retry: retry(),
			Assign: map[string]any{"seen": x(seen()), "unknown": x("$count($states.result.Tasks) > 0 ? 0 : $unknown + 1")}, Output: empty{}, Next: "Judge"}},
		judge(),
		{"Stop", state{Type: "Task", Resource: sdk + "stopTask", Arguments: x("$merge([" + inCluster + ", {'Task': $task, 'Reason': '" + runtask.SlowReason + "'}])"), Retry: retry(),
			Output: empty{}, Next: "Pause"}},
		{"Done", state{Type: "Succeed", Output: x("{'TaskArn': $task, 'ExitCode': 0, 'Starts': $attempt, 'Interrupted': $losses, 'CapacityProvider': $seen.on}")}},
		{"Failed", state{Type: "Fail", Error: x("$error"), Cause: x("$cause")}},
	}}
}

// inCluster is the parameter that names the cluster, if one is named.
const inCluster = "$exists($settings.Run.Cluster) ? {'Cluster': $settings.Run.Cluster} : {}"

// arguments are those of RunTask. A client token has 64 characters at most.
const arguments = `$merge([$settings.Run, $settings.Pools[$pool], {'TaskDefinition': $definition, 'Count': 1,
	'ClientToken': $hash($states.context.StateMachine.Id & '/' & $run & '/' & $string($call), 'SHA-256'),
	'Tags': $append($settings.Run.Tags, [{'Key': '` + runtask.TagRun + `', 'Value': $run}, {'Key': '` + runtask.TagAttempt + `', 'Value': $string($attempt)},
		{'Key': '` + runtask.TagPool + `', 'Value': $string($pool)}, {'Key': '` + runtask.TagCall + `', 'Value': $string($call)}])}])`

// noRoom is runtask.NoRoom as a regular expression.
const noRoom = "capacity is unavailable|limit on the number of|^resource:"

// more is whether there is a further pool, next its index.
const (
	more = "$pool + 1 < $count($settings.Pools)"
	next = "$min([$pool + 1, $count($settings.Pools) - 1])"
)

// placed says whether RunTask started the task, and where to look for room otherwise.
func placed() named {
	full := "$contains($why, /" + noRoom + "/i)"
	return named{"Placed", state{Type: "Choice", Choices: []rule{
		{x("$task != ''"), map[string]any{"sought": 0, "wait": seekFirst, "pause": x("$settings.Poll")}, "Pause"},
		{x(full + " and " + more), map[string]any{"pool": x("$pool + 1"), "call": x("$call + 1")}, "Start"},
		{x(full + " and $sought < $settings.GiveUp"), nil, "Seek"}},
		Assign: map[string]any{"error": x(full + " ? 'Backstop.NoRoom' : 'Backstop.NotRun'"), "cause": x("$why")}, Default: "Failed"}}
}

// judge says what to do about the task as it was seen.
func judge() named {
	again := func(losses string) map[string]any {
		return map[string]any{"attempt": x("$attempt + 1"), "losses": x(losses), "pool": x(next), "from": x(next), "call": x("$call + 1")}
	}
	return named{"Judge", state{Type: "Choice", Choices: []rule{
		{x("$seen.end = 'done'"), nil, "Done"},
		{x("$seen.end = 'runs'"), map[string]any{"pause": x(fmt.Sprintf("$min([%d, $max([$settings.Poll, $floor($age / %d)])])", pauseMost, pauseShare))}, "Pause"},
		{x("$seen.end = 'starts' and $settings.StartWithin > 0 and $waited >= $settings.StartWithin and " + more), map[string]any{"pause": x("$settings.Poll")}, "Stop"},
		{x(fmt.Sprintf("$seen.end in ['starts', 'stops'] or $seen.end = 'unknown' and $unknown < %d", unknownMost)),
			map[string]any{"pause": x(fmt.Sprintf("$min([%d, $max([$settings.Poll, $floor($waited / %d)])])", pauseMost, pauseShare))}, "Pause"},
		{x("$seen.end = 'lost' and $losses < $settings.Retries"), again("$losses + 1"), "Start"},
		{x(fmt.Sprintf("$seen.end = 'not started' and $attempt - $losses < %d", runtask.StartsMax)), again("$losses"), "Start"}},
		Assign: map[string]any{"error": x("$lookup({'exited': 'Backstop.Exited', 'lost': 'Backstop.Interrupted', 'not started': 'Backstop.NotStarted', 'failed': 'Backstop.Failed', 'unknown': 'Backstop.Unknown'}, $seen.end)"),
			"cause": x("$string($merge([{'TaskArn': $task, 'Reason': $seen.why, 'Starts': $attempt, 'Interrupted': $losses}, $seen.code >= 0 ? {'ExitCode': $seen.code} : {}]))")},
		Default: "Failed"}}
}

// seen says what DescribeTasks shows of the task, as internal/runtask decides it.
func seen() string {
	spot := strings.ToLower(string(failover.Spot))
	lasting, infrastructure, scheduler := ecsevent.Texts()
	return `($t := $states.result.Tasks[0]; $code := $t.Containers[Name = $main].ExitCode; $exited := $exists($code); $ran := $exists($t.StartedAt);
	$stop := $lowercase($t.StopCode & ''); $why := $trim($lowercase($t.StoppedReason & '')); $on := $lowercase($t.CapacityProviderName & '');
	$lost := $ran ? 'lost' : 'not started'; $own := $exited ? 'exited' : 'failed';
	{'code': $exited ? $code : -1, 'why': $t.StoppedReason & '', 'on': $t.CapacityProviderName & '', 'end':
		$not($exists($t)) ? 'unknown'
		: $t.LastStatus != 'STOPPED' ? ($ran ? 'runs' : $t.DesiredStatus = 'STOPPED' ? 'stops' : 'starts')
		: $exited and $code = 0 ? 'done'
		: $stop = 'userinitiated' ? ($why = '` + strings.ToLower(runtask.SlowReason) + `' ? ($exited or $ran ? 'lost' : 'not started')
			: $why = '` + strings.ToLower(ecsevent.DrillReason) + `' and $on = '` + spot + `' and ($ran or $exited) ? 'lost' : 'failed')
		: $stop = 'terminationnotice' and $on = 'fargate' ? $lost
		: $stop in ['spotinterruption', 'terminationnotice'] or $contains($why, /^your spot task was interrupted/) and $on = '` + spot + `' or $contains($why, /^spotinterruption/) and $on != 'fargate'
			? ($ran or $exited ? 'lost' : 'not started')
		: $contains($why, /` + strings.Join(lasting, "|") + `/) ? $own
		: $contains($why, /^resourcesnotavailable/) or $contains($why, /capacity is unavailable/) and $not($ran or $exited) ? 'not started'
		: $contains($why, /` + strings.Join(infrastructure, "|") + `/) or $stop = 'infrastructurehealth' ? $lost
		: $stop in ['taskfailedtostart', 'essentialcontainerexited'] ? $own
		: $stop = 'serviceschedulerinitiated' or $contains($why, /` + strings.Join(scheduler, "|") + `/) or $stop = '' and $contains($why, /^task stopped by user/) ? 'failed'
		: $stop = '' and $exited ? 'exited' : $stop = '' and $why = '' ? 'failed' : $lost})`
}
