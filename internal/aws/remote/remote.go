// Package remote reads a parameter of AWS Systems Manager or an object of S3: a configuration, or a secret.
//
// It signs these two requests itself instead of linking two more clients of the SDK, which would make every cold
// start of the function some milliseconds slower and its binary two megabytes larger. It writes nothing.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// bodyMax bounds what is read, in bytes: a configuration has at most 1 MiB.
	bodyMax = 2 << 20
	// callTimeout bounds one try, triesMax the tries; triesWait is what passes before the second, and doubles: Systems
	// Manager's throttling, which all functions of an account share, is over in a second or two.
	callTimeout = 5 * time.Second
	triesMax    = 5
	triesWait   = 200 * time.Millisecond
)

// Parameter returns the value of a parameter, decrypted.
func Parameter(ctx context.Context, cfg aws.Config, name string) (string, error) {
	in, err := json.Marshal(map[string]any{"Name": name, "WithDecryption": true})
	if err != nil {
		return "", fmt.Errorf("read parameter %s: %w", name, err)
	}
	body, err := try(ctx, func(ctx context.Context) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint(cfg, "ssm")+"/", bytes.NewReader(in))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
		return send(cfg, r, "ssm", in)
	})
	if err != nil {
		return "", failure.Wrap("ssm:GetParameter", "read parameter "+name, err)
	}
	var out struct{ Parameter struct{ Value string } }
	if err := json.Unmarshal(body, &out); err != nil {
		return "", fmt.Errorf("read parameter %s: %w", name, err)
	}
	return out.Parameter.Value, nil
}

// Object returns an object of S3. The bucket must be in cfg's region.
func Object(ctx context.Context, cfg aws.Config, bucket, key string) ([]byte, error) {
	body, err := try(ctx, func(ctx context.Context) ([]byte, error) {
		base, err := url.Parse(endpoint(cfg, "s3"))
		if err != nil {
			return nil, err
		}
		path := "/" + key
		if custom("s3", cfg) != "" || strings.Contains(bucket, ".") { // a certificate does not cover a name with dots
			path = "/" + bucket + path
		} else {
			base.Host = bucket + "." + base.Host
		}
		base.Path, base.RawPath = path, escape(path)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
		if err != nil {
			return nil, err
		}
		return send(cfg, r, "s3", nil)
	})
	return body, failure.Wrap("s3:GetObject", "read s3://"+bucket+"/"+key, err)
}

// custom returns the endpoint that the SDK's own configuration names in place of AWS's, or "".
func custom(service string, cfg aws.Config) string {
	return strings.TrimSuffix(cmp.Or(os.Getenv("AWS_ENDPOINT_URL_"+strings.ToUpper(service)), aws.ToString(cfg.BaseEndpoint)), "/")
}

func endpoint(cfg aws.Config, service string) string {
	if url := custom(service, cfg); url != "" {
		return url
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		suffix += ".cn"
	}
	return "https://" + service + "." + cfg.Region + "." + suffix
}

// escape escapes a path as S3 signs it.
func escape(path string) string {
	part := strings.Split(path, "/")
	for i := range part {
		part[i] = strings.ReplaceAll(url.QueryEscape(part[i]), "+", "%20")
	}
	return strings.Join(part, "/")
}

// try calls until it is answered with something else than a passing error.
func try(ctx context.Context, call func(context.Context) ([]byte, error)) (body []byte, err error) {
	for i := range triesMax {
		if i > 0 {
			wait := triesWait << (i - 1)
			timer := time.NewTimer(wait/2 + rand.N(wait))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, errors.Join(err, ctx.Err())
			}
		}
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		body, err = call(callCtx)
		cancel()
		var final *answerError
		if err == nil || errors.As(err, &final) {
			return body, err
		}
	}
	return nil, err
}

// answerError is AWS's own error, which a second try would meet again.
type answerError struct{ smithy.GenericAPIError }

func send(cfg aws.Config, r *http.Request, service string, body []byte) ([]byte, error) {
	if cfg.Credentials == nil {
		return nil, fmt.Errorf("no credentials are configured")
	}
	credentials, err := cfg.Credentials.Retrieve(r.Context())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(r.Context(), credentials, r, hash, service, cfg.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	out, err := io.ReadAll(io.LimitReader(answer.Body, bodyMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(out) > bodyMax:
		return nil, fmt.Errorf("read answer: it has more than %d bytes", bodyMax)
	case answer.StatusCode == http.StatusOK:
		return out, nil
	case answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%s answers with status %d", service, answer.StatusCode)
	}
	refused := refusal(out, answer.StatusCode)
	switch failure.Kind(&refused) {
	case failover.ErrThrottled, failover.ErrTimeout: // as a status of 400
		return nil, &refused
	}
	return nil, &answerError{refused}
}

// refusal reads AWS's error out of an answer: JSON from Systems Manager, XML from S3.
func refusal(body []byte, status int) smithy.GenericAPIError {
	var e struct {
		Type    string `json:"__type" xml:"-"`
		Code    string `json:"-" xml:"Code"`
		Message string `json:"message" xml:"Message"`
	}
	if json.Unmarshal(body, &e) != nil {
		_ = xml.Unmarshal(body, &e) // neither: the status says enough
	}
	code := cmp.Or(e.Type[strings.LastIndexByte(e.Type, '#')+1:], e.Code, fmt.Sprintf("Status%d", status))
	return smithy.GenericAPIError{Code: code, Message: cmp.Or(e.Message, "no message")}
}
