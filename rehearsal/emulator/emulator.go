// Package emulator is an AWS account on loopback: moto for most services, and before it a front of this project's own
// that answers all of EKS, the names of EKS's machine images in SSM, and how long AWS takes. The front checks every
// request's signature and permissions before anything is done.
//
// What it does not show: quotas, eventual consistency, prices, and instances that boot. An update of a node group's
// version changes the group and its launch template; running instances are not replaced.
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

// Config says where the emulator keeps its files and how it behaves.
type Config struct {
	Dir        string // logs; the caller removes it
	MotoServer string // path of moto_server of MotoVersion, see EnsureMoto
	Region     string
	Times      Times     // how long operations take; zero: at once
	Log        io.Writer // a line for each thing that goes wrong inside; nil: nobody
}

// Times are how long AWS takes from a request to the state that the caller waits for.
type Times struct {
	Cluster, ClusterUpdate, ClusterDelete       time.Duration
	NodeGroup, NodeGroupUpdate, NodeGroupDelete time.Duration
	Addon, AddonDelete                          time.Duration // add-ons that are Deployments wait for a node besides
	AccessEntry                                 time.Duration // from CreateAccessEntry until a token of the principal is taken
	NAT                                         time.Duration // a NAT gateway is pending until then
}

// AWS is a running emulator.
type AWS struct {
	cfg      Config
	moto     *moto
	server   *http.Server
	served   sync.WaitGroup
	url      string
	account  string
	root     *key // the emulator's own user, for what AWS does on its own behalf
	deployer *key
	clients  *clients
	keys     *keys
	journal  journal
	policies policyCache
	eks      *eksState
	nats     natTimes
	baseline map[string]bool // what moto has from the start

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

// Start starts moto and the front on free ports of loopback, and makes the user "deployer", who may do everything. From
// then on permissions are enforced. Everything ends with Stop or with ctx.
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
	a := &AWS{cfg: cfg, moto: m, keys: newKeys(), eks: newEKSState()}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	if err := a.begin(ctx); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	go func() {
		select {
		case <-ctx.Done():
			_ = a.Stop() // whoever calls Stop gets its error
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
		return fmt.Errorf("listing what moto begins with: %w", err)
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

// Stop ends what Start started. It may be called more than once.
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

// URL is the front's address, for AWS_ENDPOINT_URL.
func (a *AWS) URL() string { return a.url }

// AdminARN is the ARN of the user "deployer".
func (a *AWS) AdminARN() string { return a.deployer.ARN }

// WebhookURL is where an API server has tokens reviewed (authentication.k8s.io/v1), as EKS's does by its authenticator.
func (a *AWS) WebhookURL() string { return a.url + webhookPath }

// CredentialsURL stands in for the EKS Pod Identity agent: GET with a service account's token, of the audience
// pods.eks.amazonaws.com, as the header Authorization gives credentials of the role associated with that account.
func (a *AWS) CredentialsURL() string { return a.url + credentialsPath }

// SetControlPlane is what DescribeCluster gives as a cluster's endpoint and CA (PEM).
func (a *AWS) SetControlPlane(endpoint string, ca []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endpoint, a.ca = endpoint, ca
}

// SetKubernetes gives the client by which service accounts' tokens are reviewed. It must be allowed to create
// TokenReviews.
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
