package cost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// TableDate is when the prices of the built-in table were looked up. Fargate Spot prices float: 16 of 22
// regions differed from those of January 2021.
const TableDate = "2026-09-29"

// TableSource says where the built-in prices come from.
const TableSource = "AWS Price List (on-demand) and the Fargate pricing page's Spot feed"

// Arch is a task's CPU architecture.
type Arch string

// Architectures. AWS sells Fargate Spot for X86 from platform version 1.3.0 and for ARM64 from 1.4.0.
const (
	X86   Arch = "X86_64"
	ARM64 Arch = "ARM64"
)

// Rate is what one vCPU and one GB of memory cost for one hour, in US dollars.
type Rate struct {
	VCPUHour float64 `json:"vcpu_hour_usd"`
	GBHour   float64 `json:"gb_hour_usd"`
}

// Size is a task's size: vCPUs, and memory in GB.
type Size struct {
	VCPU     float64 `json:"vcpu"`
	MemoryGB float64 `json:"memory_gb"`
}

// TaskHour is what one task of the size costs for one hour at the rate, in US dollars.
func (r Rate) TaskHour(s Size) float64 { return r.VCPUHour*s.VCPU + r.GBHour*s.MemoryGB }

// Key names one price.
type Key struct {
	Region   string
	Arch     Arch
	Capacity failover.Capacity
}

// Table holds prices and the date they are of. The zero value is the built-in table; prices set over it
// replace single ones.
type Table struct {
	date string
	over map[Key]Rate
}

// With returns the table with a price replaced; date is when it was looked up.
func (t Table) With(date string, k Key, r Rate) Table {
	over := make(map[Key]Rate, len(t.over)+1)
	for key, rate := range t.over {
		over[key] = rate
	}
	over[k] = r
	return Table{date: date, over: over}
}

// Date says of when a price is, and whether it is the operator's own.
func (t Table) Date(k Key) (date string, own bool) {
	if _, ok := t.over[k]; ok {
		return t.date, true
	}
	return TableDate, false
}

// Rate returns a price. The error names what is not known; where only ARM64 is missing, it says so.
func (t Table) Rate(k Key) (Rate, error) {
	if k.Arch == "" {
		k.Arch = X86
	}
	if r, ok := t.over[k]; ok {
		return r, nil
	}
	rows := x86
	if k.Arch == ARM64 {
		rows = arm64
	}
	row, ok := rows[k.Region]
	r := row.od
	if k.Capacity == failover.Spot {
		r = row.spot
	}
	if !ok || r == (Rate{}) {
		return Rate{}, fmt.Errorf("price %s %s in %s: not in the table of %s; set it under prices.table (known regions: %s)",
			k.Capacity, k.Arch, k.Region, TableDate, strings.Join(Regions(k.Arch), ", "))
	}
	return r, nil
}

// Regions lists the regions whose prices are built in, sorted.
func Regions(a Arch) []string {
	rows := x86
	if a == ARM64 {
		rows = arm64
	}
	out := make([]string, 0, len(rows))
	for r := range rows {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

type row struct{ od, spot Rate }

// x86 holds Linux/X86 prices.
var x86 = map[string]row{
	"af-south-1":     {od: Rate{0.0546, 0.006}, spot: Rate{0.01638, 0.0018}},
	"ap-east-1":      {od: Rate{0.0556, 0.0061}, spot: Rate{0.01668, 0.00183}},
	"ap-northeast-1": {od: Rate{0.05056, 0.00553}, spot: Rate{0.01563522, 0.0017101}},
	"ap-northeast-2": {od: Rate{0.04656, 0.00511}, spot: Rate{0.013968, 0.001533}},
	"ap-south-1":     {od: Rate{0.04256, 0.004655}, spot: Rate{0.01344511, 0.00147056}},
	"ap-southeast-1": {od: Rate{0.05056, 0.00553}, spot: Rate{0.01544659, 0.00168947}},
	"ap-southeast-2": {od: Rate{0.04856, 0.00532}, spot: Rate{0.01520795, 0.00166611}},
	"ca-central-1":   {od: Rate{0.04456, 0.004865}, spot: Rate{0.013368, 0.0014595}},
	"eu-central-1":   {od: Rate{0.04656, 0.00511}, spot: Rate{0.01441236, 0.00158177}},
	"eu-north-1":     {od: Rate{0.0445, 0.0049}, spot: Rate{0.01342378, 0.00147812}},
	"eu-south-1":     {od: Rate{0.0486, 0.0053}, spot: Rate{0.01458, 0.00159}},
	"eu-west-1":      {od: Rate{0.04048, 0.004445}, spot: Rate{0.01225536, 0.00134573}},
	"eu-west-2":      {od: Rate{0.04656, 0.00511}, spot: Rate{0.01468459, 0.00161165}},
	"eu-west-3":      {od: Rate{0.0486, 0.0053}, spot: Rate{0.01464299, 0.00159687}},
	"me-south-1":     {od: Rate{0.0526, 0.0058}, spot: Rate{0.0162103, 0.00178745}},
	"sa-east-1":      {od: Rate{0.0696, 0.0076}, spot: Rate{0.02199254, 0.00240148}},
	"us-east-1":      {od: Rate{0.04048, 0.004445}, spot: Rate{0.01288561, 0.00141493}},
	"us-east-2":      {od: Rate{0.04048, 0.004445}, spot: Rate{0.01539807, 0.00169082}},
	"us-gov-east-1":  {od: Rate{0.0486, 0.0053}, spot: Rate{0.01458, 0.00159}},
	"us-gov-west-1":  {od: Rate{0.0486, 0.0053}, spot: Rate{0.01458, 0.00159}},
	"us-west-1":      {od: Rate{0.04656, 0.00511}, spot: Rate{0.01437645, 0.00157783}},
	"us-west-2":      {od: Rate{0.04048, 0.004445}, spot: Rate{0.01258905, 0.00138237}},
}

// arm64 holds the Linux/ARM64 prices that are known; a zero rate is not.
var arm64 = map[string]row{
	"us-east-1":  {od: Rate{0.03238, 0.00356}, spot: Rate{0.01030969, 0.00113349}},
	"eu-west-1":  {od: Rate{0.03238, 0.00356}, spot: Rate{0.00979124, 0.00107649}},
	"ap-south-1": {od: Rate{0.02383, 0.00261}},
	"ap-south-2": {spot: Rate{0.007149, 0.000783}},
}

// ArticlePrices are those of the article that Backstop grew from (4 vCPU and 16 GB in its region, January 2026),
// used where a simulation must be comparable with it.
var (
	ArticleOnDemand = Rate{0.04656, 0.00511}
	ArticleSpot     = Rate{0.02049, 0.00225}
	ArticleSize     = Size{VCPU: 4, MemoryGB: 16}
)
