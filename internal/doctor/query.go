package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Reads of services whose clients would make the program some megabytes larger are written out by hand here, in
// AWS's query protocol, and in JSON where a service has no other.
const (
	versionELB        = "2015-12-01"
	versionEC2        = "2016-11-15"
	versionCloudWatch = "2010-08-01"
	// answerMax bounds what is read of an answer, in bytes.
	answerMax = 4 << 20
)

// deregistrationDelay returns for how long a target group keeps sending to a target that is being stopped.
func deregistrationDelay(ctx context.Context, cfg aws.Config, arn string) (time.Duration, error) {
	var out struct {
		Attributes []struct {
			Key   string
			Value string
		} `xml:"DescribeTargetGroupAttributesResult>Attributes>member"`
	}
	if err := query(ctx, cfg, "elasticloadbalancing", url.Values{"Action": {"DescribeTargetGroupAttributes"}, "Version": {versionELB},
		"TargetGroupArn": {arn}}, &out); err != nil {
		return 0, err
	}
	for _, a := range out.Attributes {
		if a.Key == "deregistration_delay.timeout_seconds" {
			return time.Duration(number(a.Value)) * time.Second, nil
		}
	}
	return 0, missing("deregistration_delay.timeout_seconds")
}

// describeSubnets returns the zones of subnets and their free addresses.
func describeSubnets(ctx context.Context, cfg aws.Config, ids []string) ([]subnet, error) {
	form := url.Values{"Action": {"DescribeSubnets"}, "Version": {versionEC2}}
	for i, id := range ids {
		form.Set("SubnetId."+strconv.Itoa(i+1), id)
	}
	var out struct {
		Subnets []struct {
			ID   string `xml:"subnetId"`
			Zone string `xml:"availabilityZone"`
			Free int    `xml:"availableIpAddressCount"`
		} `xml:"subnetSet>item"`
	}
	if err := query(ctx, cfg, "ec2", form, &out); err != nil {
		return nil, err
	}
	var all []subnet
	for _, s := range out.Subnets {
		all = append(all, subnet{s.ID, s.Zone, s.Free})
	}
	return all, nil
}

// query makes one signed call in the query protocol and reads the XML of its answer.
func query(ctx context.Context, cfg aws.Config, service string, form url.Values, out any) error {
	text, status, err := signed(ctx, cfg, service, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return refusal(text, status)
	}
	if err := xml.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// callJSON makes one signed call in the JSON protocol.
func callJSON(ctx context.Context, cfg aws.Config, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	text, status, err := signed(ctx, cfg, service, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		var e struct {
			Code    string `json:"__type"`
			Message string
		}
		if json.Unmarshal(text, &e) != nil || e.Code == "" {
			return fmt.Errorf("%w (status %d)", errNotOffered, status)
		}
		return &smithy.GenericAPIError{Code: e.Code[strings.LastIndexByte(e.Code, '#')+1:], Message: e.Message}
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// signed posts a body, signed for a service, and returns the answer and its status.
func signed(ctx context.Context, cfg aws.Config, service string, header http.Header, body []byte) ([]byte, int, error) {
	base := "https://" + service + "." + cfg.Region + ".amazonaws.com"
	if custom := aws.ToString(cfg.BaseEndpoint); custom != "" {
		base = custom
	}
	if cfg.Credentials == nil {
		return nil, 0, fmt.Errorf("no credentials are configured")
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	r.Header = header
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, cfg.Region, time.Now()); err != nil {
		return nil, 0, fmt.Errorf("sign request: %w", err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	if err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	return text, answer.StatusCode, nil
}

// refusal reads AWS's error out of an answer: Elastic Load Balancing's form or EC2's.
func refusal(text []byte, status int) error {
	var e struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
		EC2Code string `xml:"Errors>Error>Code"`
		EC2Text string `xml:"Errors>Error>Message"`
	}
	if xml.Unmarshal(text, &e) != nil || e.Code+e.EC2Code == "" {
		return fmt.Errorf("%w (status %d)", errNotOffered, status)
	}
	return &smithy.GenericAPIError{Code: e.Code + e.EC2Code, Message: e.Message + e.EC2Text}
}
