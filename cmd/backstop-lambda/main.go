// Command backstop-lambda is the bootstrap of the AWS Lambda function, for the runtime provided.al2023. It is
// built with the tag lambda.norpc.
package main

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/backstop-ecs/backstop/internal/app/function"
)

func main() {
	f, log, err := function.Open(context.Background(), os.Getenv, os.Stdout, os.Stderr)
	if err != nil {
		// Lambda reports a process that ends here as a failed initialisation, and this line is in its log.
		log.Error("the function cannot start", slog.Any("problems", strings.Split(err.Error(), "\n")))
		os.Exit(1)
	}
	lambda.Start(f)
}
