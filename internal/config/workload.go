package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/tunable"
)

// Workload is one workload, ready to be guarded.
type Workload struct {
	Name string `json:"name"`
	// Labels are what people choose it by.
	Labels map[string]string `json:"labels,omitempty"`
	Policy failover.Policy   `json:"policy"`
	// Pools says where the pools of Policy.Pools are, in the same order.
	Pools []PoolRef `json:"pools"`
	// Task is the size of one task; the zero value: not said.
	Task Task `json:"task,omitzero"`
}

// PoolRef says which ECS service a pool is. Region is empty when neither the pool, its cluster's ARN nor the
// file names one: it is then the AWS SDK's own.
type PoolRef struct {
	Name    string `json:"name"`
	Region  string `json:"region,omitempty"`
	Cluster string `json:"cluster"` // name, or ARN as it was written
	Service string `json:"service"`
	RoleARN string `json:"role_arn,omitempty"`
	// ExternalID and SessionTags are what the role's trust policy asks for; they are the same wherever RoleARN is.
	ExternalID  string            `json:"external_id,omitempty"`
	SessionTags map[string]string `json:"session_tags,omitempty"`
}

// Task is the size of a task.
type Task struct {
	CPU    int    `json:"cpu"`    // CPU units, 1024 to the vCPU
	Memory int    `json:"memory"` // MiB
	Arch   string `json:"arch"`   // X86_64 or ARM64
}

// Workloads returns the workloads of a file, in its order. The caller may change the slice.
func Workloads(f *File) []Workload { return slices.Clone(f.Workloads) }

func (c *checker) buildWorkloads(f *File, list *value) []Workload {
	if list == nil {
		return nil
	}
	names, services := make(map[string]int, len(list.items)), make(map[string]*value)
	out := make([]Workload, 0, len(list.items))
	for _, v := range list.items {
		w := c.buildWorkload(f, v, services)
		if line, twice := names[w.Name]; twice && w.Name != "" {
			c.report(v.get("name"), fmt.Sprintf("is already the workload in line %d", line), strconv.Quote(w.Name), "state is kept under the name, so it must be the only one")
		} else {
			names[w.Name] = v.line
		}
		out = append(out, w)
	}
	c.checkTrusts(list.items)
	return out
}

func (c *checker) buildWorkload(f *File, v *value, services map[string]*value) Workload {
	w := Workload{Name: v.str("name"), Policy: buildPolicy(v)}
	if t := v.get("task"); t != nil {
		w.Task.CPU, _ = strconv.Atoi(t.str("cpu"))
		w.Task.Memory, _ = strconv.Atoi(t.str("memory"))
		w.Task.Arch = t.str("arch")
	}
	w.Labels = v.pairs("labels")
	w.Policy.Owner = v.str("owner")
	w.Policy.Demand, _ = strconv.Atoi(v.str("demand"))
	pools := v.list("pools")
	for _, p := range pools {
		pool := failover.Pool{Name: p.str("name"), Capacity: failover.Capacity(p.str("capacity"))}
		pool.Min, _ = strconv.Atoi(p.str("min"))
		pool.Max, _ = strconv.Atoi(p.str("max"))
		if p.str("drain") == string(failover.DrainLate) {
			pool.Drain = failover.DrainLate
			pool.DrainBefore, _ = time.ParseDuration(p.str("drain_before"))
		}
		w.Policy.Pools = append(w.Policy.Pools, pool)
		w.Pools = append(w.Pools, c.buildRef(f, p, services))
	}
	c.numberTiers(w.Policy.Pools, pools)
	c.checkPolicy(f, &w, v)
	return w
}

// buildPolicy takes the preset's values and then those that are set.
func buildPolicy(v *value) failover.Policy {
	pv := v.get("policy").or(workloadSpec.find("policy"))
	p, ok := failover.Preset(pv.str("preset"))
	if !ok {
		p, _ = failover.Preset(failover.PresetFill)
	}
	for _, field := range tunable.Fields() {
		if set := pv.get(field.Key); set != nil && !set.bad {
			_ = field.Set(&p, set.text) // checked: see wrong
		}
	}
	return p
}

// buildRef says where the pool is, and reports a service that is in two pools: they would fight over its count.
func (c *checker) buildRef(f *File, v *value, services map[string]*value) PoolRef {
	r := PoolRef{Name: v.str("name"), Region: v.str("region"), Cluster: v.str("cluster"), Service: v.str("service"), RoleARN: v.str("role_arn"),
		ExternalID: v.str("external_id"), SessionTags: v.pairs("session_tags")}
	account, cluster := "", r.Cluster
	if r.RoleARN != "" {
		account = strings.Split(r.RoleARN, ":")[4]
	}
	if strings.HasPrefix(r.Cluster, "arn:") {
		part := strings.Split(r.Cluster, ":")
		account, cluster = part[4], strings.TrimPrefix(part[5], "cluster/")
		if r.Region != "" && r.Region != part[3] {
			c.report(v.get("region"), "must be the region in the cluster's ARN, "+part[3], strconv.Quote(r.Region), "leave it out")
		}
		r.Region = part[3]
	}
	if r.Region == "" {
		r.Region = f.Region
	}
	if cluster == "" || r.Service == "" {
		return r
	}
	id := strings.Join([]string{account, r.Region, cluster, r.Service}, "\x00")
	if first := services[id]; first != nil {
		c.report(v.get("service"), fmt.Sprintf("is already in %s (line %d)", first.path, first.line), strconv.Quote(r.Service), "two pools would fight over its desired count")
	} else {
		services[id] = v
	}
	return r
}

// numberTiers turns the tiers' names into numbers from 0: a new one for every pool but those that have the
// name of the pool before them.
func (c *checker) numberTiers(pools []failover.Pool, values []*value) {
	seen := make(map[string]int)
	for i, v := range values {
		name := v.str("tier")
		if i > 0 {
			pools[i].Tier = pools[i-1].Tier + 1
		}
		if name == "" {
			continue
		}
		if i > 0 && values[i-1].str("tier") == name {
			pools[i].Tier = pools[i-1].Tier
		} else if at, again := seen[name]; again {
			c.report(v.get("tier"), "must be next to the other pools of its tier", strconv.Quote(name), fmt.Sprintf("the tier began in line %d", values[at].line))
		}
		seen[name] = i
	}
}

// checkPolicy reports what the policy as a whole has against it. What the tree has been told off for is not
// reported again.
func (c *checker) checkPolicy(f *File, w *Workload, v *value) {
	for _, b := range tunable.Validate(w.Policy) {
		at, path := locate(v, b.Field)
		inFile := at.path == path
		if at.bad || !inFile && strings.HasPrefix(b.Field, "pools") || v.get("pools") == nil {
			continue
		}
		if inFile && strings.HasSuffix(b.Field, "].tier") {
			b.Value = strconv.Quote(at.text) // the name; the policy knows its number
		}
		c.add(Problem{Line: at.line, Column: at.column, Path: path, Text: b.Text, Value: b.Value, Warning: b.Warning, Hint: ownerHint(b, w)})
	}
	c.checkTick(f, w, v)
	c.checkSwitch(w, v)
	for _, priced := range []struct {
		key string
		usd float64
	}{{"on_demand_budget_usd_monthly", w.Policy.OnDemandBudgetUSDMonthly}, {"foresight_usd", w.Policy.ForesightUSD}} {
		if priced.usd <= 0 || w.Task != (Task{}) {
			continue
		}
		at, path := locate(v, priced.key)
		c.add(Problem{Line: at.line, Column: at.column, Path: path, Warning: true,
			Text: "is reckoned with the task definition's size, as the workload has no task", Hint: "add task: {cpu, memory}"})
	}
}

// writeOffTickMax keeps looks closer to each other than those of which failover takes nobody to have looked in between.
const writeOffTickMax = 5 * time.Minute

// checkTick reports a tick that is too long for what the policy measures by looks.
func (c *checker) checkTick(f *File, w *Workload, v *value) {
	if w.Policy.WriteOffAfter <= 0 || f.Tick <= writeOffTickMax {
		return
	}
	at, path := locate(v, "write_off_after")
	c.add(Problem{Line: at.line, Column: at.column, Path: path, Text: "needs a tick of at most 5m", Value: at.text,
		Hint: "looks that are further apart do not show that the silence lasted"})
}

// checkSwitch reports numbers of the breaker in a policy that has none.
func (c *checker) checkSwitch(w *Workload, v *value) {
	if w.Policy.Switch.On {
		return
	}
	policy := v.get("policy")
	for _, f := range tunable.Fields() {
		set := policy.get(f.Key)
		if f.Group != tunable.GroupSwitch || set == nil || set.bad {
			continue
		}
		c.add(Problem{Line: set.line, Column: set.column, Path: set.path, Text: "is for the preset switch alone: preset " + w.Policy.Preset + " has no breaker",
			Value: strconv.Quote(set.text), Hint: "leave it out, or set preset: switch"})
	}
}

func ownerHint(b tunable.Problem, w *Workload) string {
	var names []string
	for _, p := range w.Pools {
		names = append(names, p.Name)
	}
	if b.Field != "owner" || w.Policy.Demand > 0 || slices.Contains(names, w.Policy.Owner) {
		return ""
	}
	return didYouMean(w.Policy.Owner, names)
}

// locate finds the value that a field of failover.Policy came from, and the path it has in the file. When the
// file does not set it, at is the nearest value around its place.
func locate(v *value, field string) (at *value, path string) {
	at, path = v, under(v.path, field)
	if policyKey(field) {
		path = under(v.path, "policy."+field)
		if p := v.get("policy"); p != nil {
			at = p
		}
	}
	for _, part := range strings.Split(field, ".") {
		name, index, _ := strings.Cut(part, "[")
		next := at.get(name)
		if next == nil {
			return at, path
		}
		at = next
		if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i < len(at.items) {
			at = at.items[i]
		}
	}
	return at, path
}
