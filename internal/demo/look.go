package demo

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// Now is the virtual time.
func (d *Demo) Now() time.Time { return d.box.Now() }

// Store is the daemon's, for pages that show what it keeps.
func (d *Demo) Store() control.Store { return d.app.Store }

// Workloads are what the daemon guards.
func (d *Demo) Workloads() []control.Workload { return d.app.Loop.Workloads }

// Config is the daemon's configuration.
func (d *Demo) Config() *config.File { return d.file }
