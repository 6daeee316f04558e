// Command pack brings the project's policies to Pulumi's engine. The engine starts it under the name
// pulumi-analyzer-policy-prebuilt, sends it every resource before it is made and all of them at the end, and refuses what
// breaks a rule.
//
// It serves the engine's analyzer protocol with the SDK's own server (sdk/go/common/resource/plugin) and not with policyx,
// which is built on the same and, as of v3.230.0, keeps three things back: the resource's options (whether it is protected),
// its provider (the default tags) and all resources together (the budget).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// engineTimeout is how long an engine that does not answer any more is waited for.
const engineTimeout = time.Minute

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "policies:", err)
		os.Exit(1)
	}
}

// serve answers the engine until that ends.
func serve() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan bool)
	go func() {
		<-ctx.Done()
		close(stop)
	}()
	rules := newAnalyzer(time.Now)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterAnalyzerServer(s, &server{plugin.NewAnalyzerServer(rules), rules, cancel, func(engine string) error {
				return rpcutil.Healthcheck(ctx, engine, engineTimeout, cancel)
			}})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port) // the engine reads it
	return <-handle.Done
}

// server is the SDK's, and does what that leaves out: it ends with the engine, and learns which stack this is.
type server struct {
	pulumirpc.AnalyzerServer
	rules *analyzer
	end   func()                    // ends the serving
	watch func(engine string) error // ends it when the engine at an address is gone
}

func (s *server) Handshake(_ context.Context, req *pulumirpc.AnalyzerHandshakeRequest) (*pulumirpc.AnalyzerHandshakeResponse, error) {
	return &pulumirpc.AnalyzerHandshakeResponse{}, s.watch(req.GetEngineAddress())
}

func (s *server) ConfigureStack(_ context.Context, req *pulumirpc.AnalyzerStackConfigureRequest) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	err := s.rules.configure(req.GetStack(), req.GetConfig())
	if err != nil {
		s.end() // an engine that gets an error here forgets that it started this
	}
	return &pulumirpc.AnalyzerStackConfigureResponse{}, err
}
