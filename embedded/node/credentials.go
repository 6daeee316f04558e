package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// certificateLifetime is how long a node's credentials are valid. A start of the node makes new ones.
const certificateLifetime = 365 * 24 * time.Hour

// identity is a user of the API server.
type identity struct {
	kubeconfig, user string
	groups           []string
}

// writeKubeconfigs writes a kubeconfig for each of the node's identities, with a client certificate that the control plane's
// authority signs.
func (c Config) writeKubeconfigs() error {
	authority, err := tls.LoadX509KeyPair(c.CA, c.CAKey)
	if err != nil {
		return fmt.Errorf("reading the control plane's certificate authority: %w", err)
	}
	for _, id := range c.identities() {
		certificate, key, err := sign(authority, id)
		if err != nil {
			return err
		}
		kubeconfig := clientcmdapi.NewConfig()
		kubeconfig.Clusters["cluster"] = &clientcmdapi.Cluster{Server: fmt.Sprintf("https://%s:%d", NetworkAddress, APIPort), CertificateAuthority: c.CA}
		kubeconfig.AuthInfos["user"] = &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
		kubeconfig.Contexts["context"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: "user"}
		kubeconfig.CurrentContext = "context"
		if err := clientcmd.WriteToFile(*kubeconfig, c.file(id.kubeconfig+".kubeconfig")); err != nil {
			return err
		}
	}
	return nil
}

func sign(authority tls.Certificate, id identity) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.user, Organization: id.groups},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(certificateLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, private.Public(), authority.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}
