// Package all is the table of adapters: every kind of device that a configuration can name.
package all

import (
	"encoding/json"
	"fmt"
	"strings"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/firmware-adapters/fangkong"
	"lotkeeper/firmware-adapters/modbusbarrier"
	"lotkeeper/firmware-adapters/vz"
)

// Adapters is the table. A new adapter is a new line here.
func Adapters() []driver.Adapter {
	return []driver.Adapter{
		vz.Adapter(),
		modbusbarrier.Adapter(),
		fangkong.Adapter(),
	}
}

// New makes a device of a kind from its settings document. It does no I/O.
func New(kind string, settings json.RawMessage, env driver.Env) (driver.Device, error) {
	var kinds []string
	for _, a := range Adapters() {
		if a.Kind == kind {
			d, err := a.New(settings, env)
			if err != nil {
				return nil, fmt.Errorf("device %s (%s): %w", env.Device, kind, err)
			}
			return d, nil
		}
		kinds = append(kinds, a.Kind)
	}
	return nil, fmt.Errorf("device %s: kind %q is unknown; known are %s", env.Device, kind, strings.Join(kinds, ", "))
}
