package adversary

import (
	"testing"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/state/statetest"
)

func TestMemoryIsAStore(t *testing.T) {
	t.Run("values", func(t *testing.T) { statetest.Run(t, func(*testing.T) control.Store { return &Memory{} }) })
	t.Run("encoded", func(t *testing.T) { statetest.Run(t, func(*testing.T) control.Store { return &Memory{Encode: true} }) })
}
