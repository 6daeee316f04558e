// Command plugin stands between Pulumi and a stand-in of its AWS plugin, for rehearsals on machines that cannot have the
// genuine one. That stand-in hands the provider's settings to HashiCorp's provider as they are, which takes default tags
// as a list of one; everything else passes through untouched. It starts the plugin that REAL_PLUGIN names.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxMessage is the largest message that passes, in bytes: a schema has tens of MB.
const maxMessage = 400 << 20

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "plugin:", err)
		os.Exit(1)
	}
}

func run() error {
	cmd := exec.Command(os.Getenv("REAL_PLUGIN"), os.Args[1:]...)
	cmd.Stderr = os.Stderr
	// It ends with this process, however that ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the plugin that REAL_PLUGIN names: %w", err)
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("reading the port of %s: %w", cmd.Path, err)
	}
	plugin, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(frames{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(frames{}), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return pass(plugin, stream) }))
	go func() {
		_ = cmd.Wait()
		server.Stop()
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// frames leaves messages as they are on the wire.
type frames struct{}

func (frames) Name() string                  { return "proto" }
func (frames) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (frames) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// pass hands one call on. All of a resource provider's are one message each way.
func pass(plugin *grpc.ClientConn, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request, response []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	if method == pulumirpc.ResourceProvider_Configure_FullMethodName {
		var err error
		if request, err = listed(request); err != nil {
			return err
		}
	}
	if err := plugin.Invoke(context.WithoutCancel(stream.Context()), method, &request, &response); err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

// listed makes the default tags of a Configure request a list of one.
func listed(request []byte) ([]byte, error) {
	var r pulumirpc.ConfigureRequest
	if err := proto.Unmarshal(request, &r); err != nil {
		return nil, fmt.Errorf("reading the provider's settings: %w", err)
	}
	const key = "defaultTags"
	if tags := r.GetArgs().GetFields()[key]; tags.GetStructValue() != nil {
		r.Args.Fields[key] = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{tags}})
	}
	return proto.Marshal(&r)
}
