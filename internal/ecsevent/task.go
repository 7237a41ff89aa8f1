package ecsevent

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// taskDetail is what is read of a Task State Change. launchType is not: it is FARGATE for Spot tasks too.
type taskDetail struct {
	TaskARN          text      `json:"taskArn"`
	ClusterARN       text      `json:"clusterArn"`
	Group            text      `json:"group"`
	LastStatus       text      `json:"lastStatus"`
	DesiredStatus    text      `json:"desiredStatus"`
	StopCode         text      `json:"stopCode"`
	StoppedReason    text      `json:"stoppedReason"`
	CapacityProvider text      `json:"capacityProviderName"`
	Zone             text      `json:"availabilityZone"`
	Version          number    `json:"version"`
	CreatedAt        timestamp `json:"createdAt"`
	StartedAt        timestamp `json:"startedAt"`
	UpdatedAt        timestamp `json:"updatedAt"`
	ExitedAt         timestamp `json:"executionStoppedAt"`
	StartedBy        text      `json:"startedBy"`
	Containers       exits     `json:"containers"`
}

func parseTask(e *envelope) (failover.Signal, bool, error) {
	var d taskDetail
	if err := e.detail(&d); err != nil {
		return failover.Signal{}, false, err
	}
	if d.Group == "" && d.TaskARN == "" && d.LastStatus == "" {
		return failover.Signal{}, false, cut("task in its detail")
	}
	service, ok := ServiceOfGroup(string(d.Group))
	if !ok {
		return failover.Signal{}, false, nil
	}
	arn := string(d.TaskARN)
	if arn == "" {
		arn = e.resource("task")
	}
	id := TaskID(arn)
	if id == "" {
		return failover.Signal{}, false, errors.New("a task of a service without a task ARN")
	}
	s := failover.Signal{
		ID:         string(e.ID),
		Kind:       d.kind(),
		At:         firstTime(e.Time, d.UpdatedAt, d.StartedAt, d.CreatedAt),
		Service:    service,
		Capacity:   providerName(string(d.CapacityProvider)),
		Task:       id,
		Version:    int64(d.Version),
		Zone:       string(d.Zone),
		CreatedAt:  d.CreatedAt.Time,
		StartedAt:  d.StartedAt.Time,
		ExitedAt:   d.ExitedAt.Time,
		Deployment: string(d.StartedBy),
		StopCode:   string(d.StopCode),
		StopReason: shorten(string(d.StoppedReason)),
	}
	if s.ID == "" {
		s.ID = fmt.Sprintf("%s@%d", id, s.Version)
	}
	s.Region, s.Cluster = place(e, string(d.ClusterARN), arn)
	return s, true, nil
}

func (d *taskDetail) kind() failover.SignalKind {
	last, desired := string(d.LastStatus), string(d.DesiredStatus)
	stopping := strings.EqualFold(desired, "STOPPED") || afterRunning(last) || d.StopCode != "" || d.StoppedReason != ""
	switch {
	case stopping:
		return Classify(Stop{
			Code: string(d.StopCode), Reason: string(d.StoppedReason),
			Capacity:  providerName(string(d.CapacityProvider)),
			StartedAt: d.StartedAt.Time, LastStatus: last, Exited: bool(d.Containers),
		})
	case strings.EqualFold(last, "RUNNING") && strings.EqualFold(desired, "RUNNING"):
		return failover.SignalRunning
	}
	return failover.SignalProgress
}

// afterRunning says whether a task with this last status is past RUNNING or over.
func afterRunning(last string) bool {
	switch strings.ToUpper(last) {
	case "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED":
		return true
	}
	return false
}

// providerName gives the two Fargate providers their own spelling and leaves every other name as it is.
func providerName(name string) failover.Capacity {
	for _, c := range [...]failover.Capacity{failover.Spot, failover.OnDemand} {
		if strings.EqualFold(name, string(c)) {
			return c
		}
	}
	return failover.Capacity(name)
}

// place returns the region and the cluster's name from the cluster's ARN or name, else from another ARN that
// may carry them, and the region at last from the envelope.
func place(e *envelope, cluster, other string) (region, name string) {
	c, o := splitARN(cluster), splitARN(other)
	return cmp.Or(c.region, o.region, string(e.Region)), cmp.Or(ClusterName(cluster), o.cluster)
}

func firstTime(all ...timestamp) time.Time {
	for _, t := range all {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

// shorten cuts AWS's text to reasonMax bytes, at the start of a character.
func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= reasonMax {
		return s
	}
	cut := reasonMax
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
