package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"lotkeeper/edge/internal/photo"
)

// errUnwanted says that the cloud will never take a picture.
var errUnwanted = errors.New("the cloud refuses the picture")

// busyFacts is from how many waiting facts on pictures stand aside: money first, pictures last.
const busyFacts = batchRecords

// sendPhotos sends the queued pictures one by one until ctx ends. It needs the network, not the broker.
func (u *Uplink) sendPhotos(ctx context.Context) {
	transport := &http.Transport{TLSClientConfig: u.o.TLS.Clone(), MaxConnsPerHost: 1, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	wait := time.Duration(0)
	for {
		name, ok := u.o.Photos.Next()
		if !ok {
			select {
			case <-u.o.Photos.Queued():
				continue
			case <-ctx.Done():
				return
			}
		}
		err := errors.New("facts go first")
		if u.Status().Waiting < busyFacts {
			err = u.sendPhoto(ctx, client, name)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			u.o.Photos.Sent(name)
			wait = 0
			continue
		case errors.Is(err, photo.ErrTorn), errors.Is(err, fs.ErrNotExist), errors.Is(err, errUnwanted):
			u.o.Log.Warn("picture dropped", "photo", name, "err", err)
			u.o.Photos.Drop(name)
			continue
		}
		if wait == 0 {
			u.o.Log.Info("pictures wait", "err", err)
		}
		wait = min(max(2*wait, 100*time.Millisecond), u.o.Pace.Photo)
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (u *Uplink) sendPhoto(ctx context.Context, client *http.Client, name string) error {
	body, err := u.o.Photos.Read(name)
	if err != nil {
		return err
	}
	to, err := url.JoinPath(u.o.DeviceURL, "photos", name)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "image/jpeg")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send picture: %w", err)
	}
	defer res.Body.Close() // nothing hangs on it
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	switch res.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %s: %.200s", errUnwanted, res.Status, answer)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("send picture: the cloud says %s: %.200s", res.Status, answer)
	}
	return nil
}
