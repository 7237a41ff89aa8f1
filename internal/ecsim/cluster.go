package ecsim

import "strings"

// region is everything that AWS keeps per region.
type region struct {
	name     string
	clusters []*cluster
	families []*family
	markets  []*market
	buckets  [groupCount]bucket
	launches [2]bucket  // Fargate launch rate by provider
	quota    [2]float64 // vCPU quota by provider; 0: the default of Config
	vcpus    [2]float64 // vCPU in use by provider

	balancing balancing
}

// cluster is one ECS cluster; home holds its tasks of RunTask.
type cluster struct {
	home
	region   *region
	name     string
	services []*service // each name once: a new service replaces an inactive one
	tags     []Tag
}

// home is whatever tasks belong to: a service or, for tasks of RunTask, a cluster. Both lists are in the order of their making.
type home struct {
	alive   taskList // not STOPPED
	stopped taskList
}

// Cluster is a snapshot of one cluster.
type Cluster struct {
	Region, Name, ARN, Status        string
	ActiveServices, Running, Pending int
	Tags                             []Tag
}

func (w *World) region(name string) *region {
	for _, r := range w.regions {
		if r.name == name {
			return r
		}
	}
	r := &region{name: name}
	for i := range r.launches {
		r.launches[i] = bucket{rate: w.cfg.LaunchRate, tokens: w.cfg.LaunchRate.Burst, at: w.now}
	}
	for i := range r.buckets {
		r.buckets[i] = bucket{rate: apiRates[i], tokens: apiRates[i].Burst, at: w.now}
	}
	w.regions = append(w.regions, r)
	return r
}

// cluster finds a cluster by name or ARN; "" is the cluster "default", as for ECS. The error is ClusterNotFoundException.
func (w *World) cluster(regionName, name string) (*cluster, error) {
	if cl := w.region(regionName).cluster(name); cl != nil {
		return cl, nil
	}
	return nil, clientError("ClusterNotFoundException", "Cluster not found.")
}

func (r *region) cluster(name string) *cluster {
	name = lastPart(name)
	if name == "" {
		name = "default"
	}
	for _, cl := range r.clusters {
		if cl.name == name {
			return cl
		}
	}
	return nil
}

// CreateCluster makes a cluster, or returns the one of that name as ECS does. An empty name is "default".
func (w *World) CreateCluster(regionName, name string, tags []Tag) (Cluster, error) {
	if name == "" {
		name = "default"
	}
	if !validName(name) {
		return Cluster{}, invalid("Invalid cluster name: it may have up to 255 letters, digits, hyphens and underscores.")
	}
	r := w.region(regionName)
	cl := r.cluster(name)
	if cl == nil {
		cl = &cluster{region: r, name: name, tags: mergeTags(nil, tags)}
		r.clusters = append(r.clusters, cl)
	}
	return w.clusterView(cl), nil
}

// DescribeClusters returns the clusters found, by name or ARN, and a MISSING failure for each other. No names means "default".
func (w *World) DescribeClusters(regionName string, names []string) ([]Cluster, []Failure) {
	if len(names) == 0 {
		names = []string{"default"}
	}
	var found []Cluster
	var missing []Failure
	r := w.region(regionName)
	for _, name := range names {
		if cl := r.cluster(name); cl != nil {
			found = append(found, w.clusterView(cl))
			continue
		}
		missing = append(missing, Failure{ARN: w.ClusterARN(regionName, lastPart(name)), Reason: "MISSING"})
	}
	return found, missing
}

// ListClusters returns the ARNs of a region's clusters in the order of their making.
func (w *World) ListClusters(regionName string) []string {
	var arns []string
	for _, cl := range w.region(regionName).clusters {
		arns = append(arns, w.ClusterARN(regionName, cl.name))
	}
	return arns
}

func (w *World) clusterView(cl *cluster) Cluster {
	c := Cluster{
		Region: cl.region.name, Name: cl.name, ARN: w.ClusterARN(cl.region.name, cl.name), Status: "ACTIVE",
		Tags: mergeTags(nil, cl.tags),
	}
	for _, s := range cl.services {
		if s.status == active {
			c.ActiveServices++
		}
		c.Running += s.running
		c.Pending += s.pending
	}
	for t := cl.alive.first; t != nil; t = t.next {
		switch {
		case t.status == running:
			c.Running++
		case t.status < running:
			c.Pending++
		}
	}
	return c
}

// lastPart cuts an ARN down to the name after its last slash.
func lastPart(nameOrARN string) string {
	return nameOrARN[strings.LastIndexByte(nameOrARN, '/')+1:]
}

func validName(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// taskList is a list of tasks threaded through them.
type taskList struct {
	first, last *task
	n           int
}

func (l *taskList) add(t *task) {
	t.prev, t.next = l.last, nil
	if l.last != nil {
		l.last.next = t
	} else {
		l.first = t
	}
	l.last = t
	l.n++
}

func (l *taskList) remove(t *task) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		l.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		l.last = t.prev
	}
	t.prev, t.next = nil, nil
	l.n--
}
