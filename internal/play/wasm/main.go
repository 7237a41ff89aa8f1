//go:build js && wasm

// Command wasm answers the page's questions in a browser: the function backstop of the global object takes a question and returns the answer, both
// as text (package play).
package main

import (
	"runtime/debug"
	"syscall/js"

	"github.com/backstop-ecs/backstop/internal/play"
)

// gcPercent and memory keep the collector, which shares the one thread, away from all but the longest runs.
const (
	gcPercent = 800
	memory    = 512 << 20 // bytes
)

func main() {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memory)
	js.Global().Set("backstop", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return string(play.Answer([]byte(args[0].String()), nil))
	}))
	select {}
}
