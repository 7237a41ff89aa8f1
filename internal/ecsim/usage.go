package ecsim

// Usage is what AWS would bill, and what happened, on one provider or in one service. Billed time runs from the start of the image
// pull to STOPPED, at least a minute a task (A31); for tasks that still run it goes up to now, without the minimum.
type Usage struct {
	TaskSeconds   float64 // billed
	VCPUSeconds   float64 // billed, times vCPU
	GBSeconds     float64 // billed, times GiB of memory
	Created       int     // tasks created
	Started       int     // tasks that reached RUNNING
	Interruptions int     // Spot interruptions
}

// Usage returns the usage of one capacity provider over all regions.
func (w *World) Usage(provider string) Usage {
	return w.usage[providerIndex(provider)].read(w.now)
}

// ServiceUsage returns the usage of one service; an unknown one has none.
func (w *World) ServiceUsage(ref Ref) Usage {
	s := w.byRef[ref]
	if s == nil {
		return Usage{}
	}
	return s.usage.read(w.now)
}

// meter adds up usage without visiting running tasks: sum(now - begin) = n * now - sum(begin), for each unit.
type meter struct {
	total             Usage
	n, vcpu, gb       float64 // running now
	nAt, vcpuAt, gbAt float64 // the same times each task's beginning, in seconds
}

func (m *meter) read(now moment) Usage {
	u := m.total
	s := float64(now) / 1e9
	u.TaskSeconds += m.n*s - m.nAt
	u.VCPUSeconds += m.vcpu*s - m.vcpuAt
	u.GBSeconds += m.gb*s - m.gbAt
	return u
}

func (m *meter) begin(at moment, d *TaskDefinition) { m.count(at, d, 1) }

// end closes a task's account; least is the shortest time that is billed, in seconds.
func (m *meter) end(began, ended moment, d *TaskDefinition, least float64) {
	m.count(began, d, -1)
	billed := max(least, float64(ended-began)/1e9)
	m.total.TaskSeconds += billed
	m.total.VCPUSeconds += billed * float64(d.CPU) / 1024
	m.total.GBSeconds += billed * float64(d.Memory) / 1024
	if m.n == 0 { // nothing runs: drop what rounding has left
		m.vcpu, m.gb, m.nAt, m.vcpuAt, m.gbAt = 0, 0, 0, 0, 0
	}
}

func (m *meter) count(at moment, d *TaskDefinition, n float64) {
	s := float64(at) / 1e9
	vcpu, gb := n*float64(d.CPU)/1024, n*float64(d.Memory)/1024
	m.n += n
	m.vcpu += vcpu
	m.gb += gb
	m.nAt += n * s
	m.vcpuAt += vcpu * s
	m.gbAt += gb * s
}
