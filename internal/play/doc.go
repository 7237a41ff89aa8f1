// Package play answers the questions of the page to play with (`backstop play`): what a trace is, how one policy does on it, and why a
// decision was made. It plays them with the production decision code in the model of ECS (package replay).
//
// The page asks in JSON, and the package does no I/O, reads no clock and starts no goroutine: the same code answers in a browser, compiled to
// WebAssembly (internal/play/wasm), and in the process that serves the page (internal/play/page).
package play
