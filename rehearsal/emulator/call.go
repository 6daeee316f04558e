package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// call is a parsed request.
type call struct {
	service, region string // as signed
	action          string // as IAM names it
	protocol        protocol
	params          map[string]string // query parameters, or the top level of a JSON body
	requestTags     map[string]string
	body            []byte
}

// prefix is what the names of the service's actions begin with. CloudWatch signs with another name.
func (c *call) prefix() string {
	if c.service == "monitoring" {
		return "cloudwatch"
	}
	return c.service
}

// protocol is the form of a service's requests and errors.
type protocol int

const (
	queryXML protocol = iota // iam, sts, autoscaling, elasticloadbalancing
	ec2XML
	targetJSON // ecr, kms, logs, ssm: a header has the action
	restJSON   // eks, aps: the path has the action
	restOther  // S3, and services whose actions the emulator does not read
)

// readCall reads a request. scope is the scope of its signature: date/region/service/aws4_request.
func readCall(r *http.Request, scope string, body []byte) (*call, error) {
	parts := strings.Split(scope, "/")
	if len(parts) != 4 {
		return nil, fmt.Errorf("the signature's scope %q is not date/region/service/aws4_request", scope)
	}
	c := &call{region: parts[1], service: parts[2], body: body, params: map[string]string{}, requestTags: map[string]string{}}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		c.protocol = targetJSON
		c.action = target[strings.LastIndex(target, ".")+1:]
		c.readJSON()
		return c, nil
	}
	if c.service == "eks" || c.service == "aps" {
		c.protocol = restJSON
		c.readJSON()
		return c, nil
	}
	form := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		inBody, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fmt.Errorf("reading the form: %w", err)
		}
		maps.Copy(form, inBody)
	}
	if form.Get("Action") == "" {
		c.protocol = restOther
		c.readBucketCall(r)
		return c, nil
	}
	if c.protocol = queryXML; c.service == "ec2" {
		c.protocol = ec2XML
	}
	c.action = form.Get("Action")
	for name, values := range form {
		if name != "Action" && name != "Version" && !strings.HasPrefix(name, "X-Amz-") {
			c.params[name] = values[0]
		}
	}
	c.readFormTags()
	return c, nil
}

// tagKey matches a parameter with a tag's key: Tag.1.Key, Tags.member.1.Key, TagSpecification.1.Tag.1.Key.
var tagKey = regexp.MustCompile(`^((?:TagSpecification\.\d+\.)?Tags?(?:\.member)?\.\d+\.)Key$`)

func (c *call) readFormTags() {
	for name, value := range c.params {
		if m := tagKey.FindStringSubmatch(name); m != nil {
			c.requestTags[value] = c.params[m[1]+"Value"]
		}
	}
}

func (c *call) readJSON() {
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.body, &fields) != nil {
		return // the service reports the error in its answer
	}
	for name, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		c.params[name] = text
		if strings.EqualFold(name, "tags") {
			c.readJSONTags(raw)
		}
	}
}

// readJSONTags reads tags that are a map or a list of keys and values.
func (c *call) readJSONTags(raw json.RawMessage) {
	if json.Unmarshal(raw, &c.requestTags) == nil {
		return
	}
	var list []map[string]string
	if json.Unmarshal(raw, &list) != nil {
		return
	}
	for _, tag := range list {
		for _, names := range [][2]string{{"Key", "Value"}, {"TagKey", "TagValue"}, {"key", "value"}} {
			if key, there := tag[names[0]]; there {
				c.requestTags[key] = tag[names[1]]
			}
		}
	}
}

// list are the values of a numbered parameter in order: GroupId.1, GroupId.2, or ResourceArns.member.1.
func (c *call) list(name string) (values []string) {
	for i := 1; ; i++ {
		value, there := c.params[fmt.Sprintf("%s.%d", name, i)]
		if !there {
			value, there = c.params[fmt.Sprintf("%s.member.%d", name, i)]
		}
		if !there {
			return values
		}
		values = append(values, value)
	}
}

// refusal is an error answer to the caller.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// write answers with the refusal in the form of a protocol.
func (r *refusal) write(w http.ResponseWriter, p protocol) {
	var contentType, text string
	switch p {
	case ec2XML:
		contentType = "text/xml;charset=UTF-8"
		text = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			escaped(r.code), escaped(r.message), newUUID())
	case queryXML, restOther:
		contentType = "text/xml"
		text = fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
			escaped(r.code), escaped(r.message), newUUID())
	default:
		contentType = "application/json"
		w.Header().Set("X-Amzn-Errortype", r.code)
		text = mustJSON(map[string]string{"__type": r.code, "message": r.message})
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", newUUID())
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(text))
}

// accessDenied is the protocol's error for a request without permission.
func accessDenied(p protocol, message string) *refusal {
	switch p {
	case ec2XML:
		return &refusal{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. " + message}
	case queryXML, restOther:
		return &refusal{http.StatusForbidden, "AccessDenied", message}
	case targetJSON:
		return &refusal{http.StatusBadRequest, "AccessDeniedException", message}
	default:
		return &refusal{http.StatusForbidden, "AccessDeniedException", message}
	}
}

// secretParameters are not written to the journal.
var secretParameters = []string{"SecretAccessKey", "Password", "UserData", "LaunchTemplateData.UserData", "SecretString"}

// maxParam is the number of bytes of a parameter that the journal keeps. It is enough for names and ARNs.
const maxParam = 256

func (c *call) journalParams() map[string]string {
	kept := map[string]string{}
	for name, value := range c.params {
		if slices.Contains(secretParameters, name) {
			continue
		}
		if len(value) > maxParam {
			value = value[:maxParam] + "…"
		}
		kept[name] = value
	}
	return kept
}
