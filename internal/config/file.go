package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// File is a configuration, checked and with every default filled in.
type File struct {
	// Name is the file's name, as it was given to [Parse].
	Name    string        `json:"name"`
	Version int           `json:"version"`
	Region  string        `json:"region,omitempty"`
	Tick    time.Duration `json:"tick"`
	State   State         `json:"state"`
	Events  Events        `json:"events,omitzero"`
	Notify  []Notify      `json:"notify,omitempty"`
	Metrics Metrics       `json:"metrics"`
	HTTP    HTTP          `json:"http"`
	Prices  Prices        `json:"prices,omitzero"`
	// Tasks are the clusters in which tasks of no service are started again.
	Tasks     []Tasks    `json:"tasks,omitempty"`
	Workloads []Workload `json:"workloads"`
	// Warnings are what can be meant, but seldom is.
	Warnings []Problem `json:"warnings,omitempty"`
}

// State says where state and history are kept: exactly one of the two is set.
type State struct {
	SQLite   string `json:"sqlite,omitempty"`
	DynamoDB string `json:"dynamodb,omitempty"`
}

// Events says where ECS's events come from; the zero value: from nowhere.
type Events struct {
	SQS string `json:"sqs,omitempty"`
}

// Notify is one receiver of notices: exactly one of the three is set.
type Notify struct {
	SNS     string `json:"sns,omitempty"`
	Slack   Secret `json:"slack,omitzero"`
	Webhook Secret `json:"webhook,omitzero"`
	// SigningSecret is the key that signs a webhook's requests; the zero Secret: none.
	SigningSecret Secret `json:"signing_secret,omitzero"`
	// Digest is the time of day (UTC, since midnight) at which the receiver is told how the last day went; nil: it is not.
	Digest *time.Duration `json:"digest,omitempty"`
}

// Metrics says whether and where to CloudWatch metrics go.
type Metrics struct {
	EMF       bool   `json:"emf"`
	Namespace string `json:"namespace"`
}

// HTTP says where the daemon's pages are; an empty Listen: nowhere.
type HTTP struct {
	Listen string `json:"listen,omitempty"`
}

// Prices replace those of the built-in table.
type Prices struct {
	// Date is when they were looked up, as 2006-01-02.
	Date  string  `json:"date,omitempty"`
	Table []Price `json:"table,omitempty"`
}

// Price is that of one kind of capacity in one region.
type Price struct {
	Region      string            `json:"region"`
	Capacity    failover.Capacity `json:"capacity"`
	Arch        string            `json:"arch"`
	VCPUHourUSD float64           `json:"vcpu_hour_usd"`
	GBHourUSD   float64           `json:"gb_hour_usd"`
}

// build makes the File of a checked tree, and reports what does not go together. What was wrong by itself has
// been reported and is left at its zero value.
func (c *checker) build(root *value) *File {
	version, _ := strconv.Atoi(root.str("version"))
	f := &File{Name: c.name, Version: version, Region: root.str("region")}
	f.Tick, _ = time.ParseDuration(root.str("tick"))
	f.State = State{SQLite: spec.find("state").find("sqlite").def}
	if v := root.get("state"); v != nil {
		f.State = State{DynamoDB: v.str("dynamodb")}
		if v.get("sqlite") != nil {
			f.State.SQLite = v.str("sqlite")
		}
	}
	f.Events.SQS = root.get("events").str("sqs")
	for _, v := range root.list("notify") {
		f.Notify = append(f.Notify, buildNotify(v))
	}
	metrics, http := spec.find("metrics"), spec.find("http")
	f.Metrics = Metrics{
		EMF:       root.get("metrics").or(metrics).str("emf") == "true",
		Namespace: root.get("metrics").or(metrics).str("namespace"),
	}
	if f.HTTP.Listen = root.get("http").or(http).str("listen"); f.HTTP.Listen == "off" {
		f.HTTP.Listen = ""
	}
	f.Prices = c.buildPrices(root.get("prices"))
	f.Tasks = c.buildTasks(f, root)
	f.Workloads = c.buildWorkloads(f, root.get("workloads"))
	return f
}

// or returns v, or an empty mapping of the given key, whose values are all defaults.
func (v *value) or(k *key) *value {
	if v == nil {
		return &value{spec: k}
	}
	return v
}

// clockForm is how a time of day is written.
const clockForm = "15:04"

func buildNotify(v *value) Notify {
	n := Notify{SNS: v.str("sns"), Slack: buildHook(v.get("slack")), Webhook: buildHook(v.get("webhook"))}
	if hook := v.get("webhook"); hook != nil {
		n.SigningSecret, _ = reference(hook.str("signing_secret"))
	}
	if at, err := time.Parse(clockForm, v.str("digest")); err == nil {
		since := at.Sub(at.Truncate(24 * time.Hour))
		n.Digest = &since
	}
	return n
}

func buildHook(v *value) Secret {
	if url := v.str("url"); url != "" {
		return Literal(url)
	}
	s, _ := reference(v.str("secret"))
	return s
}

func (c *checker) buildPrices(v *value) Prices {
	p := Prices{Date: v.str("date")}
	if p.Date != "" {
		if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
			c.report(v.get("date"), "must be a date such as 2026-11-01", strconv.Quote(p.Date), "")
		}
	}
	seen := make(map[[3]string]int)
	for _, item := range v.list("table") {
		row := Price{Region: item.str("region"), Capacity: failover.Capacity(item.str("capacity")), Arch: item.str("arch")}
		row.VCPUHourUSD, _ = strconv.ParseFloat(item.str("vcpu_hour_usd"), 64)
		row.GBHourUSD, _ = strconv.ParseFloat(item.str("gb_hour_usd"), 64)
		id := [3]string{row.Region, string(row.Capacity), row.Arch}
		if line, twice := seen[id]; twice && row.Region != "" && row.Capacity != "" {
			c.report(item, fmt.Sprintf("the price of %s %s in %s is already set in line %d", row.Capacity, row.Arch, row.Region, line), "", "keep one of them")
		} else {
			seen[id] = item.line
		}
		p.Table = append(p.Table, row)
	}
	return p
}
