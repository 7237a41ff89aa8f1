package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261102/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=00"

// post sends a raw request through ServeHTTP.
func post(s *sandbox.Sandbox, body io.Reader, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost/", body)
	r.Header.Set("Authorization", signed)
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for k, v := range headers {
		if k == "Host" {
			r.Host = v
		} else if v == "" {
			r.Header.Del(k)
		} else {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// errorCode reads the code of an AWS error in JSON or XML.
func errorCode(w *httptest.ResponseRecorder) string {
	var j struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal(w.Body.Bytes(), &j) == nil {
		return j.Type[strings.LastIndexByte(j.Type, '#')+1:]
	}
	var x struct {
		Code string `xml:"Error>Code"`
	}
	_ = xml.Unmarshal(w.Body.Bytes(), &x)
	return x.Code
}

func zipped(text string) *bytes.Buffer {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return &b
}

func TestHostileRequestsGetAWSErrors(t *testing.T) {
	s := manual(t)
	form := map[string]string{"X-Amz-Target": "", "Content-Type": "application/x-www-form-urlencoded"}
	with := func(h map[string]string, k, v string) map[string]string {
		out := map[string]string{k: v}
		for a, b := range h {
			if a != k {
				out[a] = b
			}
		}
		return out
	}
	for _, c := range []struct {
		name    string
		body    string
		headers map[string]string
		status  int
		code    string
	}{
		{"works", "{}", nil, 200, ""},
		{"no body", "", nil, 200, ""},
		{"gzip", zipped("{}").String(), map[string]string{"Content-Encoding": "gzip"}, 200, ""},
		{"truncated JSON", `{"maxResults": 1`, nil, 400, "SerializationException"},
		{"not JSON", `<xml/>`, nil, 400, "SerializationException"},
		{"an array", `[1,2]`, nil, 400, "SerializationException"},
		{"wrong type", `{"maxResults": "many"}`, nil, 400, "SerializationException"},
		{"number too large", `{"maxResults": 1e99}`, nil, 400, "SerializationException"},
		{"deeply nested", strings.Repeat(`{"cluster":`, 20_000), nil, 400, "SerializationException"},
		{"huge", `{"cluster": "` + strings.Repeat("x", 5<<20) + `"}`, nil, 413, "RequestEntityTooLargeException"},
		{"gzip bomb", zipped(strings.Repeat(" ", 8<<20)).String(), map[string]string{"Content-Encoding": "gzip"}, 413, "RequestEntityTooLargeException"},
		{"not gzip", "{}", map[string]string{"Content-Encoding": "gzip"}, 400, "SerializationException"},
		{"unknown encoding", "{}", map[string]string{"Content-Encoding": "br"}, 400, "SerializationException"},
		{"wrong content type", "{}", map[string]string{"Content-Type": "text/plain"}, 404, "UnknownOperationException"},
		{"no target", "{}", map[string]string{"X-Amz-Target": ""}, 404, "UnknownOperationException"},
		{"unknown service", "{}", map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables"}, 400, "UnknownOperationException"},
		{"unknown operation", "{}", map[string]string{"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.Explode"}, 400, "UnknownOperationException"},
		{"hostile operation", "{}", map[string]string{"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.<script>"}, 400, "UnknownOperationException"},
		{"a service with paths", "{}", map[string]string{"X-Amz-Target": "", "Authorization": strings.Replace(signed, "ecs", "lambda", 1)}, 404, "UnknownOperationException"},
		{"another protocol", "{}", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 404, "UnknownOperationException"},
		{"unsigned", "{}", map[string]string{"Authorization": ""}, 403, "MissingAuthenticationTokenException"},
		{"half signed", "{}", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}, 403, "MissingAuthenticationTokenException"},
		{"no such region", "{}", map[string]string{"Authorization": strings.Replace(signed, "us-east-1", "middle-earth", 1)}, 403, "SignatureDoesNotMatch"},
		{"query without action", "Version=2012-11-05", form, 400, "MissingAction"},
		{"query of no service", "Action=ListQueues", form, 400, "InvalidAction"},
		{"query with an unknown action", "Action=Explode&Version=2012-11-05", form, 400, "InvalidAction"},
		{"malformed query", "Action=%zz", form, 400, "MalformedQueryString"},
		{"query too deep", "Action=ListQueues&Version=2012-11-05&" + strings.Repeat("a.", 50) + "b=1", form, 400, "MalformedQueryString"},
		{"query unsigned", "Action=ListQueues&Version=2012-11-05", with(form, "Authorization", ""), 403, "MissingAuthenticationToken"},
		{"query works", "Action=ListQueues&Version=2012-11-05", form, 200, ""},
	} {
		w := post(s, strings.NewReader(c.body), c.headers)
		if code := errorCode(w); w.Code != c.status || code != c.code {
			t.Errorf("%s: want %d %q, got %d %q: %.200s", c.name, c.status, c.code, w.Code, code, w.Body)
		}
		if w.Code == 400 && strings.Contains(w.Body.String(), "<script>") && w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the caller's text could be taken for a page", c.name)
		}
	}
}

// TestAServiceThatIsNotThereIsNamed asks as clients of services do that have paths instead of targets.
func TestAServiceThatIsNotThereIsNamed(t *testing.T) {
	s := manual(t)
	for service, want := range map[string]string{
		"lambda": `{"__type":"com.amazon.coral.service#UnknownOperationException","message":"The sandbox does not have the service lambda (GET /some/path)"}`,
		"s3":     `<Error><Code>UnknownOperationException</Code><Message>The sandbox does not have the service s3 (GET /some/path)</Message><RequestId>`,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/some/path", nil)
		r.Header.Set("Authorization", strings.Replace(signed, "ecs", service, 1))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: got %d %s, want 404 %s", service, w.Code, w.Body, want)
		}
	}
}

// TestATaskHasTheMembersOfTheAPI looks for one that only events have; the SDKs would not mind.
func TestATaskHasTheMembersOfTheAPI(t *testing.T) {
	s := manual(t)
	if err := s.SetupTwins("prod", "api", 1); err != nil {
		t.Fatal(err)
	}
	target := "AmazonEC2ContainerServiceV20141113."
	var list struct{ TaskArns []string }
	if err := json.Unmarshal(post(s, strings.NewReader(`{"cluster": "prod"}`), map[string]string{"X-Amz-Target": target + "ListTasks"}).Body.Bytes(), &list); err != nil || len(list.TaskArns) != 1 {
		t.Fatalf("tasks: %v, %v", list.TaskArns, err)
	}
	body := post(s, strings.NewReader(`{"cluster": "prod", "tasks": ["`+list.TaskArns[0]+`"]}`), map[string]string{"X-Amz-Target": target + "DescribeTasks"}).Body.String()
	if !strings.Contains(body, `"createdAt":`) || strings.Contains(body, `"updatedAt":`) {
		t.Errorf("want createdAt and no updatedAt: %s", body)
	}
}

func TestStrangeRegionsAndOperationsDoNotFillTheMemory(t *testing.T) {
	s := manual(t)
	refused := 0
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			w := post(s, strings.NewReader("{}"), map[string]string{"Authorization": strings.Replace(signed, "us-east-1", "x"+string(a)+"-east-"+"1", 1),
				"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.List" + string(a) + string(b)})
			if w.Code != 400 {
				t.Fatalf("unknown operation: %d", w.Code)
			}
			w = post(s, strings.NewReader("{}"), map[string]string{"Authorization": strings.Replace(signed, "us-east-1", string(a)+string(b)+"-east-1", 1)})
			if errorCode(w) == "UnrecognizedClientException" {
				refused++
			}
		}
	}
	if refused != 26*26-64 {
		t.Errorf("want 64 regions, the home region included, got %d", 26*26-refused)
	}
	if n := len(s.Calls().Counts); n > 3 {
		t.Errorf("strangers made %d counters: %v", n, s.Calls().Counts)
	}
}

func TestPagesFromElsewhereAndForeignNamesAreRefused(t *testing.T) {
	s := manual(t)
	for _, c := range []struct {
		headers map[string]string
		status  int
	}{
		{map[string]string{"Host": "localhost:4566"}, 200},
		{map[string]string{"Host": "127.0.0.1"}, 200},
		{map[string]string{"Host": "[::1]:80"}, 200},
		{map[string]string{"Host": "sandbox.localhost"}, 200},
		{map[string]string{"Origin": "http://localhost:3000"}, 200},
		{map[string]string{"Sec-Fetch-Site": "none"}, 200},
		{map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		{map[string]string{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"}, 200}, // of localhost at 127.0.0.1
		{map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403},
		{map[string]string{"Host": "evil.example"}, 403},
		{map[string]string{"Host": "127.0.0.1.evil.example"}, 403},
		{map[string]string{"Host": "0.0.0.0"}, 403},
		{map[string]string{"Host": "192.168.1.4"}, 403},
		{map[string]string{"Origin": "https://evil.example"}, 403},
		{map[string]string{"Origin": "null"}, 403},
		{map[string]string{"Origin": "http://localhost.evil.example"}, 403},
	} {
		if w := post(s, strings.NewReader("{}"), c.headers); w.Code != c.status {
			t.Errorf("%v: want %d, got %d %s", c.headers, c.status, w.Code, w.Body)
		}
	}
}

// serve runs a sandbox on a socket until the test ends.
func serve(t *testing.T, opts sandbox.Options, addr string) (*sandbox.Sandbox, string) {
	t.Helper()
	s := sandbox.New(opts)
	l, err := s.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, l.URL
}

func TestOffLoopbackTheSteeringRoutesWantTheToken(t *testing.T) {
	s := sandbox.New(sandbox.Options{})
	if _, err := s.Listen(t.Context(), "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "needs a token") {
		t.Errorf("listening everywhere without a token: %v", err)
	}
	_, url := serve(t, sandbox.Options{Token: "secret"}, "0.0.0.0:0")
	if !strings.HasPrefix(url, "http://localhost:") { // what it prints is pasted by whoever started it
		t.Errorf("listening everywhere it is at %s, want localhost", url)
	}
	for token, want := range map[string]int{"": 403, "Bearer wrong": 403, "Bearer secret": 200} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/_sandbox/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", token)
		response := must[*http.Response](t)(http.DefaultClient.Do(request))
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("token %q: want %d, got %d", token, want, response.StatusCode)
		}
	}
}

func TestALostAnswerClosesTheConnection(t *testing.T) {
	s, url := serve(t, sandbox.Options{}, "127.0.0.1:0")
	fault(t, s, sandbox.Fault{Kind: sandbox.FaultLostAnswer, Count: 1})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"clusterName": "made"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", signed)
	request.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.CreateCluster")
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, io.EOF) {
		t.Errorf("want the connection closed without an answer, got %v", err)
	}
	s.World(func(w *ecsim.World) {
		if n := len(w.ListClusters("us-east-1")); n != 1 {
			t.Errorf("the call had no effect: %d clusters", n)
		}
	})
}

func TestAServedSandboxMovesByItself(t *testing.T) {
	seen := make(chan sandbox.Delivery, 10_000)
	s, _ := serve(t, sandbox.Options{Speed: 100_000, World: ecsim.Config{Seed: 7}, OnMessage: func(d sandbox.Delivery) { seen <- d }}, "127.0.0.1:0")
	if err := s.Setup(sandbox.Twins{Cluster: "prod", Name: "api", Count: 3, Starting: true}); err != nil {
		t.Fatal(err)
	}
	select { // nobody asks for anything: the driver must queue the events when they are due
	case <-seen:
	case <-time.After(20 * time.Second):
		t.Fatal("no event in twenty seconds")
	}
}
