// Command backstop keeps an Amazon ECS workload at its wanted number of tasks at the lowest price.
// Everything is in package cli; this only ties it to the process.
package main

import (
	"context"
	"os"

	"github.com/backstop-ecs/backstop/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], cli.System()))
}
