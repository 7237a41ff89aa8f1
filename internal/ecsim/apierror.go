package ecsim

// APIError is an error of the ECS API.
type APIError struct {
	Code    string // e.g. ClusterNotFoundException
	Message string
	Status  int // HTTP status
}

// Error returns "Code: Message".
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func clientError(code, message string) *APIError {
	return &APIError{Code: code, Message: message, Status: 400}
}

func invalid(message string) *APIError { return clientError("InvalidParameterException", message) }
