// Command pack runs the project's policies for Pulumi's engine. The engine starts it under the name
// pulumi-analyzer-policy-prebuilt, sends it every resource before it makes the resource and all resources at the end, and
// fails on mandatory violations.
//
// It serves the engine's analyzer protocol with the SDK's server (sdk/go/common/resource/plugin). Package policyx uses the
// same server but, as of v3.230.0, does not pass on a resource's options (protect), its provider (default tags) or all
// resources together (budget).
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

// engineTimeout is how long the pack waits for an engine that does not answer.
const engineTimeout = time.Minute

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "policies:", err)
		os.Exit(1)
	}
}

// serve answers the engine until the engine ends.
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

// server adds to the SDK's server: it ends when the engine ends, and it configures the stack.
type server struct {
	pulumirpc.AnalyzerServer
	rules *analyzer
	end   func()                    // ends serve
	watch func(engine string) error // ends serve when the engine at this address is gone
}

func (s *server) Handshake(_ context.Context, req *pulumirpc.AnalyzerHandshakeRequest) (*pulumirpc.AnalyzerHandshakeResponse, error) {
	return &pulumirpc.AnalyzerHandshakeResponse{}, s.watch(req.GetEngineAddress())
}

func (s *server) ConfigureStack(_ context.Context, req *pulumirpc.AnalyzerStackConfigureRequest) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	err := s.rules.configure(req.GetStack(), req.GetConfig())
	if err != nil {
		s.end() // after an error here, the engine does not stop the process
	}
	return &pulumirpc.AnalyzerStackConfigureResponse{}, err
}
