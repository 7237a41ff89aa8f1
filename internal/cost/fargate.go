package cost

import (
	"fmt"
	"slices"
	"strings"
)

// fargateSizes are the sizes that a task on Fargate can have: CPU units, and the least, the greatest and the step of the memory in MiB that
// goes with them (ECS developer guide, "task size"). Of a quarter vCPU the memory doubles.
var fargateSizes = []struct{ cpu, least, most, step int }{
	{256, 512, 2048, 0},
	{512, 1024, 4096, 1024},
	{1024, 2048, 8192, 1024},
	{2048, 4096, 16384, 1024},
	{4096, 8192, 30720, 1024},
	{8192, 16384, 61440, 4096},
	{16384, 32768, 122880, 8192},
}

// FargateMemory lists the MiB of memory that go with a number of CPU units, the least first; none if Fargate has no such CPU.
func FargateMemory(cpu int) []int {
	for _, s := range fargateSizes {
		if s.cpu != cpu {
			continue
		}
		var out []int
		for n := s.least; n <= s.most; {
			out = append(out, n)
			if s.step == 0 {
				n *= 2
			} else {
				n += s.step
			}
		}
		return out
	}
	return nil
}

// CheckFargate refuses a size that no task on Fargate can have, with those that it can.
func CheckFargate(s Size) error {
	cpu, memory := s.VCPU*1024, s.MemoryGB*1024
	fits := FargateMemory(int(cpu))
	if float64(int(cpu)) == cpu && float64(int(memory)) == memory && slices.Contains(fits, int(memory)) {
		return nil
	}
	if float64(int(cpu)) != cpu || len(fits) == 0 {
		var all []string
		for _, f := range fargateSizes {
			all = append(all, fmt.Sprintf("%g", float64(f.cpu)/1024))
		}
		return fmt.Errorf("no task on Fargate has %g vCPU; there are %s", s.VCPU, strings.Join(all, ", "))
	}
	return fmt.Errorf("no task on Fargate has %g vCPU and %g GB; with %g vCPU go %s", s.VCPU, s.MemoryGB, s.VCPU, gigabytes(fits))
}

// gigabytes writes sizes in MiB, a row of equal steps by its ends.
func gigabytes(all []int) string {
	gb := func(n int) string { return fmt.Sprintf("%g", float64(n)/1024) }
	first, last := all[0], all[len(all)-1]
	if len(all) < 4 {
		return gb(first) + ", " + gb(all[1]) + " or " + gb(last) + " GB"
	}
	return fmt.Sprintf("%s to %s GB in steps of %s", gb(first), gb(last), gb(all[1]-first))
}
