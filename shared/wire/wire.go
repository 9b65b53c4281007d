// Package wire holds what booths and the cloud say to each other: topics, messages, and their encoding.
//
// Messages are JSON, gzipped when that is shorter. A newer release may add fields, so unknown fields are passed over;
// fields are never renamed, retyped or dropped, and the samples in testdata/v1 decode for ever. The JSON Schemas in
// schema/ are generated from these types.
package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxMessage bounds a decoded message, in bytes.
const MaxMessage = 4 << 20

// ErrTooLarge says that a message is larger than [MaxMessage].
var ErrTooLarge = errors.New("message is too large")

const worthZipping = 512

// Encode writes a message.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	if len(b) < worthZipping {
		return b, nil
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		return nil, fmt.Errorf("compress %T: %w", v, err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress %T: %w", v, err)
	}
	return out.Bytes(), nil
}

// Decode reads a message into T.
func Decode[T any](b []byte) (T, error) {
	var v T
	if len(b) > MaxMessage {
		return v, ErrTooLarge
	}
	if len(b) > 1 && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return v, fmt.Errorf("decompress %T: %w", v, err)
		}
		if b, err = io.ReadAll(io.LimitReader(z, MaxMessage+1)); err != nil {
			return v, fmt.Errorf("decompress %T: %w", v, err)
		}
		if len(b) > MaxMessage {
			return v, ErrTooLarge
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}
