package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Reads of services whose clients would make the program some megabytes larger are written out by hand here, in
// AWS's query protocol.
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

// query makes one signed call and reads the XML of its answer.
func query(ctx context.Context, cfg aws.Config, service string, form url.Values, out any) error {
	base := "https://" + service + "." + cfg.Region + ".amazonaws.com"
	if custom := aws.ToString(cfg.BaseEndpoint); custom != "" {
		base = custom
	}
	if cfg.Credentials == nil {
		return fmt.Errorf("no credentials are configured")
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	body := []byte(form.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, cfg.Region, time.Now()); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return refusal(text, answer.StatusCode)
	}
	if err := xml.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
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
