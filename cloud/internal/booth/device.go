package booth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"net/http"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/platform/web"
)

// Limits of a photo.
const (
	MaxPhoto  = 2 << 20    // bytes
	maxPixels = 40_000_000 // a reader of the picture must not be made to unfold a bomb
)

var (
	errStranger  = fault.New(fault.Unauthenticated, "device.stranger", "需要岗亭证书", "a booth's certificate is required")
	errWithdrawn = fault.New(fault.Denied, "device.withdrawn", "岗亭证书已被收回", "the booth's certificate was withdrawn")
	errPhotoName = fault.New(fault.Invalid, "photo.name", "图片与其 SHA-256 不符", "the photo is not what its SHA-256 says")
	errPhotoBig  = fault.New(fault.Invalid, "photo.too_big", "图片过大", "the photo is too big")
	errPhotoKind = fault.New(fault.Invalid, "photo.not_jpeg", "只接受 JPEG 图片", "only JPEG photos are taken")
)

// DevicePath is where booths find their routes, under the address of the device listener.
const DevicePath = "/api/v1/device"

// devices adds what booths call with their certificates.
func (s *Service) devices(api *web.API) {
	api.Raw(web.Route{
		Access: web.Access{Booth: true}, Method: http.MethodPut, Path: DevicePath + "/photos/:sha256", MaxBody: MaxPhoto + 1,
		Summary: "A booth leaves a JPEG under its SHA-256. 岗亭上传图片",
	}, s.device(s.putPhoto))
	api.Raw(web.Route{
		Access: web.Access{Booth: true}, Method: http.MethodGet, Path: DevicePath + "/config",
		Summary: "A booth reads its lot's signed configuration. 岗亭读取配置",
	}, s.device(s.getConfig))
}

func (s *Service) device(h func(http.ResponseWriter, *http.Request, pki.Identity) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.caller(r)
		if err == nil {
			err = h(w, r, who)
		}
		if err != nil {
			web.WriteProblem(w, r, err)
			if fault.KindOf(err) == fault.Internal {
				s.o.Log.ErrorContext(r.Context(), "device request", "lot", who.Lot, "booth", who.Booth, "err", err)
			}
		}
	})
}

func (s *Service) caller(r *http.Request) (pki.Identity, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return pki.Identity{}, errStranger
	}
	cert := r.TLS.PeerCertificates[0]
	who, err := pki.Identify(cert)
	if err != nil || who.Cloud {
		return pki.Identity{}, errStranger.Wrap(err)
	}
	gone, err := s.store.withdrawn(r.Context(), sha256.Sum256(cert.Raw))
	if err != nil {
		return pki.Identity{}, err
	}
	ok, err := s.store.admits(r.Context(), who.Lot, string(who.Booth))
	if err != nil {
		return pki.Identity{}, err
	}
	if gone || !ok {
		return pki.Identity{}, errWithdrawn
	}
	return who, nil
}

func (s *Service) putPhoto(w http.ResponseWriter, r *http.Request, who pki.Identity) error {
	want, err := hex.DecodeString(r.PathValue("sha256"))
	if err != nil || len(want) != sha256.Size {
		return errPhotoName
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPhoto))
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return errPhotoBig
	}
	if err != nil {
		return fault.New(fault.Invalid, "photo.cut", "图片未传完", "the photo did not arrive whole").Wrap(err)
	}
	hash := sha256.Sum256(body)
	if !bytes.Equal(hash[:], want) {
		return errPhotoName
	}
	picture, err := jpeg.DecodeConfig(bytes.NewReader(body))
	if err != nil || picture.Width*picture.Height > maxPixels {
		return errPhotoKind.Wrap(err)
	}
	if _, err := s.o.Photos.Put(r.Context(), bytes.NewReader(body)); err != nil {
		return err
	}
	if err := s.store.putPhoto(r.Context(), who.Lot, string(who.Booth), hash, len(body), s.o.Now().UTC()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) getConfig(w http.ResponseWriter, r *http.Request, who pki.Identity) error {
	signed, err := s.o.Lots.Signed(r.Context(), scope.System("device config"), who.Lot)
	if err != nil {
		return err
	}
	text, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the booth is gone: it asks again
	return nil
}
