package sandbox

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"
)

// EventBridge Scheduler with one-time schedules whose universal target is any operation of the sandbox that takes JSON: a dead man's switch.
var scheduleOperations = map[string]operation{
	"CreateSchedule": op((*Sandbox).createSchedule),
	"GetSchedule":    op((*Sandbox).getSchedule),
	"DeleteSchedule": op((*Sandbox).deleteSchedule),
	"ListSchedules":  op((*Sandbox).listSchedules),
}

// Limits of schedules, and what begins a universal target.
const (
	schedulesMax     = 10_000
	universalTarget  = "arn:aws:scheduler:::aws-sdk:"
	defaultGroup     = "default"
	scheduleOnce     = "2006-01-02T15:04:05"
	completionDelete = "DELETE"
)

type scheduleKey struct{ region, name string }

// scheduleTarget is what a schedule calls: one operation of AWS, with its input as JSON.
type scheduleTarget struct {
	Arn         string
	RoleArn     string
	Input       string          `json:",omitempty"`
	RetryPolicy json.RawMessage `json:",omitempty"`
}

type schedule struct {
	Name, GroupName, Arn                             string
	ScheduleExpression, State, ActionAfterCompletion string
	Description                                      string `json:",omitempty"`
	FlexibleTimeWindow                               json.RawMessage
	Target                                           scheduleTarget
	CreationDate                                     float64

	at   time.Time
	done bool
}

type scheduleInput struct {
	Name, GroupName, NamePrefix, Description, State string
	ScheduleExpression, ScheduleExpressionTimezone  string
	ActionAfterCompletion                           string
	FlexibleTimeWindow                              json.RawMessage
	Target                                          scheduleTarget
}

// universal splits the ARN of a universal target into the service and the operation; SDKs name the operation with a small first letter.
func (t *scheduleTarget) universal() (service, name string, ok bool) {
	rest, is := strings.CutPrefix(t.Arn, universalTarget)
	service, name, two := strings.Cut(rest, ":")
	if !is || !two || name == "" {
		return "", "", false
	}
	switch service { // the SDK's names
	case "eventbridge":
		service = serviceEvents
	case "applicationautoscaling":
		service = serviceScaling
	}
	return service, strings.ToUpper(name[:1]) + name[1:], true
}

func (s *Sandbox) createSchedule(c *call, in *scheduleInput) (map[string]string, error) {
	key := scheduleKey{c.region, in.Name}
	once, _ := strings.CutPrefix(in.ScheduleExpression, "at(")
	at, err := time.Parse(scheduleOnce, strings.TrimSuffix(once, ")"))
	service, name, universal := in.Target.universal()
	switch {
	case !plainName(in.Name):
		return nil, refuse("ValidationException", "The schedule name %q cannot be used", clip(in.Name))
	case orDefault(in.GroupName, defaultGroup) != defaultGroup:
		return nil, refuse("ResourceNotFoundException", "Schedule group %s does not exist.", clip(in.GroupName))
	case s.schedules[key] != nil:
		return nil, &apiError{Code: "ConflictException", Message: "Schedule " + in.Name + " already exists.", Status: 409}
	case err != nil || orDefault(in.ScheduleExpressionTimezone, "UTC") != "UTC":
		return nil, refuse("ValidationException", "Invalid Schedule Expression %s. The sandbox has one-time schedules in UTC: at(yyyy-mm-ddThh:mm:ss)", clip(in.ScheduleExpression))
	case !universal || s.operations[service][name].run == nil:
		return nil, refuse("ValidationException", "Provided Arn is not in correct format: the sandbox has universal targets of its own operations (%s)", clip(in.Target.Arn))
	case !strings.HasPrefix(in.Target.RoleArn, "arn:") || !strings.Contains(in.Target.RoleArn, ":role/"):
		return nil, refuse("ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	case in.Target.Input != "" && !json.Valid([]byte(in.Target.Input)):
		return nil, refuse("ValidationException", "Invalid RequestJson provided. Reason: Input is not JSON")
	case len(s.schedules) >= schedulesMax:
		return nil, refuse("ServiceQuotaExceededException", "The sandbox holds %d schedules, no more fit", schedulesMax)
	}
	made := &schedule{Name: in.Name, GroupName: defaultGroup, Arn: "arn:aws:scheduler:" + c.region + ":" + s.account() + ":schedule/" + defaultGroup + "/" + in.Name,
		ScheduleExpression: in.ScheduleExpression, State: orDefault(in.State, ruleEnabled), ActionAfterCompletion: orDefault(in.ActionAfterCompletion, "NONE"),
		Description: in.Description, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target, CreationDate: float64(c.now.UnixMilli()) / 1e3, at: at}
	s.schedules[key] = made
	s.stir = true
	return map[string]string{"ScheduleArn": made.Arn}, nil
}

func (s *Sandbox) scheduleAt(c *call, name string) (*schedule, error) {
	if found := s.schedules[scheduleKey{c.region, name}]; found != nil {
		return found, nil
	}
	return nil, &apiError{Code: "ResourceNotFoundException", Message: "Schedule " + clip(name) + " does not exist.", Status: 404}
}

func (s *Sandbox) getSchedule(c *call, in *scheduleInput) (*schedule, error) {
	return s.scheduleAt(c, in.Name)
}

func (s *Sandbox) deleteSchedule(c *call, in *scheduleInput) (empty, error) {
	_, err := s.scheduleAt(c, in.Name)
	delete(s.schedules, scheduleKey{c.region, in.Name})
	return empty{}, err
}

func (s *Sandbox) listSchedules(c *call, in *scheduleInput) (map[string]any, error) {
	byName := map[string]*schedule{}
	for key, one := range s.schedules {
		if key.region == c.region && strings.HasPrefix(key.name, in.NamePrefix) {
			byName[key.name] = one
		}
	}
	list := []map[string]any{}
	for _, name := range sortedKeys(byName) {
		list = append(list, map[string]any{"Name": name, "Arn": byName[name].Arn, "GroupName": defaultGroup, "State": byName[name].State,
			"Target": map[string]string{"Arn": byName[name].Target.Arn}})
	}
	return map[string]any{"Schedules": list}, nil
}

// nextSchedule returns the schedule that is due first; of two at the same time the first by name.
func (s *Sandbox) nextSchedule() (scheduleKey, *schedule) {
	var first scheduleKey
	var due *schedule
	for key, one := range s.schedules {
		if one.done || one.State != ruleEnabled {
			continue
		}
		if due == nil || one.at.Before(due.at) || one.at.Equal(due.at) && key.name < first.name {
			first, due = key, one
		}
	}
	return first, due
}

// fire carries out what a schedule calls, once: what is refused is logged and not tried again.
func (s *Sandbox) fire(key scheduleKey, one *schedule, at time.Time) {
	service, name, _ := one.Target.universal()
	one.done = true
	if one.ActionAfterCompletion == completionDelete {
		delete(s.schedules, key)
	}
	run := s.operations[service][name]
	if run.waits {
		return
	}
	c := &call{request: request{service: service, operation: name, region: key.region, body: []byte(orDefault(one.Target.Input, "{}")), origin: "http://localhost"}, now: at, id: s.newID()}
	if _, err := run.run(s, c); err != nil {
		s.log.Debug("schedule refused", slog.String("schedule", key.name), slog.String("call", service+":"+name), slog.Any("error", err))
	}
}

// fireUntil fires every schedule that is due by a time, each at its own.
func (s *Sandbox) fireUntil(now time.Time) {
	for {
		key, one := s.nextSchedule()
		if one == nil || one.at.After(now) {
			return
		}
		if one.at.After(s.world.Now()) {
			s.scaler.AdvanceTo(s.world, one.at)
		}
		s.fire(key, one, s.world.Now())
	}
}
