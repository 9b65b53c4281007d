package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/cases"
)

// tariffCommand tries the booth's engine on worked cases, as lotkeeper-cloud tariff check does the cloud's: the two
// programs must come to the same cents.
type tariffCommand struct {
	Check tariffCheckCommand `cmd:"" help:"Try tariffs on a file of worked cases."`
}

type tariffCheckCommand struct {
	Tariffs string `required:"" type:"existingdir" help:"Folder with one TARIFF_ID.json for each tariff."`
	Cases   string `required:"" type:"existingfile" help:"The cases, as JSON."`
	JSON    bool   `help:"Print one JSON document instead of text."`
}

func (c *tariffCheckCommand) Run(w world) error {
	text, err := os.ReadFile(c.Cases)
	if err != nil {
		return err
	}
	file, err := cases.Decode(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Cases, err)
	}
	report := cases.Check(file, c.find)
	if c.JSON {
		if err := json.NewEncoder(w.out).Encode(report); err != nil {
			return err
		}
	} else {
		report.Write(w.out)
	}
	if !report.OK() {
		return errors.New("not every case comes out")
	}
	return nil
}

func (c *tariffCheckCommand) find(id string) (tariff.Tariff, bool, error) {
	text, err := os.ReadFile(filepath.Join(c.Tariffs, filepath.Base(id)+".json"))
	if errors.Is(err, os.ErrNotExist) {
		return tariff.Tariff{}, false, nil
	}
	if err != nil {
		return tariff.Tariff{}, true, err
	}
	t, err := tariff.Decode(text)
	return t, true, err
}
