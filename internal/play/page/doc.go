// Package page makes the page to play with: one HTML file with everything in it, which looks like the dashboard and shares its style and chart. The page
// is served by a process that answers it ([Handler]), or it carries the decision core as WebAssembly and works from a file ([Write], [Build]).
package page
