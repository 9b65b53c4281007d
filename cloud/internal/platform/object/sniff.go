package object

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// sniff knows a picture by its first bytes; "" is anything else.
func sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xD8, 0xFF}):
		return "image/jpeg"
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	}
	return ""
}

func randomName() string {
	var b [12]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("object: no randomness: %v", err)) // cannot happen since Go 1.24
	}
	return hex.EncodeToString(b[:])
}
