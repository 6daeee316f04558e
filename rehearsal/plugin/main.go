// Command plugin is a proxy between Pulumi and a substitute of its AWS plugin, for rehearsals on machines that cannot download
// the real one. The substitute passes the provider's settings to HashiCorp's provider, which expects default tags as a list of
// one element. The proxy makes that list and passes everything else on unchanged. It starts the plugin in REAL_PLUGIN.
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

// maxMessage is the maximum size of a message in bytes. A schema has tens of MB.
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
	// The kernel ends the plugin when this process ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the plugin in REAL_PLUGIN: %w", err)
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

// frames is a codec that does not decode messages.
type frames struct{}

func (frames) Name() string                  { return "proto" }
func (frames) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (frames) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// pass passes a call to the plugin. All calls of a resource provider have one request and one answer.
func pass(plugin *grpc.ClientConn, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request, response []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	if method == pulumirpc.ResourceProvider_Configure_FullMethodName {
		var err error
		if request, err = withTagList(request); err != nil {
			return err
		}
	}
	if err := plugin.Invoke(context.WithoutCancel(stream.Context()), method, &request, &response); err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

// withTagList turns the default tags of a Configure request into a list of one element.
func withTagList(request []byte) ([]byte, error) {
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
