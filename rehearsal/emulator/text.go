package emulator

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"fmt"
)

// newUUID is a random identifier in the form that AWS uses for requests, updates and parts of names.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // its documentation says that it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // writing to a buffer never fails
	return b.String()
}

// mustJSON is the JSON of a value of this package. All of them have one.
func mustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
