package proxy

import (
	"io"
	"log"
)

// quiet swallows what net/http says of clients that close a connection in the middle of a handshake.
var quiet = log.New(io.Discard, "", 0)
