// Package clock reads AWS's clock, which is that of what is guarded, from its answers.
package clock

import (
	"strconv"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// speedHeader is in the answers of `backstop sandbox`: how many of its seconds go by in a real one.
const speedHeader = "X-Backstop-Sandbox-Time"

// Of returns the time of an answer, to the second, zero where it has none; and the speed of a sandbox's clock, 0 where it is AWS's own.
func Of(m middleware.Metadata) (at time.Time, speed float64) {
	at, _ = awsmiddleware.GetServerTime(m)
	raw, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response)
	if !ok || raw == nil {
		return at, 0
	}
	speed, err := strconv.ParseFloat(raw.Header.Get(speedHeader), 64)
	if err != nil || !(speed > 0) {
		return at, 0
	}
	return at, speed
}
