package enroll

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"lotkeeper/shared/wire"
)

// Request is what a booth asks of the cloud: POST {cloud}/api/v1/enroll.
type Request struct {
	Code string `json:"code"` // one-time
	CSR  string `json:"csr"`  // PEM
}

// Response is what the cloud answers.
type Response struct {
	Lot         string      `json:"lot"`
	Booth       string      `json:"booth"`
	Certificate string      `json:"certificate"` // PEM
	CA          string      `json:"ca"`          // PEM
	ConfigKey   []byte      `json:"config_key"`  // Ed25519, base64
	Broker      string      `json:"broker"`
	DeviceURL   string      `json:"device_url"`
	Config      wire.Signed `json:"config"`
	Replaces    bool        `json:"replaces,omitempty"` // another box was this booth; its certificates were withdrawn
}

// maxAnswer bounds an enrolment answer, in bytes.
const maxAnswer = wire.MaxMessage

// Way is how a box gets its identity: [Enroll] or [Replace].
type Way func(ctx context.Context, client *http.Client, cloud, code, data string) (*Identity, error)

// Enroll trades a one-time code for an identity and saves it in the data folder. A booth that is enrolled already keeps
// its key, since its facts are signed with it, and must stay the same booth. client may be nil.
func Enroll(ctx context.Context, client *http.Client, cloud, code, data string) (*Identity, error) {
	return enroll(ctx, client, cloud, code, data, false)
}

// Replace is Enroll for a box that takes the place of another one of the booth. Its data folder must be new: the other's
// key and journal stay with the other box.
func Replace(ctx context.Context, client *http.Client, cloud, code, data string) (*Identity, error) {
	return enroll(ctx, client, cloud, code, data, true)
}

func enroll(ctx context.Context, client *http.Client, cloud, code, data string, replace bool) (*Identity, error) {
	if client == nil {
		client = http.DefaultClient
	}
	old, err := Load(data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("enroll: what is there must be looked at first: %w", err)
	}
	if old != nil && replace {
		return nil, fmt.Errorf("enroll: this data folder is a box of booth %s already; a box in another's place begins with an empty one", old.Booth)
	}
	var key ed25519.PrivateKey
	if old != nil {
		key = old.Key
	} else if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("enroll: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "lotkeeper booth"},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("enroll: %w", err)
	}
	res, err := ask(ctx, client, cloud, Request{code, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))})
	if err != nil {
		return nil, fmt.Errorf("enroll: %w", err)
	}
	id, err := New(key, res)
	if err != nil {
		return nil, fmt.Errorf("enroll: the cloud's answer: %w", err)
	}
	if old != nil && (old.Lot != id.Lot || old.Booth != id.Booth) {
		return nil, fmt.Errorf("enroll: this data folder is booth %s of lot %s, the code is for booth %s of lot %s", old.Booth, old.Lot, id.Booth, id.Lot)
	}
	id.Replacement = id.Replacement || replace || old != nil && old.Replacement
	if err := id.Save(data); err != nil {
		return nil, fmt.Errorf("enroll: %w", err)
	}
	return id, nil
}

func ask(ctx context.Context, client *http.Client, cloud string, r Request) (Response, error) {
	to, err := url.JoinPath(cloud, "/api/v1/enroll")
	if err != nil {
		return Response{}, fmt.Errorf("cloud %.80q: %w", cloud, err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Response{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer res.Body.Close() // read to its end
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return Response{}, fmt.Errorf("read the cloud's answer: %w", err)
	}
	if len(answer) > maxAnswer {
		return Response{}, wire.ErrTooLarge
	}
	if res.StatusCode/100 != 2 {
		return Response{}, fmt.Errorf("the cloud says %s: %s", res.Status, problem(answer))
	}
	return ParseResponse(answer)
}

// ParseResponse reads the cloud's answer to an enrolment.
func ParseResponse(b []byte) (Response, error) {
	var out Response
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("the cloud's answer cannot be read: %w", err)
	}
	return out, nil
}

// problem takes the text out of a problem+json, or cuts what came short.
func problem(b []byte) string {
	var p struct {
		Title    string `json:"title"`
		Detail   string `json:"detail"`
		DetailZH string `json:"detail_zh"`
	}
	if json.Unmarshal(b, &p) == nil && p.Title+p.Detail != "" {
		text := p.Title
		if p.Detail != "" {
			text = p.Detail
		}
		if p.DetailZH != "" {
			text += " / " + p.DetailZH
		}
		return text
	}
	return string(b[:min(len(b), 200)])
}
