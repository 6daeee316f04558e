package preflight

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// resolveOnly makes this process's resolver find only the given names, at 127.0.0.1.
func resolveOnly(t *testing.T, known ...string) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			server.WriteTo(answerTo(query[:n], known), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		server.Close()
	})
}

// answerTo returns the answer to a DNS query (RFC 1035, section 4).
func answerTo(query []byte, known []string) []byte {
	const header, typeA = 12, 1
	var labels []string
	at := header
	for query[at] != 0 {
		size := int(query[at])
		labels = append(labels, string(query[at+1:at+1+size]))
		at += 1 + size
	}
	question := query[header : at+5]
	name, kind := strings.Join(labels, "."), binary.BigEndian.Uint16(query[at+1:])
	found, answers := slices.Contains(known, name), 0
	if found && kind == typeA {
		answers = 1
	}
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, byte(answers), 0, 0, 0, 0}, question...)
	if !found {
		answer[3] |= 3 // NXDOMAIN: there is no such name
	}
	if answers == 1 {
		answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
	}
	return answer
}

func TestAMissingRegionHasAnotherErrorThanAMissingNetwork(t *testing.T) {
	setAccessKey(t)
	for _, c := range []struct {
		name  string
		known []string
		want  []string
	}{
		{"no such region", []string{globalSTSHost}, []string{"DNS has sts.amazonaws.com, but not sts.eu-west-9.amazonaws.com", "AWS has no region eu-west-9; correct aws:region"}},
		{"no network", nil, []string{"sts.eu-west-9.amazonaws.com cannot be found", "check the network"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			resolveOnly(t, c.known...)
			err := within(t, 5*time.Second, func() error { return accountError(t, "eu-west-9") })
			wantError(t, err, append(c.want, "region eu-west-9)")...)
		})
	}
}

func TestTheErrorOfAMissingEndpointDoesNotBlameTheRegion(t *testing.T) {
	setAccessKey(t)
	resolveOnly(t, globalSTSHost)
	t.Setenv("AWS_ENDPOINT_URL", "http://sts."+region+".emulator.example")
	wantError(t, accountError(t, region), "sts.eu-central-1.emulator.example cannot be found: check the network")
}

// A session has a region of its own.
func TestTheErrorOfAMissingSessionHostDoesNotBlameTheRegion(t *testing.T) {
	setEmptyHome(t)
	setConfigFile(t, "staging", strings.ReplaceAll(ssoLegacy, "sso_region = "+region, "sso_region = eu-west-9"))
	writeSSOSession(t, "https://company.example/start", "2099-01-01T00:00:00Z")
	resolveOnly(t, globalSTSHost)
	wantError(t, accountError(t, region), "portal.sso.eu-west-9.amazonaws.com cannot be found: check the network")
}

func TestAResolverWithoutAnswerIsAnErrorWithinTheTimeout(t *testing.T) {
	setAccessKey(t)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("no answer")
	}}
	const timeout = 200 * time.Millisecond
	err := within(t, timeout+time.Second, func() error { return accountError(t, region, timeout) })
	wantError(t, err, "check the network")
}
