package control

import (
	"context"
	"log/slog"
	"slices"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// strangersMax bounds the clusters that are named.
const strangersMax = 5

// Strangers are events that came of clusters in which nothing is guarded here: Count of them since the process began, and the first few
// clusters by name. Another installation may read the same queue, and each deletes what the other should have had.
type Strangers struct {
	Count    int      `json:"count"`
	Clusters []string `json:"clusters"`
}

// Strangers returns what came of clusters that are not guarded here.
func (l *Loop) Strangers() Strangers {
	l.stranger.Lock()
	defer l.stranger.Unlock()
	return Strangers{l.strangers.Count, slices.Clone(l.strangers.Clusters)}
}

// meet counts an event that concerns no pool, if its cluster is not guarded here either, and says so the first time.
func (l *Loop) meet(ctx context.Context, s *failover.Signal) {
	if s.Cluster == "" || l.guards(s) {
		return
	}
	l.stranger.Lock()
	defer l.stranger.Unlock()
	l.strangers.Count++
	if !slices.Contains(l.strangers.Clusters, s.Cluster) && len(l.strangers.Clusters) < strangersMax {
		l.strangers.Clusters = append(l.strangers.Clusters, s.Cluster)
	}
	if l.strangers.Count == 1 {
		l.Log.LogAttrs(ctx, slog.LevelWarn, "the queue brings events of a cluster that is not guarded here; another installation on it would lose them",
			slog.String(KeyRegion, s.Region), slog.String("cluster", s.Cluster),
			slog.String(KeyHint, "give each installation a queue of its own, or its rules its own clusters alone: docs/operations.md"))
	}
}

// guards reports whether anything is guarded in the cluster that a signal is of.
func (l *Loop) guards(s *failover.Signal) bool {
	for i := range l.Workloads {
		for _, ref := range l.Workloads[i].Refs {
			if ref.Region == s.Region && ref.Cluster == s.Cluster && (ref.RoleARN == "" || s.Account == "" || accountOf(ref.RoleARN) == s.Account) {
				return true
			}
		}
	}
	return false
}
