// Package emulator runs an AWS account on loopback. A server of this package, the front, receives every request and checks
// its signature and permissions. The front itself answers calls of EKS and SSM's parameters of EKS's machine images, and
// adds the times that AWS takes. It passes the other calls to moto.
//
// Quotas, eventual consistency, prices and booting instances are not emulated. An update of a node group's version changes
// the group and its launch template, but does not replace running instances.
package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
)

// Config configures an emulator.
type Config struct {
	Dir        string // for logs; the caller removes it
	MotoServer string // path of moto_server of MotoVersion, see EnsureMoto
	Region     string
	Times      Times     // durations of operations; zero means no delay
	Log        io.Writer // receives a line for each internal error; nil discards them
}

// Times are the times from a request until AWS has reached the state that the caller waits for.
type Times struct {
	Cluster, ClusterUpdate, ClusterDelete       time.Duration
	NodeGroup, NodeGroupUpdate, NodeGroupDelete time.Duration
	Addon, AddonDelete                          time.Duration // add-ons that are Deployments also wait for a node
	AccessEntry                                 time.Duration // from CreateAccessEntry until the principal's tokens are valid
	NAT                                         time.Duration // a NAT gateway is pending for this time
}

// AWS is a running emulator.
type AWS struct {
	cfg      Config
	moto     *moto
	server   *http.Server
	served   sync.WaitGroup
	url      string
	account  string
	root     *key // of the emulator's own user, for calls that AWS makes itself
	deployer *key
	clients  *clients
	keys     keys
	journal  journal
	policies policyCache
	eks      *eksState
	nats     natTimes
	baseline map[string]bool // resources that moto has at the start

	mu         sync.Mutex
	endpoint   string
	ca         []byte
	kubernetes kubernetes.Interface

	cancel   context.CancelFunc
	stopOnce sync.Once
	stopErr  error
}

const (
	webhookPath     = "/_emulator/token-review"
	credentialsPath = "/_emulator/pod-identity-credentials"
)

// Start starts moto and the front on free ports of loopback, makes the user "deployer", who has all permissions, and then
// enforces permissions. The emulator runs until Stop is called or ctx ends.
func Start(ctx context.Context, cfg Config) (*AWS, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the emulator's folder: %w", err)
	}
	m, err := startMoto(ctx, cfg.MotoServer, filepath.Join(cfg.Dir, "moto.log"))
	if err != nil {
		return nil, err
	}
	a := &AWS{cfg: cfg, moto: m, eks: newEKSState()}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	if err := a.begin(ctx); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	go func() {
		select {
		case <-ctx.Done():
			_ = a.Stop() // a later call of Stop returns the same error
		case <-background.Done():
		}
	}()
	return a, nil
}

func (a *AWS) begin(ctx context.Context) error {
	if err := a.makeUsers(ctx); err != nil {
		return err
	}
	if err := a.moto.enforce(ctx); err != nil {
		return err
	}
	present, err := a.inventory(ctx)
	if err != nil {
		return fmt.Errorf("listing moto's initial resources: %w", err)
	}
	a.baseline = map[string]bool{}
	for _, item := range present {
		a.baseline[item] = true
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on loopback: %w", err)
	}
	a.url = "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc(webhookPath, a.reviewToken)
	mux.HandleFunc(credentialsPath, a.podCredentials)
	a.server = &http.Server{Handler: a.front(mux), ReadHeaderTimeout: callTimeout}
	a.served.Go(func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.logf("the front ended: %v", err)
		}
	})
	return nil
}

// Stop ends the emulator. It may be called more than once.
func (a *AWS) Stop() error {
	a.stopOnce.Do(func() {
		a.cancel()
		a.eks.stop()
		if a.server != nil {
			a.stopErr = a.server.Close()
			a.served.Wait()
		}
		a.stopErr = errors.Join(a.stopErr, a.moto.stop())
	})
	return a.stopErr
}

// URL returns the front's address, for AWS_ENDPOINT_URL.
func (a *AWS) URL() string { return a.url }

// AdminARN returns the ARN of the user "deployer".
func (a *AWS) AdminARN() string { return a.deployer.ARN }

// WebhookURL returns the URL of a TokenReview webhook (authentication.k8s.io/v1), which does the work of EKS's authenticator.
func (a *AWS) WebhookURL() string { return a.url + webhookPath }

// CredentialsURL returns the URL that replaces the EKS Pod Identity agent. A GET with a service account's token in the header
// Authorization answers credentials of the role associated with the account. The token's audience must be
// pods.eks.amazonaws.com.
func (a *AWS) CredentialsURL() string { return a.url + credentialsPath }

// SetControlPlane sets the endpoint and the CA (PEM) that DescribeCluster returns for every cluster.
func (a *AWS) SetControlPlane(endpoint string, ca []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endpoint, a.ca = endpoint, ca
}

// SetKubernetes sets the client that reviews tokens of service accounts. It needs the permission to create TokenReviews.
func (a *AWS) SetKubernetes(client kubernetes.Interface) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kubernetes = client
}

func (a *AWS) controlPlane() (endpoint string, ca []byte, client kubernetes.Interface) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.endpoint, a.ca, a.kubernetes
}

func (a *AWS) logf(format string, args ...any) {
	fmt.Fprintf(a.cfg.Log, "emulator: "+format+"\n", args...)
}
