package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	Text   string
}

func (e *StatusError) Error() string { return e.Text }

// API is a signed-in user's way to the cloud.
type API struct {
	base  string
	http  *http.Client
	token string // at a booth's console
}

// SignIn signs a user of the rig in.
func (r *Rig) SignIn(ctx context.Context, name string) (*API, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	a := &API{base: r.CloudURL, http: &http.Client{Jar: jar, Timeout: 15 * time.Second}}
	return a, a.Call(ctx, http.MethodPost, "/api/v1/sign-in", object{"name": name, "password": Password}, nil)
}

// Call sends JSON and reads JSON. Anything but 2xx is an error with the server's words.
func (a *API) Call(ctx context.Context, method, path string, in, out any) error {
	return a.CallAs(ctx, fmt.Sprintf("rig-%d", time.Now().UnixNano()), method, path, in, out)
}

// CallAs is Call with an Idempotency-Key of the caller's.
func (a *API) CallAs(ctx context.Context, key, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, &body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if resp.StatusCode >= 300 {
		return &StatusError{resp.StatusCode, fmt.Sprintf("%s %s answers %s: %s", method, path, resp.Status, bytes.TrimSpace(text.Bytes()))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text.Bytes(), out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// SimCall speaks to the simulator's control API.
func (r *Rig) SimCall(ctx context.Context, method, path string, in, out any) error {
	return (&API{base: r.SimURL, http: &http.Client{Timeout: 10 * time.Second}}).Call(ctx, method, path, in, out)
}

// PayCall speaks to the payment double's control API.
func (r *Rig) PayCall(ctx context.Context, path string, in any) error {
	return (&API{base: r.PayURL, http: &http.Client{Timeout: 10 * time.Second}}).Call(ctx, http.MethodPost, path, in, nil)
}
