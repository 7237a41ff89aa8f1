package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Tasks is a cluster in which tasks of no service are started again when they are lost.
type Tasks struct {
	// Cluster is its name. Region is empty where nothing names one: it is then the AWS SDK's own.
	Cluster string `json:"cluster"`
	Region  string `json:"region,omitempty"`
	// Account is that of the cluster's ARN; empty where the cluster is given by its name: it is then the guard's own, as it must be.
	Account string `json:"-"`
	// SecurityGroups, Subnets and PublicIP are those of a task that is started again; no Subnets: the lost task's own.
	SecurityGroups []string `json:"security_groups"`
	Subnets        []string `json:"subnets,omitempty"`
	PublicIP       bool     `json:"assign_public_ip"`
}

func (c *checker) buildTasks(f *File, root *value) (out []Tasks) {
	seen := make(map[[2]string]int)
	for _, v := range root.list("tasks") {
		t := Tasks{Cluster: v.str("cluster"), PublicIP: v.str("assign_public_ip") == "true"}
		named := ""
		if strings.HasPrefix(t.Cluster, "arn:") {
			part := strings.Split(t.Cluster, ":")
			named, t.Account, t.Cluster = part[3], part[4], strings.TrimPrefix(part[5], "cluster/")
		}
		t.Region = cmp.Or(v.str("region"), named, f.Region)
		if own := v.str("region"); own != "" && named != "" && own != named {
			c.report(v.get("region"), "is another region than that of the cluster's ARN", strconv.Quote(own), "keep one of them")
		}
		for _, g := range v.list("security_groups") {
			t.SecurityGroups = append(t.SecurityGroups, g.text)
		}
		for _, s := range v.list("subnets") {
			t.Subnets = append(t.Subnets, s.text)
		}
		at := [2]string{t.Region, t.Cluster}
		if line, twice := seen[at]; twice && t.Cluster != "" {
			c.report(v, fmt.Sprintf("the cluster is already there in line %d", line), strconv.Quote(t.Cluster), "keep one of them; tasks with other security groups name them in a tag")
		}
		seen[at] = v.line
		out = append(out, t)
	}
	if v := root.get("tasks"); v != nil && len(out) > 0 && f.Events.SQS == "" {
		c.report(v, "needs the events of ECS", "", "name their queue under `events`: nothing else says that such a task was lost")
	}
	return out
}
