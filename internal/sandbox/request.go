package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Limits on what a request may bring. AWS's largest is SQS's batch of 1 MiB, which the query protocol's
// escaping can triple.
const (
	requestBytesMax = 4 << 20
	formParamsMax   = 4096 // ten batch entries with ten attributes each need under 500
	formKeyBytesMax = 256
	formKeyDepthMax = 10
	// regionsMax bounds the regions a sandbox holds; AWS has fewer.
	regionsMax = 64
)

// The services by the names that requests are signed for.
const (
	serviceECS       = "ecs"
	serviceScaling   = "application-autoscaling"
	serviceSQS       = "sqs"
	serviceSNS       = "sns"
	serviceSTS       = "sts"
	serviceQuotas    = "servicequotas"
	serviceEvents    = "events"
	serviceELB       = "elasticloadbalancing"
	serviceSchedules = "scheduler"
	serviceIAM       = "iam"
	serviceAlarms    = "monitoring"
	serviceLogs      = "logs"
	serviceS3        = "s3" // which the sandbox does not have
)

// targets maps the prefix of X-Amz-Target to the service.
var targets = map[string]string{
	"AmazonEC2ContainerServiceV20141113": serviceECS,
	"AnyScaleFrontendService":            serviceScaling,
	"AmazonSQS":                          serviceSQS,
	"ServiceQuotasV20190624":             serviceQuotas,
	"AWSEvents":                          serviceEvents,
	"Logs_20140328":                      serviceLogs,
}

// queryVersions maps the Version parameter of the query protocol to the service.
var queryVersions = map[string]string{
	"2012-11-05": serviceSQS,
	"2010-03-31": serviceSNS,
	"2011-06-15": serviceSTS,
	"2015-12-01": serviceELB,
	"2010-05-08": serviceIAM,
	"2010-08-01": serviceAlarms,
}

// namespaces of the query protocol's answers.
var namespaces = map[string]string{
	serviceSQS:    "http://queue.amazonaws.com/doc/2012-11-05/",
	serviceSNS:    "http://sns.amazonaws.com/doc/2010-03-31/",
	serviceSTS:    "https://sts.amazonaws.com/doc/2011-06-15/",
	serviceELB:    "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
	serviceIAM:    "https://iam.amazonaws.com/doc/2010-05-08/",
	serviceAlarms: "http://monitoring.amazonaws.com/doc/2010-08-01/",
}

type protocol int

const (
	protocolJSON11 protocol = iota // the default, so that a request nobody understands gets a readable answer
	protocolJSON10
	protocolQuery
	protocolS3 // known for its errors only: everybody tries `aws s3 ls`
)

// request is one AWS call, whatever protocol it came in by. Body is always JSON.
type request struct {
	protocol  protocol
	service   string
	operation string
	region    string
	accessKey string
	token     string // of temporary credentials
	body      []byte
	origin    string // scheme and host the caller used, for the queue URLs in answers
}

// decodeRequest reads an AWS call. On an error the request returned is filled as far as it was understood, so
// that the error can be written in the caller's protocol.
func decodeRequest(r *http.Request, homeRegion string) (request, *apiError) {
	req := request{region: homeRegion, origin: "http://" + r.Host}
	if r.URL.Host != "" { // in process: a client's request
		req.origin = r.URL.Scheme + "://" + r.URL.Host
	}
	signed := req.readCredential(r)
	target := r.Header.Get("X-Amz-Target")
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/x-amz-json-1.0" {
		req.protocol = protocolJSON10
	}
	if target == "" && (media == "application/x-www-form-urlencoded" || r.URL.Query().Has("Action")) {
		req.protocol = protocolQuery
	}
	body, err := readBody(r)
	if err != nil {
		return req, err
	}
	switch {
	case req.protocol == protocolQuery:
		err = req.readQuery(r.URL, body, media)
	case target == "" && req.service == serviceSchedules:
		err = req.readPath(r, body)
	default:
		err = req.readTarget(r, target, media, body)
	}
	if err != nil {
		return req, err
	}
	switch {
	case !signed:
		return req, &apiError{Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token",
			QueryCode: "MissingAuthenticationToken", Status: http.StatusForbidden}
	case !IsRegion(req.region):
		return req, &apiError{Code: "SignatureDoesNotMatch", Message: "Credential should be scoped to a valid region.", Status: http.StatusForbidden}
	}
	return req, nil
}

// regionName is the form of AWS's region names, the same as in a configuration.
var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)

// IsRegion says whether a name has the form of AWS's regions; requests for others are refused.
func IsRegion(name string) bool { return regionName.MatchString(name) }

// readCredential takes region, signing service and access key from the credential scope of Signature
// Version 4, and the session token beside it; the signature itself is not checked. It reports whether the request claims to be signed.
func (req *request) readCredential(r *http.Request) bool {
	scope := r.URL.Query().Get("X-Amz-Credential")
	req.token = r.URL.Query().Get("X-Amz-Security-Token")
	if scope == "" {
		req.token = r.Header.Get("X-Amz-Security-Token")
		_, rest, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		if !found {
			return false
		}
		scope, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(scope), "/") // key/date/region/service/aws4_request
	if len(parts) != 5 || !plainName(parts[2]) || !plainName(parts[3]) {
		return false
	}
	req.accessKey, req.region, req.service = parts[0], parts[2], parts[3]
	return true
}

// plainName says whether s may stand in an ARN or a log line as it is: a region, a service, an operation.
func plainName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func (req *request) readTarget(r *http.Request, target, media string, body []byte) *apiError {
	if r.Header.Get("Smithy-Protocol") != "" {
		return &apiError{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "The sandbox does not speak the protocol " + clip(r.Header.Get("Smithy-Protocol")) + " (" + clip(r.URL.Path) + ")"}
	}
	prefix, operation, _ := strings.Cut(target, ".")
	service, known := targets[prefix]
	switch {
	case target == "" && req.service != "" && operations[req.service] == nil: // a service with paths instead of targets
		if req.service == serviceS3 {
			req.protocol = protocolS3
		}
		return &apiError{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "The sandbox does not have the service " + req.service + " (" + r.Method + " " + clip(r.URL.Path) + ")"}
	case r.Method != http.MethodPost || target == "":
		return &apiError{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "This is a simulated AWS endpoint: it wants a POST with X-Amz-Target or Action. Its own routes start with /_sandbox/."}
	case !known || !plainName(operation):
		return unknownOperation(clip(target))
	case !strings.HasPrefix(media, "application/x-amz-json-1."):
		// AWS's JSON services know no operation under another content type.
		return &apiError{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "The content type is not application/x-amz-json-1.1 (operation " + clip(target) + ")"}
	}
	req.service, req.operation = service, operation
	req.body = bytes.ToValidUTF8(body, []byte("\uFFFD")) // what is given back as it came must be text
	if len(body) == 0 {
		req.body = []byte("{}")
	}
	return nil
}

// readPath reads a call of EventBridge Scheduler, whose operations are methods and paths: what stands in path and query joins the body.
func (req *request) readPath(r *http.Request, body []byte) *apiError {
	operation := map[string]string{http.MethodPost: "CreateSchedule", http.MethodGet: "GetSchedule", http.MethodDelete: "DeleteSchedule"}[r.Method]
	name, under := strings.CutPrefix(r.URL.Path, "/schedules/")
	if r.URL.Path == "/schedules" && r.Method == http.MethodGet {
		operation, under = "ListSchedules", true
	}
	if !under || operation == "" {
		return &apiError{Code: "UnknownOperationException", Status: http.StatusNotFound, Message: "The sandbox does not have " + r.Method + " " + clip(r.URL.Path) + " of EventBridge Scheduler"}
	}
	fields := map[string]any{}
	if len(body) > 0 {
		if err := json.Unmarshal(bytes.ToValidUTF8(body, []byte("\uFFFD")), &fields); err != nil {
			return refuse("SerializationException", "%s", serializationMessage(err))
		}
	}
	for field, value := range map[string]string{"Name": name, "GroupName": r.URL.Query().Get("groupName"), "NamePrefix": r.URL.Query().Get("NamePrefix")} {
		if value != "" {
			fields[field] = value
		}
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		return refuse("SerializationException", "The body is not JSON")
	}
	req.operation, req.body = operation, encoded
	return nil
}

func (req *request) readQuery(u *url.URL, body []byte, media string) *apiError {
	form := u.Query()
	if media == "application/x-www-form-urlencoded" {
		posted, err := url.ParseQuery(string(body))
		if err != nil {
			return refuse("MalformedQueryString", "The query string is malformed: %s", clip(err.Error()))
		}
		for k, v := range posted {
			form[k] = append(form[k], v...)
		}
	}
	operation := form.Get("Action")
	if service, ok := queryVersions[form.Get("Version")]; ok {
		req.service = service
	}
	switch {
	case operation == "":
		return refuse("MissingAction", "No action was supplied with this request")
	case !plainName(operation) || namespaces[req.service] == "":
		return invalidAction(clip(operation))
	}
	req.operation = operation
	if path := strings.Trim(u.Path, "/"); path != "" && form.Get("QueueUrl") == "" && req.service == serviceSQS {
		form.Set("QueueUrl", req.origin+"/"+path) // older SQS clients post to the queue's own URL
	}
	converted, err := formToJSON(form)
	if err != nil {
		return err
	}
	req.body = converted
	return nil
}

func unknownOperation(name string) *apiError {
	return refuse("UnknownOperationException", "The sandbox has no operation %s", name)
}

func invalidAction(name string) *apiError {
	return refuse("InvalidAction", "The action %s is not valid for this endpoint: the sandbox has no such operation", name)
}

// clip shortens what a caller sent, for use in messages.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return strings.ToValidUTF8(s, "?")
	}
	return strings.ToValidUTF8(s[:most], "?") + "..."
}

// readBody reads the body, unpacked, up to requestBytesMax.
func readBody(r *http.Request) ([]byte, *apiError) {
	if r.Body == nil {
		return nil, nil
	}
	var from io.Reader = r.Body
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity", "aws-chunked":
	case "gzip":
		unpacked, err := gzip.NewReader(io.LimitReader(r.Body, requestBytesMax))
		if err != nil {
			return nil, refuse("SerializationException", "The body is not gzip: %s", clip(err.Error()))
		}
		from = unpacked
	default:
		return nil, refuse("SerializationException", "The content encoding %s is not known", clip(encoding))
	}
	var body bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= requestBytesMax {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(from, requestBytesMax+1)); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, refuse("SerializationException", "The body ended early")
		}
		return nil, refuse("SerializationException", "The body cannot be read: %s", clip(err.Error()))
	}
	if body.Len() > requestBytesMax {
		return nil, &apiError{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: "The request is larger than 4 MiB"}
	}
	return body.Bytes(), nil
}
